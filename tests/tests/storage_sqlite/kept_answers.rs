//! Answers that are kept in memory: when they are given, and when not.

use std::sync::mpsc;
use std::time::Duration;

use authkernel::ports::{Storage, StorageError};
use authkernel::record::{FindQuery, Record, Touch};
use authkernel::testing::contract::fixtures::{
    NOW, is_live, open, record, stored, stored_session, token,
};
use authkernel_wasmtime::storage::sqlite::SqliteStorage;
use rusqlite::Connection;
use tokio::task::JoinHandle;

use super::{database, is_unavailable, storage};

/// Long enough for any answer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough for an answer from memory to come, were there one.
const MOMENT: Duration = Duration::from_millis(50);

/// A storage whose only reading thread is busy: what is answered now comes from memory.
struct Busy {
    release: mpsc::Sender<()>,
    reader: JoinHandle<Result<(), StorageError>>,
}

impl Busy {
    async fn keep(storage: &SqliteStorage) -> Self {
        let (release, released) = mpsc::channel();
        let (started, wait_started) = tokio::sync::oneshot::channel();
        let storage = storage.clone();
        let reader = tokio::spawn(async move {
            let job = move |_: &Connection| {
                started.send(()).expect("it is waited for");
                released.recv().expect("it is released");
                Ok(())
            };
            storage.read(job).await
        });
        wait_started.await.expect("it runs");
        Self { release, reader }
    }

    async fn end(self) {
        self.release.send(()).expect("it waits");
        self.reader.await.expect("it ends").expect("it answers");
    }
}

fn one_reader(path: &std::path::Path) -> SqliteStorage {
    let settings = SqliteStorage::settings().readers(1);
    settings.open(path).expect("the database opens")
}

async fn in_time<T>(answer: impl Future<Output = T>) -> T {
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    answer.expect("it is answered")
}

/// Asserts that the answer does not come from memory, and that it is `expected` once somebody reads.
async fn is_read_anew(storage: &SqliteStorage, busy: Busy, jti: &str, live: bool) {
    let mut answer = Box::pin(is_live(storage, jti));
    let early = tokio::time::timeout(MOMENT, &mut answer).await;
    assert!(early.is_err(), "it was answered from memory");
    busy.end().await;
    assert_eq!(in_time(answer).await, live);
}

#[tokio::test]
async fn an_answer_is_kept_while_nothing_is_committed() {
    let (_folder, path) = database();
    let storage = one_reader(&path);
    let stored_record = open(&storage, record("anna", "s1", "t1")).await;
    assert!(is_live(&storage, "t1").await);
    let busy = Busy::keep(&storage).await;
    for _ in 0..3 {
        let found = in_time(stored(&storage, None, "t1")).await;
        assert_eq!(found.as_ref(), Some(&stored_record));
    }
    // Another question about the same record is another answer.
    let other = FindQuery {
        jti: Some("t1".into()),
        subject: Some("anna".into()),
        ..FindQuery::default()
    };
    let mut answer = Box::pin(storage.find(other));
    assert!(tokio::time::timeout(MOMENT, &mut answer).await.is_err());
    busy.end().await;
    assert_eq!(
        in_time(answer).await.expect("it is found").record,
        Some(stored_record)
    );
}

#[tokio::test]
async fn a_revocation_here_ends_it() {
    let (_folder, path) = database();
    let storage = one_reader(&path);
    open(&storage, record("anna", "s1", "t1")).await;
    assert!(is_live(&storage, "t1").await);
    let busy = Busy::keep(&storage).await;
    assert!(in_time(is_live(&storage, "t1")).await);
    storage.revoke(token("t1")).await.expect("revoked");
    is_read_anew(&storage, busy, "t1", false).await;
}

#[tokio::test]
async fn a_revocation_by_another_storage_ends_it() {
    let (_folder, path) = database();
    let here = one_reader(&path);
    let there = storage(&path);
    open(&here, record("anna", "s1", "t1")).await;
    assert!(is_live(&here, "t1").await);
    let busy = Busy::keep(&here).await;
    assert!(in_time(is_live(&here, "t1")).await);
    there.revoke(token("t1")).await.expect("revoked");
    is_read_anew(&here, busy, "t1", false).await;
}

/// Whoever writes, with whatever program: an operator with the sqlite shell is one more process.
#[tokio::test]
async fn any_commit_to_the_file_ends_it_and_a_rollback_does_not() {
    let (_folder, path) = database();
    let storage = one_reader(&path);
    open(&storage, record("anna", "s1", "t1")).await;
    assert!(is_live(&storage, "t1").await);
    let busy = Busy::keep(&storage).await;
    let other = Connection::open(&path).expect("the same database");
    other
        .execute_batch("BEGIN IMMEDIATE; UPDATE records SET status = 1, status_at = 7; ROLLBACK")
        .expect("undone");
    assert!(in_time(is_live(&storage, "t1")).await);
    other
        .execute_batch("UPDATE records SET status = 1, status_at = 7, status_text = 'x'")
        .expect("committed");
    is_read_anew(&storage, busy, "t1", false).await;
}

/// An answer that was read while somebody committed is not taken for one that was read after.
#[tokio::test]
async fn an_answer_that_was_under_way_during_a_commit_is_not_kept_for_later() {
    let (_folder, path) = database();
    let storage = one_reader(&path);
    open(&storage, record("anna", "s1", "t1")).await;
    let busy = Busy::keep(&storage).await;
    // Asked before the commit, read after it.
    let mut first = Box::pin(is_live(&storage, "t1"));
    assert!(tokio::time::timeout(MOMENT, &mut first).await.is_err());
    open(&storage, record("bert", "s2", "t2")).await;
    busy.end().await;
    assert!(in_time(first).await);
    let busy = Busy::keep(&storage).await;
    is_read_anew(&storage, busy, "t1", true).await;
}

