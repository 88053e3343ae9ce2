//! The host under a target: memory storage, a broker in memory, a clock that stands, seeded randomness; every
//! call of storage and broadcast is written down, and any of them can be made to fail.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use authkernel::ports::{
    Broadcast, BroadcastError, Guard, Message, Ports, Random, RandomError, Storage, StorageError,
};
use authkernel::record::{
    Consumed, Consumption, CutOff, Deleted, DeliveryClaim, ExpiryBatch, FindQuery, Found,
    Insertion, ListQuery, MatchingRevocation, MatchingRevoked, Record, RecordId, Revocation,
    Revoked, StoredSessions, Touch,
};
use authkernel::testing::{MemoryStorage, SeededRandom, TestClock};
use serde_json::{Value, json};

use crate::port_json::PortJson;
use crate::vector::Fault;

/// The host that vectors run on.
pub type VectorHost = Ports<Recorder<MemoryStorage>, Broker, TestClock, FailingRandom>;

/// What happened at the ports, and what is to fail there. One log is shared by all ports of a host.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    calls: Vec<PortCall>,
    messages: Vec<Message>,
    faults: Vec<Fault>,
}

/// One call of a port.
#[derive(Clone, Debug, PartialEq)]
pub struct PortCall {
    /// `storage.find`, …
    pub name: String,
    /// Its arguments.
    pub arguments: Value,
}

impl Log {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on these calls fail, and no others.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.entries().faults = faults;
    }

    /// The calls since the last time, and the messages that the broker took.
    pub fn take(&self) -> (Vec<PortCall>, Vec<Message>) {
        let mut entries = self.entries();
        (
            std::mem::take(&mut entries.calls),
            std::mem::take(&mut entries.messages),
        )
    }

    fn call(&self, name: &str, arguments: Value) -> Option<Fault> {
        let mut entries = self.entries();
        entries.calls.push(PortCall {
            name: name.to_owned(),
            arguments,
        });
        let port = name.split('.').next().unwrap_or(name);
        entries
            .faults
            .iter()
            .find(|fault| fault.call == name || fault.call == port)
            .cloned()
    }

    fn storage_call(&self, name: &str, arguments: Value) -> Result<(), StorageError> {
        let Some(fault) = self.call(name, arguments) else {
            return Ok(());
        };
        let text = "the vector says so".to_owned();
        Err(match fault.error.as_str() {
            "unavailable" => StorageError::Unavailable(text),
            "conflict" => StorageError::Conflict,
            "guard_epoch" => StorageError::GuardFailed(Guard::Epoch),
            "guard_session" => StorageError::GuardFailed(Guard::Session),
            _ => StorageError::Other(text),
        })
    }
}

/// A storage whose calls are written down.
#[derive(Clone, Debug)]
pub struct Recorder<S> {
    inner: S,
    log: Log,
}

impl<S> Recorder<S> {
    /// Writes the calls of `inner` down.
    pub fn new(inner: S, log: Log) -> Self {
        Self { inner, log }
    }

