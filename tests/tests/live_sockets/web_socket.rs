//! What a WebSocket does besides closing.

use authkernel_wasmtime::sockets::Change;
use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;

use crate::service::Service;

#[tokio::test]
async fn messages_are_answered_and_pushes_arrive() {
    let service = Service::start().await;
    let mut client = service.connect(&service.token().await, "web").await;
    assert_eq!(client.ask("one").await, "one");
    service.pushes.send("news".into()).unwrap();
    assert_eq!(client.text().await, "news");
    assert_eq!(client.ask("two").await, "two");
}

#[tokio::test]
async fn what_is_received_after_the_disconnect_is_not_acted_on() {
    let service = Service::start().await;
    let token = service.token().await;
    let mut client = service.connect(&token, "web").await;
    assert_eq!(client.ask("in time").await, "in time");
    service.revoke(&token).await;
    service
        .happens(|change| matches!(change, Change::Closing(_)))
        .await;
    // The close has not been read here yet.
    client.say("too late").await;
    assert_eq!(client.closed().await, (4001, "revoked".into()));
    service
        .happens(|change| matches!(change, Change::Closed(_)))
        .await;
    assert!(service.acted.on("in time") && !service.acted.on("too late"));
}

#[tokio::test]
async fn an_act_that_never_ends_does_not_keep_the_connection_open() {
    let service = Service::start().await;
    let token = service.token().await;
    let mut client = service.connect(&token, "web").await;
    client.say("hang").await;
    service.acted.wait("hang").await;
    service.revoke(&token).await;
    assert_eq!(client.closed().await, (4001, "revoked".into()));
}

#[tokio::test]
async fn the_application_can_end_a_connection() {
    let service = Service::start().await;
    let mut client = service.connect(&service.token().await, "web").await;
    client.0.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(client.closed().await, (4400, "text only".into()));
}

#[tokio::test]
async fn a_peer_that_closes_is_forgotten() {
    let service = Service::start().await;
    let mut client = service.connect(&service.token().await, "web").await;
    client.0.close(None).await.unwrap();
    let event = service
        .happens(|change| matches!(change, Change::Closed(_)))
        .await;
    assert_eq!(event.change, Change::Closed(None));
    assert_eq!(service.sockets.counts().registered, 0);
}

#[tokio::test]
async fn a_peer_that_vanishes_is_forgotten() {
    let service = Service::start().await;
    drop(service.connect(&service.token().await, "web").await);
    let event = service
        .happens(|change| matches!(change, Change::Closed(_)))
        .await;
    assert_eq!(event.change, Change::Closed(None));
}
