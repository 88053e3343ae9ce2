//! How a registry behaves. The defaults suit a server.

use std::time::Duration;

/// How live connections are looked after.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How often each connection is verified against storage, spread evenly over that time. Finds what no message
    /// told of. Default: 30 s.
    pub sweep_every: Duration,
    /// How often all connections are verified while the broker cannot be reached, and how soon a verification that
    /// storage did not answer is repeated. Default: 5 s.
    pub sweep_when_blind: Duration,
    /// How many connections are verified in one call. Default: 500.
    pub sweep_batch: usize,
    /// How long one such call may take. Default: 20 s.
    pub sweep_timeout: Duration,
    /// How long a connection stays open that may not act any more, until its disconnect comes. Default: 30 s.
    pub mute_for: Duration,
    /// How long after the close was asked for a connection is cut whose peer has not closed. Default: 1 s.
    pub cut_after: Duration,
    /// How many connections this process holds at most; further ones are refused as `overloaded`. Default:
    /// 1,000,000.
    pub max_sockets: usize,
    /// How many events a slow reader of [`LiveSockets::events`](super::LiveSockets::events) may be behind before it
    /// misses some. Default: 1024.
    pub event_buffer: usize,
    /// How long [`LiveSockets::shutdown`](super::LiveSockets::shutdown) waits for connections to close. Default: 5 s.
    pub shutdown_grace: Duration,
    /// The chores of a service; `None` when another process does them. Default: done here.
    pub upkeep: Option<UpkeepSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sweep_every: Duration::from_secs(30),
            sweep_when_blind: Duration::from_secs(5),
            sweep_batch: 500,
            sweep_timeout: Duration::from_secs(20),
            mute_for: Duration::from_secs(30),
            cut_after: Duration::from_secs(1),
            max_sockets: 1_000_000,
            event_buffer: 1024,
            shutdown_grace: Duration::from_secs(5),
            upkeep: Some(UpkeepSettings::default()),
        }
    }
}

/// How the chores of a service are done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpkeepSettings {
    /// How often what was committed but not delivered is sent again. Default: 1 s.
    pub redeliver_every: Duration,
    /// How often what has expired for long is deleted. Default: 1 h.
    pub expunge_every: Duration,
    /// How many records, sessions and cut-offs each one deletion takes at most. Default: 1000.
    pub expunge_batch: u32,
}

impl Default for UpkeepSettings {
    fn default() -> Self {
        Self {
            redeliver_every: Duration::from_secs(1),
            expunge_every: Duration::from_secs(3600),
            expunge_batch: 1000,
        }
    }
}

/// A pause that is never zero: a setting of zero must not become a busy loop.
pub(super) fn pause(setting: Duration) -> Duration {
    setting.max(Duration::from_millis(1))
}
