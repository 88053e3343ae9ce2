//! How long it takes until the last live connection of a sign-out is closed, and how soon the server is ready.
//!
//! Starts the real server on a free port of 127.0.0.1 with an empty data folder, opens real WebSocket connections
//! from this process, presses sign-out, and notes for each connection when its close frame was received. Everything
//! is bounded in count and time, and gone when it ends. `cargo bench -p authkernel-tests --bench load` builds the
//! server in the profile of the benches and runs all of it.

mod arguments;
mod closes;
mod file_limit;
mod floor;
mod http;
mod issuer;
mod me;
mod pair;
mod peer;
mod scenario;
mod server;
mod sockets;
mod start;
mod table;
mod wrk;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;

use arguments::{Arguments, Part};
use table::Report;

/// All parts together; on two cores they take about ten minutes.
const LIMIT: Duration = Duration::from_secs(20 * 60);

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(address) = arguments.floor_server {
        return floor::serve(address);
    }
    if let Some(peer) = &arguments.peer_server {
        return peer::serve(peer);
    }
    let parts = arguments.parts();
    if parts.is_empty() {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(async {
        tokio::time::timeout(LIMIT, run(&arguments, &parts))
            .await
            .context("it took too long")?
    })?;
    println!("\n{report}");
    if let Some(file) = &arguments.markdown {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, report.to_string()).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

async fn run(arguments: &Arguments, parts: &[Part]) -> Result<Report> {
    let server = arguments.server()?;
    let sockets = file_limit::sockets(arguments.sockets)?;
    eprintln!("the server is {}", server.display());
    let mut report = Report::new(&server);
    for part in parts {
        let repetitions = arguments.repetitions;
        match part {
            Part::Start => report.starts(&start::measure(&server, 10)?),
            Part::OneSocket => report.closes(&scenario::one_socket(&server, 100).await?),
            Part::OneSession => {
                report.closes(&scenario::one_session(&server, sockets, repetitions).await?);
            }
            Part::ManySessions => {
                report.closes(&scenario::many_sessions(&server, sockets, repetitions).await?);
            }
            Part::Me => requests(&server, me::Load::OneToken, &mut report).await?,
            Part::ManyTokens => requests(&server, me::Load::ManyTokens, &mut report).await?,
            Part::Wrk => requests(&server, me::Load::Wrk, &mut report).await?,
            Part::Floor => report.closes(&floor::measure(sockets, repetitions).await?),
        }
    }
    Ok(report)
}

async fn requests(server: &Path, load: me::Load, report: &mut Report) -> Result<()> {
    for algorithm in ["EdDSA", "HS256"] {
        report.text(me::measure(server, load, algorithm).await?);
    }
    Ok(())
}
