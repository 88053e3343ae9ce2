//! `list`.

use std::vec;
use std::vec::Vec;

use super::fixtures::*;
use crate::ports::Storage;
use crate::record::{ListQuery, Record, SessionCursor, StoredSessions};

fn query(subject: &str) -> ListQuery {
    ListQuery {
        tenant: None,
        subject: subject.into(),
        at: NOW,
        with_record: false,
        after: None,
        limit: 100,
    }
}

fn sids(page: &StoredSessions) -> Vec<&str> {
    page.sessions
        .iter()
        .map(|session| session.sid.as_str())
        .collect()
}

async fn open_at<S: Storage>(storage: &S, subject: &str, sid: &str, moment: u64) {
    let record = Record {
        created_at: moment,
        ..record(subject, sid, &std::format!("t {subject} {sid}"))
    };
    open(storage, record).await;
}

/// By `created_at`, newest first, then by `sid`; only this subject's, with every field.
pub async fn sessions_are_listed_newest_first<S: Storage>(storage: &S) {
    for (sid, moment) in [
        ("b", NOW),
        ("old", NOW - 9),
        ("a", NOW),
        ("new", NOW + 9),
        ("B", NOW),
    ] {
        open_at(storage, "anna", sid, moment).await;
    }
    open_at(storage, "berta", "z", NOW).await;
    let tenant = Record {
        tenant: Some("acme".into()),
        ..record("anna", "y", "ty")
    };
    open(storage, tenant.clone()).await;
    let page = storage.list(query("anna")).await.expect("storage answers");
    assert_eq!(sids(&page), ["new", "B", "a", "b", "old"]);
    assert!(!page.more);
    assert_eq!(
        Some(&page.sessions[0]),
        stored_session(storage, None, "new").await.as_ref()
    );
    let acme = ListQuery {
        tenant: Some("acme".into()),
        ..query("anna")
    };
    let page = storage.list(acme).await.expect("storage answers");
    assert_eq!(page.sessions, [session(&tenant)]);
}

/// Page by page gives the same as all at once, also where many began in the same second.
pub async fn pages_of_sessions_fit_together<S: Storage>(storage: &S) {
    for number in 0..23_u64 {
        open_at(
            storage,
            "anna",
            &std::format!("s{number:02}"),
            NOW - number / 5,
        )
        .await;
    }
    let all = storage.list(query("anna")).await.expect("storage answers");
    assert_eq!((all.sessions.len(), all.more), (23, false));
    for limit in [1, 4, 22, 23, 24] {
        let mut seen = Vec::new();
        let mut next = query("anna");
        next.limit = limit;
        loop {
            let page = storage.list(next.clone()).await.expect("storage answers");
            assert!(page.sessions.len() <= limit as usize);
            seen.extend(page.sessions);
            let last = seen.last().expect("there are sessions");
            next.after = Some(SessionCursor {
                created_at: last.created_at,
                sid: last.sid.clone(),
            });
            if !page.more {
                break;
            }
        }
        assert_eq!(seen, all.sessions, "pages of {limit}");
        let after_the_end = storage.list(next).await.expect("storage answers");
        assert_eq!(after_the_end, StoredSessions::default());
    }
    // A place that no session has is a place all the same.
    let between = SessionCursor {
        created_at: NOW,
        sid: "s02x".into(),
    };
    let page = storage
        .list(ListQuery {
            after: Some(between),
            limit: 2,
            ..query("anna")
        })
        .await
        .expect("storage answers");
    assert_eq!((sids(&page), page.more), (vec!["s03", "s04"], true));
}

/// Neither those that were ended nor those whose last token expired.
pub async fn ended_sessions_are_not_listed<S: Storage>(storage: &S) {
    open_at(storage, "anna", "live", NOW).await;
    open_at(storage, "anna", "ended", NOW).await;
    storage
        .revoke(whole_session("ended"))
        .await
        .expect("storage answers");
    for (sid, expires_at) in [("over", NOW), ("almost", NOW + 1)] {
        open(
            storage,
            Record {
                expires_at,
                ..record("anna", sid, sid)
            },
        )
        .await;
    }
    let page = storage.list(query("anna")).await.expect("storage answers");
    assert_eq!(sids(&page), ["almost", "live"]);
}

/// Where every purpose is stored, a session without a living token is none.
pub async fn sessions_without_a_live_record_can_be_left_out<S: Storage>(storage: &S) {
    for sid in ["live", "revoked", "consumed", "expired", "renewed"] {
        open(storage, record("anna", sid, sid)).await;
    }
    storage
        .revoke(token("revoked"))
        .await
        .expect("storage answers");
    for sid in ["consumed", "renewed"] {
        let used = stored(storage, None, sid)
            .await
            .expect("the record is there");
        let successors = if sid == "renewed" {
            vec![record("anna", sid, "successor")]
        } else {
            Vec::new()
        };
        storage
            .consume(consumption(&used, successors))
            .await
            .expect("storage answers");
    }
    // The session goes on for longer than its only record.
    let brief = Record {
        expires_at: NOW + 5,
        ..record("anna", "brief", "brief")
    };
    let mut insertion = opening(brief);
    insertion.session.ends_at = NOW + HOUR;
    storage
        .insert(insertion)
        .await
        .expect("a new record is stored");
    let with_record = ListQuery {
        with_record: true,
        at: NOW + 5,
        ..query("anna")
    };
    let page = storage
        .list(with_record.clone())
        .await
        .expect("storage answers");
    assert_eq!(sids(&page), ["expired", "live", "renewed"]);
    let paged = storage
        .list(ListQuery {
            limit: 2,
            ..with_record
        })
        .await
        .expect("storage answers");
    assert_eq!((sids(&paged), paged.more), (vec!["expired", "live"], true));
    let all = storage.list(query("anna")).await.expect("storage answers");
    assert_eq!(all.sessions.len(), 6);
}

/// No sessions is an answer.
pub async fn an_unknown_subject_has_no_sessions<S: Storage>(storage: &S) {
    assert_eq!(
        storage.list(query("nobody")).await,
        Ok(StoredSessions::default())
    );
    let elsewhere = ListQuery {
        tenant: Some("acme".into()),
        ..query("nobody")
    };
    assert_eq!(storage.list(elsewhere).await, Ok(StoredSessions::default()));
}
