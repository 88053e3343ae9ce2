//! `cargo xtask build`: the components, then the host that embeds one of them.

use anyhow::Result;

use crate::setup;
use crate::workspace::{self, step};
use crate::{component, js, process};

/// Prepares the machine and builds everything that runs.
pub(crate) fn run() -> Result<()> {
    let tools = setup::prepare()?;
    component::build(&tools)?;
    js::build(&tools)?;
    match workspace::server().is_file() {
        true => step("Building the wasmtime host"),
        false => step(
            "Building the wasmtime host; the first time this compiles wasmtime with its code \
             generator, 6 to 7 minutes on two cores",
        ),
    }
    let mut command = workspace::cargo("build");
    command.args(workspace::PRODUCT).args([
        "--bin",
        "authkernel",
        // They are small, and with them cargo counts what tests depend on: the features of every
        // dependency are then those of `cargo test`, and wasmtime is compiled once for both.
        "--examples",
    ]);
    process::run(&mut command)
}

/// Prepares the machine and builds the components only, for steps that compile the host their own way.
pub(crate) fn components() -> Result<()> {
    component::build(&setup::prepare()?)
}

/// Prepares the machine and builds what JavaScript needs, the contract suites for its adapters included.
pub(crate) fn javascript() -> Result<()> {
    let tools = setup::prepare()?;
    js::build(&tools)?;
    js::build_contract(&tools)
}

/// The module without ES256, beside the package that it can be used with.
pub(crate) fn without_es256() -> Result<()> {
    let tools = setup::prepare()?;
    js::build(&tools)?;
    js::build_without_es256(&tools)
}

/// Prepares the machine and builds the npm package, which needs no wasmtime.
pub(crate) fn package() -> Result<()> {
    js::build(&setup::prepare()?)
}

/// What only tests in JavaScript need: the contract suites for storages, and the module without ES256.
pub(crate) fn for_tests() -> Result<()> {
    let tools = setup::prepare()?;
    js::build_contract(&tools)?;
    js::build_without_es256(&tools)
}
