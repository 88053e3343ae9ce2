//! When each connection received its close.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::sync::Notify;

/// For all closes together, from the request on.
const CLOSE_LIMIT: Duration = Duration::from_secs(30);
/// What every connection of a revoked session must be told.
const EXPECTED: (u16, &str) = (4001, "revoked");

/// How a connection ended.
pub(crate) enum Close {
    /// With a close frame: its code and reason.
    Frame(Option<(u16, String)>),
    /// Otherwise.
    Lost(String),
}

/// Collects when connections received their close frames.
pub(crate) struct Closes {
    begun: Instant,
    /// Nanoseconds since `begun`; 0 while it is open.
    at: Vec<AtomicU64>,
    open: AtomicUsize,
    all: Notify,
    /// The first close that was not as expected.
    wrong: Mutex<Option<String>>,
}

impl Closes {
    /// For so many connections.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            begun: Instant::now(),
            at: (0..count).map(|_| AtomicU64::new(0)).collect(),
            open: AtomicUsize::new(count),
            all: Notify::new(),
            wrong: Mutex::new(None),
        }
    }

    /// A connection received its close, just now.
    pub(crate) fn note(&self, number: usize, close: Close) {
        let at = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let wrong = match close {
            Close::Frame(Some((code, reason))) if (code, reason.as_str()) == EXPECTED => None,
            Close::Frame(frame) => Some(format!("a connection was closed with {frame:?}")),
            Close::Lost(problem) => Some(format!("a connection was lost: {problem}")),
        };
        if let (Some(wrong), Ok(mut first)) = (wrong, self.wrong.lock()) {
            first.get_or_insert(wrong);
        }
        self.at[number].store(at, Ordering::Relaxed);
        if self.open.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.all.notify_one();
        }
    }

    /// How many are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Waits until all are closed, and answers how long after `request` each one was, shortest first.
    pub(crate) async fn since(&self, request: Instant) -> Result<Vec<Duration>> {
        let closed = tokio::time::timeout(CLOSE_LIMIT, self.all.notified()).await;
        if let Ok(Some(wrong)) = self.wrong.lock().map(|wrong| wrong.clone()) {
            bail!("{wrong}; {} connections are open", self.open());
        }
        if closed.is_err() {
            bail!(
                "{} connections were open {} s after the request",
                self.open(),
                CLOSE_LIMIT.as_secs()
            );
        }
        let offset = request.duration_since(self.begun);
        let after = |at: &AtomicU64| {
            Duration::from_nanos(at.load(Ordering::Relaxed)).saturating_sub(offset)
        };
        let mut latencies: Vec<_> = self.at.iter().map(after).collect();
        latencies.sort_unstable();
        Ok(latencies)
    }
}
