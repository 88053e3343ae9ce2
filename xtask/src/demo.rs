//! `cargo xtask demo`: the reference server on its defaults, and the check that it starts and answers.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{self as std_process, Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{self, Ending};
use crate::workspace::{self, step};
use crate::{build, node, setup};

/// Generous: on a busy machine the first start also compiles the component.
const START_LIMIT: Duration = Duration::from_secs(60);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// Which of the two servers, which have one interface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Server {
    /// The reference server.
    Rust,
    /// The example server of the JavaScript package.
    Node,
}

impl Server {
    fn build(self) -> Result<()> {
        match self {
            Self::Rust => build::run(),
            Self::Node => {
                setup::check_node()?;
                build::package()?;
                node::install(&example())
            }
        }
    }

    fn command(self) -> Command {
        match self {
            Self::Rust => {
                let mut command = Command::new(workspace::server());
                command.arg("serve");
                command
            }
            Self::Node => {
                let mut command = Command::new("node");
                command.arg(example().join("server.js"));
                command
            }
        }
    }
}

fn example() -> PathBuf {
    workspace::root().join("bindings-js/examples/server")
}

/// Builds the server and becomes it.
pub(crate) fn run(server: Server, options: &[OsString]) -> Result<ExitCode> {
    server.build()?;
    step("Starting the server; Ctrl-C stops it");
    let status = process::become_program(server.command().args(options))?;
    Ok(ExitCode::from(
        status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1),
    ))
}

/// Builds the server, starts it on an empty folder, asks it twice, stops it.
pub(crate) fn check(server: Server) -> Result<()> {
    server.build()?;
    step("Checking that the server starts, answers and stops");
    let data = env::temp_dir().join(format!("authkernel-demo-{}", std_process::id()));
    let result = probe(server, &data);
    let _ = fs::remove_dir_all(&data);
    result
}

fn probe(server: Server, data: &Path) -> Result<()> {
    let address = free_address()?;
    let mut command = server.command();
    command
        .args(["--listen", &address.to_string(), "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let started = Instant::now();
    let mut child = process::own_group(&mut command)
        .spawn()
        .context("cannot start the server")?;
    let outcome = ask(&mut child, address, started);
    if outcome.is_err() {
        process::signal_group(&child, "KILL");
        let _ = child.wait();
        return outcome;
    }
    let stopping = Instant::now();
    process::signal_group(&child, "TERM");
    match process::wait(&mut child, STOP_LIMIT)? {
        Ending::Exited(status) if status.success() => {}
        Ending::Exited(status) => bail!("the server stopped with {status} after SIGTERM"),
        Ending::TimedOut(limit) => bail!(
            "the server did not stop within {} s after SIGTERM",
            limit.as_secs()
        ),
    }
    println!(
        "    stopped {} ms after SIGTERM",
        stopping.elapsed().as_millis()
    );
    Ok(())
}

fn ask(child: &mut Child, address: SocketAddr, started: Instant) -> Result<()> {
    await_ready(child, address)?;
    println!("    ready after {} ms", started.elapsed().as_millis());
    for path in ["/healthz", "/"] {
        let status = get(address, path).with_context(|| format!("GET {path}"))?;
        println!("    GET {path}: {status}");
        if status != 200 {
            bail!("GET {path} was answered with {status}");
        }
    }
    Ok(())
}

/// A port that nobody listens on. Another program could take it in between, which is then an error.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?)
}

/// Waits for the line with the address that the server prints when it can answer.
fn await_ready(child: &mut Child, address: SocketAddr) -> Result<()> {
    let stdout = child.stdout.take().context("the server's output is read")?;
    let (lines, line) = mpsc::channel();
    // Reads on to the end: a server that cannot write its output must not be what is tested.
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            println!("    | {line}");
            let _ = lines.send(line);
        }
    });
    let ready = format!(":{}", address.port());
    let deadline = Instant::now() + START_LIMIT;
    loop {
        match line.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) if line.contains(&ready) => return Ok(()),
            Ok(_) => {}
            Err(mpsc::RecvTimeoutError::Timeout) => bail!(
                "the server printed no line with its address within {} s",
                START_LIMIT.as_secs()
            ),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                bail!("the server ended before it was ready ({})", child.wait()?)
            }
        }
    }
}

/// The status of a plain HTTP request.
fn get(address: SocketAddr, path: &str) -> Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    stream.set_write_timeout(Some(ANSWER_LIMIT))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok());
    status.context("the answer is not HTTP")
}
