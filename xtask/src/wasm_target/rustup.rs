//! The usual way: `rustup target add`.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use super::{Rustc, standard_library};
use crate::process;
use crate::workspace::{self, WASM};

pub(super) const NAME: &str = "Asking rustup for the target";
pub(super) const NOTE: &str = "20 MB; at most 60 s, because on some machines it hangs";

/// A connection that works needs seconds; one that hangs would keep us forever.
const LIMIT: Duration = Duration::from_secs(60);

pub(super) fn add(rustc: &Rustc) -> Result<()> {
    if process::find("rustup").is_none() {
        bail!("rustup is not installed");
    }
    // Rustup refuses to write over files it does not know, and two libraries would be ambiguous.
    if standard_library::made_here(&rustc.library()) {
        standard_library::remove(&rustc.library())?;
    }
    // Cargo was started through rustup and passes the toolchain on in RUSTUP_TOOLCHAIN.
    let mut command = Command::new("rustup");
    command
        .current_dir(workspace::root())
        .args(["target", "add", WASM])
        // Its messages say what failed; its own stack does not help anyone here.
        .env("RUST_BACKTRACE", "0");
    process::run_limited(&mut command, LIMIT)?.success()
}
