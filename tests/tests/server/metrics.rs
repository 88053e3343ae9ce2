//! What is counted, and that it names nobody.

use authkernel_tests::server::{Answer, Server};

async fn metrics(server: &Server) -> String {
    let answer = Answer::of(reqwest::Client::new().get(server.url("/metrics"))).await;
    let answer = answer.expect(200);
    let kind = answer.headers["content-type"].to_str().unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    answer.text
}

/// The value of one line.
#[track_caller]
fn value(text: &str, series: &str) -> f64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    let value = line.unwrap_or_else(|| panic!("{series} is not in\n{text}"));
    value.parse().unwrap()
}

/// Every line is a comment or a series with a number, and the last one says that it is the last.
fn check(text: &str) {
    assert!(text.ends_with("# EOF\n"), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, number) = line.rsplit_once(' ').unwrap();
        assert!(number.parse::<f64>().is_ok(), "{line}");
        let name = series.split('{').next().unwrap();
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(
            name.starts_with("authkernel_") && name.chars().all(fits),
            "{line}"
        );
        assert_eq!(series.contains('{'), series.ends_with('}'), "{line}");
    }
}

#[tokio::test]
async fn decisions_calls_and_connections_are_counted_and_nobody_is_named() {
    let (_setup, server) = super::start();
    let session = server.newcomer("a@example.com").await;
    let mut live = server.connect(&session.token).await.unwrap();
    server.get("/api/me", &session.token).await.expect(200);
    server.get("/api/sessions/x?secret=1", "a.b.c").await;
    let text = metrics(&server).await;
    check(&text);
    assert_eq!(value(&text, "authkernel_open_sockets"), 1.0);
    assert_eq!(value(&text, "authkernel_undelivered_disconnects"), 0.0);
    assert!(value(&text, "authkernel_connections") >= 1.0);
    assert!(value(&text, "authkernel_pool_instances") >= 1.0);
    assert_eq!(value(&text, "authkernel_pool_traps_total"), 0.0);
    let issued = r#"authkernel_decisions_total{operation="issue",code="ok"}"#;
    assert_eq!(value(&text, issued), 1.0);
    let found = r#"authkernel_storage_call_duration_seconds_count{call="find",outcome="ok"}"#;
    assert!(value(&text, found) >= 2.0);
    let asked = r#"authkernel_http_requests_total{method="GET",route="/api/me",status="200"}"#;
    assert_eq!(value(&text, asked), 1.0);

    server
        .delete("/api/session", &session.token)
        .await
        .expect(200);
    live.closed().await;
    server
        .get("/api/me", &session.token)
        .await
        .refused(401, "token_revoked");
    let text = metrics(&server).await;
    check(&text);
    let refused = r#"authkernel_decisions_total{operation="authenticate",code="token_revoked"}"#;
    assert!(value(&text, refused) >= 1.0);
    assert_eq!(value(&text, "authkernel_sockets_revoked_total"), 1.0);
    let mut secrets = vec![
        session.sid,
        session.subject,
        "127.0.0.1".into(),
        "example.com".into(),
    ];
    secrets.extend(["secret".to_owned(), "/api/sessions/x".to_owned()]);
    for secret in secrets {
        assert!(!text.contains(&secret), "{secret} is in\n{text}");
    }
}
