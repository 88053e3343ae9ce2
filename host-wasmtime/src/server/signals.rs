//! What the operating system tells the process: to stop (Ctrl-C, SIGTERM), or to look at its files (SIGHUP).

use std::future::Future;

use super::start::StartError;
use super::state::App;

/// Completes when the process is told to stop. Told once more, it ends at once.
pub(crate) fn stop() -> Result<impl Future<Output = ()>, StartError> {
    let mut stop = Signals::listen()
        .map_err(|error| StartError::other(format!("cannot listen for signals: {error}")))?;
    Ok(async move {
        stop.next().await;
        tokio::spawn(async move {
            stop.next().await;
            tracing::warn!("told twice to stop: ending at once");
            std::process::exit(1);
        });
    })
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        // A console that cannot be listened to never tells.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Has every watched file looked at when the process is told to (SIGHUP), until the server stops.
pub(crate) async fn reload(mut told: HangUps, app: App) {
    loop {
        tokio::select! {
            () = told.next() => {}
            () = app.stop.cancelled() => return,
        }
        tracing::info!("told to look at keys, clients and certificate");
        app.reload.now();
    }
}

#[cfg(unix)]
pub(crate) struct HangUps(tokio::signal::unix::Signal);

#[cfg(unix)]
impl HangUps {
    pub(crate) fn listen() -> Result<Self, StartError> {
        let kind = tokio::signal::unix::SignalKind::hangup();
        tokio::signal::unix::signal(kind)
            .map(Self)
            .map_err(|error| StartError::other(format!("cannot listen for signals: {error}")))
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(not(unix))]
pub(crate) struct HangUps;

#[cfg(not(unix))]
impl HangUps {
    pub(crate) fn listen() -> Result<Self, StartError> {
        Ok(Self)
    }

    async fn next(&mut self) {
        std::future::pending().await
    }
}
