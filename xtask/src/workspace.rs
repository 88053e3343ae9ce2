//! Where things are, and the cargo that started us.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The only target of the kernel: it brings no WASI, so the component imports exactly what we declare.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// What cargo builds and tests together: all but this program.
///
/// Cargo builds a dependency with the features that everything selected asks for. This program and
/// wasmtime share some; selected together, wasmtime would be compiled once more, for minutes.
pub(crate) const PRODUCT: &[&str] = &["--workspace", "--exclude", "xtask"];

/// The whole workspace, in the parts that keep it so.
pub(crate) const PARTS: [&[&str]; 2] = [PRODUCT, &["--package", "xtask"]];

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        // Cargo sets it when it runs us; the compiled-in one is for a binary started by hand.
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .unwrap_or_else(|| OsString::from(env!("CARGO_MANIFEST_DIR")));
        let manifest = PathBuf::from(manifest);
        manifest
            .parent()
            .map_or(manifest.clone(), Path::to_path_buf)
    })
}

/// Where cargo puts what it builds for this machine.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// Where both components are written: hosts embed them from here, whatever cargo's target folder is.
pub(crate) fn components() -> PathBuf {
    root().join("target").join("wasm")
}

/// The `authkernel` command, built in the profile of demo, test and CI.
pub(crate) fn server() -> PathBuf {
    target()
        .join("debug")
        .join(format!("authkernel{}", env::consts::EXE_SUFFIX))
}

/// A cargo command in the workspace.
pub(crate) fn cargo(subcommand: &str) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(root()).arg(subcommand);
    // What cargo told this program about itself: build scripts that look at it would run again after every cargo by hand.
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR" {
            command.env_remove(name);
        }
    }
    command
}

/// A path as a person would write it: relative to the workspace where it is inside.
pub(crate) fn short(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// Says what begins now.
pub(crate) fn step(text: &str) {
    println!("==> {text}");
}
