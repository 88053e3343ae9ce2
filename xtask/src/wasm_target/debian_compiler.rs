//! The last resort: Debian's own newer compiler, for the wasm crates alone.
//!
//! A Debian release gets new compilers for its browsers. One of them is unpacked under `target/` (it is
//! never installed: it conflicts with rustup) and compiles the standard library together with the crates.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use super::apt::Apt;
use super::standard_library::{self, SourceLink};
use super::{Rustc, debian_src, state};
use crate::process;

pub(super) const NAME: &str = "Unpacking Debian's newer compiler under target/";
pub(super) const NOTE: &str = "140 MB to fetch, a minute in all; for the wasm crates alone";

/// Compiler, libraries for this machine, sources; the one for browsers first.
const FAMILIES: [[&str; 3]; 2] = [
    ["rustc-web", "libstd-rust-web-dev", "rust-web-src"],
    ["rustc", "libstd-rust-dev", "rust-src"],
];

/// An unpacked compiler.
#[derive(Debug)]
pub(crate) struct DebianCompiler {
    root: PathBuf,
    /// Rust's own linker: Debian's compiler comes without one for this target.
    linker: PathBuf,
}

impl DebianCompiler {
    /// The one that an earlier run unpacked and proved.
    pub(super) fn remembered(rustc: &Rustc) -> Option<Self> {
        let compiler = Self::at(rustc);
        let proven = compiler.root.join("proven").is_file();
        (proven && compiler.rustc().is_file() && compiler.linker.is_file()).then_some(compiler)
    }

    fn at(rustc: &Rustc) -> Self {
        let tools = rustc
            .sysroot
            .join("lib/rustlib")
            .join(&rustc.host)
            .join("bin");
        Self {
            root: state().join("debian-compiler"),
            linker: tools.join(format!("rust-lld{}", env::consts::EXE_SUFFIX)),
        }
    }

    /// Fetches it, unpacks it, and compiles something with it.
    pub(super) fn install(rustc: &Rustc) -> Result<Self> {
        let compiler = Self::at(rustc);
        if !compiler.linker.is_file() {
            bail!(
                "the toolchain has no linker at {}",
                compiler.linker.display()
            );
        }
        let work = state().join("debian-compiler-work");
        let apt = Apt::new(&work.join("apt"), None)?;
        // One broken source of somebody else's packages is no reason to stop; a missing package is.
        let updated = apt.update();
        let packages = choose(&apt, &rustc.version).map_err(|error| match updated {
            Err(update) => error.context(format!("{update:#}")),
            Ok(()) => error,
        })?;
        println!("    fetching {}", packages.join(" "));
        let _ = fs::remove_dir_all(&compiler.root);
        apt.unpack(&packages, &compiler.root)?;
        let sources = debian_src::library_in(&compiler.root)?;
        SourceLink::make(&compiler.root.join("usr"), &sources)?.keep();
        println!("    trying it");
        compiler.prove(&work)?;
        fs::write(compiler.root.join("proven"), packages.join("\n"))?;
        let _ = fs::remove_dir_all(&work);
        Ok(compiler)
    }

    fn rustc(&self) -> PathBuf {
        self.root.join("usr/bin/rustc")
    }

    /// Sets up a cargo command to compile for the target with it; returns the flags it needs.
    pub(super) fn prepare(&self, command: &mut Command) -> Vec<String> {
        let mut libraries = library_folders(&self.root.join("usr/lib"));
        let outer = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        libraries.extend(env::split_paths(&outer));
        command
            .args(["-Z", "build-std=std,panic_abort"])
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTC", self.rustc());
        if let Ok(joined) = env::join_paths(libraries) {
            command.env("LD_LIBRARY_PATH", joined);
        }
        vec![
            format!("-Clinker={}", self.linker.display()),
            "-Clinker-flavor=wasm-ld".to_owned(),
        ]
    }

    fn prove(&self, work: &Path) -> Result<()> {
        let crate_ = standard_library::empty_crate(work)?;
        let toolchain = super::WasmToolchain::Debian(Self {
            root: self.root.clone(),
            linker: self.linker.clone(),
        });
        let mut command = toolchain.cargo_build(&[]);
        command
            .current_dir(crate_)
            .arg("--release")
            .arg("--target-dir")
            .arg(work.join("build"));
        process::run_limited(&mut command, Duration::from_secs(600))?.success()
    }
}

/// The packages of the first family that is new enough, with the libraries the machine lacks.
fn choose(apt: &Apt, wanted: &str) -> Result<Vec<String>> {
    for [compiler, libraries, sources] in FAMILIES {
        let versions = apt.versions(compiler)?;
        let new_enough = |version: &&String| number(version) >= number(wanted);
        let Some(version) = versions.iter().find(new_enough) else {
            continue;
        };
        let first = [compiler, libraries, sources].map(|name| format!("{name}={version}"));
        return with_libraries(apt, first.to_vec());
    }
    bail!("no compiler of version {wanted} or later is on offer")
}

/// Adds what the packages need, as far as it is a library that is not installed.
fn with_libraries(apt: &Apt, first: Vec<String>) -> Result<Vec<String>> {
    let mut names: BTreeSet<String> = first.iter().map(|package| name(package)).collect();
    let mut all = first;
    let mut next = 0;
    while let Some(package) = all.get(next).cloned() {
        next += 1;
        for needed in apt.dependencies(&package)? {
            let name = name(&needed);
            // The C library and its headers are the machine's own, always.
            let other = !name.starts_with("lib") || name.starts_with("libc6") || name == "libc-dev";
            if !other && !installed(&name) && names.insert(name) {
                all.push(needed);
            }
        }
    }
    Ok(all)
}

fn name(package: &str) -> String {
    package.split('=').next().unwrap_or(package).to_owned()
}

fn installed(package: &str) -> bool {
    let mut command = Command::new("dpkg-query");
    command.args(["-W", "-f", "${db:Status-Status}", package]);
    process::capture(&mut command, Duration::from_secs(20))
        .and_then(process::Captured::success)
        .is_ok_and(|status| status == "installed")
}

/// The numbers at the head of a version: `1.96.0+dfsg1-1` is 1, 96, 0.
fn number(version: &str) -> Vec<u32> {
    let head = version.split(['+', '-', '~']).next().unwrap_or_default();
    head.split('.')
        .map(|part| part.parse().unwrap_or(0))
        .collect()
}

/// Every folder with a shared library in it, two levels deep: `usr/lib/<machine>` and such.
fn library_folders(lib: &Path) -> Vec<PathBuf> {
    let inside = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let is_shared = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".so") || name.contains(".so.")
    };
    std::iter::once(lib.to_path_buf())
        .chain(inside(lib))
        .filter(|folder| folder.is_dir() && inside(folder).iter().any(is_shared))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(number("1.100.0+dfsg1-2~bpo13+1") > number("1.95.0"));
        assert!(number("1.85.0+dfsg3-1~deb12u3") < number("1.95.0"));
        assert!(number("1.95.0+dfsg1") >= number("1.95.0"));
    }
}
