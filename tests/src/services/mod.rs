//! Real servers that a test starts for itself: on a free loopback port, in a throw-away folder, gone at the end.
//!
//! A program that is not installed gives `None` and a line that says `SKIPPED`, so that a test without its server is
//! seen to have been left out. `shared()` of each kind starts one server for the whole test binary. However the test
//! process ends, a small guard process sees it and takes server and folder away.

mod guard;
pub mod nats;
pub mod postgres;
pub mod redis;

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use guard::Guard;

/// How long a server may take to start or to stop before a test gives up. Never how long it should take.
const PATIENCE: Duration = Duration::from_secs(60);

type Arguments = Box<dyn Fn(u16, &Path) -> Vec<String> + Send + Sync>;

/// How a server is run.
struct Plan {
    /// Its name in messages.
    name: &'static str,
    program: PathBuf,
    /// Its arguments, once port and folder are known.
    arguments: Arguments,
    /// Whether it answers there now.
    answers: Box<dyn Fn(u16) -> bool + Send + Sync>,
    /// Who it runs as, and whose the folder is; the caller itself when absent.
    user: Option<(u32, u32)>,
    /// What makes it end in good order.
    stop: Signal,
}

/// A server process. It can be ended and started again with the same port and folder; dropping it removes both.
pub struct Service {
    plan: Plan,
    port: u16,
    folder: PathBuf,
    child: Option<Child>,
    guard: Guard,
}

impl Service {
    /// Makes a folder, lets `prepare` fill it, and starts the server on a port that was free a moment ago. Somebody
    /// else may have taken it since: then another one is tried.
    fn start(plan: Plan, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("authkernel-")
            .tempdir()
            .expect("a temporary directory")
            .keep();
        if let Some((user, group)) = plan.user {
            chown(&folder, Some(user), Some(group)).expect("the folder's owner");
        }
        let guard = Guard::of(&folder);
        prepare(&folder);
        let mut service = Self {
            plan,
            port: 0,
            folder,
            child: None,
            guard,
        };
        for _ in 0..5 {
            service.port = free_port();
            if service.run() {
                return service;
            }
        }
        panic!("{} does not start:\n{}", service.plan.name, service.log());
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it has written to its standard output and error.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The process, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Ends it in good order. Port and folder stay its own.
    pub fn stop(&mut self) {
        self.end(self.plan.stop);
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    /// Starts it again after [`Service::stop`] or [`Service::kill`], and waits until it answers.
    pub fn start_again(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.plan.name);
        // What was killed leaves processes of its own for a moment, and PostgreSQL does not start beside them.
        let give_up = Instant::now() + PATIENCE;
        while !self.run() {
            assert!(
                Instant::now() < give_up,
                "{} does not start again:\n{}",
                self.plan.name,
                self.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Stops the process in its tracks: connections stay open and nothing answers, as with a machine that is gone.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on after [`Service::pause`].
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Runs the program; false when it ended by itself before it answered.
    fn run(&mut self) -> bool {
        let log = File::create(self.folder.join("log")).expect("a log file");
        let mut command = Command::new(&self.plan.program);
        command
            .args((self.plan.arguments)(self.port, &self.folder))
            .current_dir(&self.folder)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            // An interrupt at the terminal is for the test; the guard ends what the test has started.
            .process_group(0);
        as_user(&mut command, self.plan.user);
        let mut child = command.spawn().expect("the server's program");
        self.guard.watch(Some(child.id()));
        let give_up = Instant::now() + PATIENCE;
        while !(self.plan.answers)(self.port) {
            if child.try_wait().expect("its state").is_some() {
                self.guard.watch(None);
                return false;
            }
            if Instant::now() > give_up {
                self.child = Some(child);
                panic!("{} does not answer:\n{}", self.plan.name, self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // Somebody else's server may answer there, while this one has just found the port taken.
        if child.try_wait().expect("its state").is_some() {
            self.guard.watch(None);
            return false;
        }
        self.child = Some(child);
        true
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("a server that runs");
        let id = i32::try_from(child.id()).expect("a process id");
        kill_process(Pid::from_raw(id).expect("a process id"), signal).expect("a signal");
    }

    fn end(&mut self, signal: Signal) {
        if self.child.is_none() {
            return;
        }
        self.signal(signal);
        let mut child = self.child.take().expect("a server that runs");
        let give_up = Instant::now() + PATIENCE;
        while child.try_wait().expect("its state").is_none() {
            if Instant::now() > give_up {
                let _ = child.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.guard.watch(None);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
            self.guard.watch(None);
        }
        // The guard, dropped next, removes the folder.
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// The path of a program, on `PATH` or else in one of these folders; when there is none, that is said loudly.
fn program(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin"].map(PathBuf::from);
    let found = std::env::split_paths(&path)
        .chain(system)
        .chain(folders.iter().cloned())
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        eprintln!(
            "\n*** SKIPPED: {name} is not installed; the test that needs it did nothing ***\n"
        );
    }
    found
}

/// Whom to be instead of root: some servers refuse to run as root. Nothing when the caller is somebody else.
fn unprivileged(name: &str) -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let id = |flag: &str| {
        let out = Command::new("id").args([flag, name]).output().expect("id");
        let text = String::from_utf8_lossy(&out.stdout).trim().to_owned();
        text.parse()
            .unwrap_or_else(|_| panic!("there is no user {name}, and root may not run it"))
    };
    Some((id("-u"), id("-g")))
}

fn as_user(command: &mut Command, user: Option<(u32, u32)>) {
    if let Some((user, group)) = user {
        command.gid(group).uid(user);
    }
}

#[cfg(test)]
mod tests;
