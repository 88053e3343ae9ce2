//! Storage in the memory of one process.

mod cut_offs;
mod delivery;
mod expiry;
mod find;
mod insert;
mod revoke;
mod revoke_matching;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use self::state::State;
use crate::ports::{Storage, StorageError};
use crate::record::{
    Consumed, Consumption, CutOff, Deleted, DeliveryClaim, ExpiryBatch, FindQuery, Found,
    Insertion, ListQuery, MatchingRevocation, MatchingRevoked, Record, RecordId, Revocation,
    Revoked, StoredSessions, Touch,
};

/// The simplest storage: everything in the memory of this process, behind one lock. Clones share it.
///
/// It keeps every promise of the port but one that it cannot: **it is lost with the process, revocations included**,
/// and no other process sees it. Use it for tests, and for a service that is a single process and whose tokens
/// die with it, for instance because its signing key is made at its start.
///
/// No call scans what belongs to other subjects or other sessions.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    state: Arc<Mutex<State>>,
}

impl MemoryStorage {
    /// An empty storage.
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing that runs under the lock panics, so what a poisoned one guards is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for MemoryStorage {
    async fn find(&self, query: FindQuery) -> Result<Found, StorageError> {
        Ok(self.state().find(&query))
    }

    async fn find_many(&self, queries: Vec<FindQuery>) -> Result<Vec<Found>, StorageError> {
        let state = self.state();
        Ok(queries.iter().map(|query| state.find(query)).collect())
    }

    async fn insert(&self, insertion: Insertion) -> Result<u64, StorageError> {
        self.state().insert(insertion)
    }

    async fn revoke(&self, revocation: Revocation) -> Result<Revoked, StorageError> {
        Ok(self.state().revoke(&revocation))
    }

    async fn revoke_matching(
        &self,
        revocation: MatchingRevocation,
    ) -> Result<MatchingRevoked, StorageError> {
        Ok(self.state().revoke_matching(&revocation))
    }

    async fn consume(&self, consumption: Consumption) -> Result<Consumed, StorageError> {
        self.state().consume(consumption)
    }

    async fn touch(&self, touch: Touch) -> Result<(), StorageError> {
        self.state().touch(&touch);
        Ok(())
    }

    async fn list(&self, query: ListQuery) -> Result<StoredSessions, StorageError> {
        Ok(self.state().list(&query))
    }

    async fn undelivered(&self, claim: DeliveryClaim) -> Result<Vec<Record>, StorageError> {
        Ok(self.state().undelivered(&claim))
    }

    async fn delivered(&self, records: Vec<RecordId>) -> Result<(), StorageError> {
        self.state().delivered(&records);
        Ok(())
    }

    async fn delete_expired(&self, batch: ExpiryBatch) -> Result<Deleted, StorageError> {
        Ok(self.state().delete_expired(&batch))
    }

    async fn raise_cut_off(&self, cut_off: CutOff) -> Result<(), StorageError> {
        self.state().raise_cut_off(cut_off);
        Ok(())
    }
}
