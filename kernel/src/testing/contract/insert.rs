//! `insert` and `touch`.

use std::string::String;
use std::vec::Vec;

use super::fixtures::*;
use crate::ports::{Guard, Storage, StorageError};
use crate::record::{Insertion, Record, Session};

/// The epoch is storage's: what the record says is ignored, what is answered is stored.
pub async fn inserting_answers_the_epoch_and_stores_it<S: Storage>(storage: &S) {
    let lying = Record {
        epoch: 99,
        ..record("anna", "s1", "t1")
    };
    assert_eq!(storage.insert(opening(lying)).await, Ok(0));
    storage
        .revoke_matching(everything("anna"))
        .await
        .expect("storage answers");
    storage
        .revoke_matching(everything("anna"))
        .await
        .expect("storage answers");
    assert_eq!(
        storage.insert(opening(record("anna", "s2", "t2"))).await,
        Ok(2)
    );
    let epochs = [
        stored(storage, None, "t1").await.map(|record| record.epoch),
        stored(storage, None, "t2").await.map(|record| record.epoch),
    ];
    assert_eq!(epochs, [Some(0), Some(2)]);
}

/// Every field of a record and its session comes back.
pub async fn a_record_is_stored_as_it_stands<S: Storage>(storage: &S) {
    let full = Record {
        tenant: Some("acme".into()),
        act: Some("invoice:42".into()),
        issued_at: NOW - 1,
        created_at: NOW - 2,
        ..record("anna", "s1", "t1")
    };
    let full = open(storage, full).await;
    assert_eq!(
        stored(storage, Some("acme"), "t1").await,
        Some(full.clone())
    );
    assert_eq!(
        stored_session(storage, Some("acme"), "s1").await,
        Some(session(&full))
    );
    let bare = Record {
        extra_data: None,
        ..record("anna", "s2", "t2")
    };
    let insertion = Insertion {
        session: Session {
            device: None,
            ..session(&bare)
        },
        ..opening(bare.clone())
    };
    storage
        .insert(insertion.clone())
        .await
        .expect("a new record is stored");
    assert_eq!(stored(storage, None, "t2").await, Some(bare));
    assert_eq!(
        stored_session(storage, None, "s2").await,
        Some(insertion.session)
    );
}

/// Quotes, NULs, characters of every kind and long texts come back as they were, and are told apart.
pub async fn any_text_is_stored_exactly<S: Storage>(storage: &S) {
    let mut texts: Vec<String> = [
        "'; DROP TABLE records; --",
        "\"double\" `back` [square] {curly}",
        "a\0b",
        "a\0c",
        "a",
        "A",
        "user?id=42&x=%00",
        "ä",
        "a\u{308}",
        "Zoë 🦀 пользователь ユーザー \u{202e}",
        "tab\tnewline\nbell\u{7}",
        " spaces ",
        "\\backslash\\",
        "%_*?:/.#",
    ]
    .iter()
    .map(|text| String::from(*text))
    .collect();
    texts.extend(["x".repeat(199) + "1", "x".repeat(199) + "2"]);
    let of = |text: &String| Record {
        tenant: Some(text.clone()),
        purpose: text.clone(),
        act: Some(text.clone()),
        kid: text.clone(),
        extra_data: Some(text.clone()),
        ..record(text, text, text)
    };
    for text in &texts {
        let insertion = Insertion {
            session: Session {
                device: Some(text.clone()),
                ..session(&of(text))
            },
            ..opening(of(text))
        };
        assert_eq!(storage.insert(insertion).await, Ok(0), "{text:?}");
    }
    for text in &texts {
        let found = stored(storage, Some(text), text).await;
        assert_eq!(found, Some(of(text)));
        let device = stored_session(storage, Some(text), text)
            .await
            .and_then(|session| session.device);
        assert_eq!(device.as_ref(), Some(text));
        let mut revocation = everything(text);
        revocation.tenant = Some(text.clone());
        revocation.reason.clone_from(text);
        let done = storage
            .revoke_matching(revocation)
            .await
            .expect("storage answers");
        assert_eq!(
            (done.sessions, done.records, done.epoch),
            (1, 1, 1),
            "{text:?}"
        );
        let status = stored(storage, Some(text), text)
            .await
            .map(|record| record.status);
        assert_eq!(status, Some(revoked(text)));
    }
}

