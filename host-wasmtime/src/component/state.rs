//! What the host keeps for one instance: its ports, and the account of what a call has used.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::{ResourceLimiter, UpdateDeadline};

use super::runtime::TICK;
use crate::limits::Limits;

/// The data of a store.
pub(super) struct State<H> {
    pub(super) host: Arc<H>,
    pub(super) account: Account,
}

/// What the call that runs has used, and what it may.
pub(super) struct Account {
    /// How long one import may take.
    pub(super) import_time: Duration,
    /// A write was sent to storage or broadcast: should the call be lost now, its outcome is not known.
    pub(super) wrote: bool,
    /// Bytes of memory that the instance has now.
    pub(super) memory: usize,
    memory_limit: usize,
    guest_time: GuestTime,
}

impl Account {
    pub(super) fn new(limits: &Limits, ticks: Arc<AtomicU64>) -> Self {
        Self {
            import_time: limits.import_time,
            wrote: false,
            memory: 0,
            memory_limit: limits.memory,
            guest_time: GuestTime {
                ticks,
                limit: limits.guest_time.as_nanos().div_ceil(TICK.as_nanos()),
                first: None,
                imported: 0,
            },
        }
    }

    /// A call begins.
    pub(super) fn begin(&mut self) {
        self.wrote = false;
        self.guest_time.first = None;
    }

    /// How many ticks there were until now; give it to [`Account::imported`] when the import has answered.
    pub(super) fn importing(&self) -> u64 {
        self.guest_time.now()
    }

    /// An import has answered: the ticks since do not count.
    pub(super) fn imported(&mut self, since: u64) {
        self.guest_time.imported += self.guest_time.now() - since;
    }

    /// The guest was met at a tick.
    pub(super) fn on_tick(&mut self) -> UpdateDeadline {
        self.guest_time.on_tick()
    }
}

/// Guest time, sampled: no clock is read unless a call lasts until a tick.
struct GuestTime {
    ticks: Arc<AtomicU64>,
    /// How many ticks a call may see.
    limit: u128,
    /// When the call saw its first one.
    first: Option<u64>,
    /// How many passed in imports since.
    imported: u64,
}

impl GuestTime {
    fn now(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    fn on_tick(&mut self) -> UpdateDeadline {
        let now = self.now();
        let Some(first) = self.first else {
            self.first = Some(now);
            self.imported = 0;
            return UpdateDeadline::Yield(1);
        };
        let used = now.saturating_sub(first).saturating_sub(self.imported);
        match u128::from(used) >= self.limit {
            true => UpdateDeadline::Interrupt,
            // A long computation lets others have the thread.
            false => UpdateDeadline::Yield(1),
        }
    }
}

impl ResourceLimiter for Account {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let allowed = desired <= self.memory_limit;
        if allowed {
            self.memory = desired;
        }
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // The kernel never grows its table; what it begins with is far below.
        Ok(desired <= 10_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(ticks: &Arc<AtomicU64>) -> Account {
        let limits = Limits {
            guest_time: 2 * TICK,
            ..Limits::default()
        };
        let mut account = Account::new(&limits, Arc::clone(ticks));
        account.begin();
        account
    }

    fn tick(ticks: &AtomicU64, count: u64) {
        ticks.fetch_add(count, Ordering::Relaxed);
    }

    fn goes_on(account: &mut Account) -> bool {
        matches!(account.on_tick(), UpdateDeadline::Yield(1))
    }

    #[test]
    fn a_guest_that_computes_too_long_is_ended() {
        let ticks = Arc::default();
        let mut account = account(&ticks);
        tick(&ticks, 1);
        assert!(goes_on(&mut account));
        tick(&ticks, 1);
        assert!(goes_on(&mut account));
        tick(&ticks, 1);
        assert!(!goes_on(&mut account));
    }

    #[test]
    fn the_time_of_imports_does_not_count() {
        let ticks = Arc::default();
        let mut account = account(&ticks);
        for _ in 0..10 {
            let since = account.importing();
            tick(&ticks, 100);
            account.imported(since);
            assert!(goes_on(&mut account));
        }
    }

    #[test]
    fn every_call_begins_anew() {
        let ticks = Arc::default();
        let mut account = account(&ticks);
        for _ in 0..10 {
            account.begin();
            tick(&ticks, 1);
            assert!(goes_on(&mut account));
            tick(&ticks, 1);
            assert!(goes_on(&mut account));
        }
    }

    #[test]
    fn memory_stops_at_the_limit() {
        let mut account = account(&Arc::default());
        assert!(account.memory_growing(0, 1 << 20, None).unwrap());
        assert!(!account.memory_growing(1 << 20, 1 << 30, None).unwrap());
        assert_eq!(account.memory, 1 << 20);
    }
}
