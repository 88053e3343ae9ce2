//! One server is killed between two steps, and another makes it good.

use std::time::{Duration, Instant};

use authkernel_tests::server::PASSWORD;
use serde_json::{Value, json};

use super::super::crash::send_into_the_void;
use super::{Addresses, Pair, closed_since, own_redis, postgres};

/// How long the others may take.
const AT_MOST: Duration = Duration::from_secs(15);

#[tokio::test]
async fn the_others_tell_what_a_killed_server_had_committed() {
    for (name, addresses, _kept) in all() {
        let body = json!({ "keep_current": true });
        let path = "/api/sign-out-everywhere";
        let took = killed_at("after-revoke-commit", &addresses, path, body).await;
        println!("{name}: the disconnect of a killed server is sent by the other after {took:?}");
        assert!(took < AT_MOST, "{took:?}");
    }
}

#[tokio::test]
async fn the_others_pay_what_a_killed_server_owed() {
    for (name, addresses, _kept) in all() {
        let body = json!({ "current": PASSWORD, "new": "another password" });
        let took = killed_at("after-credential-commit", &addresses, "/api/password", body).await;
        println!(
            "{name}: the sign-out that a killed server owed is paid by the other after {took:?}"
        );
        assert!(took < AT_MOST, "{took:?}");
    }
}

type Kept = Option<authkernel_tests::services::redis::Redis>;

fn all() -> Vec<(&'static str, Addresses, Kept)> {
    let of = |storage| Addresses {
        storage,
        broadcast: None,
    };
    let mut all = Vec::new();
    if let Some(storage) = postgres() {
        all.push(("postgres", of(storage), None));
    }
    if let Some((redis, storage)) = own_redis() {
        all.push(("redis", of(storage), Some(redis)));
    }
    all
}

/// Kills the first server at a place; how long it takes from then until the second has closed a connection for it.
async fn killed_at(place: &str, addresses: &Addresses, path: &str, body: Value) -> Duration {
    let pair = Pair::start_with(addresses, |a| a.environment("AUTHKERNEL_FAULT", place));
    let Pair {
        a, b, keys: _keys, ..
    } = pair;
    let acting = b.newcomer("a@example.com").await;
    let other = b.sign_in("a@example.com").await;
    let mut live = b.connect(&other.token).await.unwrap();
    let sent = send_into_the_void(&a, path, &acting.token, body);
    a.log().wait_for("fault: stopped at").await;
    let begun = Instant::now();
    a.kill();
    sent.await.unwrap();
    let took = closed_since(&mut live, begun).await;
    b.get("/api/me", &other.token)
        .await
        .refused(401, "token_revoked");
    b.get("/api/me", &acting.token).await.expect(200);
    took
}
