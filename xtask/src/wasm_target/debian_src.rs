//! The standard library from the sources of exactly this compiler.
//!
//! Debian packages them as `rust-src`. A machine on a stable release does not offer the version itself,
//! but the archive it is configured for does, in a newer suite.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::apt::{self, Apt};
use super::sources::Sources;
use super::{Rustc, standard_library, state};

pub(super) const NAME: &str = "Building it from Debian's sources of this compiler";
pub(super) const NOTE: &str = "45 MB to fetch, then under a minute";

/// Where a recent compiler is, the most stable first.
const SUITES: [&str; 4] = ["trixie-backports", "trixie", "forky", "sid"];

pub(super) fn build(rustc: &Rustc) -> Result<()> {
    standard_library::writable(rustc)?;
    let work = state().join("debian-src");
    let result = build_in(rustc, &work);
    // 400 MB of sources and intermediate files that nothing needs again.
    let _ = fs::remove_dir_all(&work);
    result
}

fn build_in(rustc: &Rustc, work: &Path) -> Result<()> {
    let present = standard_library::sources_of(&rustc.sysroot);
    let sources = match present.join("Cargo.lock").is_file() {
        // The component `rust-src` of rustup.
        true => present,
        false => fetch(rustc, work)?,
    };
    println!("    compiling it");
    standard_library::build(rustc, &sources, work)
}

/// Downloads the sources and returns their `library` folder.
fn fetch(rustc: &Rustc, work: &Path) -> Result<PathBuf> {
    apt::available()?;
    let mut reasons = Vec::new();
    for suite in SUITES {
        match fetch_from(suite, rustc, work) {
            Ok(library) => return Ok(library),
            Err(error) => reasons.push(format!("{suite}: {error:#}")),
        }
    }
    bail!("{}", reasons.join("; "))
}

fn fetch_from(suite: &str, rustc: &Rustc, work: &Path) -> Result<PathBuf> {
    let sources = Sources::of_machine(suite)?;
    let apt = Apt::new(&work.join("apt"), Some(&sources))?;
    apt.update()?;
    let wanted = format!("{}+", rustc.version);
    let version = apt
        .versions("rust-src")?
        .into_iter()
        .find(|version| version.starts_with(&wanted))
        .with_context(|| format!("no rust-src {}", rustc.version))?;
    println!("    fetching rust-src {version} from {suite}");
    let root = work.join("root");
    apt.unpack(&[format!("rust-src={version}")], &root)?;
    library_in(&root)
}

/// The `library` folder of an unpacked `rust-src`.
pub(super) fn library_in(root: &Path) -> Result<PathBuf> {
    let folders = fs::read_dir(root.join("usr/src"))?.flatten();
    folders
        .map(|entry| entry.path().join("library"))
        .find(|library| library.join("Cargo.lock").is_file())
        .context("the package has no library sources")
}
