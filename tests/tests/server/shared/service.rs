//! What one server does, the other knows.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use authkernel_tests::server::{PASSWORD, Server, Session, Setup};
use reqwest::Method;
use serde_json::json;

use super::super::setup;
use super::{
    Addresses, Pair, closed_since, generate_keys, key_file, metric, own_nats, own_redis, postgres,
    sign_out_others, ticket,
};

/// How long a connection at the other server may take to close.
const AT_MOST: Duration = Duration::from_secs(1);

#[tokio::test]
async fn two_servers_on_postgres_are_one_service() {
    let Some(storage) = postgres() else { return };
    let addresses = Addresses {
        storage,
        broadcast: None,
    };
    one_service("postgres and its notify", &addresses).await;
}

#[tokio::test]
async fn two_servers_on_redis_are_one_service() {
    let Some((_redis, storage)) = own_redis() else {
        return;
    };
    let addresses = Addresses {
        storage,
        broadcast: None,
    };
    one_service("redis and its channels", &addresses).await;
}

#[tokio::test]
async fn two_servers_on_postgres_and_nats_are_one_service() {
    let (Some(storage), Some((_nats, broadcast))) = (postgres(), own_nats()) else {
        return;
    };
    let addresses = Addresses {
        storage,
        broadcast: Some(broadcast),
    };
    one_service("postgres and nats", &addresses).await;
}

#[tokio::test]
async fn servers_that_start_together_make_the_schema_once() {
    for _ in 0..5 {
        let Some(storage) = postgres() else { return };
        let keys = generate_keys();
        let setups: Vec<Setup> = (0..4)
            .map(|_| {
                setup()
                    .environment("AUTHKERNEL_STORAGE", &storage)
                    .environment("AUTHKERNEL_KEYS", &key_file(&keys))
            })
            .collect();
        let servers: Vec<Server> = std::thread::scope(|scope| {
            let starting: Vec<_> = setups
                .iter()
                .map(|setup| scope.spawn(|| setup.start()))
                .collect();
            let started = starting.into_iter().map(|starting| starting.join());
            started.map(Result::unwrap).collect()
        });
        let session = servers[0].newcomer("a@example.com").await;
        for server in &servers {
            server.get("/api/me", &session.token).await.expect(200);
        }
    }
}

async fn one_service(name: &str, addresses: &Addresses) {
    let pair = Pair::start(addresses);
    let (a, b) = (&pair.a, &pair.b);
    assert_eq!(metric(a, "broker_connected").await, 1);
    let laptop = a.newcomer("a@example.com").await;
    b.get("/api/me", &laptop.token).await.expect(200);
    let took = sign_out_at_the_other(a, b, &laptop).await;
    println!("{name}: closed at the other server after {took:?}");
    assert!(took < AT_MOST, "{took:?}");
    tickets(a, b, &laptop).await;
    let took = change_password(a, b, &laptop).await;
    println!("{name}: password changed, closed at the other server after {took:?}");
    assert!(took < AT_MOST, "{took:?}");
    change_email(a, b, &laptop).await;
    at_once(a, b).await;
    pair.kept_the_secret();
}

/// A session that is signed out at one server is over at the other, with every connection, however it was opened.
async fn sign_out_at_the_other(a: &Server, b: &Server, laptop: &Session) -> Duration {
    let phone = b.sign_in("a@example.com").await;
    let mut by_header = b.connect(&phone.token).await.unwrap();
    let path = format!("/live?ticket={}", ticket(a, &phone).await);
    let mut by_ticket = b.connect_with(&path, &[]).await.unwrap();
    let mut kept = b.connect(&laptop.token).await.unwrap();

    let begun = Instant::now();
    let answer = sign_out_others(a, laptop).await;
    assert_eq!(answer.counts(), (1, 1, 0));
    let first = closed_since(&mut by_header, begun).await;
    let second = closed_since(&mut by_ticket, begun).await;

    for server in [a, b] {
        server
            .get("/api/me", &phone.token)
            .await
            .refused(401, "token_revoked");
        let refused = server.connect(&phone.token).await.err().unwrap();
        assert_eq!(
            (refused.status, refused.code.as_str()),
            (401, "token_revoked")
        );
        server.get("/api/me", &laptop.token).await.expect(200);
    }
    // It is told of the others, and stays.
    kept.message_of("closed").await;
    first.max(second)
}

