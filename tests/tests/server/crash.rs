//! The process is killed between two steps, and the next start makes it good.

use authkernel_tests::server::{PASSWORD, Server};
use reqwest::Method;
use serde_json::{Value, json};

use super::setup;

/// Sends a request that the server never answers.
pub(super) fn send_into_the_void(
    server: &Server,
    path: &str,
    token: &str,
    body: Value,
) -> tokio::task::JoinHandle<()> {
    let request = reqwest::Client::new()
        .post(server.url(path))
        .bearer_auth(token)
        .json(&body);
    tokio::spawn(async move {
        let answer = request.send().await;
        assert!(answer.is_err(), "an answer after the fault: {answer:?}");
    })
}

#[tokio::test]
async fn a_password_change_that_was_cut_off_signs_out_the_others_at_the_next_start() {
    let setup = setup().environment("AUTHKERNEL_FAULT", "after-credential-commit");
    let server = setup.start();
    let acting = server.newcomer("a@example.com").await;
    let other = server.sign_in("a@example.com").await;
    let new = "another password";
    let body = json!({ "current": PASSWORD, "new": new });
    let sent = send_into_the_void(&server, "/api/password", &acting.token, body);
    server
        .log()
        .wait_for("fault: stopped at after-credential-commit")
        .await;
    // The change is committed, and nothing was signed out.
    server.get("/api/me", &other.token).await.expect(200);
    server.kill();
    sent.await.unwrap();

    let setup = setup.without_environment();
    let server = setup.start();
    server
        .get("/api/me", &other.token)
        .await
        .refused(401, "token_revoked");
    server.get("/api/me", &acting.token).await.expect(200);
    let body = json!({ "email": "a@example.com", "password": new });
    server
        .send(Method::POST, "/api/sign-in", None, Some(body))
        .await
        .expect(200);
    let log = server.log().text();
    assert!(log.contains(r#""action":"intent""#), "{log}");
    server.kill();

    // It is done once: a session that begins now is left alone by the start after that.
    let server = setup.start();
    server.get("/api/me", &acting.token).await.expect(200);
    assert!(!server.log().text().contains(r#""action":"intent""#));
}

#[tokio::test]
async fn an_email_change_that_was_cut_off_signs_out_everywhere_at_the_next_start() {
    let setup = setup().environment("AUTHKERNEL_FAULT", "after-credential-commit");
    let server = setup.start();
    let acting = server.newcomer("a@example.com").await;
    let body = json!({ "current": PASSWORD, "email": "b@example.com" });
    let sent = send_into_the_void(&server, "/api/email", &acting.token, body);
    server
        .log()
        .wait_for("fault: stopped at after-credential-commit")
        .await;
    server.kill();
    sent.await.unwrap();

    let server = setup.without_environment();
    let server = server.start();
    server
        .get("/api/me", &acting.token)
        .await
        .refused(401, "token_revoked");
    server.sign_in("b@example.com").await;
}

#[tokio::test]
async fn a_sign_out_that_was_cut_off_before_the_broadcast_is_told_at_the_next_start() {
    let setup = setup().environment("AUTHKERNEL_FAULT", "after-revoke-commit");
    let server = setup.start();
    let acting = server.newcomer("a@example.com").await;
    let other = server.sign_in("a@example.com").await;
    let live = server.connect(&other.token).await.unwrap();
    let body = json!({ "keep_current": true });
    let sent = send_into_the_void(&server, "/api/sign-out-everywhere", &acting.token, body);
    server
        .log()
        .wait_for("fault: stopped at after-revoke-commit")
        .await;
    // Dead for everybody before anybody was told.
    server
        .get("/api/me", &other.token)
        .await
        .refused(401, "token_revoked");
    assert!(server.connect(&other.token).await.is_err());
    server.kill();
    sent.await.unwrap();
    drop(live);
    assert_eq!(undelivered(setup.data()), 1);

    let setup = setup.without_environment();
    let server = setup.start();
    server
        .get("/api/me", &other.token)
        .await
        .refused(401, "token_revoked");
    server.get("/api/me", &acting.token).await.expect(200);
    server.log().wait_for("delivered=1").await;
    server.terminate();
    tokio::task::spawn_blocking(|| server.wait()).await.unwrap();
    assert_eq!(undelivered(setup.data()), 0);
}

/// Sessions whose disconnect was committed and not delivered.
fn undelivered(data: &std::path::Path) -> i64 {
    let sql = rusqlite::Connection::open(data.join("authkernel.db")).unwrap();
    sql.query_row(
        "SELECT count(*) FROM records WHERE notify_due IS NOT NULL",
        [],
        |row| row.get(0),
    )
    .unwrap()
}
