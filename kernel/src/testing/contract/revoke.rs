//! `revoke` of a token.

use std::vec;
use std::vec::Vec;

use super::fixtures::*;
use crate::ports::Storage;
use crate::record::{Notify, Record, Revocation, RevocationOutcome, Revoked};

pub(super) const NOT_FOUND: Revoked = Revoked {
    outcome: RevocationOutcome::NotFound,
    records: 0,
    pending: Vec::new(),
    more: false,
};

/// Scope token means this record, not its session and not its siblings.
pub async fn revoking_a_token_leaves_its_session_alone<S: Storage>(storage: &S) {
    let first = open(storage, record("anna", "s1", "t1")).await;
    let second = join(storage, record("anna", "s1", "t2")).await;
    let done = storage.revoke(token("t1")).await.expect("storage answers");
    assert_eq!(
        (done.outcome, done.records),
        (RevocationOutcome::Revoked, 1)
    );
    let dead = Record {
        status: revoked("signed_out"),
        notify: Notify::Pending { due: NOW },
        ..first.clone()
    };
    assert_eq!(done.pending, [without_extra_data(dead.clone())]);
    assert!(!done.more);
    assert_eq!(stored(storage, None, "t1").await, Some(dead));
    assert_eq!(stored(storage, None, "t2").await, Some(second));
    assert_eq!(
        stored_session(storage, None, "s1").await,
        Some(session(&first))
    );
    assert_eq!(
        epoch(storage, "anna").await,
        0,
        "a revocation raises no epoch"
    );
}

/// The first time and reason stay; what is still pending is answered again, what was delivered is not.
pub async fn revoking_twice_changes_nothing_and_answers_what_is_pending<S: Storage>(storage: &S) {
    open(storage, record("anna", "s1", "t1")).await;
    let first = storage.revoke(token("t1")).await.expect("storage answers");
    let before = stored(storage, None, "t1").await;
    let mut again = token("t1");
    again.at = NOW + 10;
    again.reason = "again".into();
    again.tombstone = Some(record("berta", "s9", "t1"));
    let second = storage
        .revoke(again.clone())
        .await
        .expect("storage answers");
    let expected = Revoked {
        outcome: RevocationOutcome::Already,
        records: 0,
        ..first.clone()
    };
    assert_eq!(second, expected);
    assert_eq!(stored(storage, None, "t1").await, before);
    let id = first.pending[0].id();
    storage.delivered(vec![id]).await.expect("storage answers");
    let third = storage.revoke(again).await.expect("storage answers");
    assert_eq!(
        third,
        Revoked {
            pending: Vec::new(),
            ..expected
        }
    );
}

/// What was never stored is dead from now on.
pub async fn revoking_an_unknown_token_leaves_a_tombstone<S: Storage>(storage: &S) {
    let tombstone = Record {
        status: revoked("signed_out"),
        notify: Notify::Pending { due: NOW },
        epoch: 7,
        extra_data: None,
        ..record("anna", "s1", "t1")
    };
    let revocation = Revocation {
        tombstone: Some(tombstone.clone()),
        ..token("t1")
    };
    let done = storage
        .revoke(revocation.clone())
        .await
        .expect("storage answers");
    assert_eq!(
        (done.outcome, done.records),
        (RevocationOutcome::Tombstoned, 0)
    );
    assert_eq!(done.pending, core::slice::from_ref(&tombstone));
    assert_eq!(
        stored(storage, None, "t1").await,
        Some(tombstone.clone()),
        "as it stands"
    );
    assert_eq!(stored_session(storage, None, "s1").await, None);
    let again = storage.revoke(revocation).await.expect("storage answers");
    assert_eq!(
        (again.outcome, again.records),
        (RevocationOutcome::Already, 0)
    );
    assert_eq!(again.pending, [tombstone]);
    // One that nothing is known of has no subject to be found by.
    let bare = Record {
        status: revoked("signed_out"),
        purpose: "".into(),
        ..record("", "", "t2")
    };
    let revocation = Revocation {
        tombstone: Some(bare.clone()),
        ..token("t2")
    };
    let done = storage.revoke(revocation).await.expect("storage answers");
    assert_eq!(
        (done.outcome, done.pending),
        (RevocationOutcome::Tombstoned, Vec::new())
    );
    assert_eq!(stored(storage, None, "t2").await, Some(bare));
}

