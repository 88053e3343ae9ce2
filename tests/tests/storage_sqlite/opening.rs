//! What is opened, and what is refused.

use std::time::Duration;

use authkernel::testing::contract::fixtures::{open, record, stored};
use authkernel_wasmtime::storage::sqlite::{OpenError, SqliteStorage};
use rusqlite::Connection;

use super::{database, storage};

#[test]
fn what_cannot_be_opened_is_refused_with_its_reason() {
    let (folder, path) = database();
    let missing = folder.path().join("missing").join("auth.db");
    let error = SqliteStorage::open(&missing).expect_err("there is no folder");
    assert!(matches!(error, OpenError::File { .. }), "{error:?}");
    let error = SqliteStorage::open(folder.path()).expect_err("it is a folder");
    assert!(matches!(error, OpenError::File { .. }), "{error:?}");
    std::fs::write(
        &path,
        "a text that is no database, and longer than a header ".repeat(99),
    )
    .expect("a file");
    let error = SqliteStorage::open(&path).expect_err("it is a text");
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("auth.db is not a sqlite database"),
        "{error}"
    );
}

#[test]
fn another_applications_database_is_left_alone() {
    let (_folder, path) = database();
    let sql = Connection::open(&path).expect("a database");
    sql.execute_batch("PRAGMA user_version = 3; CREATE TABLE notes (text TEXT)")
        .expect("a schema");
    drop(sql);
    let before = std::fs::read(&path).expect("its bytes");
    let error = SqliteStorage::open(&path).expect_err("it is somebody else's");
    assert!(
        matches!(error, OpenError::ForeignDatabase { .. }),
        "{error:?}"
    );
    assert_eq!(std::fs::read(&path).expect("its bytes"), before);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (_folder, path) = database();
    storage(&path).close().await;
    let sql = Connection::open(&path).expect("the database");
    sql.pragma_update(None, "user_version", 99)
        .expect("a version");
    let error = SqliteStorage::open(&path).expect_err("it is newer");
    assert!(
        matches!(
            error,
            OpenError::SchemaNewer {
                found: 99,
                known: 1
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("use a newer program"), "{error}");
}

#[tokio::test]
async fn opening_again_finds_what_was_stored() {
    let (_folder, path) = database();
    let first = storage(&path);
    let record = open(&first, record("anna", "s1", "t1")).await;
    first.close().await;
    let second = storage(&path);
    assert_eq!(stored(&second, None, "t1").await, Some(record));
}

#[test]
fn many_processes_may_open_a_new_file_at_once() {
    let (_folder, path) = database();
    std::thread::scope(|scope| {
        let opened: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| SqliteStorage::open(&path).map(drop)))
            .collect();
        for thread in opened {
            thread.join().expect("it does not panic").expect("it opens");
        }
    });
}

#[tokio::test]
async fn a_database_that_stays_locked_is_not_opened() {
    let (_folder, path) = database();
    let sql = Connection::open(&path).expect("a database");
    sql.execute_batch("BEGIN EXCLUSIVE").expect("the lock");
    let settings = SqliteStorage::settings().busy_timeout(Duration::from_millis(50));
    let error = settings.open(&path).expect_err("it is locked");
    assert!(matches!(error, OpenError::Locked), "{error:?}");
}
