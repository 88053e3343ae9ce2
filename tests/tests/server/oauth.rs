//! Other services: public keys, introspection, revocation, and signing a subject out.

use authkernel_tests::server::{Answer, Server, Setup};
use reqwest::header::{CONTENT_TYPE, IF_NONE_MATCH};
use serde_json::{Value, json};

use super::setup;

/// A client of the server, with its secret.
struct Service {
    id: &'static str,
    secret: String,
}

impl Service {
    /// Made by the command, as an operator does; with its entry for the file.
    fn make(id: &'static str, may: &str) -> (Self, Value) {
        let out = std::process::Command::new(env!("CARGO_BIN_EXE_authkernel-under-test"))
            .args(["--json", "client", id, "--may", may])
            .output()
            .unwrap();
        let made: Value = serde_json::from_slice(&out.stdout).unwrap();
        let secret = made["secret"].as_str().unwrap().to_owned();
        (Self { id, secret }, made["entry"].clone())
    }

    async fn post(&self, server: &Server, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = reqwest::Client::new()
            .post(server.url(path))
            .basic_auth(self.id, Some(&self.secret));
        Answer::of(with_form(request, form)).await
    }

    async fn introspect(&self, server: &Server, token: &str) -> Value {
        let answer = self
            .post(server, "/oauth/introspect", &[("token", token)])
            .await;
        assert_eq!(answer.headers["cache-control"], "no-store");
        answer.expect(200).body
    }
}

fn with_form(request: reqwest::RequestBuilder, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let pairs: Vec<String> = form
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    request
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(pairs.join("&"))
}

fn with_clients() -> (Setup, Service, Service) {
    let setup = setup();
    let (asks, first) = Service::make("asks", "introspect");
    let (acts, second) = Service::make("acts", "revoke,sign-out");
    let file = setup.data().join("clients.json");
    std::fs::write(&file, json!({ "clients": [first, second] }).to_string()).unwrap();
    (
        setup.argument(format!("--clients={}", file.display())),
        asks,
        acts,
    )
}

