//! The chores of a service: sending again what was not delivered, and deleting what nobody needs.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, interval_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::decide::Decide;
use super::settings::{UpkeepSettings, pause};

/// Does the chores until it is dropped. [`LiveSockets`](super::LiveSockets) does them already, unless its settings
/// say otherwise; this is for processes that hold no connections.
///
/// Any number of processes may do them at once: each takes what no other has.
#[derive(Debug)]
#[must_use = "dropping it ends the chores"]
pub struct Upkeep {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Upkeep {
    /// Begins at once. Must be called inside a tokio runtime.
    pub fn start(decide: impl Decide, settings: UpkeepSettings) -> Self {
        let upkeep = Self {
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        spawn(
            &(Arc::new(decide) as _),
            &settings,
            &upkeep.tasks,
            &upkeep.stop,
        );
        upkeep
    }

    /// Ends the chores and returns when they have ended. What was sent to storage by then is done.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(super) fn spawn(
    decide: &Arc<dyn Decide>,
    settings: &UpkeepSettings,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let redeliver = redeliver(Arc::clone(decide), settings.redeliver_every);
    let expunge = expunge(
        Arc::clone(decide),
        settings.expunge_every,
        settings.expunge_batch,
    );
    let stopped = stop.clone();
    tasks.spawn(async move { stopped.run_until_cancelled(redeliver).await });
    let stopped = stop.clone();
    tasks.spawn(async move { stopped.run_until_cancelled(expunge).await });
}

/// At start, and then again and again: what was committed but not delivered is sent.
async fn redeliver(decide: Arc<dyn Decide>, every: Duration) {
    let mut tick = interval(pause(every));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = Failing::default();
    loop {
        tick.tick().await;
        loop {
            match decide.redeliver().await {
                Ok(sent) => {
                    failing.over("disconnects are sent again");
                    if sent.delivered > 0 || sent.undelivered > 0 {
                        let (delivered, undelivered) = (sent.delivered, sent.undelivered);
                        tracing::info!(delivered, undelivered, "sent disconnects again");
                    }
                    // What the broker does not take now is not tried again at once.
                    if !sent.more || sent.delivered == 0 {
                        break;
                    }
                }
                Err(error) => {
                    failing.with(&error, "disconnects could not be sent again");
                    break;
                }
            }
        }
    }
}

/// Now and then: what has been expired for long is deleted, in bounded batches with pauses between them.
async fn expunge(decide: Arc<dyn Decide>, every: Duration, limit: u32) {
    let every = pause(every);
    let mut tick = interval_at(tokio::time::Instant::now() + every, every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let between = Duration::from_millis(100).min(every);
    let mut failing = Failing::default();
    loop {
        tick.tick().await;
        loop {
            match decide.expunge(limit).await {
                Ok(deleted) => {
                    failing.over("expired records are deleted again");
                    tracing::debug!(?deleted, "deleted what had expired");
                    if !deleted.more {
                        break;
                    }
                }
                Err(error) => {
                    failing.with(&error, "expired records could not be deleted");
                    break;
                }
            }
            tokio::time::sleep(between).await;
        }
    }
}

/// Says once that something fails, and once that it is over, instead of every second.
#[derive(Default)]
struct Failing(bool);

impl Failing {
    fn with(&mut self, error: &authkernel::Error, message: &'static str) {
        if !std::mem::replace(&mut self.0, true) {
            tracing::warn!(%error, "{message}");
        }
    }

    fn over(&mut self, message: &'static str) {
        if std::mem::take(&mut self.0) {
            tracing::info!("{message}");
        }
    }
}
