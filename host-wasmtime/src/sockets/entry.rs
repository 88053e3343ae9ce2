//! What is known of one live connection, shared between the registry and the task of the connection.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use authkernel::record::Timestamp;
use authkernel::types::{Identity, SocketState};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::closing::{Closing, Reason};

/// Registered, but not admitted yet.
const OPENING: u8 = 0;
/// Admitted: what it sends may be acted on.
const OPEN: u8 = 1;
/// Still open, but nothing it sends may be acted on.
const MUTED: u8 = 2;
/// Asked to close. The last phase.
const CLOSING: u8 = 3;

/// Nobody was asked to say farewell, or nobody has to any more.
const NOTHING_DUE: u8 = 0;
/// The connection's task has yet to tell its peer.
const DUE: u8 = 1;
/// The peer was told, or is gone.
const SAID: u8 = 2;

/// One live connection.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: u64,
    pub(super) endpoint: Arc<str>,
    phase: AtomicU8,
    credential: Mutex<Credential>,
    muted_until: OnceLock<Instant>,
    closing: OnceLock<Closing>,
    asked: Notify,
    farewell: AtomicU8,
}

/// The token that the connection stands on now.
#[derive(Clone, Debug)]
pub(super) struct Credential {
    pub(super) identity: Arc<Identity>,
    /// When storage was last asked about it with success.
    pub(super) verified_at: Timestamp,
    /// The identity's deadline, on the monotonic clock.
    pub(super) deadline: Instant,
}

impl Entry {
    pub(super) fn new(id: u64, endpoint: Arc<str>, credential: Credential) -> Self {
        Self {
            id,
            endpoint,
            phase: AtomicU8::new(OPENING),
            credential: Mutex::new(credential),
            muted_until: OnceLock::new(),
            closing: OnceLock::new(),
            asked: Notify::new(),
            farewell: AtomicU8::new(NOTHING_DUE),
        }
    }

    /// From "registered" to "open"; `false` when the close was asked for, or acting forbidden, meanwhile.
    pub(super) fn accept(&self) -> bool {
        self.advance(OPENING, OPEN)
    }

    /// Whether it was admitted and may act; its deadline is not looked at.
    pub(super) fn is_open(&self) -> bool {
        self.phase.load(Ordering::SeqCst) == OPEN
    }

    /// Whether something that was received now may be acted on.
    pub(super) fn may_act(&self) -> bool {
        self.is_open() && Instant::now() < self.credential().deadline
    }

    /// Forbids acting, and sets the moment at which it is over; `false` when acting was forbidden already.
    pub(super) fn mute(&self, until: Instant) -> bool {
        let muted = self.advance(OPEN, MUTED) || self.advance(OPENING, MUTED);
        if muted {
            // One caller comes here at most: no phase leads back.
            let _ = self.muted_until.set(until);
        }
        muted
    }

    /// When it has to be looked at next, if nothing is heard until then.
    pub(super) fn due(&self) -> Instant {
        let deadline = self.credential().deadline;
        match self.muted_until.get() {
            Some(until) => deadline.min(*until),
            None => deadline,
        }
    }

    /// Why it has to close, if its time is over.
    pub(super) fn over(&self, now: Instant) -> Option<Reason> {
        if self.credential().deadline <= now {
            return Some(Reason::Expired);
        }
        let muted = self.muted_until.get().is_some_and(|until| *until <= now);
        muted.then_some(Reason::MutedTimeout)
    }

    /// Asks for the close; `false` when it was asked for already.
    pub(super) fn close(&self, closing: Closing) -> bool {
        // Acting ends first; then everybody is told.
        if self.phase.swap(CLOSING, Ordering::SeqCst) == CLOSING {
            return false;
        }
        let first = self.closing.set(closing).is_ok();
        self.asked.notify_waiters();
        first
    }

    /// The peer has to be told; `false` when it was told, or is gone, already.
    pub(super) fn farewell_due(&self) -> bool {
        self.farewell
            .compare_exchange(NOTHING_DUE, DUE, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }

    /// The peer was told, or is gone; `true` when it was still to be told.
    pub(super) fn farewell_said(&self) -> bool {
        self.farewell.swap(SAID, Ordering::SeqCst) == DUE
    }

    pub(super) fn closing(&self) -> Option<Closing> {
        self.closing.get().copied()
    }

    pub(super) async fn closed(&self) -> Closing {
        loop {
            let mut asked = std::pin::pin!(self.asked.notified());
            // Listens from here on, so that a close between the look and the wait is not slept through.
            asked.as_mut().enable();
            if let Some(closing) = self.closing() {
                return closing;
            }
            asked.await;
        }
    }

    pub(super) fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.credential().identity)
    }

    pub(super) fn state(&self) -> (Arc<Identity>, SocketState) {
        let held = self.credential().clone();
        let state = SocketState {
            tenant: held.identity.tenant.clone(),
            jti: held.identity.jti.clone(),
            sid: held.identity.sid.clone(),
            subject: held.identity.subject.clone(),
            purpose: held.identity.purpose.clone(),
            kid: held.identity.kid.clone(),
            issued_at: held.identity.issued_at,
            expires_at: held.identity.expires_at,
            epoch: held.identity.epoch,
            verified_at: held.verified_at,
        };
        (held.identity, state)
    }

    /// Whether it still stands on this token.
    pub(super) fn stands_on(&self, identity: &Arc<Identity>) -> bool {
        Arc::ptr_eq(&self.credential().identity, identity)
    }

    pub(super) fn verified(&self, identity: &Arc<Identity>, at: Timestamp) {
        let mut held = self.credential();
        if Arc::ptr_eq(&held.identity, identity) {
            held.verified_at = held.verified_at.max(at);
        }
    }

    pub(super) fn replace(&self, credential: Credential) {
        *self.credential() = credential;
    }

    fn advance(&self, from: u8, to: u8) -> bool {
        self.phase
            .compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }

    fn credential(&self) -> MutexGuard<'_, Credential> {
        self.credential
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
