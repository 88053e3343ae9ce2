//! The `authkernel` command beside a running server, and keys that change while it runs.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use authkernel_tests::server::{PATIENCE, Server, Session, Setup};
use serde_json::Value;

use super::setup;

/// Runs the command on the data of a server.
fn run(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_authkernel-under-test"))
        .args(arguments)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The same for machines.
#[track_caller]
fn json(data: &Path, arguments: &[&str]) -> Value {
    let out = run(data, &[&["--json"], arguments].concat());
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(0), "{said}");
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Waits until the server has taken a change of its keys over.
async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
}

async fn with_session() -> (Setup, Server, Session) {
    let (setup, server) = super::start();
    let session = server.newcomer("a@example.com").await;
    (setup, server, session)
}

#[tokio::test]
async fn sign_out_beside_the_server_closes_its_connections() {
    let (setup, server, first) = with_session().await;
    let second = server.sign_in("a@example.com").await;
    let mut live = server.connect(&first.token).await.unwrap();
    let mut other = server.connect(&second.token).await.unwrap();

    let listed = json(setup.data(), &["sessions", &first.subject]);
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 2);
    let preview = json(setup.data(), &["sign-out", &first.subject, "--dry-run"]);
    assert_eq!(
        (&preview["revoked"], &preview["dry_run"]),
        (&2.into(), &true.into())
    );
    server.get("/api/me", &first.token).await.expect(200);

    let done = json(
        setup.data(),
        &["sign-out", &first.subject, "--keep", &second.sid],
    );
    assert_eq!(
        (&done["revoked"], &done["disconnects"]),
        (&1.into(), &1.into())
    );
    assert_eq!(live.closed().await, (4001, "revoked".to_owned()));
    server
        .get("/api/me", &first.token)
        .await
        .refused(401, "token_revoked");
    server.get("/api/me", &second.token).await.expect(200);

    json(setup.data(), &["sign-out", "--session", &second.sid]);
    assert_eq!(other.closed().await, (4001, "revoked".to_owned()));
    let again = json(setup.data(), &["sign-out", "--session", &second.sid]);
    assert_eq!(again["already"], true);
    assert!(json(setup.data(), &["expunge"])["records"].is_u64());
}

#[tokio::test]
async fn a_token_is_inspected_without_its_signature() {
    let (setup, server, session) = with_session().await;
    let said = json(setup.data(), &["token", "inspect", &session.token]);
    assert_eq!(said["claims"]["sub"], session.subject);
    assert_eq!(said["code"], "accepted");
    assert!(
        !said
            .to_string()
            .contains(session.token.rsplit('.').next().unwrap())
    );

    server
        .delete("/api/session", &session.token)
        .await
        .expect(200);
    let out = run(setup.data(), &["token", "inspect", &session.token]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(3), "{text}");
    assert!(text.contains("refused: token_revoked"), "{text}");
    let out = run(setup.data(), &["token", "inspect", "nonsense"]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(3), "{text}");
    assert!(text.contains("token_malformed"), "{text}");
}

