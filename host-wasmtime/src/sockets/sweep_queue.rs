//! Which connections are to be verified at once.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What the sweeper is asked to do before its regular rounds.
#[derive(Debug, Default)]
pub(super) struct SweepQueue {
    wanted: Mutex<Wanted>,
    asked: Notify,
}

#[derive(Debug, Default)]
struct Wanted {
    ids: BTreeSet<u64>,
    all: bool,
}

/// One step of urgent work.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Urgent {
    /// These connections.
    Some(Vec<u64>),
    /// All of them, from the beginning.
    All,
}

impl SweepQueue {
    /// Has these connections verified at once.
    pub(super) fn ask(&self, ids: impl IntoIterator<Item = u64>) {
        let mut wanted = self.wanted();
        wanted.ids.extend(ids);
        if !wanted.ids.is_empty() {
            self.asked.notify_one();
        }
    }

    /// Has all connections verified at once.
    pub(super) fn ask_all(&self) {
        self.wanted().all = true;
        self.asked.notify_one();
    }

    /// What to do next: named connections, at most so many, come before all of them.
    pub(super) fn take(&self, at_most: usize) -> Option<Urgent> {
        let mut wanted = self.wanted();
        if wanted.ids.is_empty() {
            return std::mem::take(&mut wanted.all).then_some(Urgent::All);
        }
        let taken = std::iter::from_fn(|| wanted.ids.pop_first())
            .take(at_most)
            .collect();
        Some(Urgent::Some(taken))
    }

    /// Returns when something may have been asked for.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_connections_come_first_in_steps_and_nothing_twice() {
        let queue = SweepQueue::default();
        assert_eq!(queue.take(2), None);
        queue.ask_all();
        queue.ask([3, 1, 2, 1]);
        assert_eq!(queue.take(2), Some(Urgent::Some(vec![1, 2])));
        assert_eq!(queue.take(2), Some(Urgent::Some(vec![3])));
        assert_eq!(queue.take(2), Some(Urgent::All));
        assert_eq!(queue.take(2), None);
    }

    #[tokio::test]
    async fn asking_before_the_wait_ends_it() {
        let queue = SweepQueue::default();
        queue.ask([]);
        queue.ask([1]);
        queue.asked().await;
    }
}
