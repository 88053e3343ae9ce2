//! The promises of `wit/broadcast.wit`, and of the receiving side that every adapter has.

use std::future::Future;
use std::pin::pin;
use std::string::String;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use std::vec;
use std::vec::Vec;

use crate::ports::{Broadcast, Disconnect, Message, Recheck};

/// An adapter on the bench: how the cases publish and subscribe.
pub trait Bench: Sync {
    /// The adapter.
    type Broadcast: Broadcast + Sync;
    /// Its receiving side.
    type Subscriber: Subscriber;

    /// The adapter, connected.
    fn broadcast(&self) -> &Self::Broadcast;

    /// A new subscriber, which receives all that is published once this has answered.
    fn subscribe(&self) -> impl Future<Output = Self::Subscriber> + Send;

    /// At least this many messages make a subscriber lag that does not read.
    fn flood(&self) -> usize;
}

/// The receiving side of an adapter.
pub trait Subscriber: Send {
    /// What comes next.
    fn next(&mut self) -> impl Future<Output = Heard> + Send;
}

/// What a subscriber hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Messages, in order.
    Messages(Vec<Message>),
    /// Some messages were missed.
    Missed,
    /// Nothing will come any more.
    Closed,
}

fn disconnect(number: usize) -> Message {
    Message::Disconnect(Disconnect {
        endpoint: "web".into(),
        topic: std::format!("users_sessions:{number}"),
    })
}

fn disconnects(count: usize) -> Vec<Message> {
    (0..count).map(disconnect).collect()
}

async fn publish<B: Bench>(bench: &B, messages: Vec<Message>) {
    let count = messages.len();
    let answers = bench.broadcast().publish(messages).await;
    assert_eq!(answers, vec![Ok(()); count]);
}

/// The next `count` messages.
async fn hear<S: Subscriber>(subscriber: &mut S, count: usize) -> Vec<Message> {
    let mut heard = Vec::new();
    while heard.len() < count {
        match subscriber.next().await {
            Heard::Messages(messages) => heard.extend(messages),
            other => panic!("{other:?} after {} of {count} messages", heard.len()),
        }
    }
    assert_eq!(heard.len(), count, "more than were published");
    heard
}

/// Every process that holds connections is told everything, and in the publisher's order.
pub async fn every_subscriber_gets_every_message_in_order<B: Bench>(bench: &B) {
    let mut subscribers = vec![
        bench.subscribe().await,
        bench.subscribe().await,
        bench.subscribe().await,
    ];
    let messages = disconnects(100);
    for part in messages.chunks(7) {
        publish(bench, part.to_vec()).await;
    }
    for subscriber in &mut subscribers {
        assert_eq!(hear(subscriber, 100).await, messages);
    }
}

/// Nothing is answered, nothing is sent.
pub async fn an_empty_list_does_nothing<B: Bench>(bench: &B) {
    let mut subscriber = bench.subscribe().await;
    assert_eq!(bench.broadcast().publish(Vec::new()).await, []);
    publish(bench, disconnects(1)).await;
    assert_eq!(hear(&mut subscriber, 1).await, disconnects(1));
}

/// In order, for one message and for many.
pub async fn there_is_one_answer_per_message<B: Bench>(bench: &B) {
    let _subscriber = bench.subscribe().await;
    for count in [1, 2, 257] {
        assert_eq!(
            bench.broadcast().publish(disconnects(count)).await.len(),
            count
        );
    }
}

/// "Taken" means that the broker has it, not that anybody listened.
pub async fn nobody_listening_is_no_error<B: Bench>(bench: &B) {
    publish(bench, disconnects(3)).await;
}

/// The same message twice, in one call and in two, is two messages at most, and no error.
pub async fn repeating_a_message_is_harmless<B: Bench>(bench: &B) {
    let mut subscriber = bench.subscribe().await;
    publish(bench, vec![disconnect(1), disconnect(1)]).await;
    publish(bench, vec![disconnect(1), disconnect(2)]).await;
    let mut heard = Vec::new();
    while !heard.contains(&disconnect(2)) {
        match subscriber.next().await {
            Heard::Messages(messages) => heard.extend(messages),
            other => panic!("{other:?}"),
        }
    }
    assert!(heard.len() <= 4);
    assert!(
        heard
            .iter()
            .filter(|message| **message == disconnect(1))
            .count()
            >= 1
    );
}

