//! Register, sign in, who am I, change password and e-mail address.

use authkernel_tests::server::{PASSWORD, Session};
use reqwest::Method;
use serde_json::json;

use super::{setup, start};

#[tokio::test]
async fn a_person_registers_and_signs_in() {
    let (_setup, server) = start();
    let body = json!({ "email": " Ada@Example.com ", "password": PASSWORD });
    let made = server
        .send(Method::POST, "/api/register", None, Some(body.clone()))
        .await
        .expect(201);
    let subject = made.body["subject"].as_str().unwrap().to_owned();
    assert!(
        subject.starts_with("user?id=") && !subject.contains("ada"),
        "{subject}"
    );
    server
        .send(Method::POST, "/api/register", None, Some(body))
        .await
        .refused(409, "email_taken");

    let body = json!({ "email": "ADA@example.com", "password": PASSWORD, "device": "Laptop" });
    let answer = server
        .send(Method::POST, "/api/sign-in", None, Some(body))
        .await
        .expect(200);
    let session = Session::of(&answer);
    assert_eq!(session.subject, subject);
    assert_eq!(
        answer.body["socket_id"],
        format!("users_sessions:{}", session.sid)
    );
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with(&format!("authkernel_session={};", session.token)));
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert!(!cookie.contains("Secure"), "{cookie}");
    assert_eq!(answer.headers["cache-control"], "no-store");

    let me = server.get("/api/me", &session.token).await.expect(200);
    assert_eq!(me.body["subject"], subject);
    assert_eq!(me.body["email"], "ada@example.com");
    assert_eq!(me.body["sid"], session.sid);
    assert_eq!(me.body["claims"], json!({}));
}

#[tokio::test]
async fn behind_tls_the_cookie_is_secure() {
    let setup = setup()
        .argument("--public-url")
        .argument("https://auth.example");
    let server = setup.start();
    server.register("a@example.com").await;
    let body = json!({ "email": "a@example.com", "password": PASSWORD });
    let answer = server
        .send(Method::POST, "/api/sign-in", None, Some(body))
        .await
        .expect(200);
    assert!(
        answer.headers["set-cookie"]
            .to_str()
            .unwrap()
            .contains("; Secure")
    );
}

#[tokio::test]
async fn bad_accounts_and_wrong_passwords_are_refused() {
    let (_setup, server) = start();
    for (email, password, code) in [
        ("nobody", PASSWORD, "email_invalid"),
        ("a@example.com", "short", "password_weak"),
        ("long.enough@example.com", "Long.Enough", "password_weak"),
    ] {
        let body = json!({ "email": email, "password": password });
        server
            .send(Method::POST, "/api/register", None, Some(body))
            .await
            .refused(422, code);
    }
    server.register("a@example.com").await;
    for (email, password) in [
        ("a@example.com", "not the password"),
        ("b@example.com", PASSWORD),
        ("not an address", PASSWORD),
    ] {
        let body = json!({ "email": email, "password": password });
        let answer = server
            .send(Method::POST, "/api/sign-in", None, Some(body))
            .await;
        assert!(!answer.headers.contains_key("set-cookie"));
        answer.refused(401, "credentials_invalid");
    }
    let long = "x".repeat(300);
    let body = json!({ "email": "a@example.com", "password": PASSWORD, "device": long });
    server
        .send(Method::POST, "/api/sign-in", None, Some(body))
        .await
        .refused(422, "input_invalid");
}

