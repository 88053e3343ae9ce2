//! Finds the built component, so that the library can embed it. Where there is none, nothing is embedded and
//! loading fails at run time with the command to run: `cargo build`, `clippy` and `doc` need no wasm target.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");

    // A released crate carries its own copy of `wit/`; in the workspace there is only one.
    println!("cargo::rustc-check-cfg=cfg(packaged)");
    if manifest.join("wit").is_dir() {
        println!("cargo::rustc-cfg=packaged");
    }

    println!("cargo::rerun-if-env-changed=AUTHKERNEL_COMPONENT");
    if env::var_os("CARGO_FEATURE_COMPONENT").is_none() {
        return Ok(());
    }
    let embedded = PathBuf::from(variable("OUT_DIR")?).join("authkernel.component.wasm");
    match find(&manifest) {
        Some(component) => {
            let bytes = fs::read(&component)?;
            // An unchanged file keeps its time, so that nothing is compiled again for it.
            if fs::read(&embedded).ok().as_deref() != Some(&bytes) {
                fs::write(&embedded, bytes)?;
            }
        }
        None => {
            println!(
                "cargo::warning=the kernel's component is not built and will not be embedded: run `cargo xtask build`"
            );
            fs::write(&embedded, [])?;
        }
    }
    Ok(())
}

/// The first that exists of: what the environment names, the released crate's own, the workspace's.
///
/// Only one file is watched. Cargo takes one that is not there for changed, in every build: that is wanted where none
/// was found, so that it is noticed when it appears, and would compile the library for nothing anywhere else.
fn find(manifest: &Path) -> Option<PathBuf> {
    let workspace = manifest.join("../target/wasm/authkernel.embedded.component.wasm");
    let candidates = [
        env::var_os("AUTHKERNEL_COMPONENT").map(PathBuf::from),
        Some(manifest.join("component/authkernel.component.wasm")),
        Some(workspace.clone()),
    ];
    let found = candidates.into_iter().flatten().find(|path| path.is_file());
    let watched = found.as_ref().unwrap_or(&workspace);
    println!("cargo::rerun-if-changed={}", watched.display());
    found
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|error| io::Error::other(format!("{name}: {error}")))
}
