//! `cargo xtask ci`: everything that must hold before a change is accepted.

use std::process::ExitCode;

use anyhow::Result;

use crate::workspace::{self, step};
use crate::{build, demo, process, test};

/// Runs every check in order and ends at the first that fails.
pub(crate) fn run() -> Result<ExitCode> {
    step("Checking the format");
    process::run(workspace::cargo("fmt").args(["--all", "--check"]))?;
    build::components()?;
    step("Checking lints");
    for selection in workspace::PARTS {
        let mut command = workspace::cargo("clippy");
        command
            .args(selection)
            .args(["--all-targets", "--", "-D", "warnings"]);
        process::run(&mut command)?;
    }
    step("Checking that the documentation builds without a warning");
    for selection in workspace::PARTS {
        let mut command = workspace::cargo("doc");
        command
            .args(selection)
            .arg("--no-deps")
            .env("RUSTDOCFLAGS", "-D warnings");
        process::run(&mut command)?;
    }
    let tested = test::run()?;
    if tested != ExitCode::SUCCESS {
        return Ok(tested);
    }
    demo::check(demo::Server::Rust)?;
    Ok(ExitCode::SUCCESS)
}
