//! The broadcast suite of the port, run by every adapter.

use authkernel::broadcast_contract;
use authkernel::testing::contract::broadcast::{Bench, Heard, Subscriber};
use authkernel_wasmtime::broadcast::Event;
use authkernel_wasmtime::broadcast::in_process::{InProcess, Subscription};

/// Small, so that a subscriber lags soon, and larger than any one case publishes to those that read.
const CAPACITY: usize = 20_000;

struct InProcessBench(InProcess);

impl Bench for InProcessBench {
    type Broadcast = InProcess;
    type Subscriber = InProcessSubscriber;

    fn broadcast(&self) -> &InProcess {
        &self.0
    }

    async fn subscribe(&self) -> InProcessSubscriber {
        InProcessSubscriber(self.0.subscribe())
    }

    fn flood(&self) -> usize {
        CAPACITY
    }
}

struct InProcessSubscriber(Subscription);

impl Subscriber for InProcessSubscriber {
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
