//! Sign-out with thousands of real connections, and the start of the server: runs the load driver against the server
//! of the same profile.
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
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");

    // Beside the benches, so that both share their dependencies, features included.
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.current_dir(&workspace).args(["build", "--profile", "bench", "--bin", "authkernel", "--benches"]);
    build.args(["--package", "authkernel-wasmtime", "--package", "authkernel-tests"]);
    if !succeeds(&mut build) {
        return ExitCode::FAILURE;
    }

    let table = workspace.join("target/bench/load.md");
    let mut drive = Command::new(env!("CARGO_BIN_EXE_load"));
    drive.args(arguments).arg("--markdown").arg(table);
    match succeeds(&mut drive) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn succeeds(command: &mut Command) -> bool {
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("error: {:?} does not start: {error}", command.get_program());
            false
        }
    }
}
