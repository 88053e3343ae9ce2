//! The reference server as users meet it: the real program, a port, HTTP and live connections.

mod abuse;
mod accounts;
mod bad_input;
mod check;
mod command;
mod crash;
mod credentials;
mod disk;
mod limits;
mod live;
mod metrics;
mod oauth;
mod race;
mod readme;
mod secrets;
mod sessions;
mod shared;
mod start;
mod tls;

use authkernel_tests::server::{Server, Setup};

/// A server with a new data directory, not started yet.
fn setup() -> Setup {
    // Compiled code is shared, so that only the first start compiles.
    let cache = concat!("--cache=", env!("CARGO_TARGET_TMPDIR"), "/server-cache");
    Setup::new(env!("CARGO_BIN_EXE_authkernel-under-test")).argument(cache)
}

/// A server that runs, with what it keeps.
fn start() -> (Setup, Server) {
    let setup = setup();
    let server = setup.start();
    (setup, server)
}
