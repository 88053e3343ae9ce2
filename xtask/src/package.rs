//! `cargo xtask package`: the crates as they are released, with the built component inside.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::workspace::{self, step};
use crate::{build, process};

/// What the host crate needs and has only in the workspace: a released crate carries its own copy, so that nobody who
/// depends on it needs a wasm target.
const EMBEDDED: &str = "authkernel.embedded.component.wasm";
const PACKAGED: &str = "component/authkernel.component.wasm";

/// Builds the components and packs both crates into `target/package`.
pub(crate) fn run() -> Result<()> {
    build::components()?;
    let host = workspace::root().join("host-wasmtime");
    let _copies = Copies::make(&host)?;
    step("Packing the crates");
    let crates = [
        "--package",
        "authkernel",
        "--package",
        "authkernel-wasmtime",
    ];
    let mut command = workspace::cargo("package");
    // What was copied is not committed, and the host can only be verified once the kernel is released.
    command
        .args(crates)
        .args(["--allow-dirty", "--no-verify", "--quiet"]);
    process::run(&mut command)?;
    check()?;
    println!(
        "    the crates are in {}",
        workspace::short(&workspace::target().join("package"))
    );
    Ok(())
}

/// A host without component or interface would only fail at its users'.
fn check() -> Result<()> {
    let mut command = workspace::cargo("package");
    command.args([
        "--package",
        "authkernel-wasmtime",
        "--list",
        "--allow-dirty",
        "--quiet",
    ]);
    let listed = command.output().context("cargo does not start")?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    for needed in [PACKAGED, "wit/world.wit", "wit/storage.wit", "README.md"] {
        ensure!(
            listed.lines().any(|line| line == needed),
            "the packed host lacks {needed}"
        );
    }
    Ok(())
}

/// The copies, as long as the value lives.
struct Copies(Vec<PathBuf>);

impl Copies {
    fn make(host: &Path) -> Result<Self> {
        let copies = Self(vec![host.join("wit"), host.join("component")]);
        copies.remove();
        copy_folder(&workspace::root().join("wit"), &host.join("wit"))?;
        fs::create_dir_all(host.join("component"))?;
        fs::copy(workspace::components().join(EMBEDDED), host.join(PACKAGED))
            .context("cannot copy the component")?;
        Ok(copies)
    }

    fn remove(&self) {
        for folder in &self.0 {
            // What is not there need not be removed; what cannot be is seen by git.
            let _ = fs::remove_dir_all(folder);
        }
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        self.remove();
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy_folder(&entry.path(), &target)?,
            false => fs::copy(entry.path(), target).map(drop)?,
        }
    }
    Ok(())
}
