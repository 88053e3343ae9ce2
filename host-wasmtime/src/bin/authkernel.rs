//! The `authkernel` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    authkernel_wasmtime::server::main()
}
