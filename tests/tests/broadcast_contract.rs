//! The broadcast suite of the port, run by every adapter.

use std::sync::atomic::{AtomicU32, Ordering};

use authkernel::testing::contract::broadcast::{Bench, Heard, Subscriber};
use authkernel::{broadcast_cases, broadcast_contract};
use authkernel_tests::services::nats::Nats;
use authkernel_tests::services::postgres::Postgres;
use authkernel_tests::services::redis::Redis;
use authkernel_wasmtime::broadcast::in_process::{
    InProcess, Subscription as InProcessSubscription,
};
use authkernel_wasmtime::broadcast::nats::NatsBroadcast;
use authkernel_wasmtime::broadcast::postgres::PostgresBroadcast;
use authkernel_wasmtime::broadcast::redis::RedisBroadcast;
use authkernel_wasmtime::broadcast::{Event, Listen, Options, Subscription};

/// Small, so that a subscriber lags soon, and larger than any one case publishes to those that read.
const CAPACITY: usize = 20_000;

struct InProcessBench(InProcess);

impl Bench for InProcessBench {
    type Broadcast = InProcess;
    type Subscriber = Listening<InProcessSubscription>;

    fn broadcast(&self) -> &InProcess {
        &self.0
    }

    async fn subscribe(&self) -> Listening<InProcessSubscription> {
        Listening(self.0.subscribe())
    }

    fn flood(&self) -> usize {
        CAPACITY
    }
}

struct Listening<L>(L);

impl<L: Listen> Subscriber for Listening<L> {
    async fn next(&mut self) -> Heard {
        match self.0.recv().await {
            Some(Event::Messages(batch)) => Heard::Messages(batch.messages.to_vec()),
            Some(Event::Lagged { .. } | Event::Lost | Event::Restored) => Heard::Missed,
            None => Heard::Closed,
        }
    }
}

async fn in_process() -> InProcessBench {
    InProcessBench(InProcess::with_capacity(CAPACITY))
}

broadcast_contract!(in_process_broadcast, in_process);

/// Of a broker's subscription. What a broker was given may still be on its way when a case begins to read: so many more
/// than that are published that it must have lagged by then.
const BROKER_CAPACITY: usize = 11_000;
const BROKER_FLOOD: usize = 40_000;

/// A channel that no other case speaks on.
fn options() -> Options {
    static CASES: AtomicU32 = AtomicU32::new(0);
    let case = CASES.fetch_add(1, Ordering::Relaxed);
    // Patient: the machine may be busy.
    Options::default()
        .channel(format!("case-{case}"))
        .capacity(BROKER_CAPACITY)
        .timeout(std::time::Duration::from_secs(30))
}

/// The suite for the adapter of a broker that may not be installed, which has been said then.
macro_rules! broker_contract {
    ($name:ident, $server:ident, $adapter:ident) => {
        mod $name {
            use super::*;

            struct Broker($adapter);

            impl Bench for Broker {
                type Broadcast = $adapter;
                type Subscriber = Listening<Subscription>;

                fn broadcast(&self) -> &$adapter {
                    &self.0
                }

                async fn subscribe(&self) -> Listening<Subscription> {
                    Listening(self.0.subscribe().await.expect("a subscription"))
                }

                fn flood(&self) -> usize {
                    BROKER_FLOOD
                }
            }

            async fn make() -> Option<Broker> {
                let server = $server::shared()?;
                let adapter = $adapter::connect_with(&server.url(), options()).await;
                Some(Broker(adapter.expect("a broker that answers")))
            }

            broadcast_cases!(cases_of_a_broker!);
        }
    };
}

macro_rules! cases_of_a_broker {
    (cases: $($case:ident),+;) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let Some(bench) = make().await else { return };
                authkernel::testing::contract::broadcast::$case(&bench).await;
            }
        )+
    };
}

broker_contract!(redis_broadcast, Redis, RedisBroadcast);
broker_contract!(nats_broadcast, Nats, NatsBroadcast);
broker_contract!(postgres_broadcast, Postgres, PostgresBroadcast);
