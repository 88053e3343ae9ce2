//! A broker that remembers what it was given.

use std::collections::HashSet;
use std::string::String;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use crate::ports::{Broadcast, BroadcastError, Message};

/// A broker that remembers every message that it took, and refuses those that it is told to; clones are the same
/// broker.
#[derive(Clone, Debug, Default)]
pub struct RecordingBroadcast {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    taken: Vec<Message>,
    calls: usize,
    down: bool,
    refused_topics: HashSet<String>,
}

impl RecordingBroadcast {
    /// A broker that takes everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on it takes nothing (`true`) or everything that is not refused by topic (`false`).
    pub fn set_down(&self, down: bool) {
        self.state().down = down;
    }

    /// Refuses disconnects with this topic from now on.
    pub fn refuse_topic(&self, topic: impl Into<String>) {
        self.state().refused_topics.insert(topic.into());
    }

    /// Takes this topic again.
    pub fn accept_topic(&self, topic: &str) {
        self.state().refused_topics.remove(topic);
    }

    /// Every message that it took, in order.
    pub fn messages(&self) -> Vec<Message> {
        self.state().taken.clone()
    }

    /// The messages that it took since the last time.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut self.state().taken)
    }

    /// How often `publish` was called, empty lists included.
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Broadcast for RecordingBroadcast {
    async fn publish(&self, messages: Vec<Message>) -> Vec<Result<(), BroadcastError>> {
        let mut state = self.state();
        state.calls += 1;
        messages
            .into_iter()
            .map(|message| {
                let refused = match &message {
                    Message::Disconnect(disconnect) => {
                        state.refused_topics.contains(&disconnect.topic)
                    }
                    Message::Recheck(_) => false,
                };
                if state.down || refused {
                    return Err(BroadcastError::Unavailable("told to refuse".into()));
                }
                state.taken.push(message);
                Ok(())
            })
            .collect()
    }
}
