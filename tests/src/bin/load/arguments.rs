//! What can be asked of the driver.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

/// Measures how long it takes until the last live connection of a sign-out is closed
#[derive(Debug, clap::Parser)]
#[command(name = "load")]
pub(crate) struct Arguments {
    /// Run only what has one of these in its name: load/start, load/one-socket, load/one-session,
    /// load/many-sessions, load/floor, load/me, load/many-tokens, load/wrk
    filters: Vec<String>,

    /// The server; the one beside this program when it is not named
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,

    /// Connections to open
    #[arg(long, value_name = "N", default_value_t = 10_000,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=14_000))]
    pub(crate) sockets: usize,

    /// How often the large scenarios are repeated
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=100))]
    pub(crate) repetitions: usize,

    /// Write the tables to this file, too
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,

    /// Be the server without a kernel that the floor is measured with
    #[arg(long, hide = true, value_name = "ADDR")]
    pub(crate) floor_server: Option<SocketAddr>,

    /// Be the server without a kernel that requests are measured beside; the file says whose tokens it takes
    #[arg(long, hide = true, num_args = 2, value_names = ["ADDR", "FILE"])]
    pub(crate) peer_server: Option<Vec<String>>,
}

/// Something to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// From the start of the process until it can answer.
    Start,
    /// A sign-out of a session with one connection.
    OneSocket,
    /// A sign-out of one session with many connections.
    OneSession,
    /// A sign-out of many sessions with one connection each.
    ManySessions,
    /// The same number of connections closed by a server that decides nothing.
    Floor,
    /// Requests per second, beside a server that only verifies and looks into a table.
    Me,
    /// The same with thousands of tokens, while others sign in.
    ManyTokens,
    /// The same as the first, asked by `wrk`.
    Wrk,
}

impl Part {
    const ALL: [(&str, Self); 8] = [
        ("load/start", Self::Start),
        ("load/one-socket", Self::OneSocket),
        ("load/one-session", Self::OneSession),
        ("load/many-sessions", Self::ManySessions),
        ("load/floor", Self::Floor),
        ("load/me", Self::Me),
        ("load/many-tokens", Self::ManyTokens),
        ("load/wrk", Self::Wrk),
    ];
}

impl Arguments {
    /// What is to be measured.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let wanted = |name: &str| {
            self.filters.is_empty()
                || self
                    .filters
                    .iter()
                    .any(|filter| name.contains(filter.as_str()))
        };
        Part::ALL
            .into_iter()
            .filter(|(name, _)| wanted(name))
            .map(|(_, part)| part)
            .collect()
    }

    /// The server to measure.
    pub(crate) fn server(&self) -> Result<PathBuf> {
        let server = match &self.server {
            Some(named) => named.clone(),
            None => {
                env::current_exe()?.with_file_name(format!("authkernel{}", env::consts::EXE_SUFFIX))
            }
        };
        ensure!(
            server.is_file(),
            "{} is not there: build it with `cargo build -p authkernel-wasmtime`, or name one with --server",
            server.display()
        );
        server
            .canonicalize()
            .with_context(|| server.display().to_string())
    }
}
