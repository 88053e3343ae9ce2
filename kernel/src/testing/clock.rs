//! A clock that stands still.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::ports::Clock;
use crate::record::Timestamp;

/// A clock that stands still until it is told otherwise; clones show the same time.
#[derive(Clone, Debug, Default)]
pub struct TestClock {
    now: Arc<AtomicU64>,
}

impl TestClock {
    /// A clock that shows `now`, in seconds since the Unix epoch.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now: Arc::new(AtomicU64::new(now)),
        }
    }

    /// Sets the time, also backwards.
    pub fn set(&self, now: Timestamp) {
        self.now.store(now, Ordering::SeqCst);
    }

    /// Lets this many seconds pass.
    pub fn advance(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.now.load(Ordering::SeqCst)
    }
}
