//! Redis for a test.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::Signal;

use super::{Plan, Service, program};

/// A Redis that keeps everything unless told otherwise.
pub struct Redis(Service);

impl Redis {
    /// Starts one with these further arguments, such as `["--requirepass", "…"]`.
    pub fn start(arguments: &[&str]) -> Option<Self> {
        let program = program("redis-server", &[])?;
        let more: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        let plan = Plan {
            name: "redis-server",
            program,
            arguments: Box::new(move |port, folder| {
                let mut all = vec![
                    "--port".into(),
                    port.to_string(),
                    "--dir".into(),
                    folder.to_str().expect("a folder's name in utf-8").into(),
                ];
                all.extend(
                    [
                        ["--bind", "127.0.0.1"],
                        ["--save", ""],
                        ["--appendonly", "yes"],
                        ["--appendfsync", "always"],
                        ["--maxmemory-policy", "noeviction"],
                    ]
                    .concat()
                    .into_iter()
                    .map(str::to_owned),
                );
                all.extend(more.iter().cloned());
                all
            }),
            answers: Box::new(answers),
            user: None,
            stop: Signal::TERM,
        };
        Some(Self(Service::start(plan, |_| ())))
    }

    /// The one of this test process, started at first use.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Redis>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[])).as_ref()
    }

    /// `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }
}

impl Deref for Redis {
    type Target = Service;
    fn deref(&self) -> &Service {
        &self.0
    }
}

impl DerefMut for Redis {
    fn deref_mut(&mut self) -> &mut Service {
        &mut self.0
    }
}

/// Whether it takes commands: one that reads its files takes connections and says `-LOADING`.
fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 7];
        stream.read_exact(&mut answer)?;
        Ok(answer.starts_with(b"+PONG") || answer.starts_with(b"-NOAUTH"))
    };
    ask().unwrap_or(false)
}
