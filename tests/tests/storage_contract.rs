//! The storage suite of the port, run by every adapter: a constructor and one line each.

use authkernel::storage_contract;
use authkernel_wasmtime::storage::memory::MemoryStorage;
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
