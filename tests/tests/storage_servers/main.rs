//! What the adapters of database servers do beyond the suite: servers that stop, hang and come back, small pools,
//! calls that are given up, migrations, settings, and services in another language on the same store.

mod javascript;
mod postgres;
mod redis;

use std::time::{Duration, Instant};

use authkernel::ports::{Storage, StorageError};
use authkernel::record::FindQuery;
use authkernel::testing::contract::fixtures::{is_live, open, opening, record, stored};

/// How long a server that is back may take to be noticed. Never how long it should take.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn is_unavailable<T>(answer: &Result<T, StorageError>) -> bool {
    matches!(answer, Err(StorageError::Unavailable(_)))
}

fn of_token(jti: &str) -> FindQuery {
    FindQuery {
        jti: Some(jti.into()),
        ..FindQuery::default()
    }
}

/// Waits until a server that was ended has ended: its processes go one by one.
pub(crate) async fn is_gone(storage: &impl Storage) {
    let began = Instant::now();
    while !is_unavailable(&storage.find(of_token("t1")).await) {
        assert!(began.elapsed() < PATIENCE, "it does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Neither "not found" nor "stored" is ever said by a server that is not there.
pub(crate) async fn everything_is_unavailable(storage: &impl Storage, jti: &str) {
    let found = storage.find(of_token(jti)).await;
    assert!(is_unavailable(&found), "{found:?}");
    let found = storage.find_many(vec![of_token(jti)]).await;
    assert!(is_unavailable(&found), "{found:?}");
    let inserted = storage
        .insert(opening(record("anna", "gone", "gone")))
        .await;
    assert!(is_unavailable(&inserted), "{inserted:?}");
}

/// The same storage answers again, and knows what it knew; `again` is a new name.
pub(crate) async fn is_back(storage: &impl Storage, jti: &str, again: &str) {
    let began = Instant::now();
    while is_unavailable(&storage.find(of_token(jti)).await) {
        assert!(began.elapsed() < PATIENCE, "it does not come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(is_live(storage, jti).await);
    let again = open(storage, record("anna", again, again)).await;
    assert_eq!(stored(storage, None, &again.jti).await, Some(again));
}

/// However often calls are given up in the middle, each is done wholly or not at all, and nobody else suffers.
pub(crate) async fn calls_may_be_given_up<S>(storage: &S)
where
    S: Storage + Clone + Send + Sync + 'static,
{
    for round in 0_u32..200 {
        let storage = storage.clone();
        let name = format!("g{round}");
        let call = tokio::spawn(async move {
            let _ = storage.insert(opening(record("anna", &name, &name))).await;
        });
        tokio::time::sleep(Duration::from_micros(u64::from(round) * 10)).await;
        call.abort();
        let _ = call.await;
    }
    open(storage, record("anna", "last", "last")).await;
    for round in 0_u32..200 {
        let query = FindQuery {
            sid: Some(format!("g{round}")),
            ..of_token(&format!("g{round}"))
        };
        let found = storage.find(query).await.expect("it answers");
        assert_eq!(found.record.is_some(), found.session.is_some(), "{round}");
    }
}

/// Many callers at once are all served.
pub(crate) async fn many_callers_are_served<S>(storage: &S)
where
    S: Storage + Clone + Send + Sync + 'static,
{
    let calls: Vec<_> = (0..200)
        .map(|number| {
            let storage = storage.clone();
            tokio::spawn(async move {
                let name = format!("m{number}");
                let subject = format!("subject {}", number % 10);
                let stored_record = open(&storage, record(&subject, &name, &name)).await;
                assert_eq!(stored(&storage, None, &name).await, Some(stored_record));
            })
        })
        .collect();
    for call in calls {
        call.await.expect("it is served");
    }
}
