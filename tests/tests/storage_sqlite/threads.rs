//! Calls that wait, and callers that do not.

use authkernel::ports::Storage;
use authkernel::record::FindQuery;
use authkernel::testing::contract::fixtures::{open, opening, record, stored};
use authkernel_wasmtime::storage::sqlite::SqliteStorage;
use futures_util::future::join_all;

use super::{database, is_unavailable, storage};

/// The application's own runtime may have one thread.
#[test]
fn it_works_without_threads_of_the_runtime() {
    let (_folder, path) = database();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let storage = storage(&path);
        open(&storage, record("anna", "s1", "t1")).await;
        assert!(stored(&storage, None, "t1").await.is_some());
        storage.close().await;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_wait_are_done_before_it_closes_and_none_after() {
    let (_folder, path) = database();
    let first = storage(&path);
    let jtis: Vec<String> = (0..600).map(|number| format!("t{number}")).collect();
    let insertions = jtis
        .iter()
        .map(|jti| first.insert(opening(record("anna", jti, jti))));
    let mut waiting = Box::pin(join_all(insertions));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    let other = first.clone();
    tokio::join!(first.close(), other.close());
    // Nobody listened to the answers yet, and all is on disk.
    let second = storage(&path);
    for jti in &jtis {
        assert!(stored(&second, None, jti).await.is_some(), "{jti}");
    }
    assert!(waiting.await.iter().all(Result::is_ok));
    let answer = first.insert(opening(record("anna", "late", "late"))).await;
    assert!(is_unavailable(&answer), "{answer:?}");
    let query = FindQuery {
        jti: Some("t1".into()),
        ..FindQuery::default()
    };
    let answer = first.find(query).await;
    assert!(is_unavailable(&answer), "{answer:?}");
    first.close().await;
}

#[tokio::test]
async fn a_write_whose_caller_left_is_done_all_the_same() {
    let (_folder, path) = database();
    let storage = storage(&path);
    let mut insertion = Box::pin(storage.insert(opening(record("anna", "s1", "t1"))));
    assert!(futures_util::poll!(&mut insertion).is_pending());
    drop(insertion);
    // Writes are done in order: once a later one is answered, so is this.
    open(&storage, record("anna", "s2", "t2")).await;
    assert!(stored(&storage, None, "t1").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_waiting_calls_are_refused() {
    let (_folder, path) = database();
    let storage = SqliteStorage::settings()
        .queue_limit(4)
        .open(&path)
        .expect("the database opens");
    let (started, wait_started) = tokio::sync::oneshot::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let blocking = storage.clone();
    let blocker = tokio::spawn(async move {
        blocking
            .write(move |_| {
                started.send(()).expect("it is waited for");
                released.recv().expect("it is released");
                Ok(())
            })
            .await
    });
    wait_started.await.expect("it runs");
    let insertions: Vec<_> = (0..10)
        .map(|number| {
            let (storage, jti) = (storage.clone(), format!("t{number}"));
            async move { storage.insert(opening(record("anna", &jti, &jti))).await }
        })
        .collect();
    let mut insertions = Box::pin(join_all(insertions));
    assert!(futures_util::poll!(&mut insertions).is_pending());
    release.send(()).expect("it waits");
    let answers = insertions.await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 4);
    assert_eq!(
        answers
            .iter()
            .filter(|answer| is_unavailable(answer))
            .count(),
        6
    );
    blocker
        .await
        .expect("it does not panic")
        .expect("it is committed");
}
