//! The task that listens, and how it stays connected.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;

use super::error::ConnectError;
use super::listeners::Listeners;
use super::publish::within;

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

/// A broker that can be listened to, one connection after the other.
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(super) trait Source: Send + Sync + 'static {
    /// A connection that hears.
    type Connection: Send;

    /// Its name in messages.
    const NAME: &'static str;

    /// Connects and subscribes: what is published once this has answered is heard.
    fn connect(
        &self,
        listeners: &Arc<Listeners>,
    ) -> impl Future<Output = Result<Self::Connection, ConnectError>> + Send;

    /// Hands over what comes, until the connection is lost. Answers why.
    fn hear(
        &self,
        connection: &mut Self::Connection,
        listeners: &Listeners,
    ) -> impl Future<Output = String> + Send;
}

/// Connects, and goes on listening with one connection after the other.
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(super) async fn listen<S: Source>(
    source: Arc<S>,
    listeners: Arc<Listeners>,
    timeout: Duration,
) -> Result<Task, ConnectError> {
    let mut connection = within(timeout, "subscribing", source.connect(&listeners)).await?;
    // Who listens for the second time may have been away in between.
    listeners.restored();
    Ok(Task::spawn(async move {
        loop {
            let reason = source.hear(&mut connection, &listeners).await;
            listeners.lost();
            tracing::warn!(broker = S::NAME, reason, "the broker is lost");
            // Closed before another one is opened.
            drop(connection);
            connection = again(&*source, &listeners, timeout).await;
            listeners.restored();
            tracing::info!(broker = S::NAME, "the broker is back");
        }
    }))
}

#[cfg(any(feature = "postgres", feature = "redis"))]
async fn again<S: Source>(
    source: &S,
    listeners: &Arc<Listeners>,
    timeout: Duration,
) -> S::Connection {
    let mut tries = 0;
    loop {
        tries += 1;
        tokio::time::sleep(delay(tries)).await;
        match within(timeout, "subscribing", source.connect(listeners)).await {
            Ok(connection) => return connection,
            Err(error) => tracing::debug!(broker = S::NAME, %error, "the broker is still away"),
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
