//! The commands beside several servers, what cannot work and is refused, and what is never said.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use authkernel_tests::server::Server;
use serde_json::Value;

use super::super::setup;
use super::{
    Addresses, Pair, SECRET, closed_since, generate_keys, key_file, own_nats, own_redis, postgres,
};

/// Runs a command in an empty folder, with these environment variables alone.
fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_authkernel-under-test"))
        .args(arguments)
        .current_dir(folder.path())
        .envs(environment.iter().copied())
        .env(
            "AUTHKERNEL_CACHE",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/server-cache"),
        )
        .stdin(Stdio::null())
        .output()
        .unwrap();
    for text in [&out.stdout, &out.stderr] {
        let text = String::from_utf8_lossy(text);
        assert!(!text.contains(SECRET), "{arguments:?} says {text}");
    }
    out
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn document(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(out)))
}

#[tokio::test]
async fn a_sign_out_beside_the_servers_closes_the_connections_of_all() {
    let nats = own_nats();
    let redis = own_redis();
    let mut all = Vec::new();
    if let Some(storage) = postgres() {
        let broadcast = nats.as_ref().map(|(_, url)| url.clone());
        all.push(Addresses { storage, broadcast });
    }
    if let Some((_, storage)) = &redis {
        let broadcast = None;
        let storage = storage.clone();
        all.push(Addresses { storage, broadcast });
    }
    for addresses in all {
        beside_the_servers(&addresses).await;
    }
}

async fn beside_the_servers(addresses: &Addresses) {
    let pair = Pair::start(addresses);
    let keys = key_file(&pair.keys);
    let environment = [
        ("AUTHKERNEL_STORAGE", addresses.storage.as_str()),
        ("AUTHKERNEL_KEYS", &keys),
    ];
    let mut with_broker = environment.to_vec();
    if let Some(url) = &addresses.broadcast {
        with_broker.push(("AUTHKERNEL_BROADCAST", url));
    }
    let session = pair.a.newcomer("a@example.com").await;
    // Left to the servers, and told by the command itself.
    for environment in [environment.as_slice(), &with_broker] {
        let one = pair.a.sign_in("a@example.com").await;
        let two = pair.b.sign_in("a@example.com").await;
        let mut there = pair.b.connect(&one.token).await.unwrap();
        let mut here = pair.a.connect(&two.token).await.unwrap();
        let listed = run(&["--json", "sessions", &session.subject], environment);
        let listed = document(&listed);
        assert!(listed["sessions"].as_array().unwrap().len() >= 2);

        let begun = Instant::now();
        let out = run(&["--json", "sign-out", &session.subject], environment);
        let command = begun.elapsed();
        assert!(document(&out)["revoked"].as_u64().unwrap() >= 2);
        assert_eq!(document(&out)["disconnects"], document(&out)["revoked"]);
        let took = closed_since(&mut there, begun).await;
        let took = took.max(closed_since(&mut here, begun).await);
        println!("the command took {command:?}; all were closed {took:?} after its start");
        assert!(took.saturating_sub(command) < Duration::from_secs(2));
        let out = run(&["--json", "token", "inspect", &one.token], environment);
        assert_eq!(
            (out.status.code(), document(&out)["code"].as_str()),
            (Some(3), Some("token_revoked"))
        );
    }
    let out = run(&["--json", "expunge"], &environment);
    assert_eq!(document(&out)["records"], 0, "{}", said(&out));
    pair.kept_the_secret();
}

#[test]
fn what_cannot_work_is_refused_with_what_to_do() {
    let keys = generate_keys();
    let keys = key_file(&keys);
    let nowhere = format!("postgres://test:{SECRET}@127.0.0.1:1/nothing?connect_timeout=2");
    let no_redis = format!("redis://:{SECRET}@127.0.0.1:1");
    let odd = format!("mysql://test:{SECRET}@127.0.0.1/db");
    let shared = [
        ("AUTHKERNEL_STORAGE", nowhere.as_str()),
        ("AUTHKERNEL_KEYS", &keys),
    ];
    let free = ["serve", "--listen", "127.0.0.1:0"];
    for (environment, code, expected) in [
        (
            &[("AUTHKERNEL_STORAGE", odd.as_str())][..],
            2,
            "postgres://",
        ),
        (&[("AUTHKERNEL_STORAGE", SECRET)], 2, "postgres://"),
        (&[("AUTHKERNEL_BROADCAST", odd.as_str())], 2, "nats://"),
        (&shared[..1], 2, "authkernel keys generate"),
        (&shared, 1, "postgres://127.0.0.1:1/nothing"),
        (
            &[("AUTHKERNEL_BROADCAST", no_redis.as_str())],
            1,
            "redis://127.0.0.1:1",
        ),
    ] {
        let out = run(&free, environment);
        let text = said(&out);
        assert_eq!(out.status.code(), Some(code), "{text}");
        assert!(text.contains(expected), "{text}");
        assert!(out.stdout.is_empty());
    }
    for command in [&["sessions", "a"][..], &["sign-out", "a"], &["expunge"]] {
        let out = run(command, &shared[..1]);
        assert_eq!(out.status.code(), Some(2), "{}", said(&out));
        assert!(said(&out).contains("--keys"), "{}", said(&out));
        let out = run(command, &shared);
        assert_eq!(out.status.code(), Some(1), "{}", said(&out));
    }
}

