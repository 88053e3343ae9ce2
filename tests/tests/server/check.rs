//! `authkernel check`: what it says of a server that is well, and of one that is not.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::setup;

/// What it says of each part, and its exit code.
fn check(data: &Path, arguments: &[&str]) -> (i32, Value) {
    let out = Command::new(env!("CARGO_BIN_EXE_authkernel-under-test"))
        .args(["--json", "check", "--data"])
        .arg(data)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let document = serde_json::from_slice(&out.stdout);
    let document = document.unwrap_or_else(|error| panic!("{error}: {said}"));
    (out.status.code().unwrap(), document)
}

/// The worst state of a part, and all that is said of it.
#[track_caller]
fn part(document: &Value, name: &str) -> (String, String) {
    let parts = document["parts"].as_array().unwrap();
    let found: Vec<&Value> = parts.iter().filter(|part| part["part"] == name).collect();
    let worst = ["failed", "warning", "ok"]
        .into_iter()
        .find(|state| found.iter().any(|part| part["state"] == *state));
    let worst = worst.unwrap_or_else(|| panic!("{name} is not in {document:#}"));
    let said: Vec<String> = found.iter().map(|part| part.to_string()).collect();
    (worst.to_owned(), said.join("\n"))
}

const FREE: &str = "--listen=127.0.0.1:0";

#[tokio::test]
async fn beside_a_running_server_everything_is_well() {
    let (setup, server) = super::start();
    server.newcomer("a@example.com").await;
    let listen = format!("--listen={}", server.address());
    let cache = concat!("--cache=", env!("CARGO_TARGET_TMPDIR"), "/server-cache");
    let (code, document) = check(setup.data(), &[&listen, cache]);
    assert_eq!((code, &document["ok"]), (0, &true.into()), "{document:#}");
    for (name, expected) in [
        ("policy", "purposes user"),
        ("keys", "EdDSA"),
        ("key file", "owner's alone"),
        ("clients", "none"),
        ("tls", "off"),
        ("data", "in use by a running server"),
        ("clock", "since 1970"),
        ("migrations", "schema 1 of 1"),
        ("storage", "synchronous is FULL"),
        ("kernel", "ready after"),
        ("round trip", "stored, accepted, revoked and refused"),
        ("broadcast", "received"),
        ("public url", "none"),
        ("listen", "an authkernel answers"),
        ("open files", ""),
    ] {
        let (state, said) = part(&document, name);
        assert!(state == "ok" && said.contains(expected), "{said}");
    }
    // It left nothing that could be used, and the server is as it was.
    let (code, _) = check(setup.data(), &[&listen, cache]);
    assert_eq!(code, 0);
    let sessions = Command::new(env!("CARGO_BIN_EXE_authkernel-under-test"))
        .args(["--json", "sessions", "authkernel check", "--data"])
        .arg(setup.data())
        .output()
        .unwrap();
    let sessions: Value = serde_json::from_slice(&sessions.stdout).unwrap();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 0);
    server.sign_in("a@example.com").await;
}

#[test]
fn before_the_first_start_it_says_what_will_be_made_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (code, document) = check(&data, &[FREE]);
    assert_eq!(code, 0, "{document:#}");
    for (name, expected) in [
        ("keys", "the first start makes"),
        ("data", "the first start makes"),
        ("storage", "the first start makes"),
        ("round trip", "revoked and refused"),
        ("listen", "is free"),
    ] {
        let (state, said) = part(&document, name);
        assert!(state == "ok" && said.contains(expected), "{said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn each_part_that_is_no_good_is_named_with_what_to_do() {
    let setup = setup();
    drop(setup.start());
    let data = setup.data();
    let file = |name: &str, text: &str| {
        let file = data.join(name);
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let public = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let policy = format!("--policy={}", file("policy.json", "{"));
    let keys = format!("--keys={}", file("public.json", public));
    let clients = format!("--clients={}", file("clients.json", r#"{"clients":[]}"#));
    let (certificate, key) = (file("tls.crt", "x"), file("tls.key", "x"));
    let certificate = format!("--tls-cert={certificate}");
    let key = format!("--tls-key={key}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("--listen={}", taken.local_addr().unwrap());
    for (arguments, name, expected) in [
        (&[policy.as_str()][..], "policy", "policy.json"),
        (&[&keys], "keys", "keys rotate"),
        (&["--keys=/nonexistent/keys.json"], "keys", "/nonexistent"),
        (&[&clients], "clients", "at least one"),
        (&[&certificate, &key], "tls", "no certificate"),
        (
            &["--audit-log=/nonexistent/a.jsonl"],
            "audit log",
            "/nonexistent",
        ),
        (&["--listen=203.0.113.1:4000"], "listen", "203.0.113.1"),
    ] {
        let free = if name == "listen" {
            &[][..]
        } else {
            &[FREE][..]
        };
        let (code, document) = check(data, &[arguments, free].concat());
        let (state, said) = part(&document, name);
        assert!(
            code == 1 && state == "failed" && said.contains(expected),
            "{code} {said}"
        );
        assert!(said.contains("\"do\":\""), "{said}");
    }
    drop(taken);
    // A file in the place of the directory.
    let (code, document) = check(&data.join("tls.crt"), &[FREE]);
    assert_eq!((code, part(&document, "data").0.as_str()), (1, "failed"));
    // The mode of the key file, and a database of the future.
    use std::os::unix::fs::PermissionsExt;
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(data.join("keys.json"), open).unwrap();
    let (code, document) = check(data, &[FREE]);
    let (state, said) = part(&document, "key file");
    assert!(
        code == 0 && state == "warning" && said.contains("chmod 0600"),
        "{said}"
    );
    let sql = rusqlite::Connection::open(data.join("authkernel.db")).unwrap();
    sql.pragma_update(None, "user_version", 99).unwrap();
    drop(sql);
    let (code, document) = check(data, &[FREE]);
    let (state, said) = part(&document, "migrations");
    assert!(
        code == 1 && state == "failed" && said.contains("newer"),
        "{said}"
    );
    std::fs::write(
        data.join("authkernel.db"),
        "no database at all, but long enough to be looked at",
    )
    .unwrap();
    let (code, document) = check(data, &[FREE]);
    assert_eq!((code, part(&document, "storage").0.as_str()), (1, "failed"));
}

#[test]
fn people_get_one_line_per_part() {
    let folder = tempfile::tempdir().unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_authkernel-under-test"))
        .args([
            "check",
            FREE,
            "--public-url=http://auth.example.com",
            "--data",
        ])
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(0), "{text}");
    for line in text.lines() {
        let state = line.split(' ').next().unwrap();
        assert!(["ok", "warning"].contains(&state), "{line}");
    }
    assert!(text.contains("warning  public url"), "{text}");
}
