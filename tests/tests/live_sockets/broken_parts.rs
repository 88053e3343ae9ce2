//! Storage and the broker fail: nothing is closed by mistake, nothing dead stays open.

use std::sync::atomic::Ordering;
use std::time::Duration;

use authkernel::ports::StorageError;
use authkernel_wasmtime::broadcast::Event;

use crate::service::{PATIENCE, Service};

#[tokio::test]
async fn a_disconnect_that_was_lost_is_found_when_the_broker_is_away() {
    let service = Service::start().await;
    let (dead, alive) = (service.token().await, service.token().await);
    let mut goes = service.connect(&dead, "web").await;
    let mut stays = service.connect(&alive, "web").await;
    service.wire.cut();
    service.revoke(&dead).await;
    // Nobody has told the process: it cannot know.
    assert_eq!(goes.ask("still here").await, "still here");
    service.wire.say(Event::Lost);
    assert_eq!(goes.closed().await, (4001, "revoked".into()));
    assert_eq!(stays.ask("still here").await, "still here");
    // Away for long: what dies meanwhile is found within a few seconds.
    service.revoke(&alive).await;
    assert_eq!(stays.closed().await, (4001, "revoked".into()));
}

#[tokio::test]
async fn what_was_missed_is_found_when_the_broker_is_back() {
    for event in [Event::Restored, Event::Lagged { missed: 1 }] {
        let service = Service::start().await;
        let token = service.token().await;
        let mut client = service.connect(&token, "web").await;
        service.wire.cut();
        service.revoke(&token).await;
        assert_eq!(client.ask("still here").await, "still here");
        service.wire.mend();
        service.wire.say(event);
        assert_eq!(client.closed().await, (4001, "revoked".into()));
    }
}

#[tokio::test]
async fn what_was_missed_unnoticed_is_found_by_the_regular_sweep() {
    let every = Duration::from_millis(200);
    let service = Service::with(|parts| parts.settings.sweep_every = every).await;
    let token = service.token().await;
    let mut client = service.connect(&token, "web").await;
    service.wire.cut();
    service.revoke(&token).await;
    assert_eq!(client.closed().await, (4001, "revoked".into()));
}

#[tokio::test]
async fn an_error_of_storage_closes_nothing_and_opens_nothing() {
    let service = Service::with(|parts| {
        parts.settings.sweep_when_blind = Duration::from_millis(100);
    })
    .await;
    let (dead, alive) = (service.token().await, service.token().await);
    let mut goes = service.connect(&dead, "web").await;
    let mut stays = service.connect(&alive, "web").await;
    service.wire.cut();
    service.revoke(&dead).await;
    service
        .storage
        .fail("storage", StorageError::Unavailable("down".into()));
    service.sockets.verify_all();
    let failed = async {
        while service.sockets.counts().sweep_errors < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, failed).await.unwrap();
    assert_eq!(goes.ask("still here").await, "still here");
    assert_eq!(stays.ask("still here").await, "still here");
    assert_eq!(
        service.refused(&alive, "web").await,
        (503, "storage_unavailable".into())
    );
    service.storage.heal();
    assert_eq!(goes.closed().await, (4001, "revoked".into()));
    assert_eq!(stays.ask("still here").await, "still here");
}

#[tokio::test]
async fn a_disconnect_that_the_broker_did_not_take_is_sent_later() {
    let service = Service::start().await;
    let token = service.token().await;
    let mut client = service.connect(&token, "web").await;
    service.broker.down.store(true, Ordering::SeqCst);
    let report = service.revoke(&token).await;
    assert_eq!((report.disconnected, report.undelivered.len()), (0, 2));
    assert_eq!(client.ask("still here").await, "still here");
    service.broker.down.store(false, Ordering::SeqCst);
    assert_eq!(client.closed().await, (4001, "revoked".into()));
}
