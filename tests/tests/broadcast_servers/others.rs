//! Others who speak on the same channel: other instances, other processes.

use std::process::{Command, Stdio};

use authkernel::ports::{Broadcast, Message};

use crate::brokers::*;

crate::each_broker!(
    two_instances_hear_each_other_in_order,
    another_process_is_heard,
    channels_are_apart,
);

async fn two_instances_hear_each_other_in_order<B: Broker>(server: B) {
    const MESSAGES: usize = 500;
    let names = ["first", "second"];
    let mut adapters = Vec::new();
    let mut subscriptions = Vec::new();
    for _ in names {
        let adapter = server.open(patient()).await;
        subscriptions.push(adapter.listen().await.unwrap());
        adapters.push(adapter);
    }
    let speak = |adapter: usize| {
        let (adapter, name) = (adapters[adapter].clone(), names[adapter]);
        async move {
            let message = |number| disconnect(format!("{name}:{number}"));
            let messages: Vec<Message> = (0..MESSAGES).map(message).collect();
            for part in messages.chunks(13) {
                assert!(all_taken(&adapter.publish(part.to_vec()).await));
            }
            messages
        }
    };
    let said = tokio::join!(speak(0), speak(1));
    for subscription in &mut subscriptions {
        let heard = hear(subscription, 2 * MESSAGES).await;
        assert_eq!(heard.len(), 2 * MESSAGES);
        // Each publisher's own order.
        for said in [&said.0, &said.1] {
            let of_one: Vec<_> = heard
                .iter()
                .filter(|it| said.contains(it))
                .cloned()
                .collect();
            assert_eq!(of_one, *said);
        }
    }
}

/// Under which this program is the other process: the broker's address.
const SPEAKER: &str = "AUTHKERNEL_TEST_SPEAKER";
const SPOKEN: usize = 2_500;

async fn another_process_is_heard<B: Broker>(server: B) {
    if let Ok(url) = std::env::var(SPEAKER) {
        let adapter = B::Adapter::open(&url, patient()).await.unwrap();
        assert!(all_taken(&adapter.publish(disconnects(SPOKEN)).await));
        return;
    }
    let adapter = server.open(patient()).await;
    let mut subscription = adapter.listen().await.unwrap();
    let test = format!("others::{}::another_process_is_heard", B::NAME);
    let mut speaker = Command::new(std::env::current_exe().unwrap())
        .args([&test, "--exact"])
        .env(SPEAKER, B::address_on(server.port()))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(hear(&mut subscription, SPOKEN).await, disconnects(SPOKEN));
    let ended = tokio::task::spawn_blocking(move || speaker.wait())
        .await
        .unwrap();
    assert!(ended.unwrap().success());
}

async fn channels_are_apart<B: Broker>(server: B) {
    let usual = server.open(patient()).await;
    let other = server
        .open(patient().channel("another \"one\"".replace([' ', '"'], "-")))
        .await;
    let mut subscription = usual.listen().await.unwrap();
    let mut elsewhere = other.listen().await.unwrap();
    assert!(all_taken(
        &other.publish(vec![disconnect("elsewhere")]).await
    ));
    assert!(all_taken(&usual.publish(vec![disconnect("here")]).await));
    assert_eq!(hear(&mut subscription, 1).await, [disconnect("here")]);
    assert_eq!(hear(&mut elsewhere, 1).await, [disconnect("elsewhere")]);
}