/// Live, revoked, consumed or a tombstone: what is known stays as it is.
pub async fn a_known_jti_is_a_conflict_whatever_its_status<S: Storage>(storage: &S) {
    let live = open(storage, record("anna", "s1", "live")).await;
    let gone = open(storage, record("anna", "s2", "revoked")).await;
    storage
        .revoke(token("revoked"))
        .await
        .expect("storage answers");
    let used = open(storage, record("anna", "s3", "consumed")).await;
    storage
        .consume(consumption(&used, Vec::new()))
        .await
        .expect("storage answers");
    let tombstone = Record {
        status: revoked("signed_out"),
        ..record("", "", "tombstone")
    };
    let mut revocation = token("tombstone");
    revocation.tombstone = Some(tombstone.clone());
    storage.revoke(revocation).await.expect("storage answers");
    for jti in ["live", "revoked", "consumed", "tombstone"] {
        let before = stored(storage, None, jti).await;
        let again = Record {
            purpose: "other".into(),
            ..record("berta", "s9", jti)
        };
        assert_eq!(
            storage.insert(opening(again.clone())).await,
            Err(StorageError::Conflict),
            "{jti}"
        );
        let joined = Record {
            sid: "s1".into(),
            subject: "anna".into(),
            ..again
        };
        assert_eq!(
            storage.insert(joining(joined)).await,
            Err(StorageError::Conflict),
            "{jti}"
        );
        assert_eq!(stored(storage, None, jti).await, before, "{jti}");
    }
    assert_eq!(stored(storage, None, "live").await, Some(live));
    assert_ne!(stored(storage, None, "revoked").await, Some(gone));
    assert_eq!(stored(storage, None, "tombstone").await, Some(tombstone));
}

/// A session is opened once, whether it goes on or not, by whomever.
pub async fn a_known_sid_cannot_be_opened<S: Storage>(storage: &S) {
    open(storage, record("anna", "s1", "t1")).await;
    open(storage, record("anna", "s2", "t2")).await;
    storage
        .revoke(whole_session("s2"))
        .await
        .expect("storage answers");
    for (subject, sid) in [
        ("anna", "s1"),
        ("anna", "s2"),
        ("berta", "s1"),
        ("berta", "s2"),
    ] {
        let before = stored_session(storage, None, sid).await;
        let again = storage.insert(opening(record(subject, sid, "new"))).await;
        assert_eq!(again, Err(StorageError::Conflict), "{subject} {sid}");
        assert_eq!(stored_session(storage, None, sid).await, before);
        assert_eq!(stored(storage, None, "new").await, None);
    }
}

/// A refused insertion leaves nothing behind, not even its session or a later end of it.
pub async fn a_conflict_changes_nothing<S: Storage>(storage: &S) {
    open(storage, record("anna", "s1", "t1")).await;
    let before = stored_session(storage, None, "s1").await;
    let conflict = opening(record("anna", "s2", "t1"));
    assert_eq!(storage.insert(conflict).await, Err(StorageError::Conflict));
    assert_eq!(stored_session(storage, None, "s2").await, None);
    let later = Record {
        expires_at: NOW + 9 * HOUR,
        ..record("anna", "s1", "t1")
    };
    assert_eq!(
        storage.insert(joining(later)).await,
        Err(StorageError::Conflict)
    );
    assert_eq!(stored_session(storage, None, "s1").await, before);
}

/// What was read before a sign-out cannot be stored after it.
pub async fn a_raised_epoch_fails_the_guard<S: Storage>(storage: &S) {
    let guarded = |jti: &str, guard| Insertion {
        guard: Some(guard),
        ..opening(record("anna", jti, jti))
    };
    assert_eq!(storage.insert(guarded("t1", 0)).await, Ok(0));
    storage
        .revoke_matching(everything("anna"))
        .await
        .expect("storage answers");
    let refused = Err(StorageError::GuardFailed(Guard::Epoch));
    assert_eq!(storage.insert(guarded("t2", 0)).await, refused);
    assert_eq!(stored(storage, None, "t2").await, None);
    assert_eq!(stored_session(storage, None, "t2").await, None);
    // A guard that is equal or above holds; another subject's epoch is another matter.
    assert_eq!(storage.insert(guarded("t2", 1)).await, Ok(1));
    assert_eq!(storage.insert(guarded("t3", 7)).await, Ok(1));
    let other = Insertion {
        guard: Some(0),
        ..opening(record("berta", "s9", "t9"))
    };
    assert_eq!(storage.insert(other).await, Ok(0));
}

/// A record cannot be put into a session of another tenant, name or subject.
pub async fn a_record_and_its_session_must_agree<S: Storage>(storage: &S) {
    let good = record("anna", "s1", "t1");
    let sessions = [
        Session {
            tenant: Some("acme".into()),
            ..session(&good)
        },
        Session {
            sid: "s2".into(),
            ..session(&good)
        },
        Session {
            subject: "berta".into(),
            ..session(&good)
        },
    ];
    for session in sessions {
        let insertion = Insertion {
            session,
            ..opening(good.clone())
        };
        let answer = storage.insert(insertion).await;
        assert!(matches!(answer, Err(StorageError::Other(_))), "{answer:?}");
    }
    assert_eq!(stored(storage, None, "t1").await, None);
}
