//! Several servers that form one service: one database, one broker, real ones. A part whose program is not installed is
//! left out, and that is said.

mod command;
mod crash;
mod outage;
mod service;

use std::time::{Duration, Instant};

use authkernel_tests::server::{Answer, Live, Server, Session, Setup};
use authkernel_tests::services::nats::Nats;
use authkernel_tests::services::postgres::{FAST, Postgres};
use authkernel_tests::services::redis::Redis;
use serde_json::json;

use super::setup;

/// Stands in every address; must be nowhere else.
const SECRET: &str = "s3cret-of-the-backing";

/// The addresses that servers are given.
#[derive(Clone)]
struct Addresses {
    storage: String,
    broadcast: Option<String>,
}

/// A database of its own in the PostgreSQL of this test process. Everybody is let in, with whatever password.
fn postgres() -> Option<String> {
    let url = Postgres::shared()?.create_database();
    Some(with_secret(&url))
}

fn with_secret(url: &str) -> String {
    url.replace("test@", &format!("test:{SECRET}@"))
}

/// A PostgreSQL of its own, that can be stopped.
fn own_postgres() -> Option<(Postgres, String)> {
    let postgres = Postgres::start(&FAST)?;
    let url = with_secret(&postgres.create_database());
    Some((postgres, url))
}

fn own_redis() -> Option<(Redis, String)> {
    let redis = Redis::start(&["--requirepass", SECRET])?;
    let url = format!("redis://:{SECRET}@{}", redis.address());
    Some((redis, url))
}

fn own_nats() -> Option<(Nats, String)> {
    let nats = Nats::start(&["--user", "test", "--pass", SECRET])?;
    let url = format!("nats://test:{SECRET}@{}", nats.address());
    Some((nats, url))
}

/// Two servers, with the keys that they share.
struct Pair {
    a: Server,
    b: Server,
    keys: tempfile::TempDir,
    /// With their data directories.
    _setups: [Setup; 2],
}

impl Pair {
    fn start(addresses: &Addresses) -> Self {
        Self::start_with(addresses, |a| a)
    }

    /// The first server may be given more.
    fn start_with(addresses: &Addresses, more: impl FnOnce(Setup) -> Setup) -> Self {
        let keys = generate_keys();
        let of = || {
            let setup = setup()
                .environment("AUTHKERNEL_STORAGE", &addresses.storage)
                .environment("AUTHKERNEL_KEYS", &key_file(&keys));
            match &addresses.broadcast {
                Some(url) => setup.environment("AUTHKERNEL_BROADCAST", url),
                None => setup,
            }
        };
        let (a_setup, b_setup) = (more(of()), of());
        Self {
            a: a_setup.start(),
            b: b_setup.start(),
            keys,
            _setups: [a_setup, b_setup],
        }
    }

    /// The password of database and broker is in no log, however much is logged.
    fn kept_the_secret(&self) {
        for server in [&self.a, &self.b] {
            let log = server.log().text();
            assert!(!log.contains(SECRET), "{log}");
        }
    }
}

fn generate_keys() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let made = std::process::Command::new(env!("CARGO_BIN_EXE_authkernel-under-test"))
        .args(["keys", "generate", "--keys", &key_file(&folder)])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    folder
}

fn key_file(folder: &tempfile::TempDir) -> String {
    folder.path().join("keys.json").display().to_string()
}

/// Waits until the connection is closed because its session was signed out; how long that took since a moment.
async fn closed_since(live: &mut Live, begun: Instant) -> Duration {
    assert_eq!(live.closed().await, (4001, "revoked".to_owned()));
    begun.elapsed()
}

/// Signs out all sessions of an account but the one that asks.
async fn sign_out_others(server: &Server, acting: &Session) -> Answer {
    let body = json!({ "keep_current": true });
    server
        .post("/api/sign-out-everywhere", &acting.token, body)
        .await
        .expect(200)
}

/// A ticket for a live connection.
async fn ticket(server: &Server, session: &Session) -> String {
    let answer = server
        .send(
            reqwest::Method::POST,
            "/api/socket-ticket",
            Some(&session.token),
            None,
        )
        .await
        .expect(200);
    answer.body["ticket"].as_str().unwrap().to_owned()
}

/// A number in the answer of `GET /metrics`.
async fn metric(server: &Server, name: &str) -> u64 {
    let text = reqwest::get(server.url("/metrics")).await.unwrap();
    let text = text.text().await.unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("authkernel_{name} ")));
    let line = line.unwrap_or_else(|| panic!("{name} is not in {text}"));
    line.parse().unwrap()
}

/// Waits until something is so.
async fn until(what: &str, limit: Duration, mut so: impl AsyncFnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !so().await {
        assert!(
            begun.elapsed() < limit,
            "{what} did not happen in {limit:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}
