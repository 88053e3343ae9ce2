//! `revoke-matching`: what it answers, and what it writes beside the records.

use std::string::String;
use std::vec;
use std::vec::Vec;

use super::find::sort;
use super::fixtures::*;
use super::revoke_matching::family;
use crate::ports::Storage;
use crate::record::{
    CutOff, CutOffScope, Delay, FindQuery, MatchingRevocation, MatchingRevoked, Notify, Record,
    Status, SubjectCutOff,
};

/// A caller whose broadcast failed can call again.
pub async fn signing_out_again_counts_nothing_and_answers_what_is_pending<S: Storage>(storage: &S) {
    family(storage).await;
    let first = storage
        .revoke_matching(everything("anna"))
        .await
        .expect("storage answers");
    storage
        .delivered(vec![first.pending[0].id()])
        .await
        .expect("storage answers");
    let later = MatchingRevocation {
        at: NOW + 9,
        ..everything("anna")
    };
    let second = storage
        .revoke_matching(later)
        .await
        .expect("storage answers");
    assert_eq!(
        (second.sessions, second.records, second.notify_records),
        (0, 0, 0)
    );
    assert_eq!((jtis(&second.pending), second.epoch), (vec!["t2", "t3"], 2));
    assert_eq!(
        status(storage, "t1").await,
        revoked("signed_out_everywhere")
    );
}

/// `disconnect_self: false`: the acting session is as dead as the others, only its page is told later.
pub async fn a_delayed_session_is_revoked_now_and_told_later<S: Storage>(storage: &S) {
    family(storage).await;
    let selection = MatchingRevocation {
        delay: Some(Delay {
            sid: "s1".into(),
            due: NOW + 30,
        }),
        ..everything("anna")
    };
    let done = storage
        .revoke_matching(selection)
        .await
        .expect("storage answers");
    assert_eq!(
        (
            done.sessions,
            done.records,
            done.notify_records,
            done.notify_sessions
        ),
        (3, 4, 2, 2),
        "who is told later is not counted"
    );
    assert_eq!(jtis(&done.pending), ["t2", "t3"]);
    let delayed = stored(storage, None, "t1")
        .await
        .expect("the record is there");
    assert_eq!(delayed.status, revoked("signed_out_everywhere"));
    assert_eq!(delayed.notify, Notify::Pending { due: NOW + 30 });
    assert!(!goes_on(storage, "s1").await);
    let due = storage
        .undelivered(claim(NOW + 30))
        .await
        .expect("storage answers");
    assert_eq!(
        jtis(&due),
        ["t2", "t3", "t1"],
        "by the moment that they are due"
    );
}

/// A preview tells the truth and does nothing.
pub async fn a_dry_run_counts_the_same_and_changes_nothing<S: Storage>(storage: &S) {
    family(storage).await;
    let selection = MatchingRevocation {
        keep: vec!["s2".into()],
        cut_offs: CutOffScope::Subject,
        ..everything("anna")
    };
    let dry = MatchingRevocation {
        dry_run: true,
        ..selection.clone()
    };
    let preview = storage
        .revoke_matching(dry.clone())
        .await
        .expect("storage answers");
    for jti in ["t1", "t2", "t3", "r1"] {
        assert!(is_live(storage, jti).await, "{jti}");
    }
    for sid in ["s1", "s2", "s3"] {
        assert!(goes_on(storage, sid).await, "{sid}");
    }
    let query = FindQuery {
        subject: Some("anna".into()),
        ..FindQuery::default()
    };
    let found = storage.find(query).await.expect("storage answers");
    assert_eq!((found.epoch, found.cut_offs), (0, Vec::new()));
    assert_eq!(preview.epoch, 0);
    let done = storage
        .revoke_matching(selection)
        .await
        .expect("storage answers");
    assert!(!done.pending.is_empty());
    let same = MatchingRevoked {
        pending: Vec::new(),
        more: false,
        epoch: 0,
        ..done
    };
    assert_eq!(preview, same);
    let after = storage.revoke_matching(dry).await.expect("storage answers");
    assert_eq!(
        (after.records, after.pending, after.epoch),
        (0, Vec::new(), 1)
    );
}

