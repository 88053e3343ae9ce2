//! How live connections are told: adapters of the kernel's broadcast port, and the other end of them.
//!
//! An adapter has two sides. The kernel publishes through [`authkernel::ports::Broadcast`]; the process that holds
//! connections receives through [`Listen`]. Delivery is best effort: what an adapter cannot promise it reports, and
//! the registry of live connections then asks storage instead of trusting that it was told.

//!
//! | adapter | feature | for |
//! | --- | --- | --- |
//! | [`in_process`] | | one process |
//! | `redis` | `redis` | several processes; shared with services in JavaScript |
//! | `nats` | `nats` | the same |
//! | `postgres` | `postgres` | the same, without a broker: for some hundred sign-outs per second |
//!
//! Those of a broker speak the format of `docs/wire.md` over one channel. They have a few things in common:
//!
//! - `publish` answers `Ok` for what the broker has, and `Unavailable` within [`Options::timeout`] for everything else,
//!   also when the broker does not answer at all. They connect again by themselves.
//! - `subscribe` answers a [`Subscription`]. All of one adapter share a connection, which is made with the first one,
//!   kept, asked regularly whether it is still there ([`Options::heartbeat`]), and replaced when it is not: after 100 ms
//!   at first, every 5 s at last. [`Event::Lost`] comes at once, [`Event::Restored`] when it is subscribed again.
//! - What a process publishes comes back to its own subscriptions through the broker, once, as it does to all others.
//! - What others send is bounded in memory, and what is no message is ignored and counted.
//! - No text and no `Debug` output has the address's password.

#[cfg(any(feature = "nats", feature = "postgres", feature = "redis"))]
mod error;
pub mod in_process;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod link;
#[cfg(any(feature = "nats", feature = "postgres", feature = "redis"))]
mod listeners;
#[cfg(feature = "nats")]
pub mod nats;
#[cfg(any(feature = "nats", feature = "postgres", feature = "redis"))]
mod options;
#[cfg(any(feature = "nats", feature = "postgres", feature = "redis"))]
mod packets;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "nats", feature = "postgres", feature = "redis"))]
mod publish;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod source;
#[cfg(any(feature = "nats", feature = "postgres", feature = "redis"))]
mod task;
#[cfg(any(feature = "nats", feature = "redis"))]
mod tls;

use std::future::Future;
use std::sync::Arc;

use authkernel::ports::Message;
use tokio::time::Instant;

#[cfg(any(feature = "nats", feature = "postgres", feature = "redis"))]
pub use self::{error::ConnectError, listeners::Subscription, options::Options};

/// How many messages a subscription holds for a receiver that is busy, unless told otherwise.
pub const DEFAULT_CAPACITY: usize = 100_000;

/// The receiving side of a broadcast adapter, for the process that holds live connections.
///
/// A listener is subscribed before its constructor returns, and connected unless its first event is
/// [`Event::Lost`]. It reconnects by itself; whoever receives does nothing about it but look again at storage.
pub trait Listen: Send + 'static {
    /// The next event, in order; `None` when nothing will ever come any more.
    ///
    /// Dropping the future loses nothing: the next call answers the event that this one would have.
    fn recv(&mut self) -> impl Future<Output = Option<Event>> + Send;
}

/// What a listener learns.
#[derive(Clone, Debug)]
pub enum Event {
    /// Messages, in the order in which they were published by one publisher.
    Messages(Batch),
    /// Still connected, but this many messages were missed (at least): the receiver was slower than its buffer is
    /// long. Whatever they said must be asked of storage.
    Lagged {
        /// How many.
        missed: u64,
    },
    /// The connection to the broker is gone: from now on nothing is heard, until [`Event::Restored`].
    Lost,
    /// The connection is back. What was published in between was missed.
    Restored,
}

/// Messages that were handed over together.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The messages, in order. Shared between all listeners of a process.
    pub messages: Arc<[Message]>,
    /// When they were published, as far as this process can know: where they came from another one, when they were
    /// received. Only for measuring.
    pub told_at: Instant,
}

impl Batch {
    /// Messages that were published, or received, now.
    pub fn now(messages: impl Into<Arc<[Message]>>) -> Self {
        Self {
            messages: messages.into(),
            told_at: Instant::now(),
        }
    }
}
