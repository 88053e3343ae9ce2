//! `revoke-matching`: what it does to records and sessions.

use std::vec;
use std::vec::Vec;

use super::fixtures::*;
use crate::ports::Storage;
use crate::record::{MatchingRevocation, MatchingRevoked, Notify, Record, SessionStatus};

/// Three sessions of anna (`s1` with a refresh token beside), one of berta.
pub(super) async fn family<S: Storage>(storage: &S) {
    for (sid, jti) in [("s1", "t1"), ("s2", "t2"), ("s3", "t3")] {
        open(storage, record("anna", sid, jti)).await;
    }
    join(
        storage,
        Record {
            purpose: "refresh".into(),
            ..record("anna", "s1", "r1")
        },
    )
    .await;
    open(storage, record("berta", "s9", "t9")).await;
}

/// All tokens and sessions of one subject, in one call; nobody else's.
pub async fn signing_out_revokes_everything_of_the_subject_only<S: Storage>(storage: &S) {
    family(storage).await;
    let done = storage
        .revoke_matching(everything("anna"))
        .await
        .expect("storage answers");
    let counts = (
        done.sessions,
        done.records,
        done.notify_records,
        done.notify_sessions,
        done.epoch,
    );
    assert_eq!(counts, (3, 4, 3, 3, 1));
    assert_eq!(jtis(&done.pending), ["t1", "t2", "t3"]);
    assert!(
        !done.more
            && done
                .pending
                .iter()
                .all(|record| record.extra_data.is_none())
    );
    let expected = Record {
        status: revoked("signed_out_everywhere"),
        notify: Notify::Pending { due: NOW },
        ..record("anna", "s1", "t1")
    };
    assert_eq!(done.pending[0], without_extra_data(expected.clone()));
    assert_eq!(
        stored(storage, None, "t1").await,
        Some(expected),
        "its extra data is kept"
    );
    assert_eq!(
        status(storage, "r1").await,
        revoked("signed_out_everywhere")
    );
    for sid in ["s1", "s2", "s3"] {
        let ended = SessionStatus::Ended {
            at: NOW,
            reason: "signed_out_everywhere".into(),
        };
        let now = stored_session(storage, None, sid)
            .await
            .map(|session| session.status);
        assert_eq!(now, Some(ended));
    }
    assert!(is_live(storage, "t9").await && goes_on(storage, "s9").await);
    assert_eq!(
        (epoch(storage, "anna").await, epoch(storage, "berta").await),
        (1, 0)
    );
}

/// A sign-in that began before it must not end after it, even where nothing is stored yet.
pub async fn signing_out_nobody_raises_the_epoch<S: Storage>(storage: &S) {
    let expected = MatchingRevoked {
        sessions: 0,
        records: 0,
        notify_records: 0,
        notify_sessions: 0,
        pending: Vec::new(),
        more: false,
        epoch: 1,
    };
    assert_eq!(
        storage.revoke_matching(everything("nobody")).await,
        Ok(expected)
    );
    let nothing = MatchingRevocation {
        include_purposes: Some(Vec::new()),
        end_sessions: false,
        ..everything("nobody")
    };
    let done = storage
        .revoke_matching(nothing)
        .await
        .expect("storage answers");
    assert_eq!((done.records, done.epoch), (0, 2));
    assert_eq!(epoch(storage, "nobody").await, 2);
}

/// "Sign out the others."
pub async fn kept_sessions_are_left_alone<S: Storage>(storage: &S) {
    family(storage).await;
    let others = MatchingRevocation {
        keep: vec!["s1".into(), "unknown".into()],
        ..everything("anna")
    };
    let done = storage
        .revoke_matching(others)
        .await
        .expect("storage answers");
    assert_eq!(
        (done.sessions, done.records, jtis(&done.pending)),
        (2, 2, vec!["t2", "t3"])
    );
    assert!(
        is_live(storage, "t1").await
            && is_live(storage, "r1").await
            && goes_on(storage, "s1").await
    );
    assert!(!goes_on(storage, "s2").await);
}

/// An intent that is executed late does not end what began since. The moment itself is not before it.
pub async fn later_tokens_and_sessions_are_left_alone<S: Storage>(storage: &S) {
    let at = |sid: &str, jti: &str, moment| Record {
        issued_at: moment,
        created_at: moment,
        ..record("anna", sid, jti)
    };
    open(storage, at("old", "t1", NOW - 10)).await;
    open(storage, at("same", "t2", NOW)).await;
    open(storage, at("new", "t3", NOW + 10)).await;
    // A session that began before is ended with all its tokens, whenever they were issued.
    join(storage, at("old", "t4", NOW + 10)).await;
    let selection = MatchingRevocation {
        issued_before: Some(NOW),
        ..everything("anna")
    };
    let done = storage
        .revoke_matching(selection)
        .await
        .expect("storage answers");
    assert_eq!(
        (done.sessions, done.records, jtis(&done.pending)),
        (1, 2, vec!["t1", "t4"])
    );
    assert!(is_live(storage, "t2").await && is_live(storage, "t3").await);
    assert!(goes_on(storage, "same").await && goes_on(storage, "new").await);
    // Without ending sessions, each token counts for itself.
    open(storage, at("old2", "t5", NOW - 10)).await;
    join(storage, at("old2", "t6", NOW)).await;
    let selection = MatchingRevocation {
        issued_before: Some(NOW),
        end_sessions: false,
        ..everything("anna")
    };
    let done = storage
        .revoke_matching(selection)
        .await
        .expect("storage answers");
    assert_eq!((done.sessions, done.records), (1, 1));
    assert!(
        !is_live(storage, "t5").await
            && is_live(storage, "t6").await
            && goes_on(storage, "old2").await
    );
}

/// What is dead by its own expiry needs no revocation and is not counted, nor is its session.
pub async fn expired_records_are_left_alone<S: Storage>(storage: &S) {
    let until = |sid: &str, jti: &str, expires_at| Record {
        expires_at,
        ..record("anna", sid, jti)
    };
    open(storage, until("s1", "t1", NOW - 10)).await;
    open(storage, until("s2", "t2", NOW - 9)).await;
    let selection = MatchingRevocation {
        unexpired_after: NOW - 10,
        ..everything("anna")
    };
    let done = storage
        .revoke_matching(selection)
        .await
        .expect("storage answers");
    assert_eq!(
        (done.sessions, done.records, jtis(&done.pending)),
        (1, 1, vec!["t2"])
    );
    assert!(is_live(storage, "t1").await, "left as it was");
}

/// A revocation neither revives nor renames what was dead before.
pub async fn consumed_and_revoked_records_are_left_as_they_are<S: Storage>(storage: &S) {
    let used = open(storage, record("anna", "s1", "t1")).await;
    storage
        .consume(consumption(&used, Vec::new()))
        .await
        .expect("storage answers");
    join(storage, record("anna", "s1", "t2")).await;
    let mut quiet = token("t2");
    quiet.notify_purposes.clear();
    storage.revoke(quiet).await.expect("storage answers");
    let before = (
        stored(storage, None, "t1").await,
        stored(storage, None, "t2").await,
    );
    let done = storage
        .revoke_matching(everything("anna"))
        .await
        .expect("storage answers");
    assert_eq!(
        (done.sessions, done.records, done.pending),
        (1, 0, Vec::new()),
        "the session was live"
    );
    assert_eq!(
        (
            stored(storage, None, "t1").await,
            stored(storage, None, "t2").await
        ),
        before
    );
}
