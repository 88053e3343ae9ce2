//! Storage in PostgreSQL, 13 or newer.
//!
//! Every call is one statement: what writes is a function of the schema `authkernel`, which takes the subject's row
//! first. The tables and functions are those of the JavaScript adapter, so that services in both languages share them;
//! `docs/wire.md` describes them.
//!
//! # The address
//!
//! `postgres://user:password@host:port/database?parameter=value`, with the parameters of `tokio-postgres` and these
//! values of `sslmode`:
//!
//! | `sslmode` | |
//! | --- | --- |
//! | `disable` | not encrypted |
//! | `prefer` (when absent) | encrypted if the server can, but its certificate is not checked |
//! | `require`, `verify-ca`, `verify-full` | encrypted; certificate and host name are checked |
//!
//! Certificates are checked by those of the system, or of the file that `sslrootcert`, or the environment's
//! `SSL_CERT_FILE`, names. Of several hosts the primary is found and used: a standby may not have seen a revocation.
//!
//! # When the server is gone
//!
//! A call whose connection breaks, or that is not answered in time, is
//! [`StorageError::Unavailable`]; if it writes, it may have been done all the same, and repeating it is safe. Broken
//! connections are replaced.
//!
//! ```no_run
//! use authkernel::ports::StorageError;
//! use authkernel_wasmtime::storage::postgres::{OpenError, PostgresStorage, storage_error};
//!
//! async fn open() -> Result<PostgresStorage, OpenError> {
//!     PostgresStorage::connect("postgres://auth:secret@db.example/auth?sslmode=require").await
//! }
//!
//! /// An application may keep its own tables in the same database, by the same connections.
//! async fn accounts(storage: &PostgresStorage) -> Result<i64, StorageError> {
//!     let client = storage.client().await?;
//!     let row = client.query_one("SELECT count(*) FROM accounts", &[]).await;
//!     Ok(row.map_err(storage_error)?.get(0))
//! }
//! ```

mod calls;
mod durability;
mod error;
mod lease;
mod migrations;
mod settings;
pub(crate) mod target;
mod text;
pub(crate) mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use authkernel::ports::{Storage, StorageError};
use authkernel::record::{
    Consumed, Consumption, CutOff, Deleted, DeliveryClaim, ExpiryBatch, FindQuery, Found,
    Insertion, ListQuery, MatchingRevocation, MatchingRevoked, Record, RecordId, Revocation,
    Revoked, StoredSessions, Touch,
};

pub use deadpool_postgres::{Client, Pool};

pub use super::schema::SchemaVersion;
pub use durability::Durability;
pub use error::{OpenError, storage_error};
pub use settings::Settings;

use super::servers::{AT_ONCE, PATIENCE, Touches, answers, calls as documents};
use calls::Calls;

/// How often [`PostgresStorage::close`] looks whether calls still run.
const LOOK: Duration = Duration::from_millis(10);

/// How long [`PostgresStorage::close`] waits for calls that still run.
const LAST_CALLS: Duration = Duration::from_secs(15);

/// Storage in PostgreSQL; cheap to clone, all clones share the same connections.
#[derive(Clone)]
pub struct PostgresStorage {
    inner: Arc<Inner>,
}

struct Inner {
    calls: Calls,
    touches: Touches,
}

impl fmt::Debug for PostgresStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.inner.calls.pool.status();
        f.debug_struct("PostgresStorage")
            .field("connections", &status.size)
            .field("idle", &status.available)
            .finish_non_exhaustive()
    }
}

impl PostgresStorage {
    /// Connects with the default [`Settings`], and creates or updates the schema. Many processes may do so at once. It
    /// needs a role that may create a schema, or the schema made beforehand for its role.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]: an address that cannot be read, no server, a newer schema, another encoding than
    /// UTF-8.
    pub async fn connect(url: &str) -> Result<Self, OpenError> {
        Settings::default().connect(url).await
    }

    /// Connects with the default [`Settings`] to a database whose schema is up to date, and changes nothing.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]: [`OpenError::SchemaOlder`] when it is not.
    pub async fn connect_without_migrating(url: &str) -> Result<Self, OpenError> {
        Settings::default().connect_without_migrating(url).await
    }

