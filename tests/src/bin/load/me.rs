//! `GET /api/me` with a bearer token: requests per second, beside a server that only verifies and looks into a table.
//!
//! Both take turns under the same clients, so that a machine that changes its speed changes it for both.

use std::env;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::http::Http;
use crate::server::Server;

/// Connections that ask without a pause.
const CLIENTS: usize = 32;
/// How long one turn takes, and how many each server has.
const TURN: Duration = Duration::from_secs(2);
const TURNS: usize = 7;
/// At least this much of the peer's requests per second.
const TARGET: f64 = 0.6;

/// Measures with tokens of one algorithm; answers with a table.
pub(crate) async fn measure(program: &Path, algorithm: &str) -> Result<String> {
    eprintln!("requests with {algorithm} …");
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let made = Command::new(program)
        .args(["keys", "generate", "--algorithm", algorithm, "--data"])
        .arg(&data)
        .output()?;
    ensure!(made.status.success(), "no key was made");
    let server = Server::start(program, &data)?;
    let session = Http::new(server.address)?.session().await?;
    let text = |name: &str| {
        session[name]
            .as_str()
            .map(str::to_owned)
            .context("a text is missing")
    };
    let (token, jti, subject) = (text("token")?, text("jti")?, text("subject")?);
    let keys: Value = serde_json::from_slice(&std::fs::read(data.join("keys.json"))?)?;
    let given = folder.path().join("peer.json");
    let told = json!({ "key": keys["keys"][0], "jti": jti, "subject": subject });
    std::fs::write(&given, told.to_string())?;
    let mut command = Command::new(env::current_exe()?);
    command.args(["--peer-server", "127.0.0.1:0"]).arg(&given);
    let peer = Server::spawn(command, &folder.path().join("peer.log"))?;

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        // Each begins in turn: a machine that warms up favours nobody.
        let order = [(server.address, true), (peer.address, false)];
        for (address, is_ours) in [order[turn % 2], order[(turn + 1) % 2]] {
            let rate = load(address, &token).await?;
            if is_ours { &mut ours } else { &mut theirs }.push(rate);
        }
    }
    drop(peer);
    let ratios: Vec<f64> = ours
        .iter()
        .zip(&theirs)
        .map(|(one, other)| one / other)
        .collect();
    let (ours, theirs, ratio) = (median(ours), median(theirs), median(ratios));
    let verdict = if ratio >= TARGET { "met" } else { "**missed**" };
    Ok(format!(
        "### `GET /api/me` with a bearer token, {algorithm}, {CLIENTS} connections\n\n\
         | server | requests per second, median |\n| --- | --- |\n\
         | authkernel, SQLite | {ours:.0} |\n| axum, jsonwebtoken, HashMap | {theirs:.0} |\n\
         | ratio, target at least {TARGET} | {ratio:.2} {verdict} |\n"
    ))
}

/// Requests per second of all clients together, for one turn.
async fn load(address: SocketAddr, token: &str) -> Result<f64> {
    let request =
        format!("GET /api/me HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n");
    let begun = Instant::now();
    let until = begun + TURN;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(client(address, request.clone(), until));
    }
    let mut answered = 0;
    while let Some(client) = clients.join_next().await {
        answered += client??;
    }
    Ok(answered as f64 / begun.elapsed().as_secs_f64())
}

async fn client(address: SocketAddr, request: String, until: Instant) -> Result<u64> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 8192];
    let mut answered = 0;
    while Instant::now() < until {
        stream.write_all(request.as_bytes()).await?;
        let mut filled = 0;
        loop {
            let read = stream.read(&mut buffer[filled..]).await?;
            ensure!(read > 0, "the server closed a connection");
            filled += read;
            if whole(&buffer[..filled])? {
                break;
            }
        }
        answered += 1;
    }
    Ok(answered)
}

/// Whether an answer is there to its end. Every answer must be a good one.
fn whole(bytes: &[u8]) -> Result<bool> {
    let text = std::str::from_utf8(bytes)?;
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Ok(false);
    };
    ensure!(head.starts_with("HTTP/1.1 200"), "an answer was {head}");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .context("an answer has no length")?;
    Ok(body.len() >= length.parse()?)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
