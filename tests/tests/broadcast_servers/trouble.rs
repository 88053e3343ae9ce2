//! A broker that stops, hangs, and comes back.

use std::time::Duration;

use authkernel::ports::{Broadcast, BroadcastError};
use authkernel_wasmtime::broadcast::Event;
use tokio::time::Instant;

use crate::brokers::*;
use crate::proxy::Proxy;

crate::each_broker!(
    one_that_stops_is_told_at_once_and_so_is_its_return,
    one_that_is_silently_gone_is_noticed,
    one_that_comes_and_goes_is_followed,
    who_subscribes_in_vain_may_try_again,
    a_subscription_outlives_the_adapter_it_came_from,
);

async fn one_that_stops_is_told_at_once_and_so_is_its_return<B: Broker>(mut server: B) {
    // The usual limits: two seconds to publish.
    let adapter = server.open(Default::default()).await;
    let mut subscription = adapter.listen().await.unwrap();
    assert!(all_taken(&adapter.publish(disconnects(3)).await));
    assert_eq!(hear(&mut subscription, 3).await, disconnects(3));

    // Before it stops: connections end earlier than the process does.
    let began = Instant::now();
    let stopping = tokio::task::spawn_blocking(move || {
        server.stop();
        server
    });
    assert!(until(&mut subscription, "lost").await.is_empty());
    let lost = began.elapsed();
    assert!(lost < Duration::from_secs(5), "told after {lost:?}");
    server = stopping.await.unwrap();

    let began = Instant::now();
    let answers = adapter.publish(disconnects(300)).await;
    let refused = began.elapsed();
    assert_eq!(answers.len(), 300);
    for answer in &answers {
        assert!(
            matches!(answer, Err(BroadcastError::Unavailable(_))),
            "{answer:?}"
        );
    }
    assert!(
        refused < Duration::from_secs(4),
        "answered after {refused:?}"
    );
    let mut late = adapter.listen().await.unwrap();
    assert!(
        matches!(next(&mut late).await, Event::Lost),
        "who comes meanwhile is told as well"
    );

    let starting = tokio::task::spawn_blocking(move || {
        server.start_again();
        (server, Instant::now())
    });
    for subscription in [&mut subscription, &mut late] {
        assert!(until(subscription, "restored").await.is_empty());
    }
    let restored = Instant::now();
    let (server, answers) = starting.await.unwrap();
    let restored = restored.saturating_duration_since(answers);
    println!(
        "{}: lost after {lost:?}, refused after {refused:?}, restored after {restored:?}",
        B::NAME
    );
    // From here on nothing is missed: whoever was told that it is back hears everything.
    publish_at_last(&adapter, disconnect("back")).await;
    for subscription in [&mut subscription, &mut late] {
        assert_eq!(hear(subscription, 1).await, [disconnect("back")]);
    }
    drop(server);
}

async fn one_that_is_silently_gone_is_noticed<B: Broker>(server: B) {
    let proxy = Proxy::before(server.port()).await;
    let adapter = B::Adapter::open(&B::address_on(proxy.port()), impatient())
        .await
        .unwrap();
    let mut subscription = adapter.listen().await.unwrap();
    publish_at_last(&adapter, disconnect("first")).await;
    assert_eq!(hear(&mut subscription, 1).await, [disconnect("first")]);

    proxy.silence(true);
    let began = Instant::now();
    let answers = adapter.publish(disconnects(5_000)).await;
    let refused = began.elapsed();
    for answer in &answers {
        assert!(
            matches!(answer, Err(BroadcastError::Unavailable(_))),
            "{answer:?}"
        );
    }
    assert!(
        refused < Duration::from_secs(5),
        "answered after {refused:?}"
    );
    // Nothing that was published may come before: no byte goes through.
    assert!(until(&mut subscription, "lost").await.is_empty());
    let lost = began.elapsed();
    assert!(lost < Duration::from_secs(10), "told after {lost:?}");
    println!(
        "{}: refused after {refused:?}, lost after {lost:?}",
        B::NAME
    );

    proxy.silence(false);
    until(&mut subscription, "restored").await;
    publish_at_last(&adapter, disconnect("again")).await;
    let mut heard = Vec::new();
    while !heard.contains(&disconnect("again")) {
        // What was on its way may come late, and twice.
        if let Event::Messages(batch) = next(&mut subscription).await {
            heard.extend(batch.messages.iter().cloned());
        }
    }
}

async fn one_that_comes_and_goes_is_followed<B: Broker>(mut server: B) {
    let adapter = server.open(Default::default()).await;
    let mut subscription = adapter.listen().await.unwrap();
    for round in 0..3 {
        server = tokio::task::spawn_blocking(move || {
            server.kill();
            server.start_again();
            server
        })
        .await
        .unwrap();
        until(&mut subscription, "lost").await;
        until(&mut subscription, "restored").await;
        publish_at_last(&adapter, disconnect(round)).await;
        assert_eq!(hear(&mut subscription, 1).await, [disconnect(round)]);
    }
}

async fn who_subscribes_in_vain_may_try_again<B: Broker>(mut server: B) {
    let adapter = server.open(Default::default()).await;
    server = tokio::task::spawn_blocking(move || {
        server.stop();
        server
    })
    .await
    .unwrap();
    let began = Instant::now();
    // One that listens since it was made is told later instead.
    if let Ok(mut subscription) = adapter.listen().await {
        until(&mut subscription, "lost").await;
    }
    assert!(began.elapsed() < Duration::from_secs(5));
    let nobody = B::Adapter::open(&B::address_on(server.port()), impatient()).await;
    let error = nobody.expect_err("there is no broker").to_string();
    assert!(
        error.starts_with("the broker is not available: "),
        "{error}"
    );

    server = tokio::task::spawn_blocking(move || {
        server.start_again();
        server
    })
    .await
    .unwrap();
    publish_at_last(&adapter, disconnect("first")).await;
    let mut subscription = adapter.listen().await.unwrap();
    publish_at_last(&adapter, disconnect("again")).await;
    let mut heard = Vec::new();
    while !heard.contains(&disconnect("again")) {
        if let Event::Messages(batch) = next(&mut subscription).await {
            heard.extend(batch.messages.iter().cloned());
        }
    }
    drop(server);
}

async fn a_subscription_outlives_the_adapter_it_came_from<B: Broker>(server: B) {
    let mut subscription = server.open(patient()).await.listen().await.unwrap();
    let other = server.open(patient()).await;
    assert!(all_taken(&other.publish(disconnects(2)).await));
    assert_eq!(hear(&mut subscription, 2).await, disconnects(2));
}
