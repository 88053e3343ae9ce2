//! Broadcast, and both of its ends, for a test to break.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use authkernel::ports::{Broadcast, BroadcastError, Message as Told};
use authkernel_wasmtime::broadcast::in_process::{InProcess, Subscription};
use authkernel_wasmtime::broadcast::{Event, Listen};
use tokio::sync::mpsc;

/// A broadcast that can be away.
#[derive(Clone, Debug, Default)]
pub(crate) struct Broker {
    pub(crate) bus: InProcess,
    pub(crate) down: Arc<AtomicBool>,
}

impl Broadcast for Broker {
    async fn publish(&self, messages: Vec<Told>) -> Vec<Result<(), BroadcastError>> {
        if self.down.load(Ordering::SeqCst) {
            return vec![Err(BroadcastError::Unavailable("down".into())); messages.len()];
        }
        self.bus.publish(messages).await
    }
}

/// The connection between the broker and the process that holds the sockets, for a test to break.
#[derive(Clone)]
pub(crate) struct Wire {
    cut: Arc<AtomicBool>,
    say: mpsc::UnboundedSender<Event>,
}

impl Wire {
    /// Loses every message from now on, unnoticed.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }

    /// The process notices something.
    pub(crate) fn say(&self, event: Event) {
        self.say.send(event).unwrap();
    }
}

struct Wired {
    subscription: Subscription,
    cut: Arc<AtomicBool>,
    said: mpsc::UnboundedReceiver<Event>,
}

pub(crate) fn wire(subscription: Subscription) -> (Wire, impl Listen) {
    let (say, said) = mpsc::unbounded_channel();
    let cut = Arc::new(AtomicBool::new(false));
    let wired = Wired {
        subscription,
        cut: Arc::clone(&cut),
        said,
    };
    (Wire { cut, say }, wired)
}

impl Listen for Wired {
    async fn recv(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                event = self.subscription.recv() => {
                    if !self.cut.load(Ordering::SeqCst) {
                        return event;
                    }
                }
                event = self.said.recv() => return event,
            }
        }
    }
}
