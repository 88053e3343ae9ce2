//! The task that listens, and how long it waits before it tries again.

use std::future::Future;
use std::time::Duration;

use tokio::task::AbortHandle;

/// How long to wait before the first try of another connection, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// A task that ends with the last one that needs it.
#[derive(Debug)]
pub(super) struct Task(Option<AbortHandle>);

impl Task {
    pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Some(tokio::spawn(work).abort_handle()))
    }

    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self(None)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
        }
    }
}

/// How long to wait before a try: longer each time, and never the same for all who have lost the same broker.
pub(super) fn delay(tries: usize) -> Duration {
    let (first, longest) = RETRY;
    let doublings = u32::try_from(tries.saturating_sub(1))
        .unwrap_or(u32::MAX)
        .min(16);
    let whole = (first * 2_u32.pow(doublings)).min(longest);
    let mut byte = [128];
    // Without randomness they are the same; that is all.
    let _ = getrandom::fill(&mut byte);
    whole.mul_f64(0.75 + f64::from(byte[0]) / 1_024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_become_rarer_and_are_never_rarer_than_the_longest() {
        for (tries, whole) in [
            (0, 100),
            (1, 100),
            (2, 200),
            (5, 1_600),
            (7, 5_000),
            (usize::MAX, 5_000),
        ] {
            for _ in 0..50 {
                let delay = delay(tries).as_millis();
                assert!(
                    delay >= whole * 3 / 4 - 1 && delay <= whole,
                    "{tries}: {delay}"
                );
            }
        }
    }
}
