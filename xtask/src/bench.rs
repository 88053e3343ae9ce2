//! `cargo xtask bench`: speed, side by side in one run.

use std::process::Command;

use anyhow::Result;

use crate::workspace::{self, step};
use crate::{build, js, node, process};

/// Builds the components, then runs the benches whose name contains the filter.
pub(crate) fn run(filter: Option<&str>) -> Result<()> {
    build::components()?;
    step(
        "Running the benches; the first time this compiles wasmtime once more, in the profile of \
         benches, 6 to 7 minutes on two cores",
    );
    let mut command = workspace::cargo("bench");
    command.args(["--package", "authkernel-tests"]);
    if let Some(filter) = filter {
        command.args(["--", filter]);
    }
    process::run(&mut command)
}

/// Builds the npm package, then measures it beside its peers.
pub(crate) fn javascript() -> Result<()> {
    build::package()?;
    let folder = js::folder().join("bench");
    node::install(&folder)?;
    for bench in ["authenticate.mjs", "start.mjs", "memory.mjs"] {
        step(&format!("Running {bench}"));
        process::run(Command::new("node").current_dir(&folder).arg(bench))?;
    }
    Ok(())
}
