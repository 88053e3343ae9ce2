//! How many peers have yet to be told that they have to close.
//!
//! A sign-out may close thousands of connections at once. To tell a peer is one short write; what comes after, its
//! answer and the end of its connection, is more work and nobody waits for it. Without an order between the two the
//! first peers' endings would delay the last peers' telling.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// How long the ending of a connection is put off for peers that were not told yet. One that does not read cannot be
/// told, and must hold up nobody.
const PATIENCE: Duration = Duration::from_millis(250);

/// Counts them.
#[derive(Debug, Default)]
pub(super) struct Farewells {
    due: AtomicUsize,
    all_said: Notify,
}

impl Farewells {
    /// One more has to be told.
    pub(super) fn add(&self) {
        self.due.fetch_add(1, Ordering::SeqCst);
    }

    /// One was told, or is gone.
    pub(super) fn said(&self) {
        if self.due.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.all_said.notify_waiters();
        }
    }

    /// Returns when nobody is left to be told, or after [`PATIENCE`].
    pub(super) async fn all_said(&self) {
        let mut said = std::pin::pin!(self.all_said.notified());
        // Listens from here on, so that the last one between the look and the wait is not slept through.
        said.as_mut().enable();
        if self.due.load(Ordering::SeqCst) != 0 {
            // Whether all were told or the time is over makes no difference.
            let _ = timeout(PATIENCE, said).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn endings_wait_until_all_are_told_but_not_for_ever() {
        let farewells = Farewells::default();
        farewells.all_said().await;
        farewells.add();
        farewells.add();
        let begun = tokio::time::Instant::now();
        let told = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            farewells.said();
            tokio::time::sleep(Duration::from_millis(10)).await;
            farewells.said();
        };
        tokio::join!(farewells.all_said(), told);
        assert_eq!(begun.elapsed(), Duration::from_millis(20));

        farewells.add();
        farewells.all_said().await;
        assert_eq!(begun.elapsed(), Duration::from_millis(20) + PATIENCE);
    }
}
