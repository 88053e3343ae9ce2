//! Folders with programs for Node, and what they need from npm.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::workspace::{self, step};

/// Installs what a folder's lockfile says, unless that is there already.
pub(crate) fn install(folder: &Path) -> Result<()> {
    if !outdated(folder) {
        return Ok(());
    }
    step(&format!(
        "Installing what {} needs (npm ci)",
        workspace::short(folder)
    ));
    let mut command = Command::new("npm");
    command
        .current_dir(folder)
        .args(["ci", "--no-audit", "--no-fund"]);
    process::run(&mut command)
}

/// Whether `node_modules` is missing or from before the lockfile. npm leaves its own mark in it.
fn outdated(folder: &Path) -> bool {
    let modified = |name: &str| fs::metadata(folder.join(name)).and_then(|data| data.modified());
    match (
        modified("package-lock.json"),
        modified("node_modules/.package-lock.json"),
    ) {
        (Ok(lock), Ok(installed)) => lock > installed,
        (Ok(_), Err(_)) => true,
        (Err(_), _) => false,
    }
}
