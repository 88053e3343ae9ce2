//! The broker or the database is away, and comes back.

use std::time::{Duration, Instant};

use authkernel_tests::server::PASSWORD;
use reqwest::Method;
use serde_json::json;

use super::{
    Addresses, Pair, closed_since, metric, own_nats, own_postgres, own_redis, postgres,
    sign_out_others, until,
};

#[tokio::test]
async fn without_the_broker_sign_out_works_and_the_rest_is_made_up_for() {
    let (Some(storage), Some((mut nats, broadcast))) = (postgres(), own_nats()) else {
        return;
    };
    let pair = Pair::start(&Addresses {
        storage,
        broadcast: Some(broadcast),
    });
    let (a, b) = (&pair.a, &pair.b);
    let laptop = a.newcomer("a@example.com").await;
    let phone = a.sign_in("a@example.com").await;
    let mut here = a.connect(&phone.token).await.unwrap();
    let mut there = b.connect(&phone.token).await.unwrap();
    nats.stop();
    for server in [a, b] {
        server.log().wait_for("the broker is not connected").await;
        assert_eq!(metric(server, "broker_connected").await, 0);
        assert_eq!(metric(server, "broker_connection_losses_total").await, 1);
    }

    let begun = Instant::now();
    let answer = sign_out_others(a, &laptop).await;
    let (revoked, told, left) = answer.counts();
    assert_eq!((revoked, told + left), (1, 1));
    assert_eq!(left, 1, "{}", answer.text);
    println!("the sign-out was answered after {:?}", begun.elapsed());
    // Refused at once everywhere; the connections close by verification, those of the same server at once.
    for server in [a, b] {
        server
            .get("/api/me", &phone.token)
            .await
            .refused(401, "token_revoked");
    }
    let took = closed_since(&mut here, begun).await;
    println!("without the broker: closed at the same server after {took:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
    let took = closed_since(&mut there, begun).await;
    println!("without the broker: closed at the other server after {took:?}");
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert_eq!(metric(a, "undelivered_disconnects").await, 1);

    nats.start_again();
    for server in [a, b] {
        server.log().wait_for("the broker is connected again").await;
    }
    let took = until("the delivery", Duration::from_secs(30), async || {
        metric(b, "undelivered_disconnects").await == 0
    })
    .await;
    println!("the broker is back: all is delivered after {took:?}");
    let phone = b.sign_in("a@example.com").await;
    let mut there = b.connect(&phone.token).await.unwrap();
    let begun = Instant::now();
    assert_eq!(sign_out_others(a, &laptop).await.counts(), (1, 1, 0));
    let took = closed_since(&mut there, begun).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    pair.kept_the_secret();
}

#[tokio::test]
async fn without_postgres_nothing_is_accepted_and_afterwards_everything_works() {
    let Some((mut postgres, storage)) = own_postgres() else {
        return;
    };
    let addresses = Addresses {
        storage,
        broadcast: None,
    };
    without_storage(&addresses, |up| match up {
        true => postgres.start_again(),
        false => postgres.stop(),
    })
    .await;
}

#[tokio::test]
async fn without_redis_nothing_is_accepted_and_afterwards_everything_works() {
    let Some((mut redis, storage)) = own_redis() else {
        return;
    };
    let addresses = Addresses {
        storage,
        broadcast: None,
    };
    without_storage(&addresses, |up| match up {
        true => redis.start_again(),
        false => redis.stop(),
    })
    .await;
}

/// Database and broker are one program here.
async fn without_storage(addresses: &Addresses, mut turn: impl FnMut(bool)) {
    let pair = Pair::start(addresses);
    let (a, b) = (&pair.a, &pair.b);
    let laptop = a.newcomer("a@example.com").await;
    let phone = b.sign_in("a@example.com").await;
    let mut live = b.connect(&phone.token).await.unwrap();
    turn(false);
    let credentials = json!({ "email": "a@example.com", "password": PASSWORD, "cookie": false });
    for server in [a, b] {
        server
            .get("/api/me", &laptop.token)
            .await
            .refused(503, "storage_unavailable");
        server
            .send(
                Method::POST,
                "/api/sign-in",
                None,
                Some(credentials.clone()),
            )
            .await
            .refused(503, "storage_unavailable");
        let refused = server.connect(&laptop.token).await.err().unwrap();
        assert_eq!(
            (refused.status, refused.code.as_str()),
            (503, "storage_unavailable")
        );
        // Alive, and says so: a restart would not mend it.
        let health = server.send(Method::GET, "/healthz", None, None).await;
        health.expect(200);
    }
    turn(true);
    for server in [a, b] {
        let took = until("the return", Duration::from_secs(20), async || {
            server.get("/api/me", &laptop.token).await.status == 200
        })
        .await;
        println!("storage is back: accepted again after {took:?}");
        server.log().wait_for("the broker is connected again").await;
    }
    // What was open stayed open, and is closed when it has to be.
    let begun = Instant::now();
    assert_eq!(sign_out_others(a, &laptop).await.counts(), (1, 1, 0));
    let took = closed_since(&mut live, begun).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    b.sign_in("a@example.com").await;
    pair.kept_the_secret();
}
