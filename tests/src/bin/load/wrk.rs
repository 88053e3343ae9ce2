//! `wrk`, the load generator, where it is installed.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tokio::task::spawn_blocking;

/// One thread, as many connections as our own clients have.
const ARGUMENTS: [&str; 3] = ["-t1", "-c32", "-d10s"];

/// The command, as a person would type it.
pub(crate) fn command() -> String {
    format!("wrk {}", ARGUMENTS.join(" "))
}

/// Whether it is there.
pub(crate) fn is_installed() -> bool {
    let mut wrk = Command::new("wrk");
    wrk.arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // It prints its version and exits with 1.
    wrk.status().is_ok()
}

/// Requests per second, as it says.
pub(crate) async fn load(address: SocketAddr, token: &str) -> Result<f64> {
    let mut wrk = Command::new("wrk");
    wrk.args(ARGUMENTS)
        .args(["-H", &format!("Authorization: Bearer {token}")])
        .arg(format!("http://{address}/api/me"));
    let output = spawn_blocking(move || wrk.output()).await??;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "wrk failed: {said}");
    let bad = ["Non-2xx", "Socket errors"];
    ensure!(
        !bad.iter().any(|bad| said.contains(bad)),
        "an answer was not a good one: {said}"
    );
    let rate = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    Ok(rate.context("wrk names no rate")?.trim().parse()?)
}
