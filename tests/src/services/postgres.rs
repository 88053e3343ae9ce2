//! PostgreSQL for a test.

use std::fs::Permissions;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;

use super::{Plan, Service, as_user, program, unprivileged};

/// The settings that save time where a test does not need a commit to survive a power cut.
pub const FAST: [&str; 4] = ["-c", "fsync=off", "-c", "synchronous_commit=off"];

/// A new cluster with the superuser `test`, who needs no password; databases are C and UTF-8.
pub struct Postgres {
    service: Service,
    binaries: PathBuf,
    databases: AtomicU32,
}

impl Postgres {
    /// Starts one with these further arguments, such as [`FAST`] or `["-c", "max_connections=20"]`.
    pub fn start(arguments: &[&str]) -> Option<Self> {
        let postgres = program("postgres", &versions())?;
        // A link in a folder of links leads to where the others are.
        let postgres = postgres.canonicalize().expect("the server's program");
        let binaries = postgres.parent().expect("its folder").to_owned();
        let user = unprivileged("postgres");
        let more: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        let ready = binaries.join("pg_isready");
        let plan = Plan {
            name: "postgres",
            program: postgres,
            arguments: Box::new(move |port, folder| {
                let folder = folder.to_str().expect("a folder's name in utf-8");
                let (data, port) = (format!("{folder}/data"), port.to_string());
                let own = ["-D", &data, "-p", &port, "-k", folder];
                let settings = ["listen_addresses=127.0.0.1", "max_connections=200"];
                let settings = settings.into_iter().flat_map(|setting| ["-c", setting]);
                let own = own.into_iter().chain(settings).map(str::to_owned);
                own.chain(more.iter().cloned()).collect()
            }),
            answers: Box::new(move |port| {
                let mut asking = Command::new(&ready);
                asking.args([
                    "-q",
                    "-h",
                    "127.0.0.1",
                    "-U",
                    "test",
                    "-d",
                    "postgres",
                    "-p",
                ]);
                asking.arg(port.to_string()).current_dir("/");
                asking.status().is_ok_and(|status| status.success())
            }),
            user,
            // Disconnects everybody and ends, where SIGTERM would wait for them.
            stop: Signal::INT,
        };
        let service = Service::start(plan, |folder| create(&binaries, folder, user));
        Some(Self {
            service,
            binaries,
            databases: AtomicU32::new(0),
        })
    }

    /// The one of this test process, started at first use with [`FAST`].
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&FAST)).as_ref()
    }

    /// The URL of the database `postgres`, which is always there.
    pub fn url(&self) -> String {
        self.database("postgres")
    }

    /// The URL of a new and empty database.
    pub fn create_database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        let mut creating = Command::new(self.binaries.join("createdb"));
        creating.args(["-h", "127.0.0.1", "-U", "test", "-T", "template0", "-p"]);
        creating.arg(self.port().to_string()).arg(&name);
        let out = creating.current_dir("/").output().expect("createdb");
        let error = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "createdb failed:\n{error}");
        self.database(&name)
    }

    /// Runs statements in the database `postgres`, as the superuser.
    pub fn execute(&self, statements: &str) {
        let mut asking = Command::new(self.binaries.join("psql"));
        asking.args([
            "-X",
            "-q",
            "-h",
            "127.0.0.1",
            "-U",
            "test",
            "-d",
            "postgres",
            "-p",
        ]);
        asking.arg(self.port().to_string()).args(["-c", statements]);
        let out = asking.current_dir("/").output().expect("psql");
        let error = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "psql failed:\n{error}");
    }

    /// Puts a copy of a file into the cluster's folder, readable for the server alone.
    pub fn own_file(&self, name: &str, from: &Path) {
        let path = self.folder().join("data").join(name);
        std::fs::copy(from, &path).expect("a copy");
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("its mode");
        if let Some((user, group)) = unprivileged("postgres") {
            chown(&path, Some(user), Some(group)).expect("its owner");
        }
    }

    fn database(&self, name: &str) -> String {
        format!("postgres://test@{}/{name}", self.address())
    }
}

impl Deref for Postgres {
    type Target = Service;
    fn deref(&self) -> &Service {
        &self.service
    }
}

impl DerefMut for Postgres {
    fn deref_mut(&mut self) -> &mut Service {
        &mut self.service
    }
}

/// Where Debian puts the programs of each version, newest first.
fn versions() -> Vec<PathBuf> {
    let found = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut found: Vec<(u32, PathBuf)> = found
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, folder)| folder).collect()
}

fn create(binaries: &Path, folder: &Path, user: Option<(u32, u32)>) {
    let mut creating = Command::new(binaries.join("initdb"));
    creating.arg("-D").arg(folder.join("data"));
    creating.args([
        "-U",
        "test",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]);
    creating.current_dir(folder).stdin(Stdio::null());
    as_user(&mut creating, user);
    let out = creating.output().expect("initdb");
    let error = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "initdb failed:\n{error}");
}
