//! What others write, and how much of it goes into a packet.

use authkernel::ports::{Broadcast, BroadcastError};
use authkernel_tests::services::nats::Nats;
use authkernel_wasmtime::broadcast::Event;

use crate::brokers::*;

crate::each_broker!(
    what_is_no_message_is_ignored_and_the_rest_is_taken,
    ten_thousand_messages_are_split,
    a_message_that_fits_nowhere_leaves_the_others_alone,
);

async fn what_is_no_message_is_ignored_and_the_rest_is_taken<B: Broker>(server: B) {
    let adapter = server.open(patient()).await;
    let mut subscription = adapter.listen().await.unwrap();
    for text in [
        "no json",
        r#"{"kind":"disconnect","endpoint":"web"}"#,
        r#"[1,{"kind":"new"},{"kind":"recheck","sid":7}]"#,
        "null",
        "[]",
    ] {
        server.say(text);
    }
    // One alone, with a member that is not known yet, and one among others.
    server.say(r#"{"kind":"disconnect","endpoint":"web","topic":"alone","added":1}"#);
    server.say(r#"[{"kind":"new"},{"kind":"disconnect","endpoint":"web","topic":"it's"},7]"#);
    let heard = hear(&mut subscription, 2).await;
    assert_eq!(heard, [disconnect("alone"), disconnect("it's")]);
    assert_eq!(adapter.strangers(), 8);
}

async fn ten_thousand_messages_are_split<B: Broker>(server: B) {
    let adapter = server.open(patient()).await;
    let mut subscription = adapter.listen().await.unwrap();
    let messages = disconnects(10_000);
    assert!(all_taken(&adapter.publish(messages.clone()).await));
    let mut heard = Vec::new();
    let mut packets = 0;
    let mut largest = 0;
    while heard.len() < messages.len() {
        let Event::Messages(batch) = next(&mut subscription).await else {
            panic!("something else after {} messages", heard.len());
        };
        packets += 1;
        // Each is about 90 bytes, never less than 80.
        largest = largest.max(batch.messages.len() * 80);
        heard.extend(batch.messages.iter().cloned());
    }
    assert_eq!(heard, messages);
    println!("{}: {packets} packets", B::NAME);
    assert!(packets > 1 && largest < 256 * 1024, "{packets} packets");
}

async fn a_message_that_fits_nowhere_leaves_the_others_alone<B: Broker>(server: B) {
    let adapter = server.open(patient()).await;
    let mut subscription = adapter.listen().await.unwrap();
    let large = disconnect("x".repeat(300 * 1024));
    let messages = vec![disconnect("a"), large, disconnect("b")];
    let answers = adapter.publish(messages).await;
    assert!(answers[0].is_ok() && answers[2].is_ok(), "{answers:?}");
    assert!(
        matches!(answers[1], Err(BroadcastError::Other(_))),
        "{:?}",
        answers[1]
    );
    assert_eq!(
        hear(&mut subscription, 2).await,
        [disconnect("a"), disconnect("b")]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nats_server_that_takes_little_gets_small_packets() {
    let Some(server) = Nats::configured("max_payload: 4096", &[]) else {
        return;
    };
    let adapter = server.open(patient()).await;
    let mut subscription = adapter.listen().await.unwrap();
    // A packet above the limit would end the connection.
    assert!(all_taken(&adapter.publish(disconnects(1_000)).await));
    assert_eq!(hear(&mut subscription, 1_000).await, disconnects(1_000));
}