/// Counts never depend on the limit; what does not fit is in `undelivered`.
pub async fn counts_are_whole_where_answers_are_limited<S: Storage>(storage: &S) {
    for number in 0..25 {
        let (sid, jti) = (std::format!("s{number:02}"), std::format!("t{number:02}"));
        open(storage, record("anna", &sid, &jti)).await;
        join(storage, record("anna", &sid, &std::format!("u{number:02}"))).await;
    }
    let selection = MatchingRevocation {
        limit: 10,
        ..everything("anna")
    };
    let done = storage
        .revoke_matching(selection)
        .await
        .expect("storage answers");
    let counts = (
        done.sessions,
        done.records,
        done.notify_records,
        done.notify_sessions,
    );
    assert_eq!(counts, (25, 50, 50, 25));
    assert_eq!((done.pending.len(), done.more), (10, true));
    let settled = done.pending.iter().map(Record::id).collect();
    storage.delivered(settled).await.expect("storage answers");
    let rest = storage
        .undelivered(claim(NOW))
        .await
        .expect("storage answers");
    assert_eq!(rest.len(), 40);
    let again = MatchingRevocation {
        limit: 40,
        ..everything("anna")
    };
    let done = storage
        .revoke_matching(again)
        .await
        .expect("storage answers");
    assert_eq!(
        (done.pending.len(), done.more),
        (40, false),
        "a lease is no delivery"
    );
}

/// For tokens that are not stored: one statement per purpose, or one for all, sparing the kept sessions.
pub async fn cut_offs_are_written_below_the_raised_epoch<S: Storage>(storage: &S) {
    let found = async |purpose: &str| {
        let query = FindQuery {
            subject: Some("anna".into()),
            purpose: Some(purpose.into()),
            ..FindQuery::default()
        };
        let mut found = storage.find(query).await.expect("storage answers");
        sort(&mut found.cut_offs);
        found.cut_offs
    };
    let cut_off = |purpose: Option<&str>, below, spared: &[&str]| {
        CutOff::Subject(SubjectCutOff {
            tenant: None,
            subject: "anna".into(),
            purpose: purpose.map(Into::into),
            below,
            spared: spared.iter().map(|sid| String::from(*sid)).collect(),
            forget_at: NOW + HOUR,
        })
    };
    storage
        .revoke_matching(everything("anna"))
        .await
        .expect("storage answers");
    assert_eq!(found("user").await, [], "none is asked for");
    let per_purpose = MatchingRevocation {
        cut_offs: CutOffScope::Purposes(vec!["user".into(), "api".into()]),
        keep: vec!["s1".into()],
        ..everything("anna")
    };
    storage
        .revoke_matching(per_purpose)
        .await
        .expect("storage answers");
    assert_eq!(found("user").await, [cut_off(Some("user"), 2, &["s1"])]);
    assert_eq!(found("api").await, [cut_off(Some("api"), 2, &["s1"])]);
    assert_eq!(found("other").await, []);
    let whole = MatchingRevocation {
        cut_offs: CutOffScope::Subject,
        ..everything("anna")
    };
    storage
        .revoke_matching(whole)
        .await
        .expect("storage answers");
    assert_eq!(
        found("user").await,
        [cut_off(None, 3, &[]), cut_off(Some("user"), 2, &["s1"])]
    );
    assert_eq!(found("other").await, [cut_off(None, 3, &[])]);
    let live = storage.insert(opening(record("anna", "new", "new"))).await;
    assert_eq!(live, Ok(3), "what is issued now is not below");
    assert_eq!(status(storage, "new").await, Status::Live);
}
