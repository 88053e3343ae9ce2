//! The kernel's ports over the component's imports.

use alloc::vec::Vec;

use authkernel::ports::{
    Broadcast, BroadcastError, Clock, Host, Message, Random, RandomError, Storage, StorageError,
};
use authkernel::record::{
    Consumed, Consumption, CutOff, Deleted, DeliveryClaim, ExpiryBatch, FindQuery, Found,
    Insertion, ListQuery, MatchingRevocation, MatchingRevoked, Record, RecordId, Revocation,
    Revoked, StoredSessions, Timestamp, Touch,
};

use super::bindings::auth::kernel::{broadcast, storage};
use super::bindings::wasi::clocks::wall_clock;
use super::bindings::wasi::random::random;
use super::convert::Convert;

/// What the component imports.
pub(crate) struct Imports;

impl Host for Imports {
    type Storage = Self;
    type Broadcast = Self;
    type Clock = Self;
    type Random = Self;

    fn storage(&self) -> &Self {
        self
    }
    fn broadcast(&self) -> &Self {
        self
    }
    fn clock(&self) -> &Self {
        self
    }
    fn random(&self) -> &Self {
        self
    }
}

impl Storage for Imports {
    async fn find(&self, query: FindQuery) -> Result<Found, StorageError> {
        storage::find(&query.convert()).convert()
    }

    async fn find_many(&self, queries: Vec<FindQuery>) -> Result<Vec<Found>, StorageError> {
        let queries: Vec<_> = queries.convert();
        storage::find_many(&queries).convert()
    }

    async fn insert(&self, insertion: Insertion) -> Result<u64, StorageError> {
        storage::insert(&insertion.convert()).convert()
    }

    async fn revoke(&self, revocation: Revocation) -> Result<Revoked, StorageError> {
        storage::revoke(&revocation.convert()).convert()
    }

    async fn revoke_matching(
        &self,
        revocation: MatchingRevocation,
    ) -> Result<MatchingRevoked, StorageError> {
        storage::revoke_matching(&revocation.convert()).convert()
    }

    async fn consume(&self, consumption: Consumption) -> Result<Consumed, StorageError> {
        storage::consume(&consumption.convert()).convert()
    }

    async fn touch(&self, touch: Touch) -> Result<(), StorageError> {
        storage::touch(touch.tenant.as_deref(), &touch.sid, touch.at).convert()
    }

    async fn list(&self, query: ListQuery) -> Result<StoredSessions, StorageError> {
        storage::list(&query.convert()).convert()
    }

    async fn undelivered(&self, claim: DeliveryClaim) -> Result<Vec<Record>, StorageError> {
        storage::undelivered(&claim.convert()).convert()
    }

    async fn delivered(&self, records: Vec<RecordId>) -> Result<(), StorageError> {
        let records: Vec<_> = records.convert();
        storage::delivered(&records).convert()
    }

    async fn delete_expired(&self, batch: ExpiryBatch) -> Result<Deleted, StorageError> {
        storage::delete_expired(batch.before, batch.limit).convert()
    }

    async fn raise_cut_off(&self, cut_off: CutOff) -> Result<(), StorageError> {
        storage::raise_cut_off(&cut_off.convert()).convert()
    }
}

impl Broadcast for Imports {
    async fn publish(&self, messages: Vec<Message>) -> Vec<Result<(), BroadcastError>> {
        let messages: Vec<_> = messages.convert();
        broadcast::publish(&messages).convert()
    }
}

impl Clock for Imports {
    fn now(&self) -> Timestamp {
        wall_clock::now().seconds
    }
}

impl Random for Imports {
    /// WASI has no error here: a host without randomness traps, or answers less than it was asked for.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        let random = random::get_random_bytes(bytes.len() as u64);
        if random.len() != bytes.len() {
            return Err(RandomError);
        }
        bytes.copy_from_slice(&random);
        Ok(())
    }
}