/// A ticket is good once, whichever server gave it and whichever takes it.
async fn tickets(a: &Server, b: &Server, session: &Session) {
    let given = ticket(a, session).await;
    let path = format!("/live?ticket={given}");
    let (one, two) = tokio::join!(b.connect_with(&path, &[]), a.connect_with(&path, &[]));
    let refused = match (one, two) {
        (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
        (one, two) => panic!("{} and {} were let in", one.is_ok(), two.is_ok()),
    };
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (401, "ticket_invalid")
    );
    // A session has so many; the oldest goes first.
    let first = ticket(a, session).await;
    let mut last = String::new();
    for _ in 0..32 {
        last = ticket(b, session).await;
    }
    let open = async |ticket: &str| {
        let path = format!("/live?ticket={ticket}");
        b.connect_with(&path, &[]).await.is_ok()
    };
    assert!(!open(&first).await);
    assert!(open(&last).await);
    assert!(!open("AAAAAAAAAAAAAAAAAAAAAA").await);
}

/// The session that changes the password stays, all others end everywhere.
async fn change_password(a: &Server, b: &Server, laptop: &Session) -> Duration {
    let phone = a.sign_in("a@example.com").await;
    let mut live = a.connect(&phone.token).await.unwrap();
    let body = json!({ "current": PASSWORD, "new": "another password" });
    let begun = Instant::now();
    b.post("/api/password", &laptop.token, body)
        .await
        .expect(200);
    let took = closed_since(&mut live, begun).await;
    for server in [a, b] {
        server.get("/api/me", &laptop.token).await.expect(200);
        server
            .get("/api/me", &phone.token)
            .await
            .refused(401, "token_revoked");
    }
    let sign_in = async |password: &str| {
        let body = json!({ "email": "a@example.com", "password": password, "cookie": false });
        a.send(Method::POST, "/api/sign-in", None, Some(body)).await
    };
    sign_in(PASSWORD).await.refused(401, "credentials_invalid");
    sign_in("another password").await.expect(200);
    took
}

/// The address changes everywhere, and the old one is free again.
async fn change_email(a: &Server, b: &Server, laptop: &Session) {
    b.register("b@example.com").await;
    let change = async |email: &str| {
        let body = json!({ "current": "another password", "email": email });
        a.post("/api/email", &laptop.token, body).await
    };
    change("b@example.com").await.refused(409, "email_taken");
    change("c@example.com").await.expect(200);
    b.get("/api/me", &laptop.token)
        .await
        .refused(401, "token_revoked");
    let body = json!({ "email": "c@example.com", "password": "another password", "cookie": false });
    let answer = b
        .send(Method::POST, "/api/sign-in", None, Some(body))
        .await
        .expect(200);
    let me = a.get("/api/me", &Session::of(&answer).token).await;
    assert_eq!(me.expect(200).body["email"], "c@example.com");
    b.register("a@example.com").await;
}

/// Of two that happen at once at two servers one is done.
async fn at_once(a: &Server, b: &Server) {
    for round in 0..10 {
        let email = format!("round-{round}@example.com");
        let body = json!({ "email": email, "password": PASSWORD });
        let register = async |server: &Server| {
            server
                .send(Method::POST, "/api/register", None, Some(body.clone()))
                .await
        };
        let (one, two) = tokio::join!(register(a), register(b));
        assert_eq!(
            BTreeSet::from([one.status, two.status]),
            BTreeSet::from([201, 409]),
            "{} {}",
            one.text,
            two.text
        );
        let (one, two) = (a.sign_in(&email).await, b.sign_in(&email).await);
        let change = async |server: &Server, session: &Session, new: &str| {
            let body = json!({ "current": PASSWORD, "new": new });
            server.post("/api/password", &session.token, body).await
        };
        let (one, two) = tokio::join!(
            change(a, &one, "the first password"),
            change(b, &two, "the second password")
        );
        let done = [one.status, two.status]
            .into_iter()
            .filter(|status| *status == 200);
        assert_eq!(done.count(), 1, "{} {}", one.text, two.text);
        let new = match one.status {
            200 => "the first password",
            _ => "the second password",
        };
        let body = json!({ "email": email, "password": new, "cookie": false });
        b.send(Method::POST, "/api/sign-in", None, Some(body))
            .await
            .expect(200);
    }
}
