//! Storage in one SQLite file.
//!
//! One thread writes, with **group commit**: it takes the writes that wait, runs each in a savepoint of its own,
//! commits them together with one `fsync`, and only then answers. A few threads read, each with a connection and a
//! snapshot of its own, so that a look-up never waits for a write, and no async thread ever waits for the disk.
//! Several processes may open the same file.
//!
//! The answers of look-ups by key are **kept in memory** for as long as nothing is committed: every look-up first asks
//! SQLite whether any process has committed since the answer was read, and only when none has is it given again,
//! without a thread. So a kept answer is never older than one that was read.
//!
//! ```no_run
//! use authkernel::ports::StorageError;
//! use authkernel_wasmtime::storage::sqlite::{OpenError, SqliteStorage};
//!
//! fn open() -> Result<SqliteStorage, OpenError> {
//!     SqliteStorage::open("authkernel-data/authkernel.db")
//! }
//!
//! /// An application may keep its own tables in the same file, written by the same thread.
//! async fn accounts(storage: &SqliteStorage) -> Result<i64, StorageError> {
//!     let table = "CREATE TABLE IF NOT EXISTS accounts (email TEXT PRIMARY KEY) STRICT";
//!     storage.write(move |sql| sql.execute_batch(table)).await?;
//!     storage.read(|sql| sql.query_row("SELECT count(*) FROM accounts", [], |row| row.get(0))).await
//! }
//! ```

mod answers;
mod connection;
mod consume;
mod cut_offs;
mod delivery;
mod error;
mod expiry;
mod find;
mod insert;
mod list;
mod migrations;
mod queue;
mod reader;
mod revoke;
mod revoke_matching;
mod rows;
mod settings;
mod threads;
mod touches;
mod wal_index;
mod watch;
mod writer;

use std::path::Path;
use std::sync::Arc;

use authkernel::ports::{Storage, StorageError};
use authkernel::record::{
    Consumed, Consumption, CutOff, Deleted, DeliveryClaim, ExpiryBatch, FindQuery, Found,
    Insertion, ListQuery, MatchingRevocation, MatchingRevoked, Record, RecordId, Revocation,
    Revoked, StoredSessions, Touch,
};
use rusqlite::Connection;

pub use super::schema::SchemaVersion;
pub use error::{OpenError, storage_error};
pub use settings::Settings;

use error::Failure;
use threads::Threads;

/// Storage in one SQLite file; cheap to clone, all clones share the same threads.
///
/// A full disk, a database that another process keeps locked for longer than the busy timeout, or a failing
/// device is [`StorageError::Unavailable`]; a row that cannot be read is [`StorageError::Other`].
#[derive(Clone, Debug)]
pub struct SqliteStorage {
    threads: Arc<Threads>,
}

