//! The kernel for JavaScript: compiled, given its glue by wasm-bindgen, and the npm package built around it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::component::{gzip_size, write_if_changed};
use crate::node;
use crate::process;
use crate::setup::{self, Tools};
use crate::workspace::{self, WASM, step};

/// The cargo profile: small where it is not hot, because it is downloaded.
const PROFILE: &str = "wasm-js";

/// The module without ES256 is for those who count kilobytes: less is copied into callers, so it is 12 KB smaller and a little slower.
const SMALL: &[&str] = &["-Cllvm-args=-inline-threshold=30"];

/// Where the npm package is made.
pub(crate) fn folder() -> PathBuf {
    workspace::root().join("bindings-js")
}

/// Builds the module and its glue into `target/wasm/js`, then the package into `bindings-js/dist`.
pub(crate) fn build(tools: &Tools) -> Result<()> {
    step("Building the kernel for JavaScript");
    let module = compile(tools, &[], &[], "js")?;
    bind(&module, &workspace::components().join("js"))?;
    package()
}

/// Builds the module without ES256 into `target/wasm/js-without-es256`. The package works with either.
pub(crate) fn build_without_es256(tools: &Tools) -> Result<()> {
    step("Building the kernel for JavaScript without ES256");
    let target = workspace::components().join("js-without-es256");
    let arguments = ["--no-default-features"];
    let module = compile(tools, SMALL, &arguments, "js-without-es256")?;
    bind(&module, &target)?;
    let glue = |folder: &Path| fs::read(folder.join("glue.js"));
    ensure!(
        glue(&workspace::components().join("js"))? == glue(&target)?,
        "the module without ES256 needs other glue than the package has"
    );
    Ok(())
}

/// Builds the contract suites for JavaScript adapters into `target/wasm/js-contract`.
pub(crate) fn build_contract(tools: &Tools) -> Result<()> {
    step("Building the contract suites for storages in JavaScript");
    let module = compile(tools, &[], &["--features", "contract"], "js-contract")?;
    bind(&module, &workspace::components().join("js-contract"))
}

/// Compiles `js/` with what is there of the kernel.
fn package() -> Result<()> {
    if let Err(error) = setup::check_node() {
        println!("    SKIPPED: the npm package: {error:#}");
        return Ok(());
    }
    node::install(&folder())?;
    step("Building the npm package");
    process::run(
        Command::new("node")
            .current_dir(folder())
            .arg("scripts/build.mjs"),
    )
}

fn compile(tools: &Tools, flags: &[&str], arguments: &[&str], name: &str) -> Result<PathBuf> {
    let folder = workspace::root()
        .join("target")
        .join("wasm-build")
        .join(name);
    let mut command = tools.wasm.cargo_build(flags);
    command
        .args(["--package", "authkernel-js", "--profile", PROFILE])
        .args(arguments)
        .arg("--target-dir")
        .arg(&folder);
    process::run(&mut command)?;
    Ok(folder.join(WASM).join(PROFILE).join("authkernel_js.wasm"))
}

/// Makes the glue. Loading is ours: wasm-bindgen's own way does not work in every runtime.
fn bind(module: &Path, target: &Path) -> Result<()> {
    let mut output = Bindgen::new()
        .input_path(module)
        .out_name("glue")
        .web(true)?
        .typescript(true)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()
        .with_context(|| format!("no glue for {}", workspace::short(module)))?;
    let wasm = output.wasm_mut().emit_wasm();
    write_if_changed(&target.join("glue.js"), output.js().as_bytes())?;
    let types = output.ts().context("wasm-bindgen wrote no types")?;
    write_if_changed(&target.join("glue.d.ts"), types.as_bytes())?;
    let file = target.join("kernel.wasm");
    let changed = write_if_changed(&file, &wasm)?;
    println!(
        "    {}: {} bytes, {} with gzip{}",
        workspace::short(&file),
        wasm.len(),
        gzip_size(&wasm)?,
        if changed { "" } else { " (unchanged)" }
    );
    Ok(())
}
