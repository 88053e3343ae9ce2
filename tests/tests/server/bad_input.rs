//! What is wrong, too large, too slow or too much gets a clear answer, and nothing is lost.

use std::time::Duration;

use authkernel_tests::server::{Answer, PASSWORD, PATIENCE, Server};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{setup, start};

const MEGABYTE: usize = 1024 * 1024;

async fn post(server: &Server, path: &str, kind: Option<&str>, body: Vec<u8>) -> Answer {
    let mut request = reqwest::Client::new().post(server.url(path)).body(body);
    if let Some(kind) = kind {
        request = request.header("content-type", kind);
    }
    Answer::of(request).await
}

#[tokio::test]
async fn bodies_that_are_no_good_are_refused() {
    let (_setup, server) = start();
    let session = server.newcomer("a@example.com").await;
    let json = Some("application/json");
    let good = json!({ "email": "b@example.com", "password": PASSWORD }).to_string();
    let deep = format!("{}1{}", "[".repeat(8000), "]".repeat(8000));
    for body in [
        b"".to_vec(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"\xff\xfe".to_vec(),
        b"{\"email\":\"\xff\",\"password\":\"x\"}".to_vec(),
        br#"{"email":1,"password":"x"}"#.to_vec(),
        br#"{"email":"b@example.com"}"#.to_vec(),
        br#"{"email":"b@example.com","email":"c@example.com","password":"long enough"}"#.to_vec(),
        format!("{good}{good}").into_bytes(),
        deep.into_bytes(),
    ] {
        let shown = String::from_utf8_lossy(&body)
            .chars()
            .take(60)
            .collect::<String>();
        let answer = post(&server, "/api/register", json, body).await;
        assert_eq!(answer.status, 400, "{shown}: {}", answer.text);
        answer.refused(400, "body_invalid");
    }
    for kind in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
    ] {
        let answer = post(&server, "/api/register", kind, good.clone().into_bytes()).await;
        answer.refused(415, "content_type_invalid");
    }
    for size in [17 * 1024, MEGABYTE] {
        let answer = post(&server, "/api/register", json, vec![b' '; size]).await;
        answer.refused(413, "body_too_large");
    }
    let body = json!({ "email": "b@example.com", "password": "x".repeat(5000) });
    server
        .send(Method::POST, "/api/register", None, Some(body))
        .await
        .refused(422, "password_weak");
    server.get("/api/me", &session.token).await.expect(200);
    server.newcomer("b@example.com").await;
}

#[tokio::test]
async fn tokens_that_are_no_good_are_refused() {
    let (_setup, server) = start();
    let session = server.newcomer("a@example.com").await;
    server
        .get("/api/me", &"x".repeat(20_000))
        .await
        .refused(401, "token_too_large");
    for bad in ["x", "a.b.c", "..", &"a.".repeat(3000)] {
        server
            .get("/api/me", bad)
            .await
            .refused(401, "token_malformed");
    }
    let none = "eyJhbGciOiJub25lIn0.e30.";
    assert_eq!(server.get("/api/me", none).await.status, 401);
    // No request head may have a megabyte, whatever is in it.
    let answer = server.get("/api/me", &"x".repeat(MEGABYTE)).await;
    assert_eq!(answer.status, 431);
    server.get("/api/me", &session.token).await.expect(200);
}

#[tokio::test]
async fn unknown_routes_and_methods_have_an_answer() {
    let (_setup, server) = start();
    for path in [
        "/nothing",
        "/api",
        "/api/nothing",
        "/assets/nothing",
        "/assets/../keys.json",
        "/%FF",
    ] {
        server
            .send(Method::GET, path, None, None)
            .await
            .refused(404, "not_found");
    }
    for (method, path, allowed) in [
        (Method::GET, "/api/sign-in", "POST"),
        (Method::POST, "/api/session", "DELETE"),
        (Method::PUT, "/api/me", "GET,HEAD"),
        (Method::DELETE, "/", "GET,HEAD"),
    ] {
        let answer = server.send(method, path, None, None).await;
        assert_eq!(answer.headers["allow"], allowed);
        answer.refused(405, "method_not_allowed");
    }
    let health = server
        .send(Method::GET, "/healthz", None, None)
        .await
        .expect(200);
    assert_eq!(health.body, json!({ "status": "ok" }));
}

