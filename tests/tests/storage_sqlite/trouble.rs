//! A locked, full or damaged database.

use std::time::Duration;

use authkernel::ports::{Storage, StorageError};
use authkernel::record::{FindQuery, Record};
use authkernel::testing::contract::fixtures::{open, opening, record, stored, token};
use authkernel_wasmtime::storage::sqlite::SqliteStorage;
use futures_util::future::join_all;
use rusqlite::Connection;

use super::{database, is_unavailable, number, storage};

#[tokio::test]
async fn a_locked_database_refuses_writes_and_still_answers() {
    let (_folder, path) = database();
    let settings = SqliteStorage::settings().busy_timeout(Duration::from_millis(50));
    let storage = settings.open(&path).expect("the database opens");
    open(&storage, record("anna", "s1", "t1")).await;
    let other = Connection::open(&path).expect("the same database");
    other.execute_batch("BEGIN EXCLUSIVE").expect("the lock");
    let answer = storage.revoke(token("t1")).await;
    assert!(is_unavailable(&answer), "{answer:?}");
    let answer = storage.insert(opening(record("anna", "s2", "t2"))).await;
    assert!(is_unavailable(&answer), "{answer:?}");
    assert!(
        stored(&storage, None, "t1").await.is_some(),
        "readers do not wait"
    );
    other.execute_batch("ROLLBACK").expect("the lock is free");
    assert!(storage.revoke(token("t1")).await.is_ok());
    assert_eq!(stored(&storage, None, "t2").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_unavailable_and_loses_nothing_that_was_acknowledged() {
    let (_folder, path) = database();
    let storage = storage(&path);
    let first = open(&storage, record("anna", "s0", "t0")).await;
    let pages = number(&storage, "PRAGMA page_count").await;
    let limit = format!("PRAGMA max_page_count = {}", pages + 8);
    storage
        .write(move |sql| sql.query_row(&limit, [], |_| Ok(())))
        .await
        .expect("a limit");
    let large = |jti: &str| Record {
        extra_data: Some("x".repeat(3_000)),
        ..record("anna", jti, jti)
    };
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    for batch in 0..10 {
        let jtis: Vec<String> = (0..10).map(|number| format!("t{batch}.{number}")).collect();
        let answers = join_all(jtis.iter().map(|jti| storage.insert(opening(large(jti))))).await;
        for (jti, answer) in jtis.into_iter().zip(answers) {
            match answer {
                Ok(_) => kept.push(jti),
                answer => {
                    assert!(is_unavailable(&answer), "{answer:?}");
                    refused.push(jti);
                }
            }
        }
    }
    assert!(!refused.is_empty(), "the limit was not reached");
    for jti in &refused {
        assert_eq!(stored(&storage, None, jti).await, None, "{jti}");
    }
    storage
        .write(|sql| sql.query_row("PRAGMA max_page_count = 1000000", [], |_| Ok(())))
        .await
        .expect("room again");
    storage
        .insert(opening(large(&refused[0])))
        .await
        .expect("there is room");
    storage.close().await;
    let again = SqliteStorage::open(&path).expect("the database opens");
    assert_eq!(stored(&again, None, "t0").await, Some(first));
    for jti in &kept {
        assert!(
            stored(&again, None, jti).await.is_some(),
            "{jti} was acknowledged"
        );
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_an_error_and_not_an_absence() {
    let (_folder, path) = database();
    let storage = storage(&path);
    let damages = [
        "UPDATE records SET successors = 'no json'",
        "UPDATE records SET status = 9",
        "UPDATE records SET status = 1, status_at = NULL",
        "UPDATE records SET expires_at = -1",
    ];
    for (round, damage) in damages.into_iter().enumerate() {
        let jti = format!("t{round}");
        open(&storage, record("anna", &jti, &jti)).await;
        let damage = format!("{damage} WHERE jti = '{jti}'");
        storage
            .write(move |sql| sql.execute(&damage, []))
            .await
            .expect("it is written");
        let query = FindQuery {
            jti: Some(jti),
            ..FindQuery::default()
        };
        let answer = storage.find(query).await;
        assert!(matches!(answer, Err(StorageError::Other(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn a_damaged_file_is_an_error_and_not_an_absence() {
    let (_folder, path) = database();
    let first = storage(&path);
    for number in 0..200 {
        let jti = format!("t{number}");
        open(&first, record("anna", &jti, &jti)).await;
    }
    let page = usize::try_from(number(&first, "PRAGMA page_size").await).expect("a size");
    first.close().await;
    let mut bytes = std::fs::read(&path).expect("its bytes");
    bytes[page..].fill(0xff);
    std::fs::write(&path, bytes).expect("it is written");
    // Whether it can be opened at all is not the question; that nothing is answered from it is.
    let Ok(second) = SqliteStorage::open(&path) else {
        return;
    };
    let query = FindQuery {
        jti: Some("t1".into()),
        ..FindQuery::default()
    };
    let answer = second.find(query).await;
    assert!(answer.is_err(), "{answer:?}");
    let answer = second.revoke(token("t1")).await;
    assert!(answer.is_err(), "{answer:?}");
}

#[tokio::test]
async fn an_empty_tenant_is_not_taken_for_none() {
    let (_folder, path) = database();
    let storage = storage(&path);
    open(&storage, record("anna", "s1", "t1")).await;
    let query = FindQuery {
        tenant: Some(String::new()),
        jti: Some("t1".into()),
        ..FindQuery::default()
    };
    let answer = storage.find(query).await;
    assert!(matches!(answer, Err(StorageError::Other(_))), "{answer:?}");
}