#[test]
fn an_address_is_shown_by_no_help_and_no_message() {
    let url = format!("postgres://test:{SECRET}@127.0.0.1:1/nothing");
    let environment = [
        ("AUTHKERNEL_STORAGE", url.as_str()),
        ("AUTHKERNEL_BROADCAST", &url),
    ];
    for command in ["serve", "check", "sessions", "sign-out", "expunge"] {
        let out = run(&["help", command], &environment);
        assert!(out.status.success());
        let help = String::from_utf8_lossy(&out.stdout).into_owned();
        for name in ["AUTHKERNEL_STORAGE", "AUTHKERNEL_BROADCAST"] {
            assert!(help.contains(name), "{help}");
        }
        run(&[command, "--bogus"], &environment);
        run(&[command, "--bogus", "--storage", &url], &[]);
        run(&[command, "--storage"], &environment);
    }
    // In a settings file, which is the place for it.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authkernel.toml");
    std::fs::write(&file, format!("storage = \"{url}\"\n")).unwrap();
    let file = file.display().to_string();
    let out = run(&["serve", "--config", &file], &[]);
    assert_eq!(out.status.code(), Some(2), "{}", said(&out));
    assert!(said(&out).contains("--keys"), "{}", said(&out));
    std::fs::write(
        folder.path().join("authkernel.toml"),
        format!("storage = [\"{url}\"]\n"),
    )
    .unwrap();
    let out = run(&["serve", "--config", &file], &[]);
    assert_eq!(out.status.code(), Some(2));
}

/// What `authkernel check` says of each part, and its exit code.
fn check(environment: &[(&str, &str)]) -> (Option<i32>, Vec<(String, String, String)>) {
    let out = run(&["--json", "check", "--listen=127.0.0.1:0"], environment);
    let parts = document(&out)["parts"].clone();
    let text = |part: &Value, name: &str| part[name].as_str().unwrap_or_default().to_owned();
    let parts = parts.as_array().unwrap().iter().map(|part| {
        let says = format!("{} {}", text(part, "says"), text(part, "do"));
        (text(part, "part"), text(part, "state"), says)
    });
    (out.status.code(), parts.collect())
}

#[track_caller]
fn expect(parts: &[(String, String, String)], part: &str, state: &str, says: &str) {
    let found = parts
        .iter()
        .any(|(name, was, said)| name == part && was == state && said.contains(says));
    assert!(found, "{part} is not {state} with {says:?}: {parts:#?}");
}

#[tokio::test]
async fn check_looks_at_database_and_broker() {
    let keys = generate_keys();
    let keys = key_file(&keys);
    let nats = own_nats();
    if let Some(storage) = postgres() {
        let mut environment = vec![
            ("AUTHKERNEL_STORAGE", storage.as_str()),
            ("AUTHKERNEL_KEYS", &keys),
        ];
        let (code, parts) = check(&environment);
        assert_eq!(code, Some(0), "{parts:#?}");
        expect(&parts, "migrations", "ok", "the first start makes it");
        expect(&parts, "broadcast", "ok", "published and received");

        drop(server(&environment));
        if let Some((_, url)) = &nats {
            environment.push(("AUTHKERNEL_BROADCAST", url));
        }
        let (code, parts) = check(&environment);
        assert_eq!(code, Some(0), "{parts:#?}");
        expect(&parts, "migrations", "ok", "accounts 1 of 1");
        expect(&parts, "storage", "ok", "postgresql 1");
        // This test process starts it so that it is quick.
        expect(&parts, "durability", "warning", "fsync");
        expect(&parts, "round trip", "ok", "revoked and refused");
        expect(&parts, "broadcast", "ok", "published and received");

        let (code, parts) = check(&environment[..1]);
        assert_eq!(code, Some(1));
        expect(&parts, "keys", "failed", "authkernel keys generate");
        newer(&storage).await;
        let (code, parts) = check(&environment);
        assert_eq!(code, Some(1));
        expect(&parts, "migrations", "failed", "newer version");
        let (code, text) = setup()
            .environment("AUTHKERNEL_STORAGE", &storage)
            .environment("AUTHKERNEL_KEYS", &keys)
            .fail();
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("newer") && !text.contains(SECRET), "{text}");
    }
    if let Some((_redis, storage)) = own_redis() {
        let environment = [
            ("AUTHKERNEL_STORAGE", storage.as_str()),
            ("AUTHKERNEL_KEYS", &keys),
        ];
        let (code, parts) = check(&environment);
        assert_eq!(code, Some(0), "{parts:#?}");
        expect(&parts, "storage", "ok", "redis 7");
        expect(&parts, "durability", "ok", "appendfsync always");
        expect(&parts, "round trip", "ok", "revoked and refused");
        expect(&parts, "broadcast", "ok", "published and received");
        let wrong = storage.replace(SECRET, "wrong");
        let (code, parts) = check(&[("AUTHKERNEL_STORAGE", &wrong), environment[1]]);
        assert_eq!(code, Some(1));
        expect(
            &parts,
            "storage",
            "failed",
            "lets this machine and this user in",
        );
        expect(
            &parts,
            "broadcast",
            "failed",
            "lets this machine and this user in",
        );
    }
}

fn server(environment: &[(&str, &str)]) -> Server {
    let setup = environment.iter().fold(setup(), |setup, (name, value)| {
        setup.environment(name, value)
    });
    setup.start()
}

/// Makes the accounts those of a later version.
async fn newer(storage: &str) {
    let storage = authkernel_wasmtime::storage::postgres::PostgresStorage::connect(storage).await;
    let client = storage.unwrap();
    let client = client.client().await.unwrap();
    let insert = "INSERT INTO authkernel_accounts.migrations (version) VALUES (99)";
    client.execute(insert, &[]).await.unwrap();
}
