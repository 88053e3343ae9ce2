//! The storage suite of the port, run by every adapter: a constructor and one line each.

use std::sync::atomic::{AtomicU32, Ordering};

use authkernel::{storage_cases, storage_contract};
use authkernel_tests::services::postgres::Postgres;
use authkernel_tests::services::redis::Redis;
use authkernel_wasmtime::storage::memory::MemoryStorage;
use authkernel_wasmtime::storage::postgres::PostgresStorage;
use authkernel_wasmtime::storage::redis::RedisStorage;
use authkernel_wasmtime::storage::sqlite::SqliteStorage;
use tempfile::TempDir;

async fn memory() -> (MemoryStorage, ()) {
    (MemoryStorage::new(), ())
}

async fn sqlite() -> (SqliteStorage, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let storage = SqliteStorage::open(folder.path().join("auth.db")).expect("a new database");
    (storage, folder)
}

async fn sqlite_in_memory() -> (SqliteStorage, ()) {
    (SqliteStorage::open_in_memory().expect("a new database"), ())
}

storage_contract!(memory_storage, memory);
storage_contract!(sqlite_storage, sqlite);
storage_contract!(sqlite_in_memory_storage, sqlite_in_memory);

/// A database of its own for each case.
async fn postgres() -> Option<PostgresStorage> {
    let server = Postgres::shared()?;
    let storage = PostgresStorage::connect(&server.create_database()).await;
    Some(storage.expect("a new database"))
}

/// Statements that are not prepared, on a server whose transactions are at another level than the functions need.
async fn postgres_unprepared() -> Option<PostgresStorage> {
    let server = Postgres::shared()?;
    let url = server.create_database();
    let level = "options=-c%20default_transaction_isolation%3Dserializable";
    let settings = PostgresStorage::settings().prepare(false);
    let storage = settings.connect(&format!("{url}?{level}")).await;
    Some(storage.expect("a new database"))
}

/// Keys of its own for each case.
async fn redis() -> Option<RedisStorage> {
    static CASES: AtomicU32 = AtomicU32::new(0);
    let server = Redis::shared()?;
    let prefix = format!("{{{}}}:", CASES.fetch_add(1, Ordering::Relaxed));
    let settings = RedisStorage::settings().prefix(prefix);
    let storage = settings.connect(&server.url()).await;
    Some(storage.expect("a server that answers"))
}

/// [`storage_contract!`] for a server that may not be installed, which has been said then.
macro_rules! server_contract {
    ($make:expr; cases: $($case:ident),+; races: $($race:ident),+;) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let Some(storage) = ($make)().await else { return };
                authkernel::testing::contract::cases::$case(&storage).await;
                storage.close().await;
            }
        )+
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $race() {
                let Some(storage) = ($make)().await else { return };
                let storage = std::sync::Arc::new(storage);
                authkernel::testing::contract::cases::$race(&storage, |task| {
                    let started = tokio::spawn(task);
                    Box::pin(async move { started.await.expect("a task failed") })
                })
                .await;
                storage.close().await;
            }
        )+
    };
}

mod postgres_storage {
    use super::*;
    storage_cases!(server_contract! postgres;);
}

mod postgres_unprepared_storage {
    use super::*;
    storage_cases!(server_contract! postgres_unprepared;);
}

mod redis_storage {
    use super::*;
    storage_cases!(server_contract! redis;);
}
