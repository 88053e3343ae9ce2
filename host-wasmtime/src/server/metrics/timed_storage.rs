//! Storage whose answers are timed.

use std::future::Future;
use std::time::Instant;

use authkernel::ports::{Storage, StorageError};
use authkernel::record::{
    Consumed, Consumption, CutOff, Deleted, DeliveryClaim, ExpiryBatch, FindQuery, Found,
    Insertion, ListQuery, MatchingRevocation, MatchingRevoked, Record, RecordId, Revocation,
    Revoked, StoredSessions, Touch,
};

use super::Metrics;

/// The same storage, timed.
#[derive(Clone, Debug)]
pub(crate) struct TimedStorage<S> {
    storage: S,
    metrics: Metrics,
}

impl<S> TimedStorage<S> {
    pub(crate) fn new(storage: S, metrics: Metrics) -> Self {
        Self { storage, metrics }
    }

    async fn timed<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        let begun = Instant::now();
        let answer = call.await;
        let outcome = match &answer {
            Ok(_) => "ok",
            Err(StorageError::Unavailable(_)) => "unavailable",
            Err(StorageError::Conflict) => "conflict",
            Err(StorageError::GuardFailed(_)) => "guard_failed",
            Err(StorageError::Other(_)) => "other",
        };
        self.metrics.storage_call(name, outcome, begun.elapsed());
        answer
    }
}

macro_rules! timed {
    ($($name:ident($argument:ident: $request:ty) -> $answer:ty;)*) => {
        impl<S: Storage + Sync> Storage for TimedStorage<S> {
            $(async fn $name(&self, $argument: $request) -> Result<$answer, StorageError> {
                self.timed(stringify!($name), self.storage.$name($argument)).await
            })*
        }
    };
}

timed! {
    find(query: FindQuery) -> Found;
    find_many(queries: Vec<FindQuery>) -> Vec<Found>;
    insert(insertion: Insertion) -> u64;
    revoke(revocation: Revocation) -> Revoked;
    revoke_matching(revocation: MatchingRevocation) -> MatchingRevoked;
    consume(consumption: Consumption) -> Consumed;
    touch(touch: Touch) -> ();
    list(query: ListQuery) -> StoredSessions;
    undelivered(claim: DeliveryClaim) -> Vec<Record>;
    delivered(records: Vec<RecordId>) -> ();
    delete_expired(batch: ExpiryBatch) -> Deleted;
    raise_cut_off(cut_off: CutOff) -> ();
}
