//! What somebody may try who means no good, against the server as it is started by default.

use std::time::Duration;

use authkernel_tests::server::{Answer, PATIENCE};
use futures_util::{SinkExt, StreamExt, stream};
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{setup, start};

#[tokio::test]
async fn a_flood_of_sign_ins_is_limited_and_others_are_served() {
    let setup = setup().argument("--tries-per-address=40");
    let server = setup.start();
    let session = server.newcomer("a@example.com").await;
    let flood = stream::iter(0..200).map(|number| {
        let body = json!({ "email": format!("{number}@example.com"), "password": "guess guess" });
        let request = Client::new()
            .post(server.url("/api/sign-in"))
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        Answer::of(request)
    });
    let flood = flood.buffer_unordered(50).collect::<Vec<_>>();
    let served = async {
        for _ in 0..50 {
            server.get("/api/me", &session.token).await.expect(200);
        }
    };
    let (answers, ()) = tokio::join!(flood, served);
    let wrong = answers.iter().filter(|answer| answer.status == 401).count();
    let limited: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 429)
        .collect();
    assert_eq!(wrong + limited.len(), 200);
    // A few come back while the flood lasts.
    assert!((30..100).contains(&wrong), "{wrong} were tried");
    for answer in limited {
        let seconds = answer.headers["retry-after"].to_str().unwrap();
        assert!(
            seconds.parse::<u64>().is_ok_and(|seconds| seconds > 0),
            "{seconds}"
        );
    }
}

#[tokio::test]
async fn a_frame_that_is_too_large_ends_only_its_connection() {
    let (_setup, server) = start();
    let session = server.newcomer("a@example.com").await;
    let mut other = server.connect(&session.token).await.unwrap();
    let mut live = server.connect(&session.token).await.unwrap();
    let large = Message::Text("x".repeat(1 << 20).into());
    // It may be cut off before all of it is sent.
    let _ = tokio::time::timeout(PATIENCE, live.stream.send(large))
        .await
        .unwrap();
    loop {
        match live.next().await {
            Some(Message::Close(Some(frame))) => break assert_eq!(u16::from(frame.code), 1009),
            Some(_) => {}
            None => break,
        }
    }
    server
        .delete("/api/session", &session.token)
        .await
        .expect(200);
    assert_eq!(other.closed().await, (4001, "revoked".to_owned()));
}

#[tokio::test]
async fn a_token_in_a_query_string_is_in_no_log() {
    for format in ["text", "json"] {
        let setup = setup();
        let audit = setup.data().join("audit.jsonl");
        let setup = setup
            .argument(format!("--audit-log={}", audit.display()))
            .argument(format!("--log-format={format}"));
        let server = setup.start();
        let session = server.newcomer("a@example.com").await;
        let path = format!("/socket/websocket?vsn=2.0.0&token={}", session.token);
        let url = format!("ws://{}{path}", server.address());
        let (mut live, _) = tokio_tungstenite::connect_async(&url).await.unwrap();
        live.send(Message::Text(
            r#"[null,"1","phoenix","heartbeat",{}]"#.into(),
        ))
        .await
        .unwrap();
        let answer = tokio::time::timeout(PATIENCE, live.next()).await.unwrap();
        assert!(
            answer
                .unwrap()
                .unwrap()
                .to_text()
                .unwrap()
                .contains("phx_reply")
        );
        server
            .delete("/api/session", &session.token)
            .await
            .expect(200);
        assert!(tokio_tungstenite::connect_async(&url).await.is_err());
        server
            .get(&format!("/api/me?token={}", session.token), "a.b.c")
            .await;
        server
            .get(&format!("/nowhere?token={}", session.token), "a.b.c")
            .await;
        server.terminate();
        let (_, out, log) = server.wait();
        let audit = std::fs::read_to_string(audit).unwrap();
        assert!(audit.contains("sign_out"), "{audit}");
        let signature = session.token.rsplit('.').next().unwrap();
        for text in [out, log, audit] {
            assert!(!text.contains(signature), "the token is in a log");
        }
    }
}

#[tokio::test]
async fn ten_thousand_idle_connections_cost_little_and_all_close() {
    const COUNT: usize = 10_000;
    /// In KiB, of a build without optimizations; the bench has the figure of a release.
    const MOST_EACH: u64 = 32;
    let limit = rustix::process::Resource::Nofile;
    let mut files = rustix::process::getrlimit(limit);
    files.current = files.maximum;
    rustix::process::setrlimit(limit, files).unwrap();
    if files
        .maximum
        .is_some_and(|most| most < COUNT as u64 + 1_000)
    {
        eprintln!("SKIPPED ten thousand connections: this system allows {files:?} open files");
        return;
    }
    let (_setup, server) = start();
    let session = server.newcomer("a@example.com").await;
    let empty = server.memory();
    let connecting = stream::iter(0..COUNT)
        .map(|_| server.connect(&session.token))
        .buffer_unordered(64);
    let mut live: Vec<_> = connecting.map(|live| live.unwrap()).collect().await;
    let each = server.memory().saturating_sub(empty) / COUNT as u64;
    println!("{each} KiB for each of {COUNT} idle connections");
    assert!(each <= MOST_EACH, "{each} KiB each");
    server.get("/api/me", &session.token).await.expect(200);
    server
        .delete("/api/session", &session.token)
        .await
        .expect(200);
    let closing = stream::iter(&mut live)
        .map(|live| live.closed())
        .buffer_unordered(COUNT);
    let closed = closing.all(async |(code, _)| code == 4001);
    assert!(
        tokio::time::timeout(Duration::from_secs(60), closed)
            .await
            .unwrap()
    );
}
