//! `revoke` of a session.

use std::vec;
use std::vec::Vec;

use super::fixtures::*;
use super::revoke::NOT_FOUND;
use crate::ports::Storage;
use crate::record::{Record, Revocation, RevocationOutcome, Session, SessionStatus, Status};

/// Every live record of the session is revoked and the session ended; its consumed records stay consumed, other
/// sessions stay.
pub async fn revoking_a_session_revokes_all_of_it<S: Storage>(storage: &S) {
    let first = open(storage, record("anna", "s1", "t1")).await;
    let used = join(
        storage,
        Record {
            purpose: "refresh".into(),
            ..record("anna", "s1", "r1")
        },
    )
    .await;
    let fresh = Record {
        purpose: "refresh".into(),
        ..record("anna", "s1", "r2")
    };
    storage
        .consume(consumption(&used, vec![fresh]))
        .await
        .expect("storage answers");
    open(storage, record("anna", "s2", "t2")).await;
    let done = storage
        .revoke(whole_session("s1"))
        .await
        .expect("storage answers");
    assert_eq!(
        (done.outcome, done.records),
        (RevocationOutcome::Revoked, 2)
    );
    assert_eq!(jtis(&done.pending), ["t1"], "only the purpose that is told");
    assert_eq!(status(storage, "t1").await, revoked("signed_out"));
    assert_eq!(status(storage, "r2").await, revoked("signed_out"));
    assert!(matches!(
        status(storage, "r1").await,
        Status::Consumed { .. }
    ));
    let ended = SessionStatus::Ended {
        at: NOW,
        reason: "signed_out".into(),
    };
    let now = stored_session(storage, None, "s1").await;
    assert_eq!(
        now,
        Some(Session {
            status: ended,
            ..session(&first)
        })
    );
    assert!(is_live(storage, "t2").await && goes_on(storage, "s2").await);
    let again = storage
        .revoke(whole_session("s1"))
        .await
        .expect("storage answers");
    assert_eq!(
        (again.outcome, again.records),
        (RevocationOutcome::Already, 0)
    );
    assert_eq!(jtis(&again.pending), ["t1"], "still pending");
    assert_eq!(stored_session(storage, None, "s1").await, now);
}

/// A session that was never stored is ended from now on, and so is the token that named it.
pub async fn revoking_an_unknown_session_leaves_a_tombstone<S: Storage>(storage: &S) {
    let dead = Record {
        status: revoked("signed_out"),
        ..record("anna", "s1", "t1")
    };
    let ended = Session {
        status: SessionStatus::Ended {
            at: NOW,
            reason: "signed_out".into(),
        },
        ..session(&dead)
    };
    let revocation = Revocation {
        tombstone: Some(dead.clone()),
        session_tombstone: Some(ended.clone()),
        ..whole_session("s1")
    };
    let done = storage
        .revoke(revocation.clone())
        .await
        .expect("storage answers");
    assert_eq!(
        (done.outcome, done.records),
        (RevocationOutcome::Tombstoned, 0)
    );
    assert_eq!(stored_session(storage, None, "s1").await, Some(ended));
    assert_eq!(stored(storage, None, "t1").await, Some(dead));
    let again = storage.revoke(revocation).await.expect("storage answers");
    assert_eq!(again.outcome, RevocationOutcome::Already);
    let joined = storage.insert(joining(record("anna", "s1", "t2"))).await;
    assert!(joined.is_err(), "an ended session is not joined");
}

/// A second token of a session that is ended, itself unknown, is remembered as dead too.
pub async fn revoking_an_ended_session_is_already_and_still_leaves_the_tokens_tombstone<
    S: Storage,
>(
    storage: &S,
) {
    open(storage, record("anna", "s1", "t1")).await;
    storage
        .revoke(whole_session("s1"))
        .await
        .expect("storage answers");
    let dead = Record {
        status: revoked("signed_out"),
        ..record("anna", "s1", "unstored")
    };
    let revocation = Revocation {
        tombstone: Some(dead.clone()),
        ..whole_session("s1")
    };
    let done = storage.revoke(revocation).await.expect("storage answers");
    assert_eq!(done.outcome, RevocationOutcome::Already);
    assert_eq!(stored(storage, None, "unstored").await, Some(dead));
}

/// Somebody else's session is answered like an unknown one, and stays as it is, ended or not.
pub async fn another_subjects_session_is_not_found<S: Storage>(storage: &S) {
    let theirs = open(storage, record("anna", "s1", "t1")).await;
    let revocation = Revocation {
        subject: Some("berta".into()),
        tombstone: Some(Record {
            status: revoked("x"),
            ..record("berta", "s1", "t2")
        }),
        session_tombstone: Some(session(&record("berta", "s1", "t2"))),
        ..whole_session("s1")
    };
    assert_eq!(storage.revoke(revocation.clone()).await, Ok(NOT_FOUND));
    assert_eq!(stored(storage, None, "t1").await, Some(theirs));
    assert!(goes_on(storage, "s1").await);
    assert_eq!(stored(storage, None, "t2").await, None, "no tombstone");
    let own = Revocation {
        subject: Some("anna".into()),
        ..whole_session("s1")
    };
    let done = storage.revoke(own).await.expect("storage answers");
    assert_eq!(
        (done.outcome, done.records),
        (RevocationOutcome::Revoked, 1)
    );
    assert_eq!(
        storage.revoke(revocation).await,
        Ok(NOT_FOUND),
        "ended, and still not theirs"
    );
}

/// Purposes that open no connection are revoked without a disconnect.
pub async fn only_notify_purposes_become_pending<S: Storage>(storage: &S) {
    open(storage, record("anna", "s1", "t1")).await;
    join(
        storage,
        Record {
            purpose: "refresh".into(),
            ..record("anna", "s1", "r1")
        },
    )
    .await;
    let quiet = Revocation {
        notify_purposes: Vec::new(),
        ..token("t1")
    };
    let done = storage.revoke(quiet).await.expect("storage answers");
    assert_eq!((done.records, done.pending), (1, Vec::new()));
    let done = storage
        .revoke(whole_session("s1"))
        .await
        .expect("storage answers");
    assert_eq!((done.records, done.pending), (1, Vec::new()));
    assert_eq!(storage.undelivered(claim(NOW)).await, Ok(Vec::new()));
}

/// All are revoked; only the answer is bounded, and `undelivered` has the rest.
pub async fn pending_answers_are_limited_and_without_extra_data<S: Storage>(storage: &S) {
    open(storage, record("anna", "s1", "t0")).await;
    for number in 1..5 {
        join(storage, record("anna", "s1", &std::format!("t{number}"))).await;
    }
    let done = storage
        .revoke(Revocation {
            limit: 3,
            ..whole_session("s1")
        })
        .await
        .expect("storage answers");
    assert_eq!((done.records, done.pending.len(), done.more), (5, 3, true));
    assert!(
        done.pending
            .iter()
            .all(|record| record.extra_data.is_none())
    );
    let exact = storage
        .revoke(Revocation {
            limit: 5,
            ..whole_session("s1")
        })
        .await
        .expect("storage answers");
    assert_eq!(
        (exact.records, exact.pending.len(), exact.more),
        (0, 5, false)
    );
    let claimed = storage
        .undelivered(claim(NOW))
        .await
        .expect("storage answers");
    assert_eq!(jtis(&claimed), ["t0", "t1", "t2", "t3", "t4"]);
}
