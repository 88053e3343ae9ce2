//! What a client may send and hold, each limit as the operator has set it.

use std::time::{Duration, Instant};

use authkernel_tests::server::{Answer, Live, PATIENCE, Server};
use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, COOKIE};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::setup;

async fn with_body(server: &Server, length: usize) -> Answer {
    let empty = json!({ "email": "", "password": "" }).to_string().len();
    let body = json!({ "email": "", "password": "x".repeat(length - empty) });
    let request = Client::new()
        .post(server.url("/api/sign-in"))
        .header(CONTENT_TYPE, "application/json")
        .body(body.to_string());
    Answer::of(request).await
}

#[tokio::test]
async fn a_body_has_the_bytes_that_were_set() {
    for (flag, limit) in [(None, 16_384), (Some("--max-body-bytes=2048"), 2_048)] {
        let setup = flag
            .into_iter()
            .fold(setup(), |setup, flag| setup.argument(flag));
        let server = setup.start();
        with_body(&server, limit)
            .await
            .refused(401, "credentials_invalid");
        let refused = with_body(&server, limit + 1).await;
        assert!(
            refused.text.contains(&limit.to_string()),
            "{}",
            refused.text
        );
        refused.refused(413, "body_too_large");
    }
}

async fn with_head(server: &Server, bytes: usize) -> u16 {
    let request = Client::new()
        .get(server.url("/healthz"))
        .header(COOKIE, "x".repeat(bytes));
    Answer::of(request).await.status
}

#[tokio::test]
async fn a_head_has_the_bytes_and_lines_that_were_set() {
    // What the client itself says takes a few hundred bytes.
    for (flag, limit) in [(None, 32_768), (Some("--max-header-bytes=12288"), 12_288)] {
        let setup = flag
            .into_iter()
            .fold(setup(), |setup, flag| setup.argument(flag));
        let server = setup.start();
        assert_eq!(with_head(&server, limit - 1_024).await, 200);
        assert_eq!(with_head(&server, limit).await, 431);
    }
    let server = setup().start();
    let lines = async |count: usize| {
        let request = Client::new().get(server.url("/healthz"));
        let request = (0..count).fold(request, |request, number| {
            request.header(format!("x-{number}"), "x")
        });
        Answer::of(request).await.status
    };
    assert_eq!(lines(60).await, 200);
    assert_eq!(lines(65).await, 431);
}

/// All that a new connection is told without having asked.
async fn told(server: &Server) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text))
        .await
        .unwrap()
        .unwrap();
    text
}

/// A live connection, as soon as the address has a place for one.
async fn until_connected(server: &Server, token: &str) -> Live {
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
async fn an_address_has_the_connections_that_were_set() {
    let setup = setup().argument("--max-connections-per-address=2");
    let server = setup.start();
    let session = server.newcomer("a@example.com").await;
    let first = until_connected(&server, &session.token).await;
    let second = until_connected(&server, &session.token).await;
    let text = told(&server).await;
    assert!(
        text.starts_with("HTTP/1.1 503") && text.contains("connections of your address"),
        "{text}"
    );
    drop(first);
    let again = until_connected(&server, &session.token).await;
    drop((second, again));
    let counted = async {
        loop {
            let request = Client::new().get(server.url("/metrics")).send().await;
            if let Ok(answer) = request
                && answer.status() == 200
            {
                return answer.text().await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let text = timeout(PATIENCE, counted).await.unwrap();
    let series = "authkernel_connections_refused_total{limit=\"address\"} ";
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    assert!(line.is_some_and(|count| count != "0"), "{text}");
}

#[tokio::test]
async fn a_head_that_comes_in_drops_ends_in_time() {
    let setup = setup().argument("--idle-seconds=1");
    let server = setup.start();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ")
        .await
        .unwrap();
    let start = Instant::now();
    // Never silent for a second, and cut all the same: the whole head has one second.
    let dripping = async {
        loop {
            let mut byte = [0];
            let waiting = timeout(Duration::from_millis(200), stream.read(&mut byte)).await;
            match waiting {
                Ok(Ok(0) | Err(_)) => return,
                Ok(Ok(_)) => {}
                Err(_) => {
                    if stream.write_all(b"x").await.is_err() {
                        return;
                    }
                }
            }
        }
    };
    timeout(PATIENCE, dripping).await.expect("it is cut");
    assert!(start.elapsed() < PATIENCE / 4, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_connection_that_was_kept_open_and_asks_no_more_is_closed() {
    let setup = setup().argument("--idle-seconds=1");
    let server = setup.start();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    // Asked twice on one connection: it is kept open between requests.
    for _ in 0..2 {
        stream.write_all(request).await.unwrap();
        let mut answer = vec![0; 4096];
        let size = timeout(PATIENCE, stream.read(&mut answer))
            .await
            .unwrap()
            .unwrap();
        assert!(answer[..size].starts_with(b"HTTP/1.1 200"));
    }
    let mut rest = Vec::new();
    let end = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    end.expect("it is closed").unwrap();
    assert!(rest.is_empty());
}