    /// The storage below, whose calls are not written down.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S: Storage + Send + Sync> Storage for Recorder<S> {
    async fn find(&self, query: FindQuery) -> Result<Found, StorageError> {
        self.log.storage_call("storage.find", query.port_json())?;
        self.inner.find(query).await
    }
    async fn find_many(&self, queries: Vec<FindQuery>) -> Result<Vec<Found>, StorageError> {
        let arguments = json!({ "queries": queries.port_json() });
        self.log.storage_call("storage.find_many", arguments)?;
        self.inner.find_many(queries).await
    }
    async fn insert(&self, insertion: Insertion) -> Result<u64, StorageError> {
        self.log
            .storage_call("storage.insert", insertion.port_json())?;
        self.inner.insert(insertion).await
    }
    async fn revoke(&self, revocation: Revocation) -> Result<Revoked, StorageError> {
        self.log
            .storage_call("storage.revoke", revocation.port_json())?;
        self.inner.revoke(revocation).await
    }
    async fn revoke_matching(
        &self,
        revocation: MatchingRevocation,
    ) -> Result<MatchingRevoked, StorageError> {
        self.log
            .storage_call("storage.revoke_matching", revocation.port_json())?;
        self.inner.revoke_matching(revocation).await
    }
    async fn consume(&self, consumption: Consumption) -> Result<Consumed, StorageError> {
        self.log
            .storage_call("storage.consume", consumption.port_json())?;
        self.inner.consume(consumption).await
    }
    async fn touch(&self, touch: Touch) -> Result<(), StorageError> {
        self.log.storage_call("storage.touch", touch.port_json())?;
        self.inner.touch(touch).await
    }
    async fn list(&self, query: ListQuery) -> Result<StoredSessions, StorageError> {
        self.log.storage_call("storage.list", query.port_json())?;
        self.inner.list(query).await
    }
    async fn undelivered(&self, claim: DeliveryClaim) -> Result<Vec<Record>, StorageError> {
        self.log
            .storage_call("storage.undelivered", claim.port_json())?;
        self.inner.undelivered(claim).await
    }
    async fn delivered(&self, records: Vec<RecordId>) -> Result<(), StorageError> {
        let arguments = json!({ "records": records.port_json() });
        self.log.storage_call("storage.delivered", arguments)?;
        self.inner.delivered(records).await
    }
    async fn delete_expired(&self, batch: ExpiryBatch) -> Result<Deleted, StorageError> {
        self.log
            .storage_call("storage.delete_expired", batch.port_json())?;
        self.inner.delete_expired(batch).await
    }
    async fn raise_cut_off(&self, cut_off: CutOff) -> Result<(), StorageError> {
        self.log
            .storage_call("storage.raise_cut_off", cut_off.port_json())?;
        self.inner.raise_cut_off(cut_off).await
    }
}

/// A broker that takes every message, unless it is made to fail, and remembers what it took.
#[derive(Clone, Debug)]
pub struct Broker {
    log: Log,
}

impl Broker {
    /// A broker that writes into this log.
    pub fn new(log: Log) -> Self {
        Self { log }
    }
}

impl Broadcast for Broker {
    async fn publish(&self, messages: Vec<Message>) -> Vec<Result<(), BroadcastError>> {
        let arguments = json!({ "messages": messages.port_json() });
        let fault = self.log.call("broadcast.publish", arguments);
        let mut entries = self.log.entries();
        let mut answers = Vec::with_capacity(messages.len());
        for message in messages {
            let hit = fault
                .as_ref()
                .filter(|fault| match (&fault.topic, &message) {
                    (None, _) => true,
                    (Some(part), Message::Disconnect(it)) => it.topic.contains(part),
                    (Some(_), Message::Recheck(_)) => false,
                });
            answers.push(match hit {
                Some(fault) if fault.error == "unavailable" => {
                    Err(BroadcastError::Unavailable("the vector says so".into()))
                }
                Some(_) => Err(BroadcastError::Other("the vector says so".into())),
                None => {
                    entries.messages.push(message);
                    Ok(())
                }
            });
        }
        answers
    }
}

/// Seeded randomness that can be made to fail.
#[derive(Clone, Debug)]
pub struct FailingRandom {
    inner: SeededRandom,
    log: Log,
}

impl FailingRandom {
    /// Fails when the log has a fault for `random.fill`.
    pub fn new(inner: SeededRandom, log: Log) -> Self {
        Self { inner, log }
    }
}

impl Random for FailingRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        let fails = self
            .log
            .entries()
            .faults
            .iter()
            .any(|fault| fault.call == "random.fill");
        if fails {
            Err(RandomError)
        } else {
            self.inner.fill(bytes)
        }
    }
}

/// A new host with empty storage, and the log of its ports.
pub fn vector_host(now: u64, seed: u64) -> (VectorHost, Log) {
    let log = Log::default();
    let host = Ports {
        storage: Recorder::new(MemoryStorage::new(), log.clone()),
        broadcast: Broker::new(log.clone()),
        clock: TestClock::new(now),
        random: FailingRandom::new(SeededRandom::new(seed), log.clone()),
    };
    (host, log)
}