#[tokio::test]
async fn the_page_and_its_files_are_served_and_guarded() {
    let (_setup, server) = start();
    let page = server.send(Method::GET, "/", None, None).await.expect(200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let mut files = 0;
    for part in page
        .text
        .split('"')
        .filter(|part| part.starts_with("/assets/"))
    {
        let file = server.send(Method::GET, part, None, None).await.expect(200);
        assert_eq!(file.headers["x-content-type-options"], "nosniff");
        let again = reqwest::Client::new()
            .get(server.url(part))
            .header("if-none-match", file.headers["etag"].clone());
        Answer::of(again).await.expect(304);
        files += 1;
    }
    assert!(files >= 2, "{}", page.text);
}

#[tokio::test]
async fn a_client_that_sends_nothing_is_cut() {
    let server = setup().argument("--idle-seconds=1");
    let server = server.start();
    for start in [
        &b""[..],
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(start).await.unwrap();
        let mut rest = Vec::new();
        // The end comes by itself; what it says before does not matter.
        let _ = timeout(PATIENCE, stream.read_to_end(&mut rest))
            .await
            .expect("it is cut");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let setup = setup().argument("--idle-seconds=1");
    let server = setup.start();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let request = b"GET /assets/style.css HTTP/1.1\r\nhost: x\r\n\r\n".repeat(64);
    // Requests without end, and not one answer read: sooner or later the server reads no more, and then cuts.
    let cut = async {
        loop {
            if stream.write_all(&request).await.is_err() {
                return;
            }
        }
    };
    timeout(PATIENCE, cut).await.expect("it is cut");
    server
        .send(Method::GET, "/healthz", None, None)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_body_that_never_comes_ends_in_time() {
    let setup = setup().argument("--request-seconds=1");
    let server = setup.start();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let head = "POST /api/register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 4096];
    let size = timeout(PATIENCE, stream.read(&mut answer))
        .await
        .unwrap()
        .unwrap();
    let answer = String::from_utf8_lossy(&answer[..size]);
    assert!(
        answer.starts_with("HTTP/1.1 408") && answer.contains("request_timeout"),
        "{answer}"
    );
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let setup = setup().argument("--max-connections=2");
    let server = setup.start();
    let session = server.newcomer("a@example.com").await;
    // Whatever the client above still holds open is given up first.
    let first = until_connected(&server, &session.token).await;
    let second = until_connected(&server, &session.token).await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text))
        .await
        .unwrap()
        .unwrap();
    assert!(
        text.starts_with("HTTP/1.1 503") && text.contains("\"overloaded\""),
        "{text}"
    );
    drop((first, second));
}

/// A live connection, as soon as there is a place for one.
async fn until_connected(server: &Server, token: &str) -> authkernel_tests::server::Live {
    let tries = async {
        loop {
            match server.connect(token).await {
                Ok(live) => return live,
                Err(refused) => assert_eq!(refused.status, 503),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, tries).await.expect("a place")
}

#[tokio::test]
async fn a_locked_database_refuses_and_loses_nothing() {
    let (setup, server) = start();
    let session = server.newcomer("a@example.com").await;
    let other = server.sign_in("a@example.com").await;
    let lock = rusqlite::Connection::open(setup.data().join("authkernel.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();

    // Reading goes on; whatever has to write says that it could not, and never that it did.
    server.get("/api/me", &session.token).await.expect(200);
    let out = server.delete("/api/session", &other.token).await;
    assert!(out.headers.contains_key("retry-after") && !out.headers.contains_key("set-cookie"));
    out.refused(503, "storage_unavailable");
    let change = json!({ "current": PASSWORD, "new": "another password" });
    server
        .post("/api/password", &session.token, change)
        .await
        .refused(503, "storage_unavailable");
    lock.execute_batch("ROLLBACK").unwrap();

    server.get("/api/me", &other.token).await.expect(200);
    assert_eq!(
        server
            .delete("/api/session", &other.token)
            .await
            .expect(200)
            .counts(),
        (1, 1, 0)
    );
    server
        .get("/api/me", &other.token)
        .await
        .refused(401, "token_revoked");
    server.sign_in("a@example.com").await;
}
