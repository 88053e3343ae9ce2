//! The tasks that look after the live connections of a process.

use std::sync::Arc;

use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::registry::Registry;
use super::settings::pause;
use super::sweep_queue::Urgent;
use crate::broadcast::{Event, Listen};

pub(super) fn start(
    registry: &Arc<Registry>,
    listen: impl Listen,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    tasks.spawn(until(stop, registry, hear(Arc::clone(registry), listen)));
    tasks.spawn(until(stop, registry, keep_time(Arc::clone(registry))));
    tasks.spawn(until(stop, registry, sweep(Arc::clone(registry))));
}

/// Runs a task until it is stopped. However it ends, all connections are closed then: without it, nobody would close
/// them when they have to be.
fn until(
    stop: &CancellationToken,
    registry: &Arc<Registry>,
    task: impl Future<Output = ()> + Send + 'static,
) -> impl Future<Output = ()> + Send + 'static {
    struct FailClosed(Arc<Registry>);
    impl Drop for FailClosed {
        fn drop(&mut self) {
            self.0.shut();
        }
    }
    let fail_closed = FailClosed(Arc::clone(registry));
    let stop = stop.clone();
    async move {
        let _fail_closed = fail_closed;
        tokio::select! {
            () = stop.cancelled() => {}
            () = task => {}
        }
    }
}

/// Does what the broker's messages say; while it cannot be heard, has everything verified again and again.
async fn hear(registry: Arc<Registry>, mut listen: impl Listen) {
    let every = pause(registry.settings.sweep_when_blind);
    let mut blind = false;
    let mut gone = false;
    let mut again = interval_at(Instant::now() + every, every);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            event = listen.recv(), if !gone => {
                match event {
                    Some(Event::Messages(batch)) => {
                        registry.deliver(&batch);
                        continue;
                    }
                    Some(Event::Lagged { missed }) => {
                        tracing::warn!(missed, "messages about live connections were missed: verifying all of them");
                        registry.observer.missed(missed);
                    }
                    Some(Event::Lost) => {
                        tracing::warn!("the broker is not connected: verifying all live connections until it is");
                        blind = true;
                    }
                    Some(Event::Restored) => {
                        tracing::info!("the broker is connected again: verifying all live connections once more");
                        blind = false;
                    }
                    None => {
                        tracing::error!("the broadcast has ended: live connections are only verified from now on");
                        (blind, gone) = (true, true);
                    }
                }
                registry.observer.connected(!blind);
                registry.sweeps.ask_all();
                again.reset();
            }
            _ = again.tick(), if blind => registry.sweeps.ask_all(),
        }
    }
}

/// Closes connections at their deadline: one timer for all of them.
async fn keep_time(registry: Arc<Registry>) {
    loop {
        // Made before the look, so that a deadline that is set in between is not slept through.
        let changed = registry.timer_changed.notified();
        match registry.close_due() {
            None => changed.await,
            Some(next) => tokio::select! {
                () = sleep_until(next) => {}
                () = changed => {}
            },
        }
    }
}

/// Verifies connections: those that were named at once, all of them at once when that was asked for, and otherwise
/// each in its turn, evenly spread.
async fn sweep(registry: Arc<Registry>) {
    let batch = registry.settings.sweep_batch.max(1);
    let every = pause(registry.settings.sweep_every);
    let retry_after = pause(registry.settings.sweep_when_blind);
    let mut urgent = Batches::default();
    let mut regular = Batches::default();
    let mut failed: Vec<u64> = Vec::new();
    let mut retry_at = None;
    let mut gap = every;
    let mut next_regular = Instant::now() + every;
    loop {
        let ids = match registry.sweeps.take(batch) {
            Some(Urgent::Some(ids)) => ids,
            Some(Urgent::All) => {
                urgent = Batches::new(registry.ids());
                continue;
            }
            None => urgent.next(batch),
        };
        if !ids.is_empty() {
            if !verify(&registry, &ids).await {
                failed.extend(ids);
                retry_at.get_or_insert_with(|| Instant::now() + retry_after);
            }
            continue;
        }
        tokio::select! {
            () = registry.sweeps.asked() => {}
            () = at(retry_at) => {
                retry_at = None;
                registry.sweeps.ask(failed.drain(..));
            }
            () = sleep_until(next_regular) => {
                let mut ids = regular.next(batch);
                if ids.is_empty() {
                    // A round is over: the next one begins with those that are open now.
                    regular = Batches::new(registry.ids());
                    gap = pause(every / regular.count(batch));
                    ids = regular.next(batch);
                }
                // What storage does not answer comes in the next round again.
                verify(&registry, &ids).await;
                // The time that it took is part of the gap; what was late is not made up for.
                next_regular = (next_regular + gap).max(Instant::now());
            }
        }
    }
}

/// Asks storage about some connections; `false` when it did not answer.
async fn verify(registry: &Registry, ids: &[u64]) -> bool {
    let entries = registry.entries(ids);
    if entries.is_empty() {
        return true;
    }
    let (identities, states): (Vec<_>, Vec<_>) = entries.iter().map(|entry| entry.state()).unzip();
    let asked_at = registry.decide.now();
    let asked = states.len();
    let call = timeout(
        pause(registry.settings.sweep_timeout),
        registry.decide.sweep(states),
    );
    let report = match call.await {
        Ok(Ok(report)) if report.verdicts.len() == asked => report,
        Ok(Ok(_)) => return not_verified(registry, &"the answer has the wrong length"),
        Ok(Err(error)) => return not_verified(registry, &error),
        Err(_) => return not_verified(registry, &"it took too long"),
    };
    for ((entry, identity), verdict) in entries.iter().zip(&identities).zip(report.verdicts) {
        registry.apply(entry, identity, verdict, asked_at);
    }
    match report.error {
        Some(error) => not_verified(registry, &error),
        None => {
            registry.observer.verified(asked as u64);
            true
        }
    }
}

fn not_verified(registry: &Registry, error: &dyn std::fmt::Display) -> bool {
    registry.observer.sweep_failed();
    tracing::warn!(%error, "live connections could not be verified");
    false
}

/// Returns at a moment, or never.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Connections to be verified, a batch at a time.
#[derive(Default)]
struct Batches {
    ids: Vec<u64>,
    done: usize,
}

impl Batches {
    fn new(ids: Vec<u64>) -> Self {
        Self { ids, done: 0 }
    }

    /// Empty when all were taken.
    fn next(&mut self, size: usize) -> Vec<u64> {
        let end = self.done.saturating_add(size).min(self.ids.len());
        let batch = self.ids.get(self.done..end).unwrap_or_default().to_vec();
        self.done = end;
        if self.done == self.ids.len() {
            *self = Self::default();
        }
        batch
    }

    /// How many batches there are; 1 when there is nothing, so that it can be divided by.
    fn count(&self, size: usize) -> u32 {
        u32::try_from(self.ids.len().div_ceil(size))
            .unwrap_or(u32::MAX)
            .max(1)
    }
}
