//! The registry itself: what happens to live connections when something is heard of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use authkernel::ports::Message;
use authkernel::record::Timestamp;
use authkernel::types::{Identity, Verdict};
use authkernel::{Code, Error};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::closing::{Closing, Reason};
use super::decide::Decide;
use super::entry::{Credential, Entry};
use super::farewells::Farewells;
use super::observe::Observer;
use super::settings::Settings;
use super::sweep_queue::SweepQueue;
use super::table::Table;
use crate::broadcast::Batch;

/// A deadline further away is treated as this far away: it only has to be more than a process runs.
const FAR: u64 = 10 * 365 * 86_400;

/// Everything that the tasks and the connections of a process share.
pub(super) struct Registry {
    pub(super) decide: Arc<dyn Decide>,
    pub(super) settings: Settings,
    pub(super) observer: Observer,
    pub(super) sweeps: SweepQueue,
    pub(super) farewells: Farewells,
    /// The next deadline may be another one now.
    pub(super) timer_changed: Notify,
    /// The last connection has gone.
    pub(super) emptied: Notify,
    table: Mutex<Table>,
}

impl Registry {
    pub(super) fn new(decide: Arc<dyn Decide>, settings: Settings) -> Self {
        Self {
            decide,
            observer: Observer::new(settings.event_buffer),
            settings,
            sweeps: SweepQueue::default(),
            farewells: Farewells::default(),
            timer_changed: Notify::new(),
            emptied: Notify::new(),
            table: Mutex::default(),
        }
    }

    /// Subscribes a connection to its topic. From here on a disconnect reaches it.
    pub(super) fn register(
        &self,
        endpoint: &str,
        topic: &str,
        identity: Identity,
        verified_at: Timestamp,
    ) -> Result<Arc<Entry>, Error> {
        let credential = self.credential(identity, verified_at);
        let due = credential.deadline;
        let mut table = self.table();
        if table.shut {
            return Err(shutting_down());
        }
        if table.len() >= self.settings.max_sockets {
            return Err(Error::with(
                Code::Overloaded,
                "this process holds as many live connections as it may: try again later",
            ));
        }
        let id = table.next_id();
        let entry = Arc::new(Entry::new(id, table.endpoint(endpoint), credential));
        let is_next = table.insert(&entry, topic, due);
        drop(table);
        self.wake_timer(is_next);
        Ok(entry)
    }

    pub(super) fn unregister(&self, id: u64) {
        let mut table = self.table();
        if table.remove(id) && table.len() == 0 {
            self.emptied.notify_waiters();
        }
    }

    pub(super) fn is_subscribed(&self, id: u64, topic: &str) -> bool {
        self.table().is_subscribed(id, topic)
    }

    pub(super) fn subscribe_next(&self, id: u64, topic: &str) {
        self.table().subscribe_next(id, topic);
    }

    pub(super) fn forget_next(&self, id: u64) {
        self.table().forget_next(id);
    }

    /// Puts a connection on the token that it was admitted with.
    pub(super) fn settle(
        &self,
        entry: &Entry,
        topic: &str,
        identity: Identity,
        verified_at: Timestamp,
    ) {
        let credential = self.credential(identity, verified_at);
        let mut table = self.table();
        entry.replace(credential);
        let is_next = table.settle(entry.id, topic, entry.due());
        drop(table);
        self.wake_timer(is_next);
    }

    /// Does what messages say.
    pub(super) fn deliver(&self, batch: &Batch) {
        self.observer.messages(batch.messages.len());
        let mut close = Vec::new();
        let mut verify = Vec::new();
        let table = self.table();
        for message in batch.messages.iter() {
            match message {
                Message::Disconnect(to) => table.subscribed(&to.endpoint, &to.topic, &mut close),
                Message::Recheck(recheck) => verify.extend(table.matching(recheck)),
            }
        }
        drop(table);
        let mut closing = self.closing(Reason::Revoked);
        closing.told_at = Some(batch.told_at);
        self.close_all(&close, closing);
        self.sweeps.ask(verify);
    }

