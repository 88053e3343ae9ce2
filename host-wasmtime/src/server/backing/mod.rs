//! What the server stands on: storage, broadcast and accounts, whichever of them the operator chose.

mod broadcast;
mod plan;
mod storage;
mod url;

use std::fmt::Display;
use std::path::Path;

use super::accounts::Accounts;
use super::accounts::postgres::PostgresAccounts;
use super::accounts::redis::RedisAccounts;
use super::accounts::sqlite::SqliteAccounts;
use super::start::StartError;

pub(crate) use broadcast::{AnyBroadcast, AnyListener};
pub use plan::Backends;
pub(crate) use plan::{BroadcastPlan, StoragePlan};
pub(crate) use storage::AnyStorage;
pub use url::BackingUrl;

/// All of it, connected.
pub(crate) struct Backing {
    pub(crate) storage: AnyStorage,
    pub(crate) accounts: Accounts,
    pub(crate) broadcast: AnyBroadcast,
    /// Subscribed since before the broadcast was handed to anybody.
    pub(crate) messages: AnyListener,
}

impl Backing {
    /// Opens and migrates what was chosen; SQLite in this file.
    pub(crate) async fn open(backends: &Backends, database: &Path) -> Result<Self, StartError> {
        let (storage, broadcast) = (backends.storage_plan()?, backends.broadcast_plan()?);
        tracing::info!(%storage, %broadcast, "connecting");
        let storage = AnyStorage::open(&storage, database).await?;
        for warning in storage.warnings().await {
            tracing::warn!("{warning}");
        }
        let accounts = accounts(&storage).await?;
        let broadcast = AnyBroadcast::connect(&broadcast).await?;
        let messages = broadcast.subscribe(backends).await?;
        Ok(Self {
            storage,
            accounts,
            broadcast,
            messages,
        })
    }
}

/// The accounts that are kept beside the tokens, migrated.
async fn accounts(storage: &AnyStorage) -> Result<Accounts, StartError> {
    let opened = match storage {
        AnyStorage::Sqlite(storage) => SqliteAccounts::open(storage.clone())
            .await
            .map(Accounts::Sqlite),
        AnyStorage::Postgres(storage) => PostgresAccounts::open(storage.clone())
            .await
            .map(Accounts::Postgres),
        AnyStorage::Redis(storage) => Ok(Accounts::Redis(RedisAccounts::new(storage.clone()))),
    };
    opened.map_err(|error| StartError::other(format!("cannot open the accounts: {error}")))
}

/// What a database or broker says, in a message for the operator: where it is, and nothing that is a secret.
fn unusable(flag: &str, url: &BackingUrl, error: &dyn Display) -> StartError {
    let says = url.hide_in(&error.to_string());
    StartError::other(format!("{flag} {url}: {says}"))
}
