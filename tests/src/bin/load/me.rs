//! `GET /api/me` with a bearer token: requests per second, beside a server that only verifies and looks into a table.
//!
//! Both take turns under the same clients, so that a machine that changes its speed changes it for both.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::issuer::Issuer;
use crate::pair::Pair;
use crate::wrk;

/// Connections that ask without a pause.
const CLIENTS: usize = 32;
/// How long one turn takes, and how many each server has.
const TURN: Duration = Duration::from_secs(2);
const TURNS: usize = 7;
/// `wrk` takes longer turns.
const WRK_TURNS: usize = 5;
/// Tokens of which every client asks with its own part, one after the other.
const TOKENS: usize = 5000;
/// While they ask, somebody signs in so often.
const SIGN_IN_EVERY: Duration = Duration::from_millis(20);
/// At least this much of the peer's requests per second.
const TARGET: f64 = 0.6;

/// Who asks, with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// Our own clients, with one token.
    OneToken,
    /// Our own clients, with thousands of tokens, while others sign in.
    ManyTokens,
    /// `wrk`, with one token.
    Wrk,
}

impl Load {
    fn title(self) -> String {
        match self {
            Self::OneToken => format!("{CLIENTS} connections, one token"),
            Self::ManyTokens => format!(
                "{CLIENTS} connections, {TOKENS} tokens, a sign-in every {} ms",
                SIGN_IN_EVERY.as_millis()
            ),
            Self::Wrk => format!("`{}`", wrk::command()),
        }
    }
}

/// Measures with tokens of one algorithm; answers with a table.
pub(crate) async fn measure(program: &Path, load: Load, algorithm: &str) -> Result<String> {
    let title = format!(
        "### `GET /api/me` with a bearer token, {algorithm}, {}\n",
        load.title()
    );
    eprintln!("requests with {algorithm}, {} …", load.title());
    if load == Load::Wrk && !wrk::is_installed() {
        return Ok(format!("{title}\nskipped: wrk is not installed\n"));
    }
    let (tokens, turns) = match load {
        Load::OneToken => (1, TURNS),
        Load::ManyTokens => (TOKENS, TURNS),
        Load::Wrk => (1, WRK_TURNS),
    };
    let pair = Pair::start(program, algorithm, tokens).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for turn in 0..turns {
        for (address, is_ours) in pair.order(turn) {
            let rate = match load {
                Load::OneToken => ask(address, &pair.tokens).await?,
                Load::ManyTokens => {
                    tokio::select! {
                        rate = ask(address, &pair.tokens) => rate?,
                        ended = sign_in(&pair.issuer) => return Err(ended),
                    }
                }
                Load::Wrk => wrk::load(address, &pair.tokens[0]).await?,
            };
            if is_ours { &mut ours } else { &mut theirs }.push(rate);
        }
    }
    pair.stop().await?;
    let ratios = ours.iter().zip(&theirs);
    let ratios: Vec<f64> = ratios.map(|(one, other)| one / other).collect();
    let (ours, theirs, ratio) = (median(ours), median(theirs), median(ratios));
    let verdict = if ratio >= TARGET { "met" } else { "**missed**" };
    Ok(format!(
        "{title}\n\
         | server | requests per second, median of {turns} |\n| --- | --- |\n\
         | authkernel, SQLite | {ours:.0} |\n| axum, jsonwebtoken, HashMap | {theirs:.0} |\n\
         | ratio, target at least {TARGET} | {ratio:.2} {verdict} |\n"
    ))
}

/// Others sign in, in this process, which commits to the same file. Ends only with an error.
async fn sign_in(issuer: &Issuer) -> anyhow::Error {
    loop {
        tokio::time::sleep(SIGN_IN_EVERY).await;
        if let Err(error) = issuer.sign_in("somebody else", 1).await {
            return error;
        }
    }
}

/// Requests per second of all clients together, for one turn.
async fn ask(address: SocketAddr, tokens: &[String]) -> Result<f64> {
    let request = |token: &String| {
        format!("GET /api/me HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n")
    };
    let each = tokens.len().div_ceil(CLIENTS);
    let mut parts = tokens.chunks(each).cycle();
    let begun = Instant::now();
    let until = begun + TURN;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let part = parts.next().context("there is a token")?;
        let requests = part.iter().map(request).collect();
        clients.spawn(client(address, requests, until));
    }
    let mut answered = 0;
    while let Some(client) = clients.join_next().await {
        answered += client??;
    }
    Ok(answered as f64 / begun.elapsed().as_secs_f64())
}

async fn client(address: SocketAddr, requests: Vec<String>, until: Instant) -> Result<u64> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 8192];
    let mut answered = 0;
    for request in requests.iter().cycle() {
        if Instant::now() >= until {
            break;
        }
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
