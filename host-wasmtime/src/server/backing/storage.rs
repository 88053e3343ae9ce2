//! Any of the storages that a server can be given.

use std::path::Path;

use authkernel::ports::{Storage, StorageError};
use authkernel::record::{
    Consumed, Consumption, CutOff, Deleted, DeliveryClaim, ExpiryBatch, FindQuery, Found,
    Insertion, ListQuery, MatchingRevocation, MatchingRevoked, Record, RecordId, Revocation,
    Revoked, StoredSessions, Touch,
};

use super::super::start::StartError;
use super::{StoragePlan, unusable};
use crate::storage::postgres::PostgresStorage;
use crate::storage::redis::RedisStorage;
use crate::storage::sqlite::SqliteStorage;

/// One of the storages. Clones share it.
#[derive(Clone, Debug)]
pub(crate) enum AnyStorage {
    /// A file that this server has for itself.
    Sqlite(SqliteStorage),
    /// A database that several servers share.
    Postgres(PostgresStorage),
    /// A Redis that several servers share.
    Redis(RedisStorage),
}

impl AnyStorage {
    /// Opens what was chosen and brings its schema up to date; SQLite in this file.
    pub(crate) async fn open(plan: &StoragePlan, database: &Path) -> Result<Self, StartError> {
        match plan {
            StoragePlan::Sqlite => {
                let database = database.to_owned();
                tokio::task::spawn_blocking(move || SqliteStorage::open(database))
                    .await
                    .map_err(|error| StartError::other(error.to_string()))?
                    .map(Self::Sqlite)
                    .map_err(|error| StartError::other(error.to_string()))
            }
            StoragePlan::Postgres(url) => PostgresStorage::connect(url.reveal())
                .await
                .map(Self::Postgres)
                .map_err(|error| unusable("--storage", url, &error)),
            StoragePlan::Redis(url) => RedisStorage::connect(url.reveal())
                .await
                .map(Self::Redis)
                .map_err(|error| unusable("--storage", url, &error)),
        }
    }

    /// Opens what a server has made, and changes nothing about the schema of what several share.
    pub(crate) async fn open_existing(
        plan: &StoragePlan,
        database: &Path,
    ) -> Result<Self, StartError> {
        match plan {
            StoragePlan::Postgres(url) => {
                let opened = PostgresStorage::connect_without_migrating(url.reveal()).await;
                opened
                    .map(Self::Postgres)
                    .map_err(|error| unusable("--storage", url, &error))
            }
            plan => Self::open(plan, database).await,
        }
    }

    /// What its settings could cost, one sentence each. SQLite is opened with those that cost nothing.
    pub(crate) async fn warnings(&self) -> Vec<String> {
        let warnings = match self {
            Self::Sqlite(_) => return Vec::new(),
            Self::Postgres(storage) => storage.durability().await.map(|found| found.warnings()),
            Self::Redis(storage) => storage.durability().await.map(|found| found.warnings()),
        };
        warnings.unwrap_or_else(|error| vec![format!("how durable the storage is: {error}")])
    }

    /// How many records wait until live connections are told of their revocation.
    pub(crate) async fn pending(&self) -> Result<u64, StorageError> {
        match self {
            Self::Sqlite(storage) => storage.pending().await,
            Self::Postgres(storage) => storage.pending().await,
            Self::Redis(storage) => storage.pending().await,
        }
    }

    /// Finishes what was begun, and closes the connections.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(storage) => storage.close().await,
            Self::Postgres(storage) => storage.close().await,
            Self::Redis(storage) => storage.close().await,
        }
    }
}

macro_rules! dispatch {
    ($($name:ident($argument:ident: $request:ty) -> $answer:ty;)*) => {
        impl Storage for AnyStorage {
            $(async fn $name(&self, $argument: $request) -> Result<$answer, StorageError> {
                match self {
                    Self::Sqlite(storage) => storage.$name($argument).await,
                    // Boxed, so that they do not make the future of the first one larger.
                    Self::Postgres(storage) => Box::pin(storage.$name($argument)).await,
                    Self::Redis(storage) => Box::pin(storage.$name($argument)).await,
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
