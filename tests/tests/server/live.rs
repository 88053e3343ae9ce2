//! Live connections: WebSocket and server-sent events.

use authkernel_tests::server::{PATIENCE, Refused};
use futures_util::SinkExt;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{setup, start};

#[tokio::test]
async fn a_connection_says_hello_and_hears_of_its_account() {
    let (_setup, server) = start();
    let session = server.newcomer("a@example.com").await;
    let path = "/live";
    let authorization = format!("Bearer {}", session.token);
    let request = [("authorization", authorization.as_str())];
    let mut live = server.connect_with(path, &request).await.unwrap();
    server.sign_in("a@example.com").await;
    let event = live.message_of("event").await;
    assert_eq!(event["action"], "sign_in");
    live.message_of("sessions").await;
    // What a client sends is not acted on, and a client that closes gets its close.
    live.stream
        .send(Message::Text("{\"type\":\"hello\"}".into()))
        .await
        .unwrap();
    live.stream.close(None).await.unwrap();
}

#[tokio::test]
async fn a_ticket_opens_one_connection() {
    let (_setup, server) = start();
    let session = server.newcomer("a@example.com").await;
    let give = async || {
        let answer = server
            .send(
                Method::POST,
                "/api/socket-ticket",
                Some(&session.token),
                None,
            )
            .await;
        let answer = answer.expect(200);
        assert_eq!(answer.body["expires_in"], 30);
        answer.body["ticket"].as_str().unwrap().to_owned()
    };
    let path = format!("/live?ticket={}", give().await);
    let mut live = server.connect_with(&path, &[]).await.unwrap();
    let refused = server.connect_with(&path, &[]).await.err().unwrap();
    assert_eq!(
        refused,
        Refused {
            status: 401,
            code: "ticket_invalid".into()
        }
    );

    // A bad ticket is not replaced by a good cookie, and no ticket by a bad header.
    let cookie = format!("authkernel_session={}", session.token);
    let refused = server
        .connect_with(&path, &[("cookie", &cookie)])
        .await
        .err()
        .unwrap();
    assert_eq!(refused.code, "ticket_invalid");
    let good = format!("/live?ticket={}", give().await);
    let refused = server
        .connect_with(&good, &[("authorization", "Bearer a.b.c")])
        .await
        .err()
        .unwrap();
    assert_eq!(refused.code, "token_malformed");
    let twice = format!("{good}&ticket={}", give().await);
    let refused = server.connect_with(&twice, &[]).await.err().unwrap();
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (400, "query_invalid")
    );

    // A ticket does not outlive its session.
    let late = format!("/live?ticket={}", give().await);
    server
        .delete("/api/session", &session.token)
        .await
        .expect(200);
    assert_eq!(live.closed().await, (4001, "revoked".to_owned()));
    let refused = server.connect_with(&late, &[]).await.err().unwrap();
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (401, "token_revoked")
    );
    server
        .send(Method::POST, "/api/socket-ticket", None, None)
        .await
        .refused(401, "credential_missing");
}

#[tokio::test]
async fn whoever_is_no_good_is_refused_at_the_upgrade() {
    let (_setup, server) = start();
    let refused = server.connect_with("/live", &[]).await.err().unwrap();
    assert_eq!(
        refused,
        Refused {
            status: 401,
            code: "credential_missing".into()
        }
    );
    let session = server.newcomer("a@example.com").await;
    let plain = server.get("/live", &session.token).await;
    plain.refused(426, "upgrade_required");
}

#[tokio::test]
async fn an_expired_session_is_closed() {
    let setup = setup();
    let policy = setup.data().join("policy.json");
    let text = r#"{ "issuer": "i", "audience": ["a"], "leeway_seconds": 0, "purposes":
        { "user": { "lifetime": "2s", "store": true, "presence": "required", "opens_sockets": true } } }"#;
    std::fs::write(&policy, text).unwrap();
    let server = setup
        .argument("--policy")
        .argument(policy.to_str().unwrap())
        .start();
    let session = server.newcomer("a@example.com").await;
    let mut live = server.connect(&session.token).await.unwrap();
    assert_eq!(live.closed().await, (4001, "expired".to_owned()));
    let refused = server.connect(&session.token).await.err().unwrap();
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (401, "token_expired")
    );
}

#[tokio::test]
async fn events_are_the_same_as_a_stream() {
    let (_setup, server) = start();
    let session = server.newcomer("a@example.com").await;
    let mut stream = Events::open(&server.url("/live/events"), &session.token).await;
    assert_eq!(stream.next().await.unwrap()["type"], "hello");
    server.sign_in("a@example.com").await;
    loop {
        if stream.next().await.unwrap()["action"] == "sign_in" {
            break;
        }
    }
    server
        .post("/api/sign-out-everywhere", &session.token, json!({}))
        .await
        .expect(200);
    let mut last = None;
    while let Some(message) = stream.next().await {
        last = Some(message);
    }
    let last = last.unwrap();
    assert_eq!(
        (&last["type"], &last["code"], &last["reason"]),
        (&json!("close"), &json!(4001), &json!("revoked"))
    );
    server
        .get("/live/events", &session.token)
        .await
        .refused(401, "token_revoked");
    server
        .send(Method::GET, "/live/events", None, None)
        .await
        .refused(401, "credential_missing");
}

/// A stream of server-sent events.
struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    async fn open(url: &str, token: &str) -> Self {
        let request = reqwest::Client::new()
            .get(url)
            .header("authorization", format!("Bearer {token}"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            text: String::new(),
        }
    }

    /// The data of the next event that has some.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data:"));
                let data = data.map(|data| serde_json::from_str(data.trim()).unwrap());
                self.text = rest.to_owned();
                if data.is_some() {
                    return data;
                }
                continue;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk())
                .await
                .unwrap()
                .unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}