/// Endpoints, topics and every field of a recheck are data: whatever they contain arrives as it was.
pub async fn every_part_of_a_message_arrives<B: Bench>(bench: &B) {
    let mut subscriber = bench.subscribe().await;
    let strange = "a.b:c*d>e/f'g\"h\\i j%00\nk 🦀 Zoë";
    let full = Recheck {
        tenant: Some(strange.into()),
        subject: Some("user?id=42".into()),
        purpose: Some("user".into()),
        sid: Some("s1".into()),
        kid: Some("k1".into()),
    };
    let mut messages = vec![
        Message::Disconnect(Disconnect {
            endpoint: strange.into(),
            topic: strange.into(),
        }),
        Message::Disconnect(Disconnect {
            endpoint: "mobile".into(),
            topic: "x".repeat(200),
        }),
        Message::Recheck(Recheck::default()),
        Message::Recheck(full),
    ];
    let alone: [fn(&mut Recheck) -> &mut Option<String>; 5] = [
        |it| &mut it.tenant,
        |it| &mut it.subject,
        |it| &mut it.purpose,
        |it| &mut it.sid,
        |it| &mut it.kid,
    ];
    messages.extend(alone.into_iter().map(|field| {
        let mut recheck = Recheck::default();
        *field(&mut recheck) = Some("only".into());
        Message::Recheck(recheck)
    }));
    publish(bench, messages.clone()).await;
    assert_eq!(hear(&mut subscriber, messages.len()).await, messages);
}

/// Sign out everywhere with 10,000 connections is one call.
pub async fn ten_thousand_messages_go_in_one_call<B: Bench>(bench: &B) {
    let mut subscriber = bench.subscribe().await;
    publish(bench, disconnects(10_000)).await;
    assert_eq!(hear(&mut subscriber, 10_000).await, disconnects(10_000));
}

/// Subscribe, then admit: what is published in between must be heard.
pub async fn a_subscriber_hears_what_is_published_after_it_subscribed<B: Bench>(bench: &B) {
    for round in 0..200 {
        let mut subscriber = bench.subscribe().await;
        publish(bench, vec![disconnect(round)]).await;
        assert_eq!(hear(&mut subscriber, 1).await, [disconnect(round)]);
    }
}

/// Missing something silently would leave a connection open that nobody looks at.
pub async fn a_subscriber_that_lags_is_told_so<B: Bench>(bench: &B) {
    let mut subscriber = bench.subscribe().await;
    let flood = bench.flood();
    let all = disconnects(flood + 1_000);
    for part in all.chunks(1_000) {
        publish(bench, part.to_vec()).await;
    }
    let mut heard = Vec::new();
    let mut missed = false;
    while !missed {
        match subscriber.next().await {
            Heard::Messages(messages) => heard.extend(messages),
            Heard::Missed => missed = true,
            Heard::Closed => panic!("closed after {} messages", heard.len()),
        }
        assert!(
            heard.len() < all.len(),
            "nothing was missed: is the flood large enough?"
        );
    }
    // It goes on: what comes once it has caught up is heard.
    while let Some(heard) = next_within(&mut subscriber, Duration::from_millis(300)) {
        assert_ne!(heard, Heard::Closed);
    }
    let last = vec![disconnect(usize::MAX)];
    publish(bench, last.clone()).await;
    assert_eq!(hear(&mut subscriber, 1).await, last);
}

/// What comes next, if it comes soon: how the cases find out that a subscriber has caught up.
fn next_within<S: Subscriber>(subscriber: &mut S, patience: Duration) -> Option<Heard> {
    let give_up = Instant::now() + patience;
    let mut next = pin!(subscriber.next());
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(heard) = next.as_mut().poll(&mut context) {
            return Some(heard);
        }
        if Instant::now() >= give_up {
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// One that never reads costs the others nothing.
pub async fn a_subscriber_that_lags_holds_up_nobody<B: Bench>(bench: &B) {
    let _stuck = bench.subscribe().await;
    let mut reader = bench.subscribe().await;
    let all = disconnects(bench.flood() + 1_000);
    let mut heard = Vec::new();
    for part in all.chunks(1_000) {
        publish(bench, part.to_vec()).await;
        heard.extend(hear(&mut reader, part.len()).await);
    }
    assert_eq!(heard, all);
}

/// Others are told all the same.
pub async fn a_subscriber_that_leaves_is_no_error<B: Bench>(bench: &B) {
    let mut stays = bench.subscribe().await;
    drop(bench.subscribe().await);
    publish(bench, disconnects(2)).await;
    assert_eq!(hear(&mut stays, 2).await, disconnects(2));
    drop(stays);
    publish(bench, disconnects(2)).await;
}
