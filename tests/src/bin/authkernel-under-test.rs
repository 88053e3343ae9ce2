//! The `authkernel` command, built together with the tests that run it.

use std::process::ExitCode;

fn main() -> ExitCode {
    authkernel_wasmtime::server::main()
}
