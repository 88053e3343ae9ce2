//! Sign-out with thousands of real connections, and the start of the server: runs the load driver against the server
//! of the same profile, each in a process of its own.
//!
//! `cargo bench -p authkernel-tests --bench load -- one-session` runs one scenario; `--sockets 1000` and the other
//! options of the driver work too.

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let measures = arguments.iter().any(|argument| argument == "--bench");
    arguments.retain(|argument| argument != "--bench");
    if !measures || arguments.iter().any(|argument| argument == "--list") {
        // `cargo test --benches` only wants to know that it was compiled.
        return ExitCode::SUCCESS;
    }
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench/load.md");
    let mut driver = Command::new(env!("CARGO_BIN_EXE_load"));
    driver.args(["--server", env!("CARGO_BIN_EXE_authkernel-under-test")]);
    driver.args(arguments).arg("--markdown").arg(table);
    match driver.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: the load driver does not start: {error}");
            ExitCode::FAILURE
        }
    }
}