    /// How far the schema of a database is migrated. Changes nothing.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub async fn schema_version(url: &str) -> Result<SchemaVersion, OpenError> {
        Settings::default().schema_version(url).await
    }

    /// What can be set before connecting.
    pub fn settings() -> Settings {
        Settings::default()
    }

    /// What a crash of the server's machine may cost, as it says now.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] when the server cannot be asked.
    pub async fn durability(&self) -> Result<Durability, StorageError> {
        Durability::ask(&self.inner.calls).await
    }

    /// The connections, for an application's own tables.
    pub fn pool(&self) -> &Pool {
        &self.inner.calls.pool
    }

    /// A connection, for an application's own tables. Begin a transaction with `build_transaction` if more than one
    /// statement belongs together; [`storage_error`] translates what PostgreSQL refuses.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] when there is no server, or all connections stay in use.
    pub async fn client(&self) -> Result<Client, StorageError> {
        self.pool().get().await.map_err(error::pool_error)
    }

    /// Asks the server whether it is there.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] when it is not.
    pub async fn ping(&self) -> Result<(), StorageError> {
        self.inner.calls.ping().await
    }

    /// How many records wait until live connections are told of their revocation.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] when the server cannot be asked.
    pub async fn pending(&self) -> Result<u64, StorageError> {
        self.inner.calls.pending().await
    }

    /// Writes what [`touch`](Storage::touch) was told and not yet written, refuses new calls, waits for those that run,
    /// and closes all connections.
    pub async fn close(&self) {
        self.write_touches().await;
        let pool = self.pool();
        pool.close();
        let ended = async {
            while pool.status().size > 0 {
                tokio::time::sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(LAST_CALLS, ended).await.is_err() {
            tracing::warn!("connections were still in use when the storage was closed");
        }
    }

    async fn write_touches(&self) {
        for notes in self.inner.touches.take().chunks(AT_ONCE) {
            let written = async {
                let document = documents::touch(notes)?;
                self.inner.calls.call(calls::TOUCH, document).await
            };
            if let Err(error) = written.await {
                // Best effort.
                tracing::warn!(?error, "last uses of sessions were not noted");
            }
        }
    }
}

impl Storage for PostgresStorage {
    async fn find(&self, query: FindQuery) -> Result<Found, StorageError> {
        let texts = documents::query_texts(&query)?;
        answers::found(&self.inner.calls.find(texts).await?)
    }

    async fn find_many(&self, queries: Vec<FindQuery>) -> Result<Vec<Found>, StorageError> {
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        let document = documents::find(&queries)?;
        let answer = self.inner.calls.call(calls::FIND_MANY, document).await?;
        answers::found_many(&answer, queries.len())
    }

    async fn insert(&self, insertion: Insertion) -> Result<u64, StorageError> {
        let document = documents::insert(&insertion)?;
        answers::epoch(&self.inner.calls.call(calls::INSERT, document).await?)
    }

    async fn revoke(&self, revocation: Revocation) -> Result<Revoked, StorageError> {
        let document = documents::revoke(&revocation)?;
        answers::revoked(&self.inner.calls.call(calls::REVOKE, document).await?)
    }

    async fn revoke_matching(
        &self,
        revocation: MatchingRevocation,
    ) -> Result<MatchingRevoked, StorageError> {
        let document = documents::revoke_matching(&revocation)?;
        let calls = &self.inner.calls;
        answers::matching_revoked(&calls.call(calls::REVOKE_MATCHING, document).await?)
    }

    async fn consume(&self, consumption: Consumption) -> Result<Consumed, StorageError> {
        let document = documents::consume(&consumption)?;
        answers::consumed(&self.inner.calls.call(calls::CONSUME, document).await?)
    }

    async fn touch(&self, touch: Touch) -> Result<(), StorageError> {
        if self.inner.touches.add(touch) {
            let storage = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(PATIENCE).await;
                storage.write_touches().await;
            });
        }
        Ok(())
    }

    async fn list(&self, query: ListQuery) -> Result<StoredSessions, StorageError> {
        let document = documents::list(&query)?;
        let answer = self.inner.calls.call(calls::LIST, document).await?;
        answers::page(&answer, query.limit)
    }

    async fn undelivered(&self, claim: DeliveryClaim) -> Result<Vec<Record>, StorageError> {
        let document = documents::undelivered(&claim)?;
        answers::claimed(&self.inner.calls.call(calls::UNDELIVERED, document).await?)
    }

    async fn delivered(&self, records: Vec<RecordId>) -> Result<(), StorageError> {
        if records.is_empty() {
            return Ok(());
        }
        let document = documents::delivered(&records)?;
        let answer = self.inner.calls.call(calls::DELIVERED, document).await;
        answer.map(drop)
    }

    async fn delete_expired(&self, batch: ExpiryBatch) -> Result<Deleted, StorageError> {
        let document = documents::delete_expired(batch)?;
        answers::deleted(
            &self
                .inner
                .calls
                .call(calls::DELETE_EXPIRED, document)
                .await?,
        )
    }

    async fn raise_cut_off(&self, cut_off: CutOff) -> Result<(), StorageError> {
        let document = documents::raise_cut_off(&cut_off)?;
        let answer = self.inner.calls.call(calls::RAISE_CUT_OFF, document).await;
        answer.map(drop)
    }
}