#[tokio::test]
async fn tries_run_out_for_the_account_and_then_for_the_address() {
    let setup = setup()
        .argument("--tries-per-account=3")
        .argument("--tries-per-address=8");
    let server = setup.start();
    server.register("a@example.com").await;
    let wrong = |email: &str| json!({ "email": email, "password": "not the password" });
    let try_in = async |email: &str| {
        server
            .send(Method::POST, "/api/sign-in", None, Some(wrong(email)))
            .await
    };
    // Good ones are free.
    for _ in 0..6 {
        server.sign_in("a@example.com").await;
    }
    for _ in 0..3 {
        try_in("a@example.com")
            .await
            .refused(401, "credentials_invalid");
    }
    let limited = try_in("A@example.com").await;
    let wait: u64 = limited.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    limited.refused(429, "rate_limited");
    // Neither does the right password help now, nor was another account's try used up.
    let right = json!({ "email": "a@example.com", "password": PASSWORD });
    server
        .send(Method::POST, "/api/sign-in", None, Some(right))
        .await
        .refused(429, "rate_limited");
    try_in("b@example.com")
        .await
        .refused(401, "credentials_invalid");
    try_in("c@example.com")
        .await
        .refused(401, "credentials_invalid");
    let answers = [
        try_in("d@example.com").await.status,
        try_in("e@example.com").await.status,
    ];
    assert_eq!(answers[1], 429, "{answers:?}");
}

#[tokio::test]
async fn a_new_password_signs_out_the_others_and_keeps_this_one() {
    let (_setup, server) = start();
    let acting = server.newcomer("a@example.com").await;
    let other = server.sign_in("a@example.com").await;
    let mut mine = server.connect(&acting.token).await.unwrap();
    let mut its = server.connect(&other.token).await.unwrap();

    let new = "another password";
    let wrong = json!({ "current": "wrong password", "new": new });
    server
        .post("/api/password", &acting.token, wrong)
        .await
        .refused(403, "password_wrong");
    let weak = json!({ "current": PASSWORD, "new": "weak" });
    server
        .post("/api/password", &acting.token, weak)
        .await
        .refused(422, "password_weak");
    server.get("/api/me", &other.token).await.expect(200);

    let body = json!({ "current": PASSWORD, "new": new });
    let answer = server
        .post("/api/password", &acting.token, body)
        .await
        .expect(200);
    assert_eq!(answer.counts(), (1, 1, 0));
    assert_eq!(answer.body["current_session"], "live");
    assert_eq!(its.closed().await, (4001, "revoked".to_owned()));
    server
        .get("/api/me", &other.token)
        .await
        .refused(401, "token_revoked");
    server.get("/api/me", &acting.token).await.expect(200);
    assert_eq!(
        mine.message_of("closed").await["sockets"][0]["sid"],
        other.sid
    );

    let old = json!({ "email": "a@example.com", "password": PASSWORD });
    server
        .send(Method::POST, "/api/sign-in", None, Some(old))
        .await
        .refused(401, "credentials_invalid");
    let body = json!({ "email": "a@example.com", "password": new });
    server
        .send(Method::POST, "/api/sign-in", None, Some(body))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_new_email_address_signs_out_everywhere() {
    let (_setup, server) = start();
    server.register("taken@example.com").await;
    let acting = server.newcomer("a@example.com").await;
    let other = server.sign_in("a@example.com").await;

    let taken = json!({ "current": PASSWORD, "email": "taken@example.com" });
    server
        .post("/api/email", &acting.token, taken)
        .await
        .refused(409, "email_taken");
    let bad = json!({ "current": PASSWORD, "email": "nothing" });
    server
        .post("/api/email", &acting.token, bad)
        .await
        .refused(422, "email_invalid");
    let wrong = json!({ "current": "wrong password", "email": "b@example.com" });
    server
        .post("/api/email", &acting.token, wrong)
        .await
        .refused(403, "password_wrong");

    let body = json!({ "current": PASSWORD, "email": "b@example.com" });
    let answer = server
        .post("/api/email", &acting.token, body)
        .await
        .expect(200);
    assert_eq!(answer.counts(), (2, 2, 0));
    assert_eq!(answer.body["current_session"], "ended");
    for session in [&acting, &other] {
        server
            .get("/api/me", &session.token)
            .await
            .refused(401, "token_revoked");
    }
    assert_eq!(
        server.sign_in("b@example.com").await.subject,
        acting.subject
    );
    let old = json!({ "email": "a@example.com", "password": PASSWORD });
    server
        .send(Method::POST, "/api/sign-in", None, Some(old))
        .await
        .refused(401, "credentials_invalid");
}
