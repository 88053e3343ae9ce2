//! Tells the live connections of an account what became of its others.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::broadcast::error::RecvError;
use tokio::time::sleep;

use super::push::{ClosedSocket, Push};
use super::state::App;
use crate::sockets::{Change, Reason, SocketEvent};

/// How long events are gathered, so that many at once become one message.
const GATHERED: Duration = Duration::from_millis(20);
/// How many closed connections one message names.
const NAMED: usize = 50;
/// With more connections than this an account is not told of each that comes and goes.
const CROWD: usize = 100;

/// What happened to an account's connections in one such moment.
#[derive(Default)]
struct News {
    closed: Vec<ClosedSocket>,
    closed_count: usize,
}

/// Listens to the registry until the server stops.
pub(crate) async fn run(app: App) {
    let mut events = app.live.events();
    loop {
        let first = tokio::select! {
            event = events.recv() => event,
            () = app.stop.cancelled() => return,
        };
        let mut news = HashMap::new();
        if !note(&app, first, &mut news) {
            return;
        }
        let gathered = sleep(GATHERED);
        tokio::pin!(gathered);
        loop {
            tokio::select! {
                event = events.recv() => if !note(&app, event, &mut news) { return },
                () = &mut gathered => break,
            }
        }
        for (subject, news) in news {
            tell(&app, &subject, news);
        }
    }
}

/// Adds an event to the news; `false` when there will be no more.
fn note(
    app: &App,
    event: Result<SocketEvent, RecvError>,
    news: &mut HashMap<String, News>,
) -> bool {
    let event = match event {
        Ok(event) => event,
        // What was missed is shown by the next list of sessions.
        Err(RecvError::Lagged(_)) => return true,
        Err(RecvError::Closed) => return false,
    };
    let reason = match event.change {
        Change::Closed(reason) => reason,
        Change::Opened => None,
        Change::Muted | Change::Closing(_) => return true,
    };
    let identity = &event.identity;
    let entry = news.entry(identity.subject.clone()).or_default();
    if let Some(reason) = reason {
        entry.closed_count += 1;
        if entry.closed.len() < NAMED {
            entry.closed.push(ClosedSocket {
                sid: identity.sid.clone(),
                socket_id: identity.socket_id.clone().unwrap_or_default(),
                reason: reason.as_str(),
                after_ms: after(app, &identity.subject, reason),
            });
        }
    }
    true
}

/// From the request that ended the session until now, in milliseconds with three decimals.
fn after(app: &App, subject: &str, reason: Reason) -> Option<f64> {
    let asked = matches!(reason, Reason::Revoked | Reason::MutedTimeout);
    let passed = app.acts.until(subject, Instant::now()).filter(|_| asked)?;
    Some((passed.as_secs_f64() * 1e6).round() / 1e3)
}

fn tell(app: &App, subject: &str, news: News) {
    if news.closed_count > 0 {
        let push = Push::Closed {
            sockets: news.closed,
            count: news.closed_count,
        };
        app.pushes.send(subject, &push);
    }
    if app.pushes.listeners(subject) <= CROWD {
        app.pushes.send(subject, &Push::Sessions);
    }
}
