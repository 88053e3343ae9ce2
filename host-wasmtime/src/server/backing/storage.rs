//! Any of the storages that a server can be given.

use authkernel::ports::{Storage, StorageError};
use authkernel::record::{
    Consumed, Consumption, CutOff, Deleted, DeliveryClaim, ExpiryBatch, FindQuery, Found,
    Insertion, ListQuery, MatchingRevocation, MatchingRevoked, Record, RecordId, Revocation,
    Revoked, StoredSessions, Touch,
};

use crate::storage::sqlite::SqliteStorage;

/// One of the storages. Clones share it.
#[derive(Clone, Debug)]
pub(crate) enum AnyStorage {
    /// A file that this server has for itself.
    Sqlite(SqliteStorage),
}

impl AnyStorage {
    /// How many records wait until live connections are told of their revocation.
    pub(crate) async fn pending(&self) -> Result<u64, StorageError> {
        match self {
            Self::Sqlite(storage) => storage.pending().await,
        }
    }

    /// Finishes what was begun, and closes the connections.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(storage) => storage.close().await,
        }
    }
}

macro_rules! dispatch {
    ($($name:ident($argument:ident: $request:ty) -> $answer:ty;)*) => {
        impl Storage for AnyStorage {
            $(async fn $name(&self, $argument: $request) -> Result<$answer, StorageError> {
                match self {
                    Self::Sqlite(storage) => storage.$name($argument).await,
                }
            })*
        }
    };
}

dispatch! {
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
