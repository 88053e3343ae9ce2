//! Closing connections.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_disconnect_closes_the_connections_of_its_topic_and_endpoint_only() {
    let fixture = Fixture::new();
    let mut events = fixture.sockets.events();
    let (one, two) = (fixture.open("s1").await, fixture.open("s1").await);
    let other = fixture.open("s2").await;
    assert_eq!(events.recv().await.unwrap().change, Change::Opened);
    fixture.tell(vec![disconnect("mobile", "s2"), disconnect("web", "s1")]);
    for socket in [&one, &two] {
        let closing = socket.closed().await;
        assert_eq!(closing.reason, Reason::Revoked);
        assert_eq!(closing.cut_at() - closing.asked_at, Duration::from_secs(1));
        assert!(closing.told_at.is_some());
        assert!(!socket.may_act());
    }
    settle().await;
    assert!(other.closing().is_none() && other.may_act());
    drop((one, two));
    let changes: Vec<_> = std::iter::from_fn(|| events.try_recv().ok()).collect();
    let closed = |event: &&crate::sockets::SocketEvent| {
        event.change == Change::Closed(Some(Reason::Revoked))
    };
    assert_eq!(changes.iter().filter(closed).count(), 2);
    assert!(changes.iter().find(closed).unwrap().latency.is_some());
    let counts = fixture.sockets.counts();
    assert_eq!(
        (
            counts.registered,
            counts.opened,
            counts.closed,
            counts.revoked
        ),
        (1, 3, 2, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn the_shutdown_closes_everything_and_waits_for_it() {
    let fixture = Fixture::new();
    let socket = fixture.open("s1").await;
    let sockets = fixture.sockets.clone();
    let shutdown = tokio::spawn(async move { sockets.shutdown().await });
    assert_eq!(socket.closed().await.reason, Reason::Shutdown);
    let refused = fixture
        .sockets
        .open(admit("t-s2"), "web")
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::KernelUnavailable);
    assert!(!shutdown.is_finished());
    drop(socket);
    shutdown.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_does_not_end_holds_up_the_shutdown_for_so_long_only() {
    let fixture = Fixture::new();
    let _socket = fixture.open("s1").await;
    let start = Instant::now();
    fixture.sockets.shutdown().await;
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn without_a_registry_no_connection_stays_open() {
    let fixture = Fixture::new();
    let socket = fixture.open("s1").await;
    let Fixture {
        sockets, broker, ..
    } = fixture;
    drop(sockets);
    assert_eq!(socket.closed().await.reason, Reason::Shutdown);
    drop(broker);
}

#[tokio::test]
async fn a_close_wakes_every_task_that_waits() {
    let fixture = Fixture::new();
    let socket = std::sync::Arc::new(fixture.open("s1").await);
    let waiting: Vec<_> = (0..10)
        .map(|_| {
            let socket = socket.clone();
            tokio::spawn(async move { socket.closed().await.reason })
        })
        .collect();
    tokio::task::yield_now().await;
    fixture.tell(vec![disconnect("web", "s1")]);
    for task in waiting {
        let closed = timeout(Duration::from_secs(60), task).await.unwrap();
        assert_eq!(closed.unwrap(), Reason::Revoked);
    }
}