#[track_caller]
fn is_error(answer: &Answer, status: u16, error: &str) {
    assert_eq!(
        (answer.status, answer.body["error"].as_str()),
        (status, Some(error)),
        "{}",
        answer.text
    );
    assert!(
        answer.body["error_description"].is_string(),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn without_configured_clients_the_routes_are_not_there() {
    let (_setup, server) = super::start();
    let (service, _) = Service::make("asks", "introspect");
    for path in [
        "/oauth/introspect",
        "/oauth/revoke",
        "/admin/subjects/a/sign-out",
    ] {
        let answer = service.post(&server, path, &[("token", "a.b.c")]).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn introspection_says_what_the_kernel_decides_and_nothing_else() {
    let (setup, asks, acts) = with_clients();
    let server = setup.start();
    let session = server.newcomer("a@example.com").await;
    let said = asks.introspect(&server, &session.token).await;
    assert_eq!(said["active"], true);
    assert_eq!(said["sub"], session.subject);
    assert_eq!(said["sid"], session.sid);
    assert_eq!(said["purpose"], "user");
    assert!(said["exp"].as_u64() > said["iat"].as_u64());

    let inactive = json!({ "active": false });
    for bad in [
        "a.b.c",
        "x",
        &format!("{}x", session.token),
        &"y".repeat(9000),
    ] {
        assert_eq!(asks.introspect(&server, bad).await, inactive);
    }
    // A wrong client learns nothing, and neither does the right one with the wrong right.
    is_error(
        &acts
            .post(&server, "/oauth/introspect", &[("token", &session.token)])
            .await,
        403,
        "unauthorized_client",
    );
    let wrong = Service {
        id: "asks",
        secret: acts.secret.clone(),
    };
    let refused = wrong
        .post(&server, "/oauth/introspect", &[("token", &session.token)])
        .await;
    is_error(&refused, 401, "invalid_client");
    assert!(
        refused.headers["www-authenticate"]
            .to_str()
            .unwrap()
            .starts_with("Basic")
    );
    is_error(
        &asks.post(&server, "/oauth/introspect", &[]).await,
        400,
        "invalid_request",
    );
    let twice = [("token", "a"), ("token", "b")];
    is_error(
        &asks.post(&server, "/oauth/introspect", &twice).await,
        400,
        "invalid_request",
    );
    let ways = [
        ("token", "a"),
        ("client_id", "asks"),
        ("client_secret", &asks.secret),
    ];
    is_error(
        &asks.post(&server, "/oauth/introspect", &ways).await,
        400,
        "invalid_request",
    );
    let posted = reqwest::Client::new().post(server.url("/oauth/introspect"));
    let ways = [
        ("token", session.token.as_str()),
        ("client_id", "asks"),
        ("client_secret", &asks.secret),
    ];
    let answer = Answer::of(with_form(posted, &ways)).await.expect(200);
    assert_eq!(answer.body["active"], true);

    server
        .delete("/api/session", &session.token)
        .await
        .expect(200);
    assert_eq!(asks.introspect(&server, &session.token).await, inactive);
    let log = server.log().text();
    for secret in [&asks.secret, &acts.secret, &session.token] {
        assert!(!log.contains(secret.as_str()), "a secret is in the log");
    }
}

#[tokio::test]
async fn guessing_a_secret_is_limited() {
    let (setup, asks, _) = with_clients();
    let server = setup.argument("--tries-per-account=3").start();
    let wrong = Service {
        id: "asks",
        secret: "guess".to_owned(),
    };
    for _ in 0..3 {
        is_error(
            &wrong
                .post(&server, "/oauth/introspect", &[("token", "a")])
                .await,
            401,
            "invalid_client",
        );
    }
    let limited = wrong
        .post(&server, "/oauth/introspect", &[("token", "a")])
        .await;
    is_error(&limited, 429, "slow_down");
    assert!(limited.headers.contains_key("retry-after"));
    drop(asks);
}

#[tokio::test]
async fn revocation_ends_the_session_and_a_forged_token_ends_nothing() {
    let (setup, asks, acts) = with_clients();
    let server = setup.start();
    let session = server.newcomer("a@example.com").await;
    let mut live = server.connect(&session.token).await.unwrap();
    let at = session.token.rfind('.').unwrap() + 5;
    let mut forged = session.token.clone().into_bytes();
    forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for bad in [forged.as_str(), "x"] {
        acts.post(&server, "/oauth/revoke", &[("token", bad)])
            .await
            .expect(200);
    }
    assert_eq!(
        asks.introspect(&server, &session.token).await["active"],
        true
    );
    is_error(
        &asks
            .post(&server, "/oauth/revoke", &[("token", &session.token)])
            .await,
        403,
        "unauthorized_client",
    );

    let form = [
        ("token", session.token.as_str()),
        ("token_type_hint", "nonsense"),
    ];
    acts.post(&server, "/oauth/revoke", &form).await.expect(200);
    assert_eq!(live.closed().await, (4001, "revoked".to_owned()));
    assert_eq!(
        asks.introspect(&server, &session.token).await,
        json!({ "active": false })
    );
    acts.post(&server, "/oauth/revoke", &form).await.expect(200);
}

#[tokio::test]
async fn a_service_signs_a_subject_out() {
    let (setup, asks, acts) = with_clients();
    let server = setup.start();
    let first = server.newcomer("a@example.com").await;
    let second = server.sign_in("a@example.com").await;
    let stranger = server.newcomer("b@example.com").await;
    let mut live = server.connect(&second.token).await.unwrap();
    // Subjects have characters of their own meaning in them.
    assert!(first.subject.contains('?'));
    let subject = first.subject.replace('?', "%3F").replace('=', "%3D");
    let path = format!("/admin/subjects/{subject}/sign-out");
    let send = async |service: &Service, body: Value| {
        let request = reqwest::Client::new()
            .post(server.url(&path))
            .basic_auth(service.id, Some(&service.secret))
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        Answer::of(request).await
    };
    is_error(&send(&asks, json!({})).await, 403, "unauthorized_client");
    send(&acts, json!({ "kep": [] }))
        .await
        .refused(400, "body_invalid");
    send(&acts, json!({ "include_purposes": ["nonsense"] }))
        .await
        .refused(422, "purpose_invalid");
    let preview = send(&acts, json!({ "dry_run": true })).await.expect(200);
    assert_eq!(preview.counts(), (2, 2, 0));
    let none = send(&acts, json!({ "issued_before": 1 })).await.expect(200);
    assert_eq!(none.counts(), (0, 0, 0));
    let kept = send(&acts, json!({ "keep": [first.sid], "reason": "stolen" }))
        .await
        .expect(200);
    assert_eq!(kept.counts(), (1, 1, 0));
    assert_eq!(live.closed().await, (4001, "revoked".to_owned()));
    server.get("/api/me", &first.token).await.expect(200);
    assert_eq!(send(&acts, json!({})).await.expect(200).counts(), (1, 1, 0));
    server
        .get("/api/me", &first.token)
        .await
        .refused(401, "token_revoked");
    server.get("/api/me", &stranger.token).await.expect(200);
    assert!(server.log().text().contains("admin_sign_out"));
}

#[tokio::test]
async fn the_public_keys_are_public_and_only_these() {
    let (setup, server) = super::start();
    let get = async |tag: Option<&str>| {
        let mut request = reqwest::Client::new().get(server.url("/.well-known/jwks.json"));
        if let Some(tag) = tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        Answer::of(request).await
    };
    let answer = get(None).await.expect(200);
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    assert_eq!(answer.headers["content-type"], "application/jwk-set+json");
    let file: Value =
        serde_json::from_slice(&std::fs::read(setup.data().join("keys.json")).unwrap()).unwrap();
    assert_eq!(answer.body["keys"][0]["x"], file["keys"][0]["x"]);
    assert!(!answer.text.contains(file["keys"][0]["d"].as_str().unwrap()));
    assert!(answer.body["keys"][0].get("d").is_none());
    let tag = answer.headers["etag"].to_str().unwrap().to_owned();
    get(Some(&tag)).await.expect(304);
    get(Some("\"other\"")).await.expect(200);
}
