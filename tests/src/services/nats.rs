//! NATS for a test.

use std::io::Read;
use std::net::{Ipv4Addr, TcpStream};
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::Signal;

use super::{Plan, Service, program};

/// A NATS server.
pub struct Nats(Service);

impl Nats {
    /// Starts one with these further arguments, such as `["--user", "a", "--pass", "b"]`.
    pub fn start(arguments: &[&str]) -> Option<Self> {
        Self::configured("", arguments)
    }

    /// Starts one with this configuration file, for what has no argument, such as `max_payload: 4096`.
    pub fn configured(configuration: &str, arguments: &[&str]) -> Option<Self> {
        let program = program("nats-server", &[])?;
        let more: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        let plan = Plan {
            name: "nats-server",
            program,
            arguments: Box::new(move |port, folder| {
                let file = folder.join("nats.conf");
                let file = file.to_str().expect("a folder's name in utf-8");
                let port = port.to_string();
                let own = ["-c", file, "-a", "127.0.0.1", "-p", &port];
                let own = own.into_iter().map(str::to_owned);
                own.chain(more.iter().cloned()).collect()
            }),
            answers: Box::new(answers),
            user: None,
            stop: Signal::TERM,
        };
        let service = Service::start(plan, |folder| {
            std::fs::write(folder.join("nats.conf"), configuration).expect("a configuration file");
        });
        Some(Self(service))
    }

    /// The one of this test process, started at first use.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Nats>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[])).as_ref()
    }

    /// `nats://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }
}

impl Deref for Nats {
    type Target = Service;
    fn deref(&self) -> &Service {
        &self.0
    }
}

impl DerefMut for Nats {
    fn deref_mut(&mut self) -> &mut Service {
        &mut self.0
    }
}

/// A server greets whoever connects.
fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        let mut greeting = [0; 5];
        stream.read_exact(&mut greeting)?;
        Ok(&greeting == b"INFO ")
    };
    ask().unwrap_or(false)
}
