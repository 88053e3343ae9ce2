//! The schema of the accounts, brought up to date by whichever server starts first.

use authkernel::ports::StorageError;
use tokio_postgres::{Error, GenericClient, IsolationLevel};

use crate::storage::postgres::{PostgresStorage, SchemaVersion, storage_error};

/// The migrations, in order. Never change one that was released.
const MIGRATIONS: &[&str] = &[include_str!(
    "../../../../migrations/accounts-postgres/001_accounts.sql"
)];

/// Held by whoever migrates, so that servers that start together do it one after the other.
const LOCK: i64 = 7_022_352_937_417_843_058;

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS authkernel_accounts.migrations (version BIGINT PRIMARY KEY)";

/// How far the accounts are migrated; a database without any is not at all. Changes nothing.
pub(crate) async fn schema_version(
    storage: &PostgresStorage,
) -> Result<SchemaVersion, StorageError> {
    let client = storage.client().await?;
    version(&**client).await.map_err(storage_error)
}

async fn version(client: &impl GenericClient) -> Result<SchemaVersion, Error> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    // Read as rows are: what `to_regclass` and its like remember may be older than the lock that was waited for.
    let there = "SELECT EXISTS (SELECT FROM pg_tables
                 WHERE schemaname = 'authkernel_accounts' AND tablename = 'migrations')";
    let there: bool = client.query_one(there, &[]).await?.try_get(0)?;
    if !there {
        return Ok(SchemaVersion { found: 0, known });
    }
    let newest = "SELECT coalesce(max(version), 0) FROM authkernel_accounts.migrations";
    let found: i64 = client.query_one(newest, &[]).await?.try_get(0)?;
    let found = u32::try_from(found).unwrap_or(u32::MAX);
    Ok(SchemaVersion { found, known })
}

/// Applies what is missing. Nothing is written where nothing is missing, so that a role that may only use the schema
/// can run a server.
pub(super) async fn migrate(storage: &PostgresStorage) -> Result<(), StorageError> {
    let version = schema_version(storage).await?;
    if version.is_newer() {
        return Err(StorageError::Other(
            "the accounts were written by a newer version of authkernel: use that version".into(),
        ));
    }
    match version.is_current() {
        true => Ok(()),
        false => apply(storage).await,
    }
}

async fn apply(storage: &PostgresStorage) -> Result<(), StorageError> {
    let mut client = storage.client().await?;
    let transaction = client
        .build_transaction()
        // At another level the look after the lock would see what was there before it.
        .isolation_level(IsolationLevel::ReadCommitted)
        .start()
        .await
        .map_err(storage_error)?;
    let steps = async {
        let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
        transaction.batch_execute(&lock).await?;
        // Looked at again: another server may have migrated meanwhile.
        let SchemaVersion { found, .. } = version(&*transaction).await?;
        for (version, migration) in (1_u32..)
            .zip(MIGRATIONS)
            .filter(|(version, _)| *version > found)
        {
            transaction.batch_execute(migration).await?;
            transaction.batch_execute(TABLE).await?;
            let insert = "INSERT INTO authkernel_accounts.migrations (version) VALUES ($1)";
            transaction.execute(insert, &[&i64::from(version)]).await?;
        }
        Ok(())
    };
    steps.await.map_err(storage_error)?;
    transaction.commit().await.map_err(storage_error)
}
