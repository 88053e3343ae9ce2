//! What hands calls from async tasks to threads: a bounded queue that wakes a parked thread.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A bounded first-in first-out queue between tasks and threads.
pub(super) struct Queue<J> {
    state: Mutex<State<J>>,
    changed: Condvar,
    limit: usize,
}

struct State<J> {
    jobs: VecDeque<J>,
    nudged: bool,
    closed: bool,
}

/// Why a job was not taken.
pub(super) enum Rejected {
    /// The queue is full.
    Full,
    /// The queue was closed.
    Closed,
}

impl<J> Queue<J> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                nudged: false,
                closed: false,
            }),
            changed: Condvar::new(),
            limit,
        }
    }

    /// Adds a job and wakes one thread.
    pub(super) fn push(&self, job: J) -> Result<(), Rejected> {
        let mut state = self.lock();
        if state.closed {
            return Err(Rejected::Closed);
        }
        if state.jobs.len() >= self.limit {
            return Err(Rejected::Full);
        }
        state.jobs.push_back(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Wakes the thread in [`Queue::take_batch`] without a job.
    pub(super) fn nudge(&self) {
        self.lock().nudged = true;
        self.changed.notify_one();
    }

    /// Refuses further jobs; those that wait are still served.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Waits for a job and takes it; with it those that follow, up to `max` in all, as long as it and they are
    /// `similar`. `None` once the queue is closed and empty.
    pub(super) fn take_similar(&self, max: usize, similar: impl Fn(&J) -> bool) -> Option<Vec<J>> {
        let mut state = self.lock();
        loop {
            let count = state.jobs.iter().take(max).take_while(|job| similar(job));
            let count = count.count().max(1).min(state.jobs.len());
            if count > 0 {
                return Some(state.jobs.drain(..count).collect());
            }
            if state.closed {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for jobs and takes up to `max` of them. The batch is empty after a nudge and when `until` has come;
    /// `None` once the queue is closed and empty.
    pub(super) fn take_batch(&self, max: usize, until: Option<Instant>) -> Option<Vec<J>> {
        let mut state = self.lock();
        loop {
            if !state.jobs.is_empty() {
                let count = state.jobs.len().min(max);
                return Some(state.jobs.drain(..count).collect());
            }
            if state.closed {
                return None;
            }
            if std::mem::take(&mut state.nudged) {
                return Some(Vec::new());
            }
            state = match until {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Some(Vec::new());
                    }
                    self.changed
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }

    /// No code that can panic runs under the lock, so that a poisoned one is still whole.
    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