/// Neither a sign-out nor another revocation nor a second tombstone changes it.
pub async fn a_tombstone_is_never_overwritten<S: Storage>(storage: &S) {
    let tombstone = Record {
        status: revoked("first"),
        ..record("anna", "s1", "t1")
    };
    let revocation = Revocation {
        tombstone: Some(tombstone.clone()),
        ..token("t1")
    };
    storage
        .revoke(revocation.clone())
        .await
        .expect("storage answers");
    let other = Record {
        status: revoked("second"),
        ..record("berta", "s2", "t1")
    };
    storage
        .revoke(Revocation {
            tombstone: Some(other),
            ..revocation
        })
        .await
        .expect("storage answers");
    let done = storage
        .revoke_matching(everything("anna"))
        .await
        .expect("storage answers");
    assert_eq!(done.records, 0);
    assert_eq!(stored(storage, None, "t1").await, Some(tombstone));
}

/// Without a tombstone to write, nothing is written.
pub async fn revoking_the_unknown_without_a_tombstone_is_not_found<S: Storage>(storage: &S) {
    assert_eq!(storage.revoke(token("t1")).await, Ok(NOT_FOUND));
    assert_eq!(storage.revoke(whole_session("s1")).await, Ok(NOT_FOUND));
    assert_eq!(stored(storage, None, "t1").await, None);
    assert_eq!(stored_session(storage, None, "s1").await, None);
}

/// It was dead already, and keeps its status.
pub async fn revoking_a_consumed_record_changes_nothing<S: Storage>(storage: &S) {
    let used = open(storage, record("anna", "s1", "t1")).await;
    storage
        .consume(consumption(&used, Vec::new()))
        .await
        .expect("storage answers");
    let before = stored(storage, None, "t1").await;
    let done = storage.revoke(token("t1")).await.expect("storage answers");
    assert_eq!(
        done,
        Revoked {
            outcome: RevocationOutcome::Already,
            ..NOT_FOUND
        }
    );
    assert_eq!(stored(storage, None, "t1").await, before);
}

/// Somebody else's token is answered like an unknown one, and stays as it is.
pub async fn another_subjects_token_is_not_found<S: Storage>(storage: &S) {
    let theirs = open(storage, record("anna", "s1", "t1")).await;
    let revocation = Revocation {
        subject: Some("berta".into()),
        tombstone: Some(Record {
            status: revoked("x"),
            ..record("berta", "s2", "t2")
        }),
        ..token("t1")
    };
    assert_eq!(storage.revoke(revocation).await, Ok(NOT_FOUND));
    assert_eq!(stored(storage, None, "t1").await, Some(theirs));
    assert_eq!(stored(storage, None, "t2").await, None, "no tombstone");
    let own = Revocation {
        subject: Some("anna".into()),
        ..token("t1")
    };
    let done = storage.revoke(own).await.expect("storage answers");
    assert_eq!(done.outcome, RevocationOutcome::Revoked);
}

/// It is dead at once and told when it is due.
pub async fn a_disconnect_that_is_due_later_is_not_answered_now<S: Storage>(storage: &S) {
    open(storage, record("anna", "s1", "t1")).await;
    let later = Revocation {
        due: NOW + 30,
        ..token("t1")
    };
    let done = storage.revoke(later).await.expect("storage answers");
    assert_eq!(
        (done.outcome, done.pending),
        (RevocationOutcome::Revoked, Vec::new())
    );
    let now = stored(storage, None, "t1")
        .await
        .map(|record| record.notify);
    assert_eq!(now, Some(Notify::Pending { due: NOW + 30 }));
    let then = Revocation {
        at: NOW + 30,
        ..token("t1")
    };
    let done = storage.revoke(then).await.expect("storage answers");
    assert_eq!(jtis(&done.pending), ["t1"]);
}
