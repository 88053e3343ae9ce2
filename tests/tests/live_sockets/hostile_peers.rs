//! Peers that do not do their part are cut: their TCP connection is reset, whatever they do or do not read.

use std::io::ErrorKind;
use std::time::Duration;

use authkernel_wasmtime::sockets::{Change, Reason};
use futures_util::SinkExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::service::{PATIENCE, Service};

/// A connection that was accepted, by a peer that has read no further than the head of the answer.
async fn raw(service: &Service, path: &str, token: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // So that few bytes fill what lies between server and peer.
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(service.address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: tests\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(
        head.starts_with("HTTP/1.1 101") || head.starts_with("HTTP/1.1 200"),
        "{head}"
    );
    stream
}

/// Reads on to the end: what was received, and whether the connection was reset.
async fn read_on(mut stream: TcpStream) -> (Vec<u8>, bool) {
    let mut received = Vec::new();
    let end = timeout(PATIENCE, stream.read_to_end(&mut received))
        .await
        .expect("it does not end");
    match end {
        Ok(_) => (received, false),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            (received, true)
        }
    }
}

/// Pushes until no more is taken, and some.
async fn flood(service: &Service) {
    let push = "x".repeat(60_000);
    for _ in 0..2_000 {
        service.pushes.send(push.clone()).unwrap();
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn peers_that_never_read_are_cut_when_their_session_is_revoked() {
    for path in ["/live/web", "/events/web"] {
        let service = Service::start().await;
        let token = service.token().await;
        let stream = raw(&service, path, &token).await;
        flood(&service).await;
        service.revoke(&token).await;
        let event = service
            .happens(|change| matches!(change, Change::Closed(_)))
            .await;
        assert_eq!(
            event.change,
            Change::Closed(Some(Reason::Revoked)),
            "{path}"
        );
        // The connection is gone here too, although nothing was read until now.
        let (_, reset) = read_on(stream).await;
        assert!(reset, "{path}");
    }
}

#[tokio::test]
async fn peers_that_never_read_are_cut_after_the_time_limit() {
    for path in ["/live/web", "/events/web"] {
        let service = Service::with(|parts| {
            parts.limits.write = Duration::from_millis(200);
            parts.limits.ping_every = Duration::from_millis(50);
        })
        .await;
        let stream = raw(&service, path, &service.token().await).await;
        flood(&service).await;
        let event = service
            .happens(|change| matches!(change, Change::Closed(_)))
            .await;
        assert_eq!(event.change, Change::Closed(None), "{path}");
        let (_, reset) = read_on(stream).await;
        assert!(reset, "{path}");
    }
}

#[tokio::test]
async fn a_peer_that_never_answers_the_close_is_cut() {
    let service = Service::start().await;
    let token = service.token().await;
    let stream = raw(&service, "/live/web", &token).await;
    service.revoke(&token).await;
    let (received, reset) = read_on(stream).await;
    let mut close = vec![0x88, 9];
    close.extend(4001_u16.to_be_bytes());
    close.extend(b"revoked");
    assert!(received.ends_with(&close), "{received:?}");
    assert!(reset);
}

#[tokio::test]
async fn a_peer_that_goes_on_sending_instead_of_closing_is_cut() {
    let service = Service::start().await;
    let token = service.token().await;
    let mut stream = raw(&service, "/live/web", &token).await;
    service.revoke(&token).await;
    // Masked text frames with one byte each, key 0.
    let frame = [0x81, 0x81, 0, 0, 0, 0, b'x'];
    let sending = async { while stream.write_all(&frame).await.is_ok() {} };
    timeout(PATIENCE, sending)
        .await
        .expect("it goes on for ever");
    service
        .happens(|change| matches!(change, Change::Closed(_)))
        .await;
    assert!(!service.acted.on("x"));
}

#[tokio::test]
async fn a_silent_peer_is_cut() {
    let service = Service::with(|parts| {
        parts.limits.ping_every = Duration::from_millis(50);
        parts.limits.idle = Duration::from_millis(300);
    })
    .await;
    let (silent, lively) = (service.token().await, service.token().await);
    let silent = raw(&service, "/live/web", &silent).await;
    let mut lively = service.connect(&lively, "web").await;
    // One that answers pings is not cut: it takes part in reading them.
    let alive = tokio::spawn(async move { lively.text().await });
    let (received, reset) = read_on(silent).await;
    assert!(received.ends_with(&[0x89, 0]) && reset);
    service.pushes.send("still here".into()).unwrap();
    assert_eq!(alive.await.unwrap(), "still here");
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_the_connection() {
    let service = Service::start().await;
    let mut client = service.connect(&service.token().await, "web").await;
    let longest = "x".repeat(64 * 1024);
    assert_eq!(client.ask(&longest).await, longest);
    client
        .0
        .send(Message::text(format!("{longest}x")))
        .await
        .unwrap();
    assert_eq!(
        client.closed().await,
        (1009, "the message is too long".into())
    );
    assert_eq!(service.sockets.counts().registered, 0);
}

#[tokio::test]
async fn nonsense_ends_the_connection_and_no_other() {
    let service = Service::start().await;
    let token = service.token().await;
    let mut other = service.connect(&token, "web").await;
    for nonsense in [
        &[0xff; 64][..],
        &[0x81, 0x01, b'x'],
        &[0x81, 0x81, 0, 0, 0, 0, 0xff],
    ] {
        let mut stream = raw(&service, "/live/web", &token).await;
        stream.write_all(nonsense).await.unwrap();
        let (received, _) = read_on(stream).await;
        let close = received.iter().rposition(|byte| *byte == 0x88);
        assert!(close.is_some(), "{received:?}");
    }
    assert_eq!(other.ask("still here").await, "still here");
}
