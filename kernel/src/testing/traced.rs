//! Ports that write down every call, and fail when they are told to.

use std::format;
use std::string::String;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use crate::ports::{Broadcast, BroadcastError, MaybeSend, Message, Storage, StorageError};
use crate::record::{
    Consumed, Consumption, CutOff, Deleted, DeliveryClaim, ExpiryBatch, FindQuery, Found,
    Insertion, ListQuery, MatchingRevocation, MatchingRevoked, Record, RecordId, Revocation,
    RevocationTarget, Revoked, StoredSessions, Touch,
};

/// The calls of one or more ports, in order, as short texts such as `storage.find jti=…`; clones are the same log.
#[derive(Clone, Debug, Default)]
pub struct CallLog {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<String>,
    faults: Vec<Fault>,
}

#[derive(Debug)]
struct Fault {
    /// `storage.find`, or `storage` for every call of it.
    call: String,
    /// Matching calls that still succeed.
    skip: u32,
    /// It fails this call only, not all that follow.
    once: bool,
    error: StorageError,
}

impl CallLog {
    /// An empty log, without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every call, in order.
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    /// The calls since the last time.
    pub fn take(&self) -> Vec<String> {
        core::mem::take(&mut self.state().calls)
    }

    /// From now on every such call (`storage.find`, or `storage` for all of them) fails before it reaches storage.
    pub fn fail(&self, call: &str, error: StorageError) {
        self.add(call, 0, false, error);
    }

    /// The `nth` such call from now on, counted from 1, fails before it reaches storage.
    pub fn fail_nth(&self, call: &str, nth: u32, error: StorageError) {
        self.add(call, nth.saturating_sub(1), true, error);
    }

    /// No call fails any more.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    fn add(&self, call: &str, skip: u32, once: bool, error: StorageError) {
        self.state().faults.push(Fault {
            call: call.into(),
            skip,
            once,
            error,
        });
    }

    fn note(&self, call: &str, subject: &str) -> Result<(), StorageError> {
        let mut state = self.state();
        let line = if subject.is_empty() {
            call.into()
        } else {
            format!("{call} {subject}")
        };
        state.calls.push(line);
        let port = call.split('.').next().unwrap_or(call);
        for index in 0..state.faults.len() {
            let fault = &mut state.faults[index];
            if fault.call != call && fault.call != port {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            let error = fault.error.clone();
            if fault.once {
                state.faults.remove(index);
            }
            return Err(error);
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A port whose calls are written into a [`CallLog`].
#[derive(Clone, Debug)]
pub struct Traced<P> {
    port: P,
    log: CallLog,
}

impl<P> Traced<P> {
    /// Writes the calls of `port` into `log`.
    pub fn new(port: P, log: CallLog) -> Self {
        Self { port, log }
    }

    /// The port below; what is called there is not written down.
    pub fn port(&self) -> &P {
        &self.port
    }

    /// The log.
    pub fn log(&self) -> &CallLog {
        &self.log
    }
}

impl<S: Storage + MaybeSend + Sync> Storage for Traced<S> {
    async fn find(&self, query: FindQuery) -> Result<Found, StorageError> {
        self.log.note("storage.find", &names(&query))?;
        self.port.find(query).await
    }

    async fn find_many(&self, queries: Vec<FindQuery>) -> Result<Vec<Found>, StorageError> {
        self.log
            .note("storage.find_many", &format!("{}", queries.len()))?;
        self.port.find_many(queries).await
    }

    async fn insert(&self, insertion: Insertion) -> Result<u64, StorageError> {
        let how = if insertion.open { "open" } else { "join" };
        self.log.note(
            "storage.insert",
            &format!("jti={} {how}", insertion.record.jti),
        )?;
        self.port.insert(insertion).await
    }

    async fn revoke(&self, revocation: Revocation) -> Result<Revoked, StorageError> {
        let target = match &revocation.target {
            RevocationTarget::Token(jti) => format!("jti={jti}"),
            RevocationTarget::Session(sid) => format!("sid={sid}"),
        };
        self.log.note("storage.revoke", &target)?;
        self.port.revoke(revocation).await
    }

    async fn revoke_matching(
        &self,
        revocation: MatchingRevocation,
    ) -> Result<MatchingRevoked, StorageError> {
        let dry = if revocation.dry_run { " dry_run" } else { "" };
        self.log.note(
            "storage.revoke_matching",
            &format!("subject={}{dry}", revocation.subject),
        )?;
        self.port.revoke_matching(revocation).await
    }

    async fn consume(&self, consumption: Consumption) -> Result<Consumed, StorageError> {
        self.log
            .note("storage.consume", &format!("jti={}", consumption.jti))?;
        self.port.consume(consumption).await
    }

    async fn touch(&self, touch: Touch) -> Result<(), StorageError> {
        self.log
            .note("storage.touch", &format!("sid={}", touch.sid))?;
        self.port.touch(touch).await
    }

    async fn list(&self, query: ListQuery) -> Result<StoredSessions, StorageError> {
        self.log
            .note("storage.list", &format!("subject={}", query.subject))?;
        self.port.list(query).await
    }

    async fn undelivered(&self, claim: DeliveryClaim) -> Result<Vec<Record>, StorageError> {
        let only = match &claim.only {
            None => String::new(),
            Some(only) => format!("subject={}", only.subject),
        };
        self.log.note("storage.undelivered", &only)?;
        self.port.undelivered(claim).await
    }

    async fn delivered(&self, records: Vec<RecordId>) -> Result<(), StorageError> {
        self.log
            .note("storage.delivered", &format!("{}", records.len()))?;
        self.port.delivered(records).await
    }

    async fn delete_expired(&self, batch: ExpiryBatch) -> Result<Deleted, StorageError> {
        self.log
            .note("storage.delete_expired", &format!("{}", batch.limit))?;
        self.port.delete_expired(batch).await
    }

    async fn raise_cut_off(&self, cut_off: CutOff) -> Result<(), StorageError> {
        let what = match &cut_off {
            CutOff::Subject(cut_off) => format!("subject={}", cut_off.subject),
            CutOff::Tenant(cut_off) => {
                format!("tenant={}", cut_off.tenant.as_deref().unwrap_or(""))
            }
            CutOff::Key(cut_off) => format!("kid={}", cut_off.kid),
        };
        self.log.note("storage.raise_cut_off", &what)?;
        self.port.raise_cut_off(cut_off).await
    }
}

impl<B: Broadcast + MaybeSend + Sync> Broadcast for Traced<B> {
    async fn publish(&self, messages: Vec<Message>) -> Vec<Result<(), BroadcastError>> {
        // A fault of storage's kind means that the broker cannot be reached.
        if self
            .log
            .note("broadcast.publish", &format!("{}", messages.len()))
            .is_err()
        {
            let refusal = || Err(BroadcastError::Unavailable("told to fail".into()));
            return messages.iter().map(|_| refusal()).collect();
        }
        self.port.publish(messages).await
    }
}

/// What a query names, the most telling first.
fn names(query: &FindQuery) -> String {
    let (name, value) = match query {
        FindQuery { jti: Some(jti), .. } => ("jti", jti),
        FindQuery { sid: Some(sid), .. } => ("sid", sid),
        FindQuery {
            subject: Some(subject),
            ..
        } => ("subject", subject),
        FindQuery { kid: Some(kid), .. } => ("kid", kid),
        _ => return String::new(),
    };
    format!("{name}={value}")
}
