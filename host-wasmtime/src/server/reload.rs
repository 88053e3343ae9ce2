//! SIGHUP: everything that is read from files while the server runs is looked at now.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Tells whoever watches files to look at them. Without it they look from time to time.
#[derive(Debug)]
pub(crate) struct Reload(watch::Sender<()>);

impl Reload {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// For one who watches a file.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }

    /// Tells all of them.
    pub(crate) fn now(&self) {
        self.0.send_replace(());
    }
}

/// When a file is looked at: at once, then each period, and when told; `false` when the server stops.
pub(crate) struct Looks {
    ticks: tokio::time::Interval,
    told: watch::Receiver<()>,
    stop: CancellationToken,
}

impl Looks {
    pub(crate) fn every(
        period: std::time::Duration,
        told: watch::Receiver<()>,
        stop: CancellationToken,
    ) -> Self {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        Self { ticks, told, stop }
    }

    /// Waits for the next look.
    pub(crate) async fn next(&mut self) -> bool {
        tokio::select! {
            _ = self.ticks.tick() => true,
            // Fails only when the server is gone, whose end `stop` tells.
            Ok(()) = self.told.changed() => true,
            () = self.stop.cancelled() => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_look_comes_when_told_and_ends_with_the_server() {
        let (reload, stop) = (Reload::new(), CancellationToken::new());
        let period = Duration::from_secs(60);
        let mut looks = Looks::every(period, reload.subscribe(), stop.clone());
        assert!(looks.next().await);
        let start = tokio::time::Instant::now();
        reload.now();
        assert!(looks.next().await);
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert!(looks.next().await);
        assert_eq!(start.elapsed(), period);
        stop.cancel();
        assert!(!looks.next().await);
    }
}