    /// Does what a sweep decided about a connection while it stood on this token.
    pub(super) fn apply(
        &self,
        entry: &Arc<Entry>,
        identity: &Arc<Identity>,
        verdict: Verdict,
        asked_at: Timestamp,
    ) {
        match verdict {
            Verdict::Keep => entry.verified(identity, asked_at),
            Verdict::Unverified => {}
            // It was prolonged meanwhile: what was decided about the token before does not count.
            Verdict::Mute | Verdict::Close(_) if !entry.stands_on(identity) => {
                self.sweeps.ask([entry.id]);
            }
            Verdict::Mute => self.mute(entry),
            Verdict::Close(code) => {
                let mut closing = self.closing(Reason::of(code));
                closing.code = Some(code);
                self.close(entry, closing);
            }
        }
    }

    /// Closes what is due, and says when the next one is.
    pub(super) fn close_due(&self) -> Option<Instant> {
        let now = Instant::now();
        let (due, next) = self.table().take_due(now);
        for entry in due {
            // Otherwise it was prolonged meanwhile, and its new deadline is in the timers.
            if let Some(reason) = entry.over(now) {
                self.close(&entry, self.closing(reason));
            }
        }
        next
    }

    /// Closes everything, and registers nothing from now on.
    pub(super) fn shut(&self) {
        let mut table = self.table();
        table.shut = true;
        let all = table.all();
        drop(table);
        self.close_all(&all, self.closing(Reason::Shutdown));
    }

    pub(super) fn len(&self) -> usize {
        self.table().len()
    }

    pub(super) fn ids(&self) -> Vec<u64> {
        self.table().ids()
    }

    pub(super) fn entries(&self, ids: &[u64]) -> Vec<Arc<Entry>> {
        self.table().entries(ids)
    }

    fn mute(&self, entry: &Arc<Entry>) {
        let until = Instant::now() + self.settings.mute_for;
        if !entry.mute(until) {
            return;
        }
        self.observer.muted(entry);
        let is_next = self.table().reschedule(entry.id, entry.due());
        self.wake_timer(is_next);
    }

    fn close_all(&self, entries: &[Arc<Entry>], closing: Closing) {
        // Counted first, so that the ending of none of them comes before the telling of another.
        for entry in entries {
            self.farewell_due(entry);
        }
        for entry in entries {
            self.close(entry, closing);
        }
    }

    fn close(&self, entry: &Entry, closing: Closing) {
        self.farewell_due(entry);
        if entry.close(closing) {
            self.observer.closing(entry, &closing);
        }
    }

    fn farewell_due(&self, entry: &Entry) {
        if entry.farewell_due() {
            self.farewells.add();
        }
    }

    /// The peer of a connection was told, or is gone.
    pub(super) fn farewell_said(&self, entry: &Entry) {
        if entry.farewell_said() {
            self.farewells.said();
        }
    }

    fn closing(&self, reason: Reason) -> Closing {
        Closing::new(reason, self.settings.cut_after)
    }

    fn credential(&self, identity: Identity, verified_at: Timestamp) -> Credential {
        Credential {
            deadline: self.instant(identity.deadline),
            identity: Arc::new(identity),
            verified_at,
        }
    }

    /// A moment of the kernel's clock on the monotonic one, computed once: a wall clock that is set later moves no
    /// deadline.
    fn instant(&self, moment: Timestamp) -> Instant {
        let now = self.decide.now();
        // The kernel counts whole seconds. Where its clock is this machine's, the second that has begun is taken off.
        let begun = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .filter(|since| since.as_secs() == now)
            .map_or(Duration::ZERO, |since| {
                Duration::from_nanos(since.subsec_nanos().into())
            });
        let left = Duration::from_secs(moment.saturating_sub(now).min(FAR));
        Instant::now() + left.saturating_sub(begun)
    }

    fn wake_timer(&self, is_next: bool) {
        if is_next {
            self.timer_changed.notify_one();
        }
    }

    /// No holder can panic half-way through a change, so what a poisoned lock guards is whole.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to whoever connects to a process that is about to end.
pub(super) fn shutting_down() -> Error {
    Error::with(
        Code::KernelUnavailable,
        "this process is shutting down: connect again",
    )
}
