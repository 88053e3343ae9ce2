//! The standard library of the WebAssembly target, got in the first of these ways that works:
//!
//! 1. it is there, and really compiles;
//! 2. `rustup target add`, with a time limit, because on some machines that download hangs;
//! 3. built from the `rust-src` of exactly this compiler ([`debian_src`]);
//! 4. a newer compiler of Debian, for the wasm crates alone ([`debian_compiler`]).
//!
//! Ways 3 and 4 ask the machine's own apt configuration and install no package.

mod apt;
mod debian_compiler;
mod debian_src;
mod rustup;
mod sources;
mod standard_library;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use self::debian_compiler::DebianCompiler;
use crate::process;
use crate::workspace::{self, WASM, step};

/// The compiler in use.
#[derive(Debug)]
pub(crate) struct Rustc {
    /// Such as `1.95.0`.
    pub(crate) version: String,
    /// The target it runs on.
    pub(crate) host: String,
    /// Where its libraries are.
    pub(crate) sysroot: PathBuf,
    /// All it says about itself; two compilers with different words share no libraries.
    identity: String,
}

impl Rustc {
    /// Asks the compiler that cargo will use.
    pub(crate) fn ask() -> Result<Self> {
        let identity = rustc(&["-vV"])?;
        let line = |name: &str| {
            let found = identity.lines().find_map(|line| line.strip_prefix(name));
            found.map(|value| value.trim().to_owned())
        };
        Ok(Self {
            version: line("release:").context("rustc does not tell its version")?,
            host: line("host:").context("rustc does not tell its host")?,
            sysroot: PathBuf::from(rustc(&["--print", "sysroot"])?.trim()),
            identity,
        })
    }

    /// Where the standard library of the target belongs.
    fn library(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib").join(WASM).join("lib")
    }
}

fn rustc_command() -> Command {
    let mut command = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.current_dir(workspace::root());
    command
}

fn rustc(arguments: &[&str]) -> Result<String> {
    process::capture(rustc_command().args(arguments), Duration::from_secs(60))?
        .success()
        .context("cannot ask rustc about itself")
}

/// What compiles the wasm crates.
#[derive(Debug)]
pub(crate) enum WasmToolchain {
    /// The compiler in use, with the target's library in its sysroot.
    Own,
    /// Debian's newer compiler, unpacked under `target/`.
    Debian(DebianCompiler),
}

impl WasmToolchain {
    /// `cargo build` for the target, with exactly these flags for the compiler.
    ///
    /// Flags from outside are dropped: they replace those of the target, and the component that was
    /// tested would not be the one that was built.
    pub(crate) fn cargo_build(&self, flags: &[&str]) -> Command {
        let mut command = workspace::cargo("build");
        command.args(["--target", WASM]).env_remove("RUSTFLAGS");
        let mut flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        if let Self::Debian(compiler) = self {
            flags.extend(compiler.prepare(&mut command));
        }
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        command
    }
}

/// Where this module keeps what it fetched and remembers what it found.
fn state() -> PathBuf {
    workspace::root().join("target").join("wasm-target")
}

/// Name, what to expect, and how to put the library into the toolchain.
type Way = (&'static str, &'static str, fn(&Rustc) -> Result<()>);

/// Makes sure that the wasm crates can be compiled.
pub(crate) fn ensure(rustc: &Rustc) -> Result<WasmToolchain> {
    if ready(rustc)? {
        return Ok(WasmToolchain::Own);
    }
    if let Some(compiler) = DebianCompiler::remembered(rustc) {
        return Ok(WasmToolchain::Debian(compiler));
    }
    step(&format!(
        "The standard library of {WASM} is missing in the toolchain; fetching it"
    ));
    let mut failures = Vec::new();
    let ways: [Way; 2] = [
        (rustup::NAME, rustup::NOTE, rustup::add),
        (debian_src::NAME, debian_src::NOTE, debian_src::build),
    ];
    for (name, note, way) in ways {
        if attempt(name, note, &mut failures, || install(rustc, way)).is_some() {
            return Ok(WasmToolchain::Own);
        }
    }
    let (name, note) = (debian_compiler::NAME, debian_compiler::NOTE);
    let unpack = || DebianCompiler::install(rustc);
    if let Some(compiler) = attempt(name, note, &mut failures, unpack) {
        return Ok(WasmToolchain::Debian(compiler));
    }
    bail!(
        "the standard library of {WASM} could not be had:\n  - {}\n\
         Where the Internet is reachable, run:\n\n    rustup target add {WASM}\n\n\
         Without rustup, install your system's package of Rust's standard library for {WASM}.",
        failures.join("\n  - ")
    )
}

/// Tries one way; a failure is told and kept for the last message.
fn attempt<T>(
    name: &str,
    note: &str,
    failures: &mut Vec<String>,
    way: impl FnOnce() -> Result<T>,
) -> Option<T> {
    let started = Instant::now();
    step(&format!("{name} ({note})"));
    let outcome = way();
    let seconds = started.elapsed().as_secs_f32();
    match outcome {
        Ok(value) => {
            println!("    done in {seconds:.1} s");
            Some(value)
        }
        Err(error) => {
            println!("    did not work ({seconds:.1} s): {error:#}");
            failures.push(format!("{name}: {error:#}"));
            None
        }
    }
}

/// A way that puts the library into the toolchain has worked when it is there and compiles.
fn install(rustc: &Rustc, way: fn(&Rustc) -> Result<()>) -> Result<()> {
    way(rustc)?;
    if !ready(rustc)? {
        bail!("it ended well, but the library is still missing");
    }
    Ok(())
}

/// Whether the library is there and compiles. Proven once per compiler and library, then remembered.
fn ready(rustc: &Rustc) -> Result<bool> {
    let library = rustc.library();
    if !standard_library::complete(&library) {
        return Ok(false);
    }
    let remembered = state().join("proven");
    let proof = format!(
        "{}{}\n{:?}\n",
        rustc.identity,
        library.display(),
        fs::metadata(&library).and_then(|data| data.modified()).ok()
    );
    if fs::read_to_string(&remembered).is_ok_and(|text| text == proof) {
        return Ok(true);
    }
    match prove(&state()) {
        Ok(()) => {
            fs::write(&remembered, proof)
                .with_context(|| format!("cannot write {}", remembered.display()))?;
            Ok(true)
        }
        // Ours, from before the toolchain was updated: the next way replaces it.
        Err(_) if standard_library::made_here(&library) => {
            standard_library::remove(&library)?;
            Ok(false)
        }
        Err(error) => Err(error.context(format!(
            "the library in {} does not fit this compiler; run `rustup target remove {WASM}`, \
             then `rustup target add {WASM}`",
            library.display()
        ))),
    }
}

/// Compiles and links a library of a few lines, with LTO as the component has it.
fn prove(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let source = folder.join("proof.rs");
    fs::write(
        &source,
        "#[unsafe(no_mangle)]\npub extern \"C\" fn proof(n: u32) -> u32 {\n    \
         vec![n; 3].iter().sum()\n}\n",
    )?;
    let mut command = rustc_command();
    command
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "cdylib",
            "--target",
            WASM,
        ])
        .args(["-C", "panic=abort", "-C", "lto=fat", "-o"])
        .arg(folder.join("proof.wasm"))
        .arg(&source);
    process::capture(&mut command, Duration::from_secs(120))?.success()?;
    Ok(())
}
