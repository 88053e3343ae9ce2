//! `insert` into a session that is there, and `touch`.

use super::fixtures::*;
use crate::ports::{Guard, Storage, StorageError};
use crate::record::{Insertion, Notify, Record, Session, Status, Touch};

/// Unknown, ended, somebody else's and another tenant's sessions are not joined.
pub async fn only_a_live_session_of_the_same_subject_is_joined<S: Storage>(storage: &S) {
    open(storage, record("anna", "s1", "t1")).await;
    open(storage, record("anna", "ended", "t2")).await;
    storage
        .revoke(whole_session("ended"))
        .await
        .expect("storage answers");
    let refused = Err(StorageError::GuardFailed(Guard::Session));
    for (subject, sid) in [("anna", "unknown"), ("anna", "ended"), ("berta", "s1")] {
        let answer = storage.insert(joining(record(subject, sid, "new"))).await;
        assert_eq!(answer, refused, "{subject} {sid}");
    }
    let tenant = Record {
        tenant: Some("acme".into()),
        ..record("anna", "s1", "new")
    };
    assert_eq!(storage.insert(joining(tenant)).await, refused);
    assert_eq!(stored(storage, None, "new").await, None);
    assert_eq!(stored_session(storage, None, "unknown").await, None);
    assert_eq!(
        storage.insert(joining(record("anna", "s1", "new"))).await,
        Ok(0)
    );
    assert!(is_live(storage, "new").await);
}

/// Only `last_seen` and `ends_at` of a session that is joined move, and only forward.
pub async fn joining_never_lowers_a_time<S: Storage>(storage: &S) {
    let first = open(storage, record("anna", "s1", "t1")).await;
    let with_times = |jti: &str, last_seen, ends_at| Insertion {
        session: Session {
            last_seen,
            ends_at,
            device: Some("another".into()),
            created_at: NOW + 77,
            ..session(&first)
        },
        ..joining(record("anna", "s1", jti))
    };
    let times = async || {
        let session = stored_session(storage, None, "s1")
            .await
            .expect("the session is there");
        (
            session.created_at,
            session.last_seen,
            session.ends_at,
            session.device,
        )
    };
    let device = session(&first).device;
    storage
        .insert(with_times("t2", NOW + 5, NOW + 2 * HOUR))
        .await
        .expect("joined");
    assert_eq!(
        times().await,
        (NOW, NOW + 5, NOW + 2 * HOUR, device.clone())
    );
    storage
        .insert(with_times("t3", NOW - 5, NOW + HOUR))
        .await
        .expect("joined");
    assert_eq!(times().await, (NOW, NOW + 5, NOW + 2 * HOUR, device));
}

/// The last use of a session never moves back.
pub async fn touching_moves_last_seen_forward_only<S: Storage>(storage: &S) {
    open(storage, record("anna", "s1", "t1")).await;
    open(storage, record("anna", "s2", "t2")).await;
    let touch = |sid: &str, at| Touch {
        tenant: None,
        sid: sid.into(),
        at,
    };
    storage
        .touch(touch("s1", NOW + 9))
        .await
        .expect("storage answers");
    seen_at(storage, "s1", NOW + 9).await;
    storage
        .touch(touch("s1", NOW + 3))
        .await
        .expect("storage answers");
    let foreign = Touch {
        tenant: Some("acme".into()),
        ..touch("s1", NOW + 99)
    };
    storage.touch(foreign).await.expect("storage answers");
    // Once a later note is written, so are those before it.
    storage
        .touch(touch("s2", NOW + 1))
        .await
        .expect("storage answers");
    seen_at(storage, "s2", NOW + 1).await;
    seen_at(storage, "s1", NOW + 9).await;
    let record = stored(storage, None, "t1")
        .await
        .expect("the record is there");
    assert_eq!(
        (record.status, record.notify),
        (Status::Live, Notify::Nothing)
    );
}

/// Touching makes no session.
pub async fn touching_an_unknown_session_is_no_error<S: Storage>(storage: &S) {
    open(storage, record("anna", "s1", "t1")).await;
    let unknown = Touch {
        tenant: None,
        sid: "unknown".into(),
        at: NOW,
    };
    assert_eq!(storage.touch(unknown).await, Ok(()));
    storage
        .touch(Touch {
            tenant: None,
            sid: "s1".into(),
            at: NOW + 1,
        })
        .await
        .expect("storage answers");
    seen_at(storage, "s1", NOW + 1).await;
    assert_eq!(stored_session(storage, None, "unknown").await, None);
}
