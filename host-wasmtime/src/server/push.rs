//! What the live connections of an account are told beside their disconnect.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::broadcast;

/// Pushes that a slow connection may be behind before it misses some.
const BUFFER: usize = 64;

/// Something to tell, as it is sent: `{"type": …}`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Push {
    /// The first message of every connection.
    Hello {
        /// The topic of the connection's disconnect.
        socket_id: String,
        /// The connection's session.
        sid: String,
        /// From this moment on the token is refused and the connection closed, in seconds since 1970.
        deadline: u64,
    },
    /// The last message of a stream of events; on a WebSocket the close frame says it.
    Close {
        /// The close code.
        code: u16,
        /// Why: `revoked`, `expired`, …
        reason: &'static str,
    },
    /// The account's sessions, or their connections, are not what they were: ask for them again.
    Sessions,
    /// Something happened to the account.
    Event {
        /// What, as in the audit log: `sign_in`, `sign_out_everywhere`, `password`, …
        action: &'static str,
        /// The session that did it.
        sid: String,
        /// Sessions that were ended by it.
        revoked: u32,
    },
    /// Connections of the account were closed.
    Closed {
        /// Some of them, the first ones first.
        sockets: Vec<ClosedSocket>,
        /// How many they are.
        count: usize,
    },
}

/// A connection that was closed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ClosedSocket {
    /// Its session.
    pub(crate) sid: String,
    /// Its topic.
    pub(crate) socket_id: String,
    /// Why: `revoked`, `expired`, …
    pub(crate) reason: &'static str,
    /// From the arrival of the request that ended its session until its close was sent, in milliseconds; absent when
    /// no such request was made here lately.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after_ms: Option<f64>,
}

impl Push {
    /// The text of the message.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| r#"{"type":"sessions"}"#.to_owned())
    }
}

/// Hands pushes to the live connections of this process, account by account. Best effort.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pushes {
    listeners: Arc<Mutex<Listeners>>,
}

#[derive(Debug, Default)]
struct Listeners {
    subjects: HashMap<String, broadcast::Sender<Arc<str>>>,
    /// How many connections each session has.
    sessions: HashMap<String, usize>,
}

impl Pushes {
    /// Receives what one account is told from now on, for a connection of this session.
    pub(crate) fn subscribe(&self, subject: &str, sid: &str) -> PushReceiver {
        let mut listeners = self.lock();
        *listeners.sessions.entry(sid.to_owned()).or_default() += 1;
        let sender = listeners
            .subjects
            .entry(subject.to_owned())
            .or_insert_with(|| broadcast::channel(BUFFER).0);
        PushReceiver {
            receiver: Some(sender.subscribe()),
            subject: subject.to_owned(),
            sid: sid.to_owned(),
            pushes: self.clone(),
        }
    }

    /// Tells an account's connections.
    pub(crate) fn send(&self, subject: &str, push: &Push) {
        if let Some(sender) = self.lock().subjects.get(subject) {
            // Nobody listening is fine.
            let _ = sender.send(push.text().into());
        }
    }

    /// How many connections listen for an account.
    pub(crate) fn listeners(&self, subject: &str) -> usize {
        self.lock()
            .subjects
            .get(subject)
            .map_or(0, broadcast::Sender::receiver_count)
    }

    /// How many connections a session has in this process.
    pub(crate) fn connections(&self, sid: &str) -> usize {
        self.lock().sessions.get(sid).copied().unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, Listeners> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The receiving end of one connection.
#[derive(Debug)]
pub(crate) struct PushReceiver {
    receiver: Option<broadcast::Receiver<Arc<str>>>,
    subject: String,
    sid: String,
    pushes: Pushes,
}

impl PushReceiver {
    /// The next message. What was missed by being slow is made up for by one hint to ask again.
    pub(crate) async fn recv(&mut self) -> Arc<str> {
        let Some(receiver) = &mut self.receiver else {
            return std::future::pending().await;
        };
        match receiver.recv().await {
            Ok(text) => text,
            Err(broadcast::error::RecvError::Lagged(_)) => Push::Sessions.text().into(),
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Drop for PushReceiver {
    fn drop(&mut self) {
        let mut listeners = self.pushes.lock();
        self.receiver = None;
        let subject = listeners.subjects.get(&self.subject);
        if subject.is_some_and(|sender| sender.receiver_count() == 0) {
            listeners.subjects.remove(&self.subject);
        }
        let left = listeners.sessions.get_mut(&self.sid).map_or(0, |count| {
            *count -= 1;
            *count
        });
        if left == 0 {
            listeners.sessions.remove(&self.sid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_account_is_told_and_no_other() {
        let pushes = Pushes::default();
        let mut one = pushes.subscribe("a", "s");
        let mut two = pushes.subscribe("a", "s");
        let mut other = pushes.subscribe("b", "t");
        pushes.send("a", &Push::Sessions);
        pushes.send(
            "b",
            &Push::Event {
                action: "sign_in",
                sid: "s".into(),
                revoked: 0,
            },
        );
        assert_eq!(&*one.recv().await, r#"{"type":"sessions"}"#);
        assert_eq!(&*two.recv().await, r#"{"type":"sessions"}"#);
        let event = r#"{"type":"event","action":"sign_in","sid":"s","revoked":0}"#;
        assert_eq!(&*other.recv().await, event);
    }

    #[tokio::test]
    async fn the_last_one_leaves_nothing_behind() {
        let pushes = Pushes::default();
        let one = pushes.subscribe("a", "s");
        let two = pushes.subscribe("a", "s");
        drop(one);
        assert_eq!((pushes.listeners("a"), pushes.connections("s")), (1, 1));
        drop(two);
        assert_eq!((pushes.listeners("a"), pushes.connections("s")), (0, 0));
        let listeners = pushes.lock();
        assert!(listeners.subjects.is_empty() && listeners.sessions.is_empty());
    }
}
