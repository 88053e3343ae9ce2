//! What SQLite storage does beyond the suite: settings, full and locked databases, damaged files, the application's
//! own tables, the plans of its statements.

mod application;
mod kept_answers;
mod opening;
mod plans;
mod settings;
mod threads;
mod trouble;

use std::path::{Path, PathBuf};

use authkernel::ports::StorageError;
use authkernel_wasmtime::storage::sqlite::SqliteStorage;
use tempfile::TempDir;

pub(crate) fn database() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("auth.db");
    (folder, path)
}

pub(crate) fn storage(path: &Path) -> SqliteStorage {
    SqliteStorage::open(path).expect("the database opens")
}

pub(crate) fn is_unavailable<T>(answer: &Result<T, StorageError>) -> bool {
    matches!(answer, Err(StorageError::Unavailable(_)))
}

pub(crate) async fn number(storage: &SqliteStorage, text: &'static str) -> i64 {
    storage
        .write(move |sql| sql.query_row(text, [], |row| row.get(0)))
        .await
        .expect("a number")
}
