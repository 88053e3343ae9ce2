//! Which credential counts: bearer, cookie, ticket; and from where.

use authkernel_tests::server::{Answer, PASSWORD, Server};
use reqwest::Method;
use serde_json::json;

use super::start;

/// A request with these headers.
async fn send(server: &Server, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = reqwest::Client::new().request(method, server.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request).await
}

#[tokio::test]
async fn the_authorization_header_alone_counts_where_it_is_present() {
    let (_setup, server) = start();
    let ada = server.newcomer("a@example.com").await;
    let bob = server.newcomer("b@example.com").await;
    let cookie = format!("x=1; authkernel_session={}", bob.token);
    let bearer = format!("Bearer {}", ada.token);

    let me = send(&server, Method::GET, "/api/me", &[("cookie", &cookie)])
        .await
        .expect(200);
    assert_eq!(me.body["subject"], bob.subject);
    let both = [("cookie", cookie.as_str()), ("authorization", &bearer)];
    let me = send(&server, Method::GET, "/api/me", &both)
        .await
        .expect(200);
    assert_eq!(me.body["subject"], ada.subject);

    for (bad, code) in [
        ("Bearer a.b.c", "token_malformed"),
        ("Bearer", "authorization_invalid"),
        ("Basic dTpw", "authorization_invalid"),
        ("", "authorization_invalid"),
    ] {
        let both = [("cookie", cookie.as_str()), ("authorization", bad)];
        let answer = send(&server, Method::GET, "/api/me", &both).await;
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        answer.refused(401, code);
    }
    let out = [
        ("cookie", cookie.as_str()),
        ("authorization", "Bearer a.b.c"),
    ];
    let answer = send(&server, Method::DELETE, "/api/session", &out)
        .await
        .expect(200);
    assert_eq!(answer.counts(), (0, 0, 0));
    server.get("/api/me", &bob.token).await.expect(200);

    let twice = [
        ("authorization", bearer.as_str()),
        ("authorization", "Bearer a.b.c"),
    ];
    send(&server, Method::GET, "/api/me", &twice)
        .await
        .refused(401, "credential_ambiguous");
    let two = format!("{cookie}; authkernel_session={}", ada.token);
    let answer = send(&server, Method::GET, "/api/me", &[("cookie", &two)]).await;
    answer.refused(401, "credential_ambiguous");
    send(&server, Method::GET, "/api/me", &[])
        .await
        .refused(401, "credential_missing");
}

#[tokio::test]
async fn a_cookie_is_taken_from_this_origin_only() {
    let (_setup, server) = start();
    let session = server.newcomer("a@example.com").await;
    let cookie = format!("authkernel_session={}", session.token);
    let own = server.origin();
    for (path, method) in [
        ("/api/me", Method::GET),
        ("/api/session", Method::DELETE),
        ("/api/socket-ticket", Method::POST),
        ("/live/events", Method::GET),
    ] {
        for foreign in [
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let headers = [("cookie", cookie.as_str()), foreign];
            let answer = send(&server, method.clone(), path, &headers).await;
            answer.refused(403, "origin_refused");
        }
    }
    let headers = [("cookie", cookie.as_str()), ("origin", own.as_str())];
    send(&server, Method::GET, "/api/me", &headers)
        .await
        .expect(200);
    // A bearer token is no ambient credential: the origin does not matter.
    let bearer = format!("Bearer {}", session.token);
    let headers = [
        ("authorization", bearer.as_str()),
        ("origin", "http://evil.example"),
    ];
    send(&server, Method::GET, "/api/me", &headers)
        .await
        .expect(200);

    let headers = [
        ("cookie", cookie.as_str()),
        ("origin", "http://evil.example"),
    ];
    let refused = server.connect_with("/live", &headers).await.err().unwrap();
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (403, "origin_refused")
    );
    let headers = [("cookie", cookie.as_str()), ("origin", own.as_str())];
    server.connect_with("/live", &headers).await.unwrap();
}

#[tokio::test]
async fn sign_in_and_register_are_for_this_origin_only() {
    let (_setup, server) = start();
    server.register("a@example.com").await;
    for path in ["/api/sign-in", "/api/register"] {
        let request = reqwest::Client::new()
            .post(server.url(path))
            .header("origin", "http://evil.example")
            .json(&json!({ "email": "a@example.com", "password": PASSWORD }));
        let answer = Answer::of(request).await;
        assert!(!answer.headers.contains_key("set-cookie"));
        answer.refused(403, "origin_refused");
    }
}

#[tokio::test]
async fn nothing_is_shared_with_other_origins() {
    let (_setup, server) = start();
    let headers = [
        ("origin", "http://evil.example"),
        ("access-control-request-method", "GET"),
    ];
    let answer = send(&server, Method::OPTIONS, "/api/me", &headers).await;
    assert!(
        !answer
            .headers
            .keys()
            .any(|name| name.as_str().starts_with("access-control"))
    );
    answer.refused(405, "method_not_allowed");
}
