//! The list of sessions, and signing out one, this one, the others, all.

use authkernel_tests::server::{PASSWORD, Session};
use reqwest::Method;
use serde_json::json;

use super::start;

#[tokio::test]
async fn the_sessions_are_listed_with_the_current_one_marked() {
    let (_setup, server) = start();
    let first = server.newcomer("a@example.com").await;
    let second = server.sign_in("a@example.com").await;
    server.newcomer("b@example.com").await;
    let _live = server.connect(&second.token).await.unwrap();

    let answer = server.get("/api/sessions", &first.token).await.expect(200);
    let listed = answer.body["sessions"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    for session in listed {
        let sid = session["sid"].as_str().unwrap();
        assert_eq!(session["current"], sid == first.sid);
        assert_eq!(session["connections"], u64::from(sid == second.sid));
        assert_eq!(session["device"], "test");
    }
    assert_eq!(answer.body["next"], json!(null));

    let page = server
        .get("/api/sessions?limit=1", &first.token)
        .await
        .expect(200);
    assert_eq!(page.body["sessions"].as_array().unwrap().len(), 1);
    let next = format!(
        "/api/sessions?limit=1&after={}",
        page.body["next"].as_str().unwrap()
    );
    let rest = server.get(&next, &first.token).await.expect(200);
    assert_ne!(
        rest.body["sessions"][0]["sid"],
        page.body["sessions"][0]["sid"]
    );

    server
        .get("/api/sessions?after=x", &first.token)
        .await
        .refused(422, "cursor_invalid");
    server
        .get("/api/sessions?limit=many", &first.token)
        .await
        .refused(400, "query_invalid");
}

#[tokio::test]
async fn one_session_of_several_is_signed_out() {
    let (_setup, server) = start();
    let mine = server.newcomer("a@example.com").await;
    let other = server.sign_in("a@example.com").await;
    let stranger = server.newcomer("b@example.com").await;
    let mut live = server.connect(&other.token).await.unwrap();

    let unknown = server
        .delete("/api/sessions/aaaaaaaaaaaaaaaaaaaaaaaaaa", &mine.token)
        .await;
    let foreign = server
        .delete(&format!("/api/sessions/{}", stranger.sid), &mine.token)
        .await;
    assert_eq!(unknown.text, foreign.text);
    unknown.refused(404, "session_not_found");
    foreign.refused(404, "session_not_found");
    for odd in ["%00", "%FF", &"x".repeat(500)] {
        let answer = server
            .delete(&format!("/api/sessions/{odd}"), &mine.token)
            .await;
        answer.refused(404, "session_not_found");
    }
    server.get("/api/me", &stranger.token).await.expect(200);

    let answer = server
        .delete(&format!("/api/sessions/{}", other.sid), &mine.token)
        .await
        .expect(200);
    assert_eq!(answer.counts(), (1, 1, 0));
    assert_eq!(live.closed().await, (4001, "revoked".to_owned()));
    server
        .get("/api/me", &other.token)
        .await
        .refused(401, "token_revoked");
    server.get("/api/me", &mine.token).await.expect(200);
}

#[tokio::test]
async fn signing_out_always_succeeds_and_clears_the_cookie() {
    let (_setup, server) = start();
    let session = server.newcomer("a@example.com").await;
    let clears = |answer: &authkernel_tests::server::Answer| {
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        assert!(
            cookie.starts_with("authkernel_session=; Max-Age=0"),
            "{cookie}"
        );
    };

    let mut forged = session.token.clone();
    let last = if forged.pop() == Some('A') { 'Q' } else { 'A' };
    forged.push(last);
    let mut middle = session.token.clone().into_bytes();
    let at = session.token.rfind('.').unwrap() + 5;
    middle[at] = if middle[at] == b'A' { b'B' } else { b'A' };
    let middle = String::from_utf8(middle).unwrap();
    for bad in [forged.as_str(), &middle, "a.b.c", "x", &"y".repeat(20_000)] {
        let answer = server.delete("/api/session", bad).await.expect(200);
        assert_eq!(answer.counts(), (0, 0, 0));
        clears(&answer);
    }
    server.get("/api/me", &session.token).await.expect(200);

    let answer = server
        .delete("/api/session", &session.token)
        .await
        .expect(200);
    assert_eq!(answer.counts(), (1, 1, 0));
    clears(&answer);
    server
        .get("/api/me", &session.token)
        .await
        .refused(401, "token_revoked");

    let again = server
        .delete("/api/session", &session.token)
        .await
        .expect(200);
    assert_eq!(again.counts().0, 0);
    let none = server
        .send(Method::DELETE, "/api/session", None, None)
        .await
        .expect(200);
    assert_eq!(none.counts(), (0, 0, 0));
    clears(&none);
}

#[tokio::test]
async fn everywhere_means_everywhere_and_others_means_the_others() {
    let (_setup, server) = start();
    let stranger = server.newcomer("b@example.com").await;
    let mine = server.newcomer("a@example.com").await;
    let mut others = Vec::new();
    for _ in 0..3 {
        let session = server.sign_in("a@example.com").await;
        let live = server.connect(&session.token).await.unwrap();
        others.push((session, live));
    }
    let mut own = server.connect(&mine.token).await.unwrap();
    let path = "/api/sign-out-everywhere";

    let preview = json!({ "keep_current": true, "dry_run": true });
    let preview = server.post(path, &mine.token, preview).await.expect(200);
    assert_eq!(preview.counts(), (3, 3, 0));
    for (session, _) in &others {
        server.get("/api/me", &session.token).await.expect(200);
    }
    let answer = server
        .post(path, &mine.token, json!({ "keep_current": true }))
        .await
        .expect(200);
    assert_eq!(answer.counts(), (3, 3, 0));
    assert_eq!(answer.body["current_session"], "live");
    for (session, mut live) in others {
        assert_eq!(live.closed().await, (4001, "revoked".to_owned()));
        server
            .get("/api/me", &session.token)
            .await
            .refused(401, "token_revoked");
        let refused = server.connect(&session.token).await.err().unwrap();
        assert_eq!(
            (refused.status, refused.code.as_str()),
            (401, "token_revoked")
        );
    }
    let mut seen = 0;
    while seen < 3 {
        let closed = own.message_of("closed").await;
        for socket in closed["sockets"].as_array().unwrap() {
            assert_eq!(socket["reason"], "revoked");
            assert!(socket["after_ms"].as_f64().unwrap() >= 0.0, "{socket}");
        }
        seen += closed["count"].as_u64().unwrap();
    }

    let answer = server.post(path, &mine.token, json!({})).await.expect(200);
    assert_eq!(answer.counts(), (1, 1, 0));
    assert_eq!(answer.body["current_session"], "ended");
    assert_eq!(own.closed().await, (4001, "revoked".to_owned()));
    server
        .get("/api/me", &mine.token)
        .await
        .refused(401, "token_revoked");
    server.get("/api/me", &stranger.token).await.expect(200);
}

#[tokio::test]
async fn purposes_choose_and_unknown_ones_are_refused() {
    let (_setup, server) = start();
    let mine = server.newcomer("a@example.com").await;
    let path = "/api/sign-out-everywhere";
    let none = server
        .post(path, &mine.token, json!({ "include_purposes": [] }))
        .await
        .expect(200);
    assert_eq!(none.counts(), (0, 0, 0));
    let excluded = json!({ "include_purposes": ["user"], "exclude_purposes": ["user"] });
    assert_eq!(
        server
            .post(path, &mine.token, excluded)
            .await
            .expect(200)
            .counts(),
        (0, 0, 0)
    );
    let unknown = json!({ "include_purposes": ["usr"] });
    server
        .post(path, &mine.token, unknown)
        .await
        .refused(422, "purpose_invalid");
    let misspelt = json!({ "keep_curent": true });
    server
        .post(path, &mine.token, misspelt)
        .await
        .refused(400, "body_invalid");
    server.get("/api/me", &mine.token).await.expect(200);
    let all = server
        .post(path, &mine.token, json!({ "include_purposes": ["user"] }))
        .await
        .expect(200);
    assert_eq!(all.counts(), (1, 1, 0));
}

#[tokio::test]
async fn a_page_that_redirects_itself_is_left_open_but_cannot_act() {
    let (_setup, server) = start();
    let mine = server.newcomer("a@example.com").await;
    let other = server.sign_in("a@example.com").await;
    let mut own = server.connect(&mine.token).await.unwrap();
    let mut its = server.connect(&other.token).await.unwrap();
    let body = json!({ "disconnect_self": false });
    let answer = server
        .post("/api/sign-out-everywhere", &mine.token, body)
        .await
        .expect(200);
    assert_eq!(answer.counts(), (2, 1, 0));
    assert_eq!(answer.body["current_session"], "ended");
    assert_eq!(its.closed().await, (4001, "revoked".to_owned()));
    // Still open: it is told of the other's end.
    assert_eq!(
        own.message_of("closed").await["sockets"][0]["sid"],
        other.sid
    );
    server
        .get("/api/me", &mine.token)
        .await
        .refused(401, "token_revoked");
    assert!(server.connect(&mine.token).await.is_err());
}

#[tokio::test]
async fn a_cookie_whose_session_ends_is_cleared() {
    let (_setup, server) = start();
    server.register("a@example.com").await;
    let body = json!({ "email": "a@example.com", "password": PASSWORD });
    let answer = server
        .send(Method::POST, "/api/sign-in", None, Some(body))
        .await
        .expect(200);
    let session = Session::of(&answer);
    let request = reqwest::Client::new()
        .post(server.url("/api/sign-out-everywhere"))
        .header("cookie", format!("authkernel_session={}", session.token))
        .json(&json!({}));
    let answer = authkernel_tests::server::Answer::of(request)
        .await
        .expect(200);
    assert!(
        answer.headers["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
}
