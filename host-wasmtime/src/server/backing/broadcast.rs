//! Any of the broadcasts that a server can be given, and the other end of it.

use authkernel::ports::{Broadcast, BroadcastError, Message};

use crate::broadcast::in_process::{InProcess, Subscription};
use crate::broadcast::{Event, Listen};

/// One of the broadcasts. Clones share it.
#[derive(Clone, Debug)]
pub(crate) enum AnyBroadcast {
    /// All live connections are this process's.
    InProcess(InProcess),
}

impl AnyBroadcast {
    /// For a server that is alone, with a listener.
    pub(crate) fn in_process() -> (Self, AnyListener) {
        let here = InProcess::new();
        let messages = here.subscribe();
        (Self::InProcess(here), AnyListener::InProcess(messages))
    }
}

impl Broadcast for AnyBroadcast {
    async fn publish(&self, messages: Vec<Message>) -> Vec<Result<(), BroadcastError>> {
        match self {
            Self::InProcess(here) => here.publish(messages).await,
        }
    }
}

/// The receiving end of an [`AnyBroadcast`].
#[derive(Debug)]
pub(crate) enum AnyListener {
    /// Of this process.
    InProcess(Subscription),
}

impl Listen for AnyListener {
    async fn recv(&mut self) -> Option<Event> {
        match self {
            Self::InProcess(here) => here.recv().await,
        }
    }
}
