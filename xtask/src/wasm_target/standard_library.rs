//! Building the target's standard library from source, and putting it where the compiler looks.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::Rustc;
use crate::process;
use crate::workspace::{self, WASM};

/// Lies beside the libraries that were built here, so that they are never mixed with rustup's.
const MARK: &str = "built-by-authkernel";

/// The empty crate that makes cargo build the standard library.
const EMPTY: &str = "empty";

/// Whether the crates that every program needs are there.
pub(super) fn complete(library: &Path) -> bool {
    let files = names(library);
    ["libcore-", "liballoc-", "libstd-"].iter().all(|crate_| {
        let is = |name: &String| name.starts_with(crate_) && name.ends_with(".rlib");
        files.iter().any(is)
    })
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    entries.map(name).collect()
}

/// Whether this program put the library there.
pub(super) fn made_here(library: &Path) -> bool {
    library.join(MARK).is_file()
}

/// Takes away a library that this program put there.
pub(super) fn remove(library: &Path) -> Result<()> {
    let folder = library.parent().unwrap_or(library);
    fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))
}

/// Fails early, and clearly, where the toolchain belongs to somebody else.
pub(super) fn writable(rustc: &Rustc) -> Result<()> {
    let folder = rustc.sysroot.join("lib/rustlib");
    let attempt = folder.join(".authkernel-writable");
    fs::write(&attempt, "")
        .and_then(|()| fs::remove_file(&attempt))
        .with_context(|| {
            format!(
                "the toolchain's folder {} is not writable",
                folder.display()
            )
        })
}

/// Builds the standard library from the sources and installs it.
pub(super) fn build(rustc: &Rustc, sources: &Path, work: &Path) -> Result<()> {
    let crate_ = empty_crate(work)?;
    let link = SourceLink::make(&rustc.sysroot, sources)?;
    let target = work.join("build");
    let mut command = workspace::cargo("build");
    command
        .current_dir(&crate_)
        .args([
            "--release",
            "-Z",
            "build-std=std,panic_abort",
            "--target",
            WASM,
        ])
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTC_BOOTSTRAP", "1")
        // Without the bitcode no program can use LTO against these libraries.
        .env("CARGO_ENCODED_RUSTFLAGS", "-Cembed-bitcode=yes");
    process::run(&mut command)?;
    drop(link);
    install(&target.join(WASM).join("release/deps"), &rustc.library())
}

/// Writes the crate that has nothing in it and belongs to no workspace.
pub(super) fn empty_crate(work: &Path) -> Result<PathBuf> {
    let folder = work.join(EMPTY);
    fs::create_dir_all(folder.join("src"))
        .with_context(|| format!("cannot write to {}", work.display()))?;
    fs::write(
        folder.join("Cargo.toml"),
        format!("[package]\nname = \"{EMPTY}\"\nedition = \"2024\"\n\n[workspace]\n"),
    )?;
    fs::write(folder.join("src/lib.rs"), "")?;
    Ok(folder)
}

/// The link through which cargo finds the sources of a sysroot.
///
/// It is taken away again: the sources lie in a folder that `cargo clean` removes, and rustup's own
/// `rust-src` must find its place free.
pub(super) struct SourceLink(Option<PathBuf>);

impl SourceLink {
    pub(super) fn make(sysroot: &Path, sources: &Path) -> Result<Self> {
        let place = sources_of(sysroot);
        if place.join("Cargo.lock").is_file() {
            return Ok(Self(None));
        }
        fs::create_dir_all(place.parent().unwrap_or(sysroot))?;
        if place.is_symlink() {
            fs::remove_file(&place)?;
        }
        link(sources, &place)
            .with_context(|| format!("cannot make the link {}", place.display()))?;
        Ok(Self(Some(place)))
    }

    /// Leaves the link, for a sysroot of our own.
    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for SourceLink {
    fn drop(&mut self) {
        if let Some(place) = &self.0 {
            let _ = fs::remove_file(place);
            // These exist only for it; they stay when something else is in them.
            for folder in place.ancestors().skip(1).take(2) {
                let _ = fs::remove_dir(folder);
            }
        }
    }
}

#[cfg(unix)]
fn link(sources: &Path, place: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(sources, place)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Where cargo looks for the sources of a sysroot's libraries.
pub(super) fn sources_of(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib/src/rust/library")
}

/// Copies the libraries beside their place, then moves them there in one step.
fn install(built: &Path, library: &Path) -> Result<()> {
    let folder = library.parent().context("a library has a folder")?;
    let partial = folder.with_extension("partial");
    let _ = fs::remove_dir_all(&partial);
    fs::create_dir_all(partial.join("lib"))
        .with_context(|| format!("cannot write to {}", partial.display()))?;
    let mut count = 0;
    for name in names(built) {
        let is_library = Path::new(&name).extension() == Some(OsStr::new("rlib"));
        if is_library && !name.starts_with(&format!("lib{EMPTY}-")) {
            fs::copy(built.join(&name), partial.join("lib").join(&name))?;
            count += 1;
        }
    }
    if count == 0 {
        bail!("nothing was built in {}", built.display());
    }
    fs::write(partial.join("lib").join(MARK), "")?;
    // What is there is incomplete, or we would not be here.
    let _ = fs::remove_dir_all(folder);
    fs::rename(&partial, folder).with_context(|| format!("cannot write {}", folder.display()))
}