#[tokio::test]
async fn an_absence_is_kept_and_ended_too() {
    let (_folder, path) = database();
    let storage = one_reader(&path);
    assert_eq!(stored(&storage, None, "t1").await, None);
    let busy = Busy::keep(&storage).await;
    assert_eq!(in_time(stored(&storage, None, "t1")).await, None);
    busy.end().await;
    open(&storage, record("anna", "s1", "t1")).await;
    assert!(is_live(&storage, "t1").await);
}

#[tokio::test]
async fn a_session_that_was_used_is_seen_so() {
    let (_folder, path) = database();
    let storage = storage(&path);
    open(&storage, record("anna", "s1", "t1")).await;
    let before = stored_session(&storage, None, "s1")
        .await
        .expect("it is there");
    let at = before.last_seen + 1_000;
    assert!(at > NOW);
    let touch = Touch {
        tenant: None,
        sid: "s1".into(),
        at,
    };
    storage.touch(touch).await.expect("noted");
    let seen = async {
        while stored_session(&storage, None, "s1")
            .await
            .map(|session| session.last_seen)
            != Some(at)
        {
            tokio::time::sleep(MOMENT / 10).await;
        }
    };
    in_time(seen).await;
}

#[tokio::test]
async fn what_is_large_is_not_kept() {
    let (_folder, path) = database();
    let storage = one_reader(&path);
    let large = Record {
        extra_data: Some("x".repeat(100_000)),
        ..record("anna", "s1", "t1")
    };
    open(&storage, large).await;
    assert!(is_live(&storage, "t1").await);
    let busy = Busy::keep(&storage).await;
    is_read_anew(&storage, busy, "t1", true).await;
}

#[tokio::test]
async fn a_closed_storage_answers_nothing_from_memory() {
    let (_folder, path) = database();
    let storage = storage(&path);
    open(&storage, record("anna", "s1", "t1")).await;
    let query = || FindQuery {
        jti: Some("t1".into()),
        ..FindQuery::default()
    };
    for _ in 0..2 {
        assert!(storage.find(query()).await.is_ok());
    }
    storage.close().await;
    let answer = storage.find(query()).await;
    assert!(is_unavailable(&answer), "{answer:?}");
}

/// The application's own look-ups.
#[tokio::test]
async fn an_applications_look_up_is_kept_by_its_name_and_key() {
    let (_folder, path) = database();
    let storage = one_reader(&path);
    let create = |sql: &Connection| {
        sql.execute_batch("CREATE TABLE names (id TEXT PRIMARY KEY, name TEXT) STRICT")
    };
    storage.write(create).await.expect("a table");
    let set = |name: &'static str| {
        storage.write(move |sql| {
            sql.execute(
                "INSERT INTO names VALUES ('1', ?1) ON CONFLICT DO UPDATE SET name = ?1",
                [name],
            )
        })
    };
    let get = |id: &'static str| {
        storage.look_up("name", id, move |sql| {
            let select = "SELECT max(name) FROM names WHERE id = ?1";
            sql.query_row(select, [id], |row| row.get::<_, Option<String>>(0))
        })
    };
    set("Anna").await.expect("it is written");
    assert_eq!(get("1").await, Ok(Some("Anna".to_owned())));
    let busy = Busy::keep(&storage).await;
    assert_eq!(in_time(get("1")).await, Ok(Some("Anna".to_owned())));
    let mut other = Box::pin(get("2"));
    assert!(tokio::time::timeout(MOMENT, &mut other).await.is_err());
    busy.end().await;
    assert_eq!(in_time(other).await, Ok(None));
    set("Bert").await.expect("it is written");
    assert_eq!(get("1").await, Ok(Some("Bert".to_owned())));
}

#[tokio::test]
async fn neither_a_panic_nor_an_error_is_kept() {
    let (_folder, path) = database();
    let storage = storage(&path);
    let panics = |_: &Connection| -> rusqlite::Result<u8> { panic!("on purpose") };
    let fails = |_: &Connection| Err(rusqlite::Error::InvalidQuery);
    let works = |_: &Connection| Ok(7);
    let look_up = storage.look_up("number", "1", panics).await;
    assert!(
        matches!(look_up, Err(StorageError::Other(_))),
        "{look_up:?}"
    );
    let look_up = storage.look_up::<u8, _>("number", "1", fails).await;
    assert!(
        matches!(look_up, Err(StorageError::Other(_))),
        "{look_up:?}"
    );
    assert_eq!(storage.look_up("number", "1", works).await, Ok(7));
}

/// Short look-ups share a snapshot: each must still see what was committed before it was asked.
#[tokio::test(flavor = "multi_thread")]
async fn look_ups_that_waited_together_see_all_that_was_committed() {
    let (_folder, path) = database();
    let storage = one_reader(&path);
    for round in 0..100 {
        let jtis: Vec<String> = (0..8).map(|number| format!("t{round}.{number}")).collect();
        for jti in &jtis {
            open(&storage, record("anna", jti, jti)).await;
        }
        let busy = Busy::keep(&storage).await;
        let asked: Vec<_> = jtis
            .iter()
            .map(|jti| {
                let (storage, jti) = (storage.clone(), jti.clone());
                tokio::spawn(async move { is_live(&storage, &jti).await })
            })
            .collect();
        // Some were asked before and some after this; none may be read before.
        storage.revoke(token(&jtis[7])).await.expect("revoked");
        busy.end().await;
        for (number, answer) in asked.into_iter().enumerate() {
            assert_eq!(in_time(answer).await.expect("it ends"), number != 7);
        }
    }
}
