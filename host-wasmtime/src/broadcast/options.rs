//! What can be set about an adapter of a broker.

use std::time::Duration;

/// How an adapter of a broker behaves; every setting has a default that fits a service.
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) channel: Option<String>,
    pub(super) capacity: usize,
    pub(super) timeout: Duration,
    pub(super) heartbeat: Duration,
}

impl Default for Options {
    /// The channel of `docs/wire.md`; 100,000 messages for a receiver that is busy; 2 s to publish or to connect;
    /// 5 s between two questions whether the broker is still there.
    fn default() -> Self {
        Self {
            channel: None,
            capacity: super::DEFAULT_CAPACITY,
            timeout: Duration::from_secs(2),
            heartbeat: Duration::from_secs(5),
        }
    }
}

impl Options {
    /// The one channel of all messages; in NATS the subject. All services that share a broker must have the same.
    #[must_use]
    pub fn channel(mut self, channel: impl Into<String>) -> Self {
        self.channel = Some(channel.into());
        self
    }

    /// How many messages a subscription holds for a receiver that is busy; at least 1. What does not fit is missed,
    /// and [`Event::Lagged`](super::Event::Lagged) says so. A packet is taken whole by a subscription that has nothing
    /// waiting.
    #[must_use]
    pub fn capacity(mut self, messages: usize) -> Self {
        self.capacity = messages.max(1);
        self
    }

    /// How long a publication, a connection or a subscription may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.max(Duration::from_millis(1));
        self
    }

    /// How often a listening connection is asked whether it is still there: one whose other end is silently gone is
    /// noticed after this time and the timeout.
    #[must_use]
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.heartbeat = heartbeat.max(Duration::from_millis(1));
        self
    }

    pub(super) fn channel_or(&self, usual: &str) -> String {
        self.channel.clone().unwrap_or_else(|| usual.to_owned())
    }
}
