//! What can be seen of the live connections from outside: events and counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use authkernel::types::Identity;
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::closing::{Closing, Reason};
use super::entry::Entry;

/// Something happened to a live connection of this process.
#[derive(Clone, Debug)]
pub struct SocketEvent {
    /// What.
    pub change: Change,
    /// The endpoint that it was opened on.
    pub endpoint: Arc<str>,
    /// Whose it is.
    pub identity: Arc<Identity>,
    /// How long ago the message that caused it was published; absent where no message did.
    pub latency: Option<Duration>,
}

/// What happened to a live connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was admitted.
    Opened,
    /// Nothing it sends is acted on any more, but it is still open.
    Muted,
    /// Its close was asked for.
    Closing(Reason),
    /// It is gone; the reason is absent when its peer or the application ended it.
    Closed(Option<Reason>),
}

/// How many live connections there are and were in this process, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Registered now, those that are being opened or closed included.
    pub registered: usize,
    /// Admitted since the start.
    pub opened: u64,
    /// Refused since the start.
    pub refused: u64,
    /// Gone since the start, for whatever reason.
    pub closed: u64,
    /// Asked to close because of a revocation or a cut-off, since the start.
    pub revoked: u64,
    /// Asked to close because their token expired, since the start.
    pub expired: u64,
    /// Messages taken from the broker since the start.
    pub messages: u64,
    /// Messages that were missed because this process was too slow, since the start.
    pub missed: u64,
    /// Verifications of one connection that storage answered, since the start.
    pub verified: u64,
    /// Calls for verification that storage did not answer, since the start.
    pub sweep_errors: u64,
    /// Whether the broker is connected.
    pub connected: bool,
    /// How often its connection was lost, since the start.
    pub lost: u64,
}

/// Counts, and tells whoever listens.
#[derive(Debug)]
pub(super) struct Observer {
    events: broadcast::Sender<SocketEvent>,
    opened: AtomicU64,
    refused: AtomicU64,
    closed: AtomicU64,
    revoked: AtomicU64,
    expired: AtomicU64,
    messages: AtomicU64,
    missed: AtomicU64,
    verified: AtomicU64,
    sweep_errors: AtomicU64,
    connected: AtomicBool,
    lost: AtomicU64,
}

impl Observer {
    pub(super) fn new(buffer: usize) -> Self {
        Self {
            events: broadcast::Sender::new(buffer.max(1)),
            opened: AtomicU64::default(),
            refused: AtomicU64::default(),
            closed: AtomicU64::default(),
            revoked: AtomicU64::default(),
            expired: AtomicU64::default(),
            messages: AtomicU64::default(),
            missed: AtomicU64::default(),
            verified: AtomicU64::default(),
            sweep_errors: AtomicU64::default(),
            connected: AtomicBool::new(true),
            lost: AtomicU64::default(),
        }
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<SocketEvent> {
        self.events.subscribe()
    }

    pub(super) fn counts(&self, registered: usize) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            registered,
            opened: read(&self.opened),
            refused: read(&self.refused),
            closed: read(&self.closed),
            revoked: read(&self.revoked),
            expired: read(&self.expired),
            messages: read(&self.messages),
            missed: read(&self.missed),
            verified: read(&self.verified),
            sweep_errors: read(&self.sweep_errors),
            connected: self.connected.load(Ordering::Relaxed),
            lost: read(&self.lost),
        }
    }

    pub(super) fn opened(&self, entry: &Entry) {
        count(&self.opened, 1);
        self.tell(entry, Change::Opened, None);
    }

    pub(super) fn refused(&self) {
        count(&self.refused, 1);
    }

    pub(super) fn muted(&self, entry: &Entry) {
        self.tell(entry, Change::Muted, None);
    }

    pub(super) fn closing(&self, entry: &Entry, closing: &Closing) {
        match closing.reason {
            Reason::Revoked | Reason::MutedTimeout => count(&self.revoked, 1),
            Reason::Expired => count(&self.expired, 1),
            Reason::Unverified | Reason::Shutdown => {}
        }
        self.tell(entry, Change::Closing(closing.reason), closing.told_at);
    }

    pub(super) fn closed(&self, entry: &Entry) {
        count(&self.closed, 1);
        let closing = entry.closing();
        let reason = closing.map(|closing| closing.reason);
        let told_at = closing.and_then(|closing| closing.told_at);
        self.tell(entry, Change::Closed(reason), told_at);
    }

    pub(super) fn messages(&self, taken: usize) {
        count(&self.messages, taken as u64);
    }

    pub(super) fn missed(&self, missed: u64) {
        count(&self.missed, missed);
    }

    pub(super) fn verified(&self, connections: u64) {
        count(&self.verified, connections);
    }

    pub(super) fn sweep_failed(&self) {
        count(&self.sweep_errors, 1);
    }

    pub(super) fn connected(&self, connected: bool) {
        let before = self.connected.swap(connected, Ordering::Relaxed);
        count(&self.lost, u64::from(before && !connected));
    }

    fn tell(&self, entry: &Entry, change: Change, told_at: Option<Instant>) {
        // Ten thousand events are not made for nobody.
        if self.events.receiver_count() == 0 {
            return;
        }
        let event = SocketEvent {
            change,
            endpoint: Arc::clone(&entry.endpoint),
            identity: entry.identity(),
            latency: told_at.map(|told_at| told_at.elapsed()),
        };
        // It fails only when the last listener has gone meanwhile.
        let _ = self.events.send(event);
    }
}

fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}
