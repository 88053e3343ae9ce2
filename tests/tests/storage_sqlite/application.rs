//! The application's own statements.

use authkernel::ports::{Storage, StorageError};
use authkernel::testing::contract::fixtures::{open, opening, record, stored};
use futures_util::future::join_all;
use rusqlite::Connection;

use super::{database, is_unavailable, number, storage};

#[tokio::test]
async fn a_job_is_one_transaction() {
    let (_folder, path) = database();
    let storage = storage(&path);
    let create = |sql: &Connection| {
        sql.execute_batch("CREATE TABLE accounts (email TEXT PRIMARY KEY) STRICT")
    };
    storage.write(create).await.expect("a table");
    let half = storage
        .write(|sql| {
            sql.execute("INSERT INTO accounts VALUES ('anna@example.org')", [])?;
            sql.execute("INSERT INTO accounts VALUES ('anna@example.org')", [])
        })
        .await;
    assert!(matches!(half, Err(StorageError::Other(_))), "{half:?}");
    assert_eq!(number(&storage, "SELECT count(*) FROM accounts").await, 0);
    let whole = storage
        .write(|sql| sql.execute("INSERT INTO accounts VALUES ('anna@example.org')", []))
        .await;
    assert_eq!(whole, Ok(1));
    let read = storage.read(|sql| {
        sql.query_row("SELECT count(*) FROM accounts", [], |row| {
            row.get::<_, i64>(0)
        })
    });
    assert_eq!(read.await, Ok(1));
}

/// Jobs share a commit; one that fails undoes only itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_failing_job_does_not_touch_the_others_of_its_commit() {
    let (_folder, path) = database();
    let storage = storage(&path);
    let jobs = (0..100).map(|number| {
        let storage = storage.clone();
        async move {
            let jti = format!("t{}", number / 2);
            storage
                .insert(opening(record("anna", &format!("s{number}"), &jti)))
                .await
        }
    });
    let answers = join_all(jobs).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 50);
    assert_eq!(
        answers
            .iter()
            .filter(|answer| **answer == Err(StorageError::Conflict))
            .count(),
        50
    );
    assert_eq!(number(&storage, "SELECT count(*) FROM records").await, 50);
    assert_eq!(number(&storage, "SELECT count(*) FROM sessions").await, 50);
}

#[tokio::test]
async fn a_job_that_panics_takes_nothing_with_it() {
    let (_folder, path) = database();
    let storage = storage(&path);
    let answer = storage
        .write(|sql| -> rusqlite::Result<()> {
            sql.execute("INSERT INTO subjects VALUES ('', 'anna', 7)", [])?;
            panic!("on purpose")
        })
        .await;
    assert!(matches!(answer, Err(StorageError::Other(_))), "{answer:?}");
    let answer = storage
        .read(|_| -> rusqlite::Result<()> { panic!("on purpose") })
        .await;
    assert!(matches!(answer, Err(StorageError::Other(_))), "{answer:?}");
    assert_eq!(
        storage.insert(opening(record("anna", "s1", "t1"))).await,
        Ok(0)
    );
    assert!(stored(&storage, None, "t1").await.is_some());
}

/// Whoever ends the transaction in a job gets an error, and nobody a wrong answer.
#[tokio::test]
async fn a_job_that_ends_the_transaction_is_told_so() {
    let (_folder, path) = database();
    let storage = storage(&path);
    let answer = storage.write(|sql| sql.execute_batch("ROLLBACK")).await;
    assert!(is_unavailable(&answer), "{answer:?}");
    open(&storage, record("anna", "s1", "t1")).await;
}
