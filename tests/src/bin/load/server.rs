//! The server under load, as a process of its own.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// The first start also compiles the component.
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A running server. It is killed when this value is dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From before its process was made until it said that it can answer.
    pub(crate) ready_after: Duration,
    log: PathBuf,
}

impl Server {
    /// Starts `authkernel serve` with its defaults, on a free port, and waits until it says that it can answer.
    pub(crate) fn start(program: &Path, data: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data);
        Self::spawn(command, &data.with_extension("log"))
    }

    /// Starts a program that prints a line with its address when it can answer.
    pub(crate) fn spawn(mut command: Command, log: &Path) -> Result<Self> {
        // The operator's own settings must not change what is measured.
        for (name, _) in env::vars_os().filter(|(name, _)| is_setting(name)) {
            command.env_remove(name);
        }
        let stderr = File::create(log).with_context(|| log.display().to_string())?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr);
        let begun = Instant::now();
        let child = command.spawn().context("the server does not start")?;
        let mut server = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            ready_after: Duration::ZERO,
            log: log.to_owned(),
        };
        let (address, ready_at) = server.ready()?;
        server.address = address;
        server.ready_after = ready_at.duration_since(begun);
        Ok(server)
    }

    /// The address in the first line that has one, and when that line came.
    fn ready(&mut self) -> Result<(SocketAddr, Instant)> {
        let stdout = self.child.stdout.take().context("its output is read")?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            // Reads on for as long as the server lives: a full pipe would stop it.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(address) = address(&line) {
                    let _ = sender.send((address, Instant::now()));
                }
            }
        });
        receiver
            .recv_timeout(START_LIMIT)
            .with_context(|| format!("the server did not get ready; it said: {}", self.said()))
    }

    /// The end of what it wrote to its log.
    pub(crate) fn said(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let end = log.len().saturating_sub(2000);
        String::from_utf8_lossy(&log[end..]).into_owned()
    }

    /// Bytes of memory that it holds now, where the system tells.
    pub(crate) fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    }

    /// Ends it as an operator does, and waits.
    pub(crate) fn stop(mut self) -> Result<()> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM)?;
        }
        let begun = Instant::now();
        while begun.elapsed() < STOP_LIMIT {
            if let Some(status) = self.child.try_wait()? {
                if !status.success() {
                    bail!("the server ended with {status}; it said: {}", self.said());
                }
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
        bail!(
            "the server did not end within {} s; it said: {}",
            STOP_LIMIT.as_secs(),
            self.said()
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_setting(name: &OsString) -> bool {
    name.to_str()
        .is_some_and(|name| name.starts_with("AUTHKERNEL_"))
}

/// The address in a line such as `listening on http://127.0.0.1:4000`.
fn address(line: &str) -> Option<SocketAddr> {
    let rest = &line[line.find("127.0.0.1:")?..];
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && !".:".contains(c))
        .unwrap_or(rest.len());
    rest[..end].trim_end_matches(['.', ':']).parse().ok()
}
