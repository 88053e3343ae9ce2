//! Starting and stopping.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use authkernel_tests::server::{PASSWORD, PATIENCE};
use reqwest::Method;
use serde_json::json;

use super::setup;

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let setup = setup();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_authkernel-under-test"));
    command
        .args(["serve", "--listen", &address.to_string(), "--data"])
        .arg(setup.data());
    let out = command.output().unwrap();
    let text = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(1), "{text}");
    assert!(
        text.contains(&address.to_string()) && text.contains("listen"),
        "{text}"
    );
    assert!(out.stdout.is_empty());
}

#[test]
fn a_policy_or_key_file_that_is_no_good_is_named_with_the_reason() {
    let missing = setup().argument("--policy=/nonexistent/policy.json").fail();
    assert!(
        missing.0 == 2 && missing.1.contains("/nonexistent/policy.json"),
        "{missing:?}"
    );
    let missing = setup().argument("--keys=/nonexistent/keys.json").fail();
    assert!(
        missing.0 == 2 && missing.1.contains("/nonexistent/keys.json"),
        "{missing:?}"
    );

    let setup_policy = setup();
    let file = setup_policy.data().join("policy.json");
    for (text, expected) in [
        ("{", "json"),
        (
            r#"{ "issuer": "i", "audience": [], "purposes": {} }"#,
            "audience",
        ),
        (
            r#"{ "issuer": "i", "audience": ["a"], "purposes": { "user": { "lifetime": "1d", "sore": true } } }"#,
            "sore",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let (code, said) = setup()
            .argument(format!("--policy={}", file.display()))
            .fail();
        assert!(
            code == 2 && said.contains("policy.json") && said.contains(expected),
            "{said}"
        );
    }

    let setup_keys = setup();
    let file = setup_keys.data().join("keys.json");
    let secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQ";
    let text = json!({ "keys": [{ "kty": "oct", "kid": "a", "alg": "HS256", "k": secret }] });
    std::fs::write(&file, text.to_string()).unwrap();
    let (code, said) = setup_keys.fail();
    assert!(
        code == 2 && said.contains("keys.json") && !said.contains(secret),
        "{said}"
    );
}

#[test]
fn wrong_flags_and_directories_are_named() {
    let (code, said) = setup()
        .argument("--public-url=https://a.example/path")
        .fail();
    assert!(code == 2 && said.contains("--public-url"), "{said}");
    let (code, said) = setup().argument("--log=authkernel=[").fail();
    assert!(code == 2 && said.contains("--log"), "{said}");
    let (code, said) = setup().argument("--audit-log=/nonexistent/audit").fail();
    assert!(code == 1 && said.contains("/nonexistent/audit"), "{said}");
    let (code, said) = setup()
        .environment("AUTHKERNEL_MAX_CONNECTIONS", "many")
        .fail();
    assert!(code == 2 && said.contains("--max-connections"), "{said}");

    let file = setup();
    std::fs::write(
        file.data().join("authkernel.db"),
        "this is no database, whatever its name says it is. ".repeat(50),
    )
    .unwrap();
    let (code, said) = file.fail();
    assert!(code == 1 && said.contains("authkernel.db"), "{said}");
}

#[tokio::test]
async fn two_servers_do_not_share_a_directory() {
    let setup = setup();
    let _first = setup.start();
    let (code, said) = setup.fail();
    assert!(code == 1 && said.contains("another authkernel"), "{said}");
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart() {
    let setup = setup();
    let server = setup.start();
    let session = server.newcomer("a@example.com").await;
    let other = server.sign_in("a@example.com").await;
    server
        .delete("/api/session", &other.token)
        .await
        .expect(200);
    server.kill();

    let keys = std::fs::metadata(setup.data().join("keys.json")).unwrap();
    assert_eq!(keys.permissions().mode() & 0o777, 0o600);
    let server = setup.start();
    server.get("/api/me", &session.token).await.expect(200);
    server
        .get("/api/me", &other.token)
        .await
        .refused(401, "token_revoked");
    server.sign_in("a@example.com").await;
}

#[tokio::test]
async fn the_end_is_in_order() {
    let setup = setup();
    let server = setup.start();
    let session = server.newcomer("a@example.com").await;
    let mut live = server.connect(&session.token).await.unwrap();
    let idle = tokio::net::TcpStream::connect(server.address())
        .await
        .unwrap();

    // A request that is under way: its head is there, its body comes after the signal.
    let mut stream = tokio::net::TcpStream::connect(server.address())
        .await
        .unwrap();
    let body = json!({ "email": "b@example.com", "password": PASSWORD }).to_string();
    let head = format!(
        "POST /api/register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut proceed = [0; 25];
    stream.read_exact(&mut proceed).await.unwrap();
    assert_eq!(&proceed, b"HTTP/1.1 100 Continue\r\n\r\n");

    server.terminate();
    assert_eq!(live.closed().await.0, 1001);
    drop(live);
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");

    let (status, out, log) = tokio::task::spawn_blocking(|| server.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(out, "", "one line, and nothing after it");
    drop(idle);

    let server = setup.start();
    server
        .send(
            Method::POST,
            "/api/sign-in",
            None,
            Some(serde_json::from_str(&body).unwrap()),
        )
        .await
        .expect(200);
}

#[test]
fn the_default_policy_is_printed_and_can_be_used() {
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_authkernel-under-test"))
        .arg("policy")
        .output()
        .unwrap();
    assert!(out.status.success());
    let setup = setup();
    let file = setup.data().join("policy.json");
    std::fs::write(&file, out.stdout).unwrap();
    drop(
        setup
            .argument(format!("--policy={}", file.display()))
            .start(),
    );
}