#[tokio::test]
async fn without_data_a_token_is_inspected_by_its_keys_alone() {
    let (setup, server, session) = with_session().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = elsewhere.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let jwks = server.get("/.well-known/jwks.json", "x").await.text;
    let jwks = write("jwks.json", &jwks);
    let keys = setup.data().join("keys.json").display().to_string();
    let inspect = |token: &str, arguments: &[&str]| {
        let all = [&["--json", "token", "inspect", token], arguments].concat();
        let out = run(elsewhere.path(), &all);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        let document: Value =
            serde_json::from_slice(&out.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
        (out.status.code().unwrap(), document)
    };
    let all = ["revocation", "issuer", "audience", "purpose", "lifetime"];
    for by in [["--jwks", &jwks], ["--keys", &keys]] {
        let (code, said) = inspect(&session.token, &by);
        assert_eq!(
            (code, said["code"].as_str()),
            (4, Some("not_refused")),
            "{said}"
        );
        assert_eq!(
            (&said["accepted"], &said["unchecked"]),
            (&Value::Null, &all.as_slice().into())
        );
    }
    // With a policy only the revocation is left open; another issuer's is refused.
    let default = String::from_utf8(run_plain(&["policy"])).unwrap();
    let policy = write("policy.json", &default);
    let (code, said) = inspect(&session.token, &["--jwks", &jwks, "--policy", &policy]);
    assert_eq!(
        (code, &said["unchecked"]),
        (4, &serde_json::json!(["revocation"])),
        "{said}"
    );
    let other = default.replace("\"issuer\": \"authkernel\"", "\"issuer\": \"other\"");
    let other = write("other.json", &other);
    let (code, said) = inspect(&session.token, &["--jwks", &jwks, "--policy", &other]);
    assert_eq!(
        (code, said["code"].as_str()),
        (3, Some("issuer_mismatch")),
        "{said}"
    );

    // What it says is not what decides: another key's, and a forged one.
    json(elsewhere.path(), &["keys", "generate"]);
    let strange = elsewhere.path().join("keys.json").display().to_string();
    let (code, said) = inspect(&session.token, &["--keys", &strange]);
    assert_eq!(
        (code, said["code"].as_str()),
        (3, Some("key_unknown")),
        "{said}"
    );
    let (head, rest) = session.token.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let forged = format!("{head}.{}.{signature}", "eyJzdWIiOiJyb290In0");
    let (code, said) = inspect(&forged, &["--jwks", &jwks]);
    assert_eq!(
        (code, said["code"].as_str()),
        (3, Some("signature_invalid")),
        "{said}"
    );
    let (code, said) = inspect("nonsense", &["--jwks", &jwks]);
    assert_eq!(
        (code, said["code"].as_str()),
        (3, Some("token_malformed")),
        "{said}"
    );

    // Where there is data, the data counts, whatever keys are named.
    server
        .delete("/api/session", &session.token)
        .await
        .expect(200);
    let out = run(
        setup.data(),
        &["token", "inspect", &session.token, "--keys", &keys],
    );
    assert_eq!(out.status.code(), Some(3));
    let (code, _) = inspect(&session.token, &["--jwks", &jwks]);
    assert_eq!(code, 4);
}

/// What the command prints, without any data.
fn run_plain(arguments: &[&str]) -> Vec<u8> {
    let out = Command::new(env!("CARGO_BIN_EXE_authkernel-under-test"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(out.status.success(), "{arguments:?}");
    out.stdout
}

#[tokio::test]
async fn a_hang_up_and_time_alike_take_changed_clients_over() {
    let setup = setup();
    let file = setup.data().join("clients.json");
    let make = |id: &str| {
        let made = run_plain(&["--json", "client", id, "--may", "introspect"]);
        let made: Value = serde_json::from_slice(&made).unwrap();
        let clients = serde_json::json!({ "clients": [made["entry"]] });
        (
            made["secret"].as_str().unwrap().to_owned(),
            clients.to_string(),
        )
    };
    let (first, clients) = make("first");
    std::fs::write(&file, &clients).unwrap();
    let setup = setup.argument(format!("--clients={}", file.display()));
    let server = setup.start();
    let asks = async |id: &str, secret: &str| {
        let request = reqwest::Client::new()
            .post(server.url("/oauth/introspect"))
            .basic_auth(id, Some(secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("token=x");
        authkernel_tests::server::Answer::of(request).await.status
    };
    assert_eq!(asks("first", &first).await, 200);
    // A file that is no good changes nothing, and the log says so.
    std::fs::write(&file, "{").unwrap();
    server.hang_up();
    until(async || server.log().text().contains("those before stay in force")).await;
    assert_eq!(asks("first", &first).await, 200);
    let (second, clients) = make("second");
    std::fs::write(&file, &clients).unwrap();
    server.hang_up();
    until(async || asks("second", &second).await == 200).await;
    assert_eq!(asks("first", &first).await, 401);
    let log = server.log().text();
    assert!(
        log.contains("told to look at keys, clients and certificate"),
        "{log}"
    );
}

#[tokio::test]
async fn a_rotated_key_signs_and_the_retired_one_still_verifies() {
    let (setup, server, before) = with_session().await;
    let rotated = json(setup.data(), &["keys", "rotate"]);
    let keys = rotated["keys"].as_array().unwrap();
    assert_eq!(
        (&keys[0]["status"], &keys[1]["status"]),
        (&"signing".into(), &"retired".into())
    );
    until(async || {
        let shown = server.get("/.well-known/jwks.json", "x").await.body;
        shown["keys"].as_array().is_some_and(|keys| keys.len() == 2)
    })
    .await;
    let after = server.sign_in("a@example.com").await;
    assert_ne!(
        before.token.split('.').next(),
        after.token.split('.').next()
    );
    server.get("/api/me", &before.token).await.expect(200);
    server.get("/api/me", &after.token).await.expect(200);
}

#[tokio::test]
async fn a_revoked_key_ends_its_tokens_and_closes_their_connections() {
    let (setup, server, session) = with_session().await;
    let mut live = server.connect(&session.token).await.unwrap();
    let kid = json(setup.data(), &["keys", "list"])["keys"][0]["kid"].clone();
    let revoked = json(setup.data(), &["keys", "revoke", kid.as_str().unwrap()]);
    assert_eq!(revoked["keys"][0]["status"], "signing");
    assert_eq!(revoked["keys"][1]["status"], "revoked");
    assert_eq!(live.closed().await, (4001, "revoked".to_owned()));
    server
        .get("/api/me", &session.token)
        .await
        .refused(401, "key_revoked");
    let shown = server.get("/.well-known/jwks.json", "x").await.body;
    assert_eq!(shown["keys"].as_array().unwrap().len(), 1);
    assert_ne!(shown["keys"][0]["kid"], kid);
    let next = server.sign_in("a@example.com").await;
    server.get("/api/me", &next.token).await.expect(200);

    let unknown = run(setup.data(), &["keys", "revoke", "nobody"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[tokio::test]
async fn a_key_file_that_is_no_good_or_has_lost_a_key_changes_nothing() {
    let (setup, server, session) = with_session().await;
    let file = setup.data().join("keys.json");
    let good = std::fs::read_to_string(&file).unwrap();
    for bad in ["{", r#"{"keys":[]}"#] {
        std::fs::write(&file, bad).unwrap();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        server.get("/api/me", &session.token).await.expect(200);
        server.sign_in("a@example.com").await;
    }
    let elsewhere = tempfile::tempdir().unwrap();
    json(elsewhere.path(), &["keys", "generate"]);
    let other = std::fs::read_to_string(elsewhere.path().join("keys.json")).unwrap();
    std::fs::write(&file, other).unwrap();
    until(async || server.log().text().contains("is not there any more")).await;
    server.get("/api/me", &session.token).await.expect(200);
    let log = server.log().text();
    assert!(log.contains("the keys before stay in force"), "{log}");
    std::fs::write(&file, good).unwrap();
}

#[test]
fn wrong_use_is_named_and_has_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, code, expected) in [
        (&["sessions", "somebody"][..], 2, "keys.json"),
        (&["keys", "list"], 2, "keys.json"),
        (&["sign-out"], 2, "required"),
        (&["keys", "retire", "x"], 2, "keys.json"),
    ] {
        let out = run(folder.path(), arguments);
        let said = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    // A name alone is a file of the current folder.
    let made = Command::new(env!("CARGO_BIN_EXE_authkernel-under-test"))
        .args(["keys", "generate", "--keys", "own.json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    assert!(folder.path().join("own.json").is_file());
    json(folder.path(), &["keys", "generate"]);
    let out = run(folder.path(), &["keys", "generate"]);
    assert_eq!(out.status.code(), Some(2));
    let listed = json(folder.path(), &["keys", "list"]);
    let kid = listed["keys"][0]["kid"].as_str().unwrap();
    let out = run(folder.path(), &["keys", "retire", kid]);
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(said.contains("rotate"), "{kid}: {said}");
}

/// Ids are base64url: one of 64 begins with a hyphen, and must not be taken for an option.
#[test]
fn ids_that_begin_with_a_hyphen_are_ids() {
    let folder = tempfile::tempdir().unwrap();
    json(folder.path(), &["keys", "generate"]);
    for id in ["-hello", "-V", "-0a", "--x", "-_-"] {
        for arguments in [
            &["keys", "retire", id][..],
            &["keys", "revoke", id],
            &["sign-out", "--session", id],
            &["sign-out", "--jti", id],
            &["sign-out", "user?id=1", "--keep", id],
        ] {
            let out = run(folder.path(), arguments);
            let said = String::from_utf8(out.stderr).unwrap();
            // It was understood, and found nothing: there is no such key, and nobody has ever signed in here.
            let found = match arguments[0] {
                "keys" => "there is no key",
                _ => "authkernel.db is not there",
            };
            assert!(said.contains(found), "{arguments:?}: {said}");
        }
    }
}

#[test]
fn the_command_explains_and_completes_itself() {
    let program = env!("CARGO_BIN_EXE_authkernel-under-test");
    let say = |arguments: &[&str]| {
        let out = Command::new(program).args(arguments).output().unwrap();
        assert!(out.status.success(), "{arguments:?}");
        String::from_utf8(out.stdout).unwrap()
    };
    for shell in ["bash", "zsh", "fish"] {
        assert!(say(&["completions", shell]).contains("sign-out"), "{shell}");
    }
    let schema: Value = serde_json::from_str(&say(&["policy", "schema"])).unwrap();
    assert!(schema["properties"]["purposes"].is_object());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.json");
    std::fs::write(&file, say(&["policy"])).unwrap();
    let file = file.display().to_string();
    assert!(say(&["policy", "check", &file]).contains("is valid"));
    std::fs::write(&file, "{}").unwrap();
    let out = Command::new(program)
        .args(["policy", "check", &file])
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(2));
}

#[test]
fn a_settings_file_stands_below_flags_and_environment() {
    let settings = setup();
    let file = settings.data().join("settings.toml");
    let start = |text: &str, setup: Setup| {
        std::fs::write(&file, text).unwrap();
        setup.argument(format!("--config={}", file.display()))
    };
    let (code, said) = start("max_connection = 3", setup()).fail();
    assert!(code == 2 && said.contains("max_connection"), "{said}");
    let (code, said) = start("max_connections = [3]", setup()).fail();
    assert!(code == 2 && said.contains("max_connections"), "{said}");
    let (code, said) = start("tries_per_account = 0", setup()).fail();
    assert!(code == 2 && said.contains("tries-per-account"), "{said}");
    // What the file says wrongly is not looked at where the environment says it right.
    let overridden = start("tries_per_account = 0", setup());
    let overridden = overridden.environment("AUTHKERNEL_TRIES_PER_ACCOUNT", "5");
    drop(overridden.start());
    // The flag `--listen` of every test wins over this address, which nobody could listen on.
    drop(start("listen = \"203.0.113.1:1\"\nrequest_seconds = 20", setup()).start());
}
