//! Redis.

use std::time::{Duration, Instant};

use authkernel::ports::Storage;
use authkernel::record::Touch;
use authkernel::testing::contract::fixtures::{NOW, is_live, open, record, stored, stored_session};
use authkernel_tests::services::free_port;
use authkernel_tests::services::redis::Redis;
use authkernel_wasmtime::storage::redis::{OpenError, RedisStorage};

use super::{
    calls_may_be_given_up, everything_is_unavailable, is_back, is_unavailable,
    many_callers_are_served,
};

async fn connected(url: &str) -> RedisStorage {
    RedisStorage::connect(url).await.expect("a server")
}

#[tokio::test]
async fn a_server_that_stops_is_unavailable_until_it_is_back() {
    let Some(mut server) = Redis::start(&[]) else {
        return;
    };
    let told = connected(&server.url()).await;
    let untold = connected(&format!("{}/?protocol=resp2", server.url())).await;
    open(&told, record("anna", "s1", "t1")).await;
    for (round, storage) in [&told, &untold, &told, &untold].into_iter().enumerate() {
        let name = format!("round {round}");
        // This one may have lost its connection in the round before, and has not been told.
        storage.ping().await.expect("it is there");
        open(storage, record("bob", &name, &name)).await;
        if round < 2 {
            server.stop();
        } else {
            server.kill();
        }
        everything_is_unavailable(storage, &name).await;
        assert!(is_unavailable(&storage.ping().await));
        server.start_again();
        is_back(storage, &name, &format!("after {name}")).await;
        storage.ping().await.expect("it is there");
        assert_eq!(stored(storage, None, "gone").await, None);
        assert!(is_live(storage, "t1").await);
    }
}

#[tokio::test]
async fn a_connection_that_broke_while_idle_costs_no_call() {
    let Some(mut server) = Redis::start(&[]) else {
        return;
    };
    let storage = connected(&server.url()).await;
    open(&storage, record("anna", "s1", "t1")).await;
    server.stop();
    server.start_again();
    // A runtime that runs notices.
    tokio::time::sleep(Duration::from_millis(100)).await;
    // The first call is a write, which is never asked twice.
    open(&storage, record("anna", "s2", "t2")).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let Some(server) = Redis::start(&[]) else {
        return;
    };
    let settings = RedisStorage::settings()
        .connect_timeout(Duration::from_millis(200))
        .timeout(Duration::from_millis(500));
    let storage = settings.connect(&server.url()).await.expect("a server");
    open(&storage, record("anna", "s1", "t1")).await;
    server.pause();
    let began = Instant::now();
    everything_is_unavailable(&storage, "t1").await;
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    server.resume();
    is_back(&storage, "t1", "t2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_serves_many_callers() {
    let Some(server) = Redis::shared() else {
        return;
    };
    let settings = RedisStorage::settings()
        .prefix("{many}:")
        .timeout(Duration::from_secs(60));
    let storage = settings.connect(&server.url()).await.expect("a server");
    many_callers_are_served(&storage).await;
    calls_may_be_given_up(&storage).await;
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_sent_again() {
    let Some(server) = Redis::start(&[]) else {
        return;
    };
    let storage = connected(&server.url()).await;
    open(&storage, record("anna", "s1", "t1")).await;
    let mut connection = storage.connection();
    let flushed: String = redis::cmd("SCRIPT")
        .arg("FLUSH")
        .query_async(&mut connection)
        .await
        .expect("they are flushed");
    assert_eq!(flushed, "OK");
    open(&storage, record("anna", "s2", "t2")).await;
    assert!(is_live(&storage, "t1").await);
}

#[tokio::test]
async fn an_application_may_keep_its_own_keys() {
    let Some(server) = Redis::shared() else {
        return;
    };
    let storage = RedisStorage::settings().prefix("{own}:");
    let storage = storage.connect(&server.url()).await.expect("a server");
    assert_eq!(storage.prefix(), "{own}:");
    let mut connection = storage.connection();
    let (name, number): (String, u32) = redis::pipe()
        .atomic()
        .cmd("SET")
        .arg("account:1")
        .arg("anna")
        .ignore()
        .cmd("GET")
        .arg("account:1")
        .cmd("INCR")
        .arg("account:count")
        .query_async(&mut connection)
        .await
        .expect("they are stored");
    assert_eq!((name.as_str(), number), ("anna", 1));
    assert_eq!(storage.pending().await, Ok(0));
}

#[tokio::test]
async fn what_cannot_be_connected_to_is_refused_without_the_password() {
    let nobody = free_port();
    let url = format!("redis://anna:secret@127.0.0.1:{nobody}/");
    let error = RedisStorage::connect(&url)
        .await
        .expect_err("nobody listens");
    assert!(matches!(error, OpenError::Connect(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("secret"));

    let Some(server) = Redis::start(&["--requirepass", "right"]) else {
        return;
    };
    let address = server.address();
    let error = RedisStorage::connect(&format!("redis://:secret@{address}/")).await;
    let error = error.expect_err("the password is wrong");
    assert!(!format!("{error} {error:?}").contains("secret"));
    assert!(RedisStorage::connect(&server.url()).await.is_err());
    let storage = connected(&format!("redis://:right@{address}/")).await;
    open(&storage, record("anna", "s1", "t1")).await;
    assert!(!format!("{storage:?}").contains("right"));
}

#[tokio::test]
async fn a_replica_is_refused() {
    let Some(primary) = Redis::shared() else {
        return;
    };
    let port = primary.port().to_string();
    let Some(replica) = Redis::start(&["--replicaof", "127.0.0.1", &port]) else {
        return;
    };
    let error = RedisStorage::connect(&replica.url()).await;
    let error = error.expect_err("it may not have seen a revocation");
    assert!(
        error.to_string().contains("connect to the primary"),
        "{error}"
    );
}

#[tokio::test]
async fn what_was_noted_is_written_before_the_end() {
    let Some(server) = Redis::start(&[]) else {
        return;
    };
    let storage = connected(&server.url()).await;
    open(&storage, record("anna", "s1", "t1")).await;
    let touch = Touch {
        tenant: None,
        sid: "s1".into(),
        at: NOW + 9,
    };
    storage.touch(touch).await.expect("it is noted");
    storage.close().await;
    let other = connected(&server.url()).await;
    let session = stored_session(&other, None, "s1").await;
    assert_eq!(session.expect("a session").last_seen, NOW + 9);
}

#[tokio::test]
async fn a_server_that_may_forget_says_so() {
    let Some(server) = Redis::shared() else {
        return;
    };
    let storage = connected(&server.url()).await;
    let durability = storage.durability().await.expect("its settings");
    assert!(durability.is_safe(), "{durability:?}");

    let settings = [
        "--appendfsync",
        "everysec",
        "--maxmemory-policy",
        "allkeys-lru",
    ];
    let Some(server) = Redis::start(&settings) else {
        return;
    };
    let storage = connected(&server.url()).await;
    let warnings = storage.durability().await.expect("its settings").warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");

    // Who may not ask is told to see to it.
    let Some(server) = Redis::start(&["--rename-command", "CONFIG", ""]) else {
        return;
    };
    let storage = connected(&server.url()).await;
    let warnings = storage.durability().await.expect("no settings").warnings();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings[0].contains("does not tell"), "{warnings:?}");
}
