//! Verifying connections against storage.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_recheck_asks_about_the_connections_that_it_means() {
    let fixture = Fixture::new();
    let (dead, alive) = (fixture.open("s1").await, fixture.open("s2").await);
    fixture
        .script
        .verdict("s1", Verdict::Close(Code::TokenCutOff));
    fixture
        .script
        .verdict("s2", Verdict::Close(Code::TokenCutOff));
    fixture.recheck("s1");
    let closing = dead.closed().await;
    assert_eq!(
        (closing.reason, closing.code),
        (Reason::Revoked, Some(Code::TokenCutOff))
    );
    settle().await;
    assert_eq!(fixture.script.swept(1).await, [["s1"]]);
    assert!(alive.may_act());
}

#[tokio::test(start_paused = true)]
async fn a_muted_connection_stays_open_for_a_while_and_acts_on_nothing() {
    let fixture = Fixture::new();
    let (left, told) = (fixture.open("s1").await, fixture.open("s2").await);
    fixture.script.verdict("s1", Verdict::Mute);
    fixture.script.verdict("s2", Verdict::Mute);
    let start = Instant::now();
    fixture.recheck("s1");
    fixture.recheck("s2");
    settle().await;
    for socket in [&left, &told] {
        assert!(socket.closing().is_none() && !socket.may_act());
        assert!(socket.prolong(admit("t-s1")).await.is_err());
    }
    fixture.tell(vec![disconnect("web", "s2")]);
    assert_eq!(told.closed().await.reason, Reason::Revoked);
    // Asked again and again, it still ends 30 s after the first time.
    sleep(Duration::from_secs(20)).await;
    fixture.recheck("s1");
    assert_eq!(left.closed().await.reason, Reason::MutedTimeout);
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn while_the_broker_is_away_everything_is_verified_every_five_seconds() {
    let fixture = Fixture::new();
    let _socket = fixture.open("s1").await;
    let start = Instant::now();
    fixture.broker.send(Event::Lost).unwrap();
    fixture.script.swept(1).await;
    assert_eq!(start.elapsed().as_secs(), 0);
    assert!(!fixture.sockets.counts().connected);
    fixture.script.swept(3).await;
    assert_eq!(start.elapsed().as_secs(), 10);
    fixture.broker.send(Event::Restored).unwrap();
    fixture.script.swept(4).await;
    assert_eq!(start.elapsed().as_secs(), 10);
    assert!(fixture.sockets.counts().connected);
    sleep(Duration::from_secs(100)).await;
    assert_eq!(fixture.script.swept(4).await.len(), 4);
    fixture.broker.send(Event::Lagged { missed: 7 }).unwrap();
    fixture.script.swept(5).await;
    assert_eq!(fixture.sockets.counts().missed, 7);
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_that_was_lost_with_the_broker_is_found() {
    let fixture = Fixture::new();
    let (dead, alive) = (fixture.open("s1").await, fixture.open("s2").await);
    fixture
        .script
        .verdict("s1", Verdict::Close(Code::SessionEnded));
    let Fixture {
        broker,
        sockets,
        script,
    } = fixture;
    // The broadcast ends for good.
    drop(broker);
    assert_eq!(dead.closed().await.reason, Reason::Revoked);
    assert!(alive.may_act());
    let swept = script.swept(1).await.len();
    script.swept(swept + 2).await;
    drop(sockets);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_storage_closes_nothing_and_is_tried_again() {
    let fixture = Fixture::new();
    let socket = fixture.open("s1").await;
    fixture
        .script
        .verdict("s1", Verdict::Close(Code::SessionEnded));
    fixture.script.sweeps_fail(Some(Code::StorageUnavailable));
    let start = Instant::now();
    fixture.recheck("s1");
    fixture.script.swept(2).await;
    assert_eq!(start.elapsed().as_secs(), 5);
    assert!(socket.closing().is_none() && socket.may_act());
    fixture.script.sweeps_fail(None);
    assert_eq!(socket.closed().await.code, Some(Code::SessionEnded));
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(fixture.sockets.counts().sweep_errors, 2);
}

#[tokio::test(start_paused = true)]
async fn every_connection_is_verified_in_its_turn() {
    let fixture = Fixture::with(|settings| {
        settings.sweep_every = Duration::from_secs(30);
        settings.sweep_batch = 1;
    });
    let _sockets = [
        fixture.open("s1").await,
        fixture.open("s2").await,
        fixture.open("s3").await,
    ];
    let start = Instant::now();
    assert_eq!(fixture.script.swept(1).await, [["s1"]]);
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!(fixture.script.swept(3).await, [["s1"], ["s2"], ["s3"]]);
    assert_eq!(start.elapsed().as_secs(), 50);
    fixture.script.swept(4).await;
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn what_was_decided_about_an_earlier_token_does_not_count() {
    let fixture = Fixture::new();
    let mut later = identity("u", "s1");
    later.jti = "later".into();
    fixture.script.token("later", later);
    let socket = fixture.open("s1").await;
    let registry = &fixture.sockets.registry;
    let entry = registry.entries(&registry.ids()).remove(0);
    let (before, _) = entry.state();
    socket.prolong(admit("later")).await.unwrap();
    registry.apply(&entry, &before, Verdict::Close(Code::TokenExpired), 0);
    assert!(socket.closing().is_none());
    // Instead it is asked about again.
    assert_eq!(fixture.script.swept(1).await, [["s1"]]);
}
