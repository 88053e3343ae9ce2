//! Server-sent events.

use authkernel_wasmtime::sockets::Change;
use tokio::time::timeout;

use crate::service::{PATIENCE, Service};

struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    async fn open(service: &Service, token: &str) -> Self {
        let url = format!("http://{}/events/web", service.address);
        let response = reqwest::Client::new()
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        let header = |name| response.headers().get(name).unwrap().to_str().unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(header("content-type"), "text/event-stream");
        assert_eq!(header("cache-control"), "no-store");
        let mut stream = Self {
            response,
            text: String::new(),
        };
        assert_eq!(stream.next().await.unwrap(), "event: hello\ndata: {}");
        stream
    }

    /// The next event; `None` at the end of the response.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let event = event.to_owned();
                self.text = rest.to_owned();
                return Some(event);
            }
            let chunk = timeout(PATIENCE, self.response.chunk())
                .await
                .expect("nothing comes");
            match chunk.unwrap() {
                Some(bytes) => self.text.push_str(std::str::from_utf8(&bytes).unwrap()),
                None => return None,
            }
        }
    }
}

fn close(reason: &str, code: u16) -> Option<String> {
    Some(format!(
        "event: close\ndata: {{\"code\":{code},\"reason\":\"{reason}\"}}"
    ))
}

#[tokio::test]
async fn a_revoked_stream_says_so_and_ends() {
    let service = Service::start().await;
    let token = service.token().await;
    let mut stream = Stream::open(&service, &token).await;
    let mut socket = service.connect(&token, "web").await;
    service.pushes.send("one\ntwo".into()).unwrap();
    assert_eq!(
        stream.next().await.unwrap(),
        "event: push\ndata: one\ndata: two"
    );
    service.revoke(&token).await;
    assert_eq!(stream.next().await, close("revoked", 4001));
    assert_eq!(stream.next().await, None);
    assert_eq!(socket.text().await, "one\ntwo");
    assert_eq!(socket.closed().await, (4001, "revoked".into()));
    let url = format!("http://{}/events/web", service.address);
    let refused = reqwest::Client::new()
        .get(url)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 401);
    let body: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["code"], "token_revoked");
}

#[tokio::test]
async fn an_expired_stream_says_so_and_ends() {
    let service = Service::start().await;
    let issued = service.issue(|issue| issue.lifetime = Some(2)).await;
    let mut stream = Stream::open(&service, &issued.token).await;
    assert_eq!(stream.next().await, close("expired", 4001));
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_shutdown_ends_streams() {
    let service = Service::start().await;
    let mut stream = Stream::open(&service, &service.token().await).await;
    let sockets = service.sockets.clone();
    let shutdown = tokio::spawn(async move { sockets.shutdown().await });
    assert_eq!(stream.next().await, close("shutdown", 1001));
    assert_eq!(stream.next().await, None);
    shutdown.await.unwrap();
}

#[tokio::test]
async fn a_peer_that_vanishes_is_forgotten() {
    let service = Service::start().await;
    drop(Stream::open(&service, &service.token().await).await);
    let event = service
        .happens(|change| matches!(change, Change::Closed(_)))
        .await;
    assert_eq!(event.change, Change::Closed(None));
    assert_eq!(service.sockets.counts().registered, 0);
}
