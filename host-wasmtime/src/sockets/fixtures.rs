//! What the tests of this folder share: identities, and a kernel that does as it is told.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use authkernel::record::{Deleted, Timestamp};
use authkernel::types::{
    Admit, Authenticate, Identity, Redelivered, SocketState, SweepReport, Verdict,
};
use authkernel::{Code, Error};
use futures_util::future::BoxFuture;
use tokio::sync::{Notify, mpsc};

use super::Decide;
use crate::broadcast::{Event, Listen};

/// When the tests take place. Far from the system's clock, so that whole seconds are whole.
pub(super) const NOW: Timestamp = 1_000_000;

pub(super) fn identity(subject: &str, sid: &str) -> Identity {
    Identity {
        tenant: None,
        subject: subject.into(),
        jti: format!("jti-{sid}"),
        sid: sid.into(),
        purpose: "user".into(),
        act: None,
        kid: "k1".into(),
        issued_at: NOW,
        expires_at: NOW + 3600,
        deadline: NOW + 3600,
        epoch: 0,
        claims: Default::default(),
        socket_id: Some(format!("users_sessions:{sid}")),
    }
}

pub(super) fn admit(token: &str) -> Admit {
    Admit {
        token: token.into(),
        purposes: vec!["user".into()],
        ..Admit::default()
    }
}

/// A kernel that knows some tokens and some dead sessions.
#[derive(Clone, Default)]
pub(super) struct Script(Arc<Inner>);

#[derive(Default)]
struct Inner {
    tokens: Mutex<HashMap<String, Identity>>,
    verdicts: Mutex<HashMap<String, Verdict>>,
    dead: Mutex<HashSet<String>>,
    sweep_error: Mutex<Option<Code>>,
    /// Sessions of each sweep, in order.
    swept: Mutex<Vec<Vec<String>>>,
    sweeping: Notify,
    on_admit: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    pub(super) redelivered: AtomicUsize,
    pub(super) expunged: AtomicUsize,
}

impl Script {
    pub(super) fn token(&self, token: &str, identity: Identity) {
        lock(&self.0.tokens).insert(token.into(), identity);
    }

    /// What sweeps say about a session; `Keep` otherwise.
    pub(super) fn verdict(&self, sid: &str, verdict: Verdict) {
        lock(&self.0.verdicts).insert(sid.into(), verdict);
    }

    pub(super) fn sweeps_fail(&self, code: Option<Code>) {
        *lock(&self.0.sweep_error) = code;
    }

    /// Authentication and admission refuse the session from now on.
    pub(super) fn kill(&self, sid: &str) {
        lock(&self.0.dead).insert(sid.into());
    }

    /// Is called once, in the middle of the next admission that is answered.
    pub(super) fn on_admit(&self, call: impl FnOnce() + Send + 'static) {
        *lock(&self.0.on_admit) = Some(Box::new(call));
    }

    /// Returns once there were so many sweeps since the start; answers the sessions of all of them.
    pub(super) async fn swept(&self, count: usize) -> Vec<Vec<String>> {
        loop {
            let mut sweeping = std::pin::pin!(self.0.sweeping.notified());
            sweeping.as_mut().enable();
            let swept = lock(&self.0.swept).clone();
            if swept.len() >= count {
                return swept;
            }
            sweeping.await;
        }
    }

    pub(super) fn redelivered(&self) -> usize {
        self.0.redelivered.load(Ordering::SeqCst)
    }

    pub(super) fn expunged(&self) -> usize {
        self.0.expunged.load(Ordering::SeqCst)
    }

    fn find(&self, token: &str) -> Result<Identity, Error> {
        let known = lock(&self.0.tokens).get(token).cloned();
        let identity = known.ok_or(Error::new(Code::TokenNotFound))?;
        if lock(&self.0.dead).contains(&identity.sid) {
            return Err(Error::new(Code::SessionEnded));
        }
        Ok(identity)
    }
}

impl Decide for Script {
    fn authenticate(&self, request: Authenticate) -> BoxFuture<'_, Result<Identity, Error>> {
        Box::pin(async move { self.find(&request.token) })
    }

    fn admit(&self, request: Admit) -> BoxFuture<'_, Result<Identity, Error>> {
        Box::pin(async move {
            let identity = self.find(&request.token)?;
            if request
                .socket
                .is_some_and(|socket| socket.sid != identity.sid)
            {
                return Err(Error::new(Code::SocketMismatch));
            }
            if let Some(call) = lock(&self.0.on_admit).take() {
                call();
            }
            tokio::task::yield_now().await;
            Ok(identity)
        })
    }

    fn sweep(&self, sockets: Vec<SocketState>) -> BoxFuture<'_, Result<SweepReport, Error>> {
        Box::pin(async move {
            let error = lock(&self.0.sweep_error).map(Error::new);
            let verdicts = lock(&self.0.verdicts).clone();
            let verdict = |socket: &SocketState| match &error {
                Some(_) => Verdict::Unverified,
                None => verdicts.get(&socket.sid).copied().unwrap_or(Verdict::Keep),
            };
            let report = SweepReport {
                verdicts: sockets.iter().map(verdict).collect(),
                error: error.clone(),
            };
            lock(&self.0.swept).push(sockets.into_iter().map(|socket| socket.sid).collect());
            self.0.sweeping.notify_waiters();
            Ok(report)
        })
    }

    fn redeliver(&self) -> BoxFuture<'_, Result<Redelivered, Error>> {
        Box::pin(async move {
            let before = self.0.redelivered.fetch_add(1, Ordering::SeqCst);
            Ok(Redelivered {
                delivered: 1,
                undelivered: 0,
                more: before < 2,
            })
        })
    }

    fn expunge(&self, _limit: u32) -> BoxFuture<'_, Result<Deleted, Error>> {
        Box::pin(async move {
            self.0.expunged.fetch_add(1, Ordering::SeqCst);
            Ok(Deleted::default())
        })
    }

    fn now(&self) -> Timestamp {
        NOW
    }
}

/// A listener that hears what a test says.
pub(super) struct Told(mpsc::UnboundedReceiver<Event>);

pub(super) fn told() -> (mpsc::UnboundedSender<Event>, Told) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, Told(receiver))
}

impl Listen for Told {
    async fn recv(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap()
}
