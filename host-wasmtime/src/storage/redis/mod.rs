//! Storage in Redis, 7 or newer, or Valkey.
//!
//! Every call is one script, so that nothing comes between its parts. The scripts and the keys are those of the
//! JavaScript adapter, so that services in both languages share them; `docs/wire.md` describes them.
//!
//! # The address
//!
//! `redis://user:password@host:port/database`, or `rediss://` for TLS with the system's certificates (or those of the
//! environment's `SSL_CERT_FILE`). One connection is used, to the primary; it is made anew when it breaks.
//!
//! # Limits
//!
//! - All keys are in one hash slot, and one server does all the work. Give the address of the node that has the slot
//!   if the server is a cluster.
//! - Revocations survive a crash only with `appendonly yes` and `appendfsync always`, and are never evicted only with
//!   `maxmemory-policy noeviction`: ask [`RedisStorage::durability`] at start.
//! - Replication is asynchronous: a fail-over to a replica may lose the last writes, revocations included. Where that
//!   must not be, use PostgreSQL.
//!
//! # When the server is gone
//!
//! A call whose connection breaks, or that is not answered in time, is [`StorageError::Unavailable`]; if it writes, it
//! may have been done all the same, and repeating it is safe. A connection that breaks while nobody uses it costs no
//! call, unless the address says `protocol=resp2`: that protocol does not tell.
//!
//! ```no_run
//! use authkernel_wasmtime::storage::redis::{OpenError, RedisStorage};
//!
//! async fn open() -> Result<RedisStorage, OpenError> {
//!     let storage = RedisStorage::connect("redis://127.0.0.1/").await?;
//!     for warning in storage.durability().await.map_err(OpenError::from)?.warnings() {
//!         eprintln!("{warning}");
//!     }
//!     Ok(storage)
//! }
//! ```

mod durability;
mod error;
mod link;
mod scripts;
mod settings;

use std::sync::Arc;

use authkernel::ports::{Storage, StorageError};
use authkernel::record::{
    Consumed, Consumption, CutOff, Deleted, DeliveryClaim, ExpiryBatch, FindQuery, Found,
    Insertion, ListQuery, MatchingRevocation, MatchingRevoked, Record, RecordId, Revocation,
    Revoked, StoredSessions, Touch,
};

pub use durability::Durability;
pub use error::{OpenError, storage_error};
pub use link::Connection;
pub use settings::Settings;

use super::servers::{AT_ONCE, PATIENCE, Touches, answers, calls};
use link::Effect;
use scripts::Stored;

/// More queries than this go in several scripts, so that none holds up the server.
const FIND_AT_ONCE: usize = 500;

/// Storage in Redis; cheap to clone, all clones share the same connection.
#[derive(Clone, Debug)]
pub struct RedisStorage {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    connection: Connection,
    prefix: String,
    touches: Touches,
}

impl RedisStorage {
    /// Connects with the default [`Settings`], and sees whether the server can be used.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]: an address that cannot be read, no server, a replica, a server that is too old.
    pub async fn connect(url: &str) -> Result<Self, OpenError> {
        Settings::default().connect(url).await
    }

    /// What can be set before connecting.
    pub fn settings() -> Settings {
        Settings::default()
    }

    /// What a crash of the server may cost, as it says now.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] when the server cannot be asked.
    pub async fn durability(&self) -> Result<Durability, StorageError> {
        Durability::ask(&self.inner.connection).await
    }

    /// The connection, for an application's own keys, which must not begin with the [`prefix`](Self::prefix).
    /// [`storage_error`] translates what Redis refuses.
    pub fn connection(&self) -> Connection {
        self.inner.connection.clone()
    }

    /// The beginning of all keys of this storage.
    pub fn prefix(&self) -> &str {
        &self.inner.prefix
    }

    /// Asks the server whether it is there.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] when it is not.
    pub async fn ping(&self) -> Result<(), StorageError> {
        let ping = redis::cmd("PING");
        let answer = self.inner.connection.ask(&ping, Effect::Reads).await;
        answer.map(drop).map_err(storage_error)
    }

