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
/// How long the news of a crowd are kept back. While thousands are closed each message would go to thousands, that
/// are about to be closed themselves, and delay them.
const KEPT_BACK: Duration = Duration::from_secs(1);

/// What happened to an account's connections lately.
struct News {
    since: Instant,
    closed: Vec<ClosedSocket>,
    closed_count: usize,
}

impl News {
    fn begin() -> Self {
        Self {
            since: Instant::now(),
            closed: Vec::new(),
            closed_count: 0,
        }
    }
}

/// Listens to the registry until the server stops.
pub(crate) async fn run(app: App) {
    let mut events = app.live.events();
    let mut news = HashMap::new();
    loop {
        tokio::select! {
            event = events.recv() => if !note(&app, event, &mut news) { return },
            () = sleep(KEPT_BACK), if !news.is_empty() => {}
            () = app.stop.cancelled() => return,
        }
        let gathered = sleep(GATHERED);
        tokio::pin!(gathered);
        loop {
            tokio::select! {
                event = events.recv() => if !note(&app, event, &mut news) { return },
                () = &mut gathered => break,
            }
        }
        news.retain(|subject, news| !tell(&app, subject, news));
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
    let entry = news
        .entry(identity.subject.clone())
        .or_insert_with(News::begin);
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

/// Tells an account's connections, unless they are a crowd and the news are young; `true` when they are old news now.
fn tell(app: &App, subject: &str, news: &mut News) -> bool {
    let crowd = app.pushes.listeners(subject) > CROWD;
    if crowd && news.since.elapsed() < KEPT_BACK {
        return false;
    }
    if news.closed_count > 0 {
        let push = Push::Closed {
            sockets: std::mem::take(&mut news.closed),
            count: news.closed_count,
        };
        app.pushes.send(subject, &push);
    }
    if !crowd {
        app.pushes.send(subject, &Push::Sessions);
    }
    true
}
