//! Many things at once: whatever the order, nothing that was signed out stays open or alive.

use std::sync::Arc;

use authkernel_tests::server::{Live, PASSWORD, Refused, Server, Session};
use futures_util::SinkExt;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{setup, start};

const ROUNDS: usize = 25;
const SESSIONS: usize = 8;
const CONNECTIONS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn no_connection_of_a_session_that_was_signed_out_stays_open() {
    let (_setup, server) = start();
    let server = Arc::new(server);
    let stays = server.newcomer("stays@example.com").await;
    let mut control = server.connect(&stays.token).await.unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        let acting = server.newcomer(&format!("a{round}@example.com")).await;
        let email = format!("a{round}@example.com");
        let sessions = join_all((0..SESSIONS).map(|_| server.sign_in(&email))).await;
        // Connections come while some are signed out one by one and then all of them at once.
        let connecting = sessions.iter().enumerate().flat_map(|(number, session)| {
            (0..CONNECTIONS).map(move |turn| (number, turn, session.clone()))
        });
        let connecting = connecting.map(|(number, turn, session)| {
            let (server, acting) = (Arc::clone(&server), acting.clone());
            tokio::spawn(async move {
                if turn == CONNECTIONS / 2 && number == SESSIONS / 2 {
                    let body = json!({ "keep_current": true });
                    server
                        .post("/api/sign-out-everywhere", &acting.token, body)
                        .await
                        .expect(200);
                } else if turn == number % CONNECTIONS {
                    server
                        .delete("/api/session", &session.token)
                        .await
                        .expect(200);
                }
                server.connect(&session.token).await
            })
        });
        for outcome in join_all(connecting.collect::<Vec<_>>()).await {
            match outcome.unwrap() {
                Ok(live) => {
                    accepted += 1;
                    must_close(live).await;
                }
                Err(Refused { status, .. }) => {
                    refused += 1;
                    assert_eq!(status, 401);
                }
            }
        }
        for session in &sessions {
            server.get("/api/me", &session.token).await.expect(401);
        }
    }
    // Otherwise there was no race.
    assert!(
        accepted > 0 && refused > 0,
        "{accepted} accepted, {refused} refused"
    );
    must_be_open(&mut control).await;
}

async fn must_close(mut live: Live) {
    assert_eq!(live.closed().await, (4001, "revoked".to_owned()));
}

async fn must_be_open(live: &mut Live) {
    live.stream
        .send(Message::Ping("still there?".into()))
        .await
        .unwrap();
    loop {
        match live.next().await {
            Some(Message::Pong(_)) => return,
            Some(Message::Close(_)) | None => {
                panic!("a session that was not signed out was closed")
            }
            Some(_) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sign_in_with_an_old_password_outlives_its_change() {
    let setup = setup()
        .argument("--tries-per-account=1000")
        .argument("--tries-per-address=10000");
    let server = setup.start();
    let mut survived_sign_ins = 0;
    for round in 0..15 {
        let email = format!("a{round}@example.com");
        let acting = server.newcomer(&email).await;
        let old = json!({ "email": email, "password": PASSWORD, "cookie": false });
        let signing_in =
            (0..12).map(|_| server.send(Method::POST, "/api/sign-in", None, Some(old.clone())));
        let body = json!({ "current": PASSWORD, "new": "another password" });
        let changing = server.post("/api/password", &acting.token, body);
        let (answers, changed) = tokio::join!(join_all(signing_in), changing);
        changed.expect(200);
        for answer in answers {
            match answer.status {
                200 => {
                    survived_sign_ins += 1;
                    let token = Session::of(&answer).token;
                    server.get("/api/me", &token).await.expect(401);
                }
                401 => drop(answer.refused(401, "credentials_invalid")),
                409 => drop(answer.refused(409, "sign_in_superseded")),
                status => panic!("{status}: {}", answer.text),
            }
        }
        server.get("/api/me", &acting.token).await.expect(200);
    }
    assert!(
        survived_sign_ins > 0,
        "no sign-in was quick enough to be overtaken"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_goes_to_one_of_many() {
    let (_setup, server) = start();
    let body = json!({ "email": "a@example.com", "password": PASSWORD });
    let all = (0..16).map(|_| server.send(Method::POST, "/api/register", None, Some(body.clone())));
    let made = join_all(all).await;
    assert_eq!(made.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(
        made.iter().filter(|answer| answer.status == 409).count(),
        15
    );
    let sessions: &Server = &server;
    sessions.sign_in("a@example.com").await;
}