    /// How many records wait until live connections are told of their revocation.
    ///
    /// # Errors
    ///
    /// [`StorageError::Unavailable`] when the server cannot be asked.
    pub async fn pending(&self) -> Result<u64, StorageError> {
        let mut command = redis::cmd("ZCARD");
        command.arg(format!("{}pending", self.inner.prefix));
        let answer = self.inner.connection.ask(&command, Effect::Reads).await;
        let answer = answer.map_err(storage_error)?;
        redis::from_redis_value(answer)
            .map_err(|_| StorageError::Other("redis: a count is no number".into()))
    }

    /// Writes what [`touch`](Storage::touch) was told and not yet written, and closes the connection once no call
    /// runs. A later call would make another.
    pub async fn close(&self) {
        self.write_touches().await;
        self.inner.connection.close().await;
    }

    async fn run(&self, script: &Stored, document: &str) -> Result<String, StorageError> {
        let Inner {
            connection, prefix, ..
        } = &*self.inner;
        scripts::run(connection, prefix, script, document).await
    }

    async fn write_touches(&self) {
        for notes in self.inner.touches.take().chunks(AT_ONCE) {
            let written = async { self.run(&scripts::TOUCH, &calls::touch(notes)?).await };
            if let Err(error) = written.await {
                // Best effort.
                tracing::warn!(?error, "last uses of sessions were not noted");
            }
        }
    }
}

impl Storage for RedisStorage {
    async fn find(&self, query: FindQuery) -> Result<Found, StorageError> {
        let found = self.find_many(vec![query]).await?;
        let first = found.into_iter().next();
        first.ok_or_else(|| StorageError::Other("redis: a query was not answered".into()))
    }

    async fn find_many(&self, queries: Vec<FindQuery>) -> Result<Vec<Found>, StorageError> {
        let mut found = Vec::with_capacity(queries.len());
        for queries in queries.chunks(FIND_AT_ONCE) {
            let answer = self.run(&scripts::FIND, &calls::find(queries)?).await?;
            found.extend(answers::found_many(&answer, queries.len())?);
        }
        Ok(found)
    }

    async fn insert(&self, insertion: Insertion) -> Result<u64, StorageError> {
        let document = calls::insert(&insertion)?;
        answers::inserted(&self.run(&scripts::INSERT, &document).await?)
    }

    async fn revoke(&self, revocation: Revocation) -> Result<Revoked, StorageError> {
        let document = calls::revoke(&revocation)?;
        answers::revoked(&self.run(&scripts::REVOKE, &document).await?)
    }

    async fn revoke_matching(
        &self,
        revocation: MatchingRevocation,
    ) -> Result<MatchingRevoked, StorageError> {
        let document = calls::revoke_matching(&revocation)?;
        answers::matching_revoked(&self.run(&scripts::REVOKE_MATCHING, &document).await?)
    }

    async fn consume(&self, consumption: Consumption) -> Result<Consumed, StorageError> {
        let document = calls::consume(&consumption)?;
        answers::consumed(&self.run(&scripts::CONSUME, &document).await?)
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
        let document = calls::list(&query)?;
        answers::listed(&self.run(&scripts::LIST, &document).await?)
    }

    async fn undelivered(&self, claim: DeliveryClaim) -> Result<Vec<Record>, StorageError> {
        let document = calls::undelivered(&claim)?;
        answers::claimed(&self.run(&scripts::UNDELIVERED, &document).await?)
    }

    async fn delivered(&self, records: Vec<RecordId>) -> Result<(), StorageError> {
        if records.is_empty() {
            return Ok(());
        }
        let document = calls::delivered(&records)?;
        self.run(&scripts::DELIVERED, &document).await.map(drop)
    }

    async fn delete_expired(&self, batch: ExpiryBatch) -> Result<Deleted, StorageError> {
        let document = calls::delete_expired(batch)?;
        answers::deleted(&self.run(&scripts::DELETE_EXPIRED, &document).await?)
    }

    async fn raise_cut_off(&self, cut_off: CutOff) -> Result<(), StorageError> {
        let document = calls::raise_cut_off(&cut_off)?;
        self.run(&scripts::RAISE_CUT_OFF, &document).await.map(drop)
    }
}
