//! How live connections are told: adapters of the kernel's broadcast port, and the other end of them.
//!
//! An adapter has two sides. The kernel publishes through [`authkernel::ports::Broadcast`]; the process that holds
//! connections receives through [`Listen`]. Delivery is best effort: what an adapter cannot promise it reports, and
//! the registry of live connections then asks storage instead of trusting that it was told.

pub mod in_process;

use std::future::Future;
use std::sync::Arc;

use authkernel::ports::Message;
use tokio::time::Instant;

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
