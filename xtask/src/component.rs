//! The kernel as a WebAssembly component, built twice: for everybody, and for our own host.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use wit_component::ComponentEncoder;

use crate::process;
use crate::setup::Tools;
use crate::workspace::{self, WASM, step};

/// A way to build the component.
struct Variant {
    name: &'static str,
    file: &'static str,
    purpose: &'static str,
    flags: &'static [&'static str],
}

const VARIANTS: [Variant; 2] = [
    Variant {
        name: "portable",
        file: "authkernel.component.wasm",
        purpose: "for every component runtime",
        flags: &[],
    },
    // Wide arithmetic makes 64-bit curve arithmetic pay; without it the 32-bit one is faster.
    Variant {
        name: "embedded",
        file: "authkernel.embedded.component.wasm",
        purpose: "for the wasmtime host, with wide arithmetic",
        flags: &[
            // The compiler warns that the feature may change. What it has to say about our code it says
            // for the portable one.
            "-Awarnings",
            "-Ctarget-feature=+wide-arithmetic",
            "--cfg=curve25519_dalek_bits=\"64\"",
        ],
    },
];

/// Builds both components into `target/wasm`.
pub(crate) fn build(tools: &Tools) -> Result<()> {
    for variant in &VARIANTS {
        step(&format!(
            "Building the {} component, {}",
            variant.name, variant.purpose
        ));
        let module = compile(tools, variant)?;
        let component = encode(&module)?;
        let file = workspace::components().join(variant.file);
        let changed = write_if_changed(&file, &component)?;
        println!(
            "    {}: {} bytes, {} with gzip{}",
            workspace::short(&file),
            component.len(),
            gzip_size(&component)?,
            if changed { "" } else { " (unchanged)" }
        );
    }
    Ok(())
}

/// Compiles the core module, in a folder of its own: other flags would throw away its cache.
fn compile(tools: &Tools, variant: &Variant) -> Result<PathBuf> {
    let folder = workspace::root()
        .join("target")
        .join("wasm-build")
        .join(variant.name);
    let mut command = tools.wasm.cargo_build(variant.flags);
    command
        .args(["--package", "authkernel-component", "--profile", "wasm"])
        .arg("--target-dir")
        .arg(&folder);
    process::run(&mut command)?;
    Ok(folder
        .join(WASM)
        .join("wasm")
        .join("authkernel_component.wasm"))
}

/// Wraps the module; its interface is described in a section that wit-bindgen left in it.
fn encode(module: &Path) -> Result<Vec<u8>> {
    let bytes =
        fs::read(module).with_context(|| format!("cannot read {}", workspace::short(module)))?;
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|mut encoder| encoder.encode());
    encoded.with_context(|| format!("{} is no component", workspace::short(module)))
}

/// Leaves an equal file alone, so that cargo does not build the hosts again.
pub(crate) fn write_if_changed(file: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(file).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let folder = file.parent().context("a component has a folder")?;
    fs::create_dir_all(folder)?;
    // A host that is built meanwhile must see the old file or the new one, never half of it.
    let partial = file.with_extension("partial");
    fs::write(&partial, bytes)
        .and_then(|()| fs::rename(&partial, file))
        .with_context(|| format!("cannot write {}", workspace::short(file)))?;
    Ok(true)
}

pub(crate) fn gzip_size(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}
