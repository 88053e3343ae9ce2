//! Listening to a broker with one connection after the other.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::error::ConnectError;
use super::listeners::Listeners;
use super::publish::within;
use super::task::{Task, delay};

/// A broker that can be listened to, one connection after the other.
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
