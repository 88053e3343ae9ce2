//! What the server stands on: storage, broadcast and accounts, whichever of them the operator chose.

mod broadcast;
mod storage;

use std::path::PathBuf;

use super::accounts::Accounts;
use super::accounts::sqlite::SqliteAccounts;
use super::start::StartError;
use crate::storage::sqlite::SqliteStorage;

pub(crate) use broadcast::{AnyBroadcast, AnyListener};
pub(crate) use storage::AnyStorage;

/// All of it, connected.
pub(crate) struct Backing {
    pub(crate) storage: AnyStorage,
    pub(crate) accounts: Accounts,
    pub(crate) broadcast: AnyBroadcast,
    /// Subscribed since before the broadcast was handed to anybody.
    pub(crate) messages: AnyListener,
}

impl Backing {
    /// Opens the database and what goes with it.
    pub(crate) async fn open(database: PathBuf) -> Result<Self, StartError> {
        let storage = tokio::task::spawn_blocking(move || SqliteStorage::open(database))
            .await
            .map_err(|error| StartError::other(error.to_string()))?
            .map_err(|error| StartError::other(error.to_string()))?;
        let accounts = SqliteAccounts::open(storage.clone())
            .await
            .map_err(|error| StartError::other(format!("cannot open the accounts: {error:?}")))?;
        let (broadcast, messages) = AnyBroadcast::in_process();
        Ok(Self {
            storage: AnyStorage::Sqlite(storage),
            accounts: Accounts::Sqlite(accounts),
            broadcast,
            messages,
        })
    }
}
