//! `cargo xtask bench`: speed, side by side in one run.

use anyhow::Result;

use crate::workspace::{self, step};
use crate::{build, process};

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