impl SqliteStorage {
    /// Opens or creates the file with the default [`Settings`]. Blocks while it migrates.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]: a missing folder, a file that is no database or belongs to another application, a newer
    /// schema, a lock that is held for longer than the busy timeout.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Settings::default().open(path)
    }

    /// A database in memory, for trying things out: it is lost with the last clone, and reads wait for writes.
    ///
    /// # Errors
    ///
    /// Only when SQLite or the operating system refuses: no memory, no thread.
    pub fn open_in_memory() -> Result<Self, OpenError> {
        Settings::default().open_in_memory()
    }

    /// How far a database file is migrated. Opens it for reading only, and changes nothing.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]: no such file, no database, somebody else's.
    pub fn schema_version(path: impl AsRef<Path>) -> Result<SchemaVersion, OpenError> {
        migrations::version(path.as_ref())
    }

    /// What can be set before opening.
    pub fn settings() -> Settings {
        Settings::default()
    }

    /// Runs `job` on the writing connection, inside a transaction that is committed, and on disk, when this answers
    /// `Ok`. When the job answers an error everything that it did is undone.
    ///
    /// All statements of one job are one transaction; jobs run one after the other, also those of the kernel. Do not
    /// begin or end a transaction in it, and keep it short. Once queued it runs to its end, even if the future is
    /// dropped. The tables `records`, `sessions`, `cut_offs` and `subjects` belong to this adapter.
    ///
    /// # Errors
    ///
    /// What the job answered, as [`storage_error`] translates it; [`StorageError::Unavailable`] when the commit
    /// failed or the storage was closed.
    pub async fn write<T, F>(&self, job: F) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.run_write(move |sql| Ok(job(sql)?)).await
    }

    /// Runs `job` on a reading connection, in one snapshot of what was committed before the call.
    ///
    /// The connection cannot write (in memory it is the writing one: do not write all the same).
    ///
    /// # Errors
    ///
    /// What the job answered, as [`storage_error`] translates it; [`StorageError::Unavailable`] when the storage was
    /// closed.
    pub async fn read<T, F>(&self, job: F) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.run_read(move |sql| Ok(job(sql)?)).await
    }

    /// Like [`read`](Self::read), for a look-up of a few rows by their keys whose answer depends on nothing but the
    /// database, `name` and `key`. The answer may come from memory: it is kept for as long as no process has
    /// committed anything since it was read, which is asked anew for every call.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub async fn look_up<T, F>(
        &self,
        name: &'static str,
        key: &str,
        job: F,
    ) -> Result<T, StorageError>
    where
        T: Clone + Send + Sync + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let question = || answers::question('a', [Some(name), Some(key)]);
        let job = move |sql: &Connection| Ok(job(sql)?);
        self.threads.look_up(question, |_| true, job).await
    }

    /// How many records wait until live connections are told of their revocation.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub async fn pending(&self) -> Result<u64, StorageError> {
        self.read(|sql| {
            sql.prepare_cached(
                "SELECT count(*) FROM records INDEXED BY records_pending WHERE notify_due IS NOT NULL",
            )?
            .query_row([], |row| rows::number(row, 0))
        })
        .await
    }

    /// Refuses new calls, waits until every queued write is on disk, and closes all connections. Repeating it, also
    /// on another clone, waits for the same end.
    pub async fn close(&self) {
        self.threads.close().await;
    }

    async fn run_write<T, F>(&self, job: F) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        threads::answer(self.threads.send_write(job)).await
    }

    async fn run_read<T, F>(&self, job: F) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        threads::answer(self.threads.send_read(false, job)).await
    }
}

impl Storage for SqliteStorage {
    async fn find(&self, query: FindQuery) -> Result<Found, StorageError> {
        let question = || find::question(&query);
        let job = {
            let query = query.clone();
            move |sql: &Connection| find::find(sql, query)
        };
        self.threads.look_up(question, find::is_small, job).await
    }

    async fn find_many(&self, queries: Vec<FindQuery>) -> Result<Vec<Found>, StorageError> {
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        self.run_read(move |sql| {
            queries
                .into_iter()
                .map(|query| find::find(sql, query))
                .collect()
        })
        .await
    }

    async fn insert(&self, insertion: Insertion) -> Result<u64, StorageError> {
        self.run_write(move |sql| insert::insert(sql, &insertion))
            .await
    }

    async fn revoke(&self, revocation: Revocation) -> Result<Revoked, StorageError> {
        self.run_write(move |sql| revoke::revoke(sql, &revocation))
            .await
    }

    async fn revoke_matching(
        &self,
        revocation: MatchingRevocation,
    ) -> Result<MatchingRevoked, StorageError> {
        if revocation.dry_run {
            return self
                .run_read(move |sql| revoke_matching::preview(sql, &revocation))
                .await;
        }
        self.run_write(move |sql| revoke_matching::revoke_matching(sql, &revocation))
            .await
    }

    async fn consume(&self, consumption: Consumption) -> Result<Consumed, StorageError> {
        self.run_write(move |sql| consume::consume(sql, &consumption))
            .await
    }

    async fn touch(&self, touch: Touch) -> Result<(), StorageError> {
        self.threads.touch(touch)
    }

    async fn list(&self, query: ListQuery) -> Result<StoredSessions, StorageError> {
        self.run_read(move |sql| list::list(sql, &query)).await
    }

    async fn undelivered(&self, claim: DeliveryClaim) -> Result<Vec<Record>, StorageError> {
        self.run_write(move |sql| delivery::undelivered(sql, &claim))
            .await
    }

    async fn delivered(&self, records: Vec<RecordId>) -> Result<(), StorageError> {
        if records.is_empty() {
            return Ok(());
        }
        self.run_write(move |sql| delivery::delivered(sql, &records))
            .await
    }

    async fn delete_expired(&self, batch: ExpiryBatch) -> Result<Deleted, StorageError> {
        self.run_write(move |sql| expiry::delete_expired(sql, &batch))
            .await
    }

    async fn raise_cut_off(&self, cut_off: CutOff) -> Result<(), StorageError> {
        self.run_write(move |sql| cut_offs::raise(sql, &cut_off))
            .await
    }
}
