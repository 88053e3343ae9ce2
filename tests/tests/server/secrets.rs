//! No token, password, ticket, key or e-mail address gets into a log, and no token or password into a file.

use std::path::Path;

use authkernel_tests::server::PASSWORD;
use reqwest::Method;
use serde_json::{Value, json};

use super::setup;

#[tokio::test]
async fn logs_and_files_hold_no_secret() {
    let setup = setup();
    let audit = setup.data().join("audit.log");
    let setup = setup
        .environment("AUTHKERNEL_AUDIT_LOG", audit.to_str().unwrap())
        .environment("RUST_BACKTRACE", "1");
    let server = setup.start();
    let email = "somebody.secret@example.com";
    let new = "another secret password";
    let mut secrets = vec![PASSWORD.to_owned(), new.to_owned(), email.to_owned()];

    let session = server.newcomer(email).await;
    let other = server.sign_in(email).await;
    let ticket = server
        .send(
            Method::POST,
            "/api/socket-ticket",
            Some(&session.token),
            None,
        )
        .await;
    let ticket = ticket.body["ticket"].as_str().unwrap().to_owned();
    let live = server
        .connect_with(&format!("/live?ticket={ticket}"), &[])
        .await
        .unwrap();
    let _ = server
        .connect_with(&format!("/live?ticket={ticket}"), &[])
        .await;
    let cookie = format!("authkernel_session={}", session.token);
    let _ = server
        .connect_with("/live", &[("cookie", &cookie)])
        .await
        .unwrap();
    server
        .get(&format!("/api/me?token={}", session.token), &session.token)
        .await
        .expect(200);
    server
        .get(&format!("/{}", session.token), &session.token)
        .await
        .expect(404);
    server.get("/api/me", &format!("{}x", session.token)).await;
    let wrong = json!({ "email": email, "password": "a wrong secret password" });
    server
        .send(Method::POST, "/api/sign-in", None, Some(wrong))
        .await
        .expect(401);
    let shape = json!({ "email": email, "password": [new] });
    server
        .send(Method::POST, "/api/sign-in", None, Some(shape))
        .await
        .expect(400);
    let unknown = server
        .delete("/api/sessions/aaaaaaaaaaaaaaaaaaaaaaaaaa", &session.token)
        .await;
    unknown.expect(404);
    let body = json!({ "current": PASSWORD, "new": new });
    server
        .post("/api/password", &session.token, body)
        .await
        .expect(200);
    server
        .delete("/api/session", &session.token)
        .await
        .expect(200);
    drop(live);
    server.terminate();
    let (_, _, log) = tokio::task::spawn_blocking(|| server.wait()).await.unwrap();

    secrets.extend(["a wrong secret password".to_owned(), ticket]);
    for token in [&session.token, &other.token] {
        secrets.extend(token.split('.').skip(1).map(str::to_owned));
    }
    let keys: Value = serde_json::from_str(&read(&setup.data().join("keys.json"))).unwrap();
    secrets.push(keys["keys"][0]["d"].as_str().unwrap().to_owned());
    let audit = read(&audit);
    for secret in &secrets {
        assert!(!log.contains(secret), "the log has {secret}");
        assert!(!audit.contains(secret), "the audit log has {secret}");
    }
    // What was logged is there, so that this test can fail.
    assert!(log.contains("/api/password"), "{log}");

    let kept = std::fs::read(setup.data().join("authkernel.db")).unwrap();
    for secret in secrets.iter().filter(|secret| *secret != email) {
        let found = kept
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!found, "the database has {secret}");
    }
    check_audit(&audit, &session.subject, &session.sid);
}

fn check_audit(text: &str, subject: &str, sid: &str) {
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |action: &str, outcome: &str| {
        let found = events
            .iter()
            .find(|event| event["action"] == action && event["outcome"] == outcome);
        found.unwrap_or_else(|| panic!("no {action} {outcome} in {text}"))
    };
    assert_eq!(of("register", "done")["subject"], subject);
    assert_eq!(of("sign_in", "done")["address"], "127.0.0.1");
    assert_eq!(of("sign_in", "refused")["code"], "credentials_invalid");
    let changed = of("password", "done");
    assert_eq!(
        (&changed["actor_sid"], &changed["revoked"]),
        (&json!(sid), &json!(1))
    );
    assert_eq!(
        of("sign_out_session", "refused")["code"],
        "session_not_found"
    );
    assert_eq!(of("sign_out", "done")["selector"], "this");
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap()
}
