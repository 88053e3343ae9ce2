//! `delete-expired`.

use super::find::cut_offs;
use super::fixtures::*;
use crate::ports::Storage;
use crate::record::{Deleted, ExpiryBatch, FindQuery, Record};

/// The moment itself is not before it; whatever the status, and with everything that hangs on it.
pub async fn only_what_is_over_is_deleted<S: Storage>(storage: &S) {
    let until = |jti: &str, expires_at| Record {
        expires_at,
        ..record("anna", jti, jti)
    };
    for (jti, end) in [
        ("over", NOW - 1),
        ("revoked", NOW - 1),
        ("exactly", NOW),
        ("later", NOW + 1),
    ] {
        open(storage, until(jti, end)).await;
    }
    storage
        .revoke(token("revoked"))
        .await
        .expect("storage answers");
    for (number, mut cut_off) in cut_offs(None).into_iter().enumerate() {
        let end = NOW - 1 + number as u64;
        match &mut cut_off {
            crate::record::CutOff::Subject(it) => it.forget_at = end,
            crate::record::CutOff::Tenant(it) => it.forget_at = end,
            crate::record::CutOff::Key(it) => it.forget_at = end,
        }
        storage
            .raise_cut_off(cut_off)
            .await
            .expect("a cut-off is stored");
    }
    let batch = ExpiryBatch {
        before: NOW,
        limit: 100,
    };
    let expected = Deleted {
        records: 2,
        sessions: 2,
        cut_offs: 1,
        more: false,
    };
    assert_eq!(storage.delete_expired(batch.clone()).await, Ok(expected));
    for (jti, there) in [
        ("over", false),
        ("revoked", false),
        ("exactly", true),
        ("later", true),
    ] {
        assert_eq!(stored(storage, None, jti).await.is_some(), there, "{jti}");
        assert_eq!(
            stored_session(storage, None, jti).await.is_some(),
            there,
            "{jti}"
        );
    }
    let query = FindQuery {
        subject: Some("anna".into()),
        purpose: Some("user".into()),
        kid: Some("k1".into()),
        ..FindQuery::default()
    };
    let found = storage.find(query).await.expect("storage answers");
    assert_eq!(found.cut_offs.len(), 3);
    assert_eq!(
        storage.undelivered(claim(NOW)).await,
        Ok(std::vec::Vec::new()),
        "its disconnect is gone too"
    );
    let nothing = Deleted::default();
    assert_eq!(storage.delete_expired(batch).await, Ok(nothing));
    assert_eq!(
        storage
            .insert(opening(record("anna", "over", "over")))
            .await,
        Ok(4),
        "forgotten"
    );
}

/// Each call deletes at most so many of each kind, oldest first, and says whether there are more.
pub async fn deletion_is_bounded<S: Storage>(storage: &S) {
    for number in 0..25_u64 {
        let jti = std::format!("t{number:02}");
        open(
            storage,
            Record {
                expires_at: NOW - 100 + number,
                ..record("anna", &jti, &jti)
            },
        )
        .await;
    }
    let batch = ExpiryBatch {
        before: NOW,
        limit: 10,
    };
    for (records, more) in [(10, true), (10, true), (5, false), (0, false)] {
        let expected = Deleted {
            records,
            sessions: records,
            cut_offs: 0,
            more,
        };
        assert_eq!(storage.delete_expired(batch.clone()).await, Ok(expected));
        if records == 10 && more {
            assert!(
                stored(storage, None, "t24").await.is_some(),
                "the oldest first"
            );
        }
    }
}

/// A sign-in that began before a sign-out stays refused, however long ago that was.
pub async fn epochs_are_never_deleted<S: Storage>(storage: &S) {
    open(storage, record("anna", "s1", "t1")).await;
    storage
        .revoke_matching(everything("anna"))
        .await
        .expect("storage answers");
    storage
        .revoke_matching(everything("nobody"))
        .await
        .expect("storage answers");
    storage
        .raise_cut_off(cut_offs(None)[1].clone())
        .await
        .expect("a cut-off is stored");
    let batch = ExpiryBatch {
        before: NOW + 1_000 * HOUR,
        limit: 100,
    };
    let deleted = storage
        .delete_expired(batch)
        .await
        .expect("storage answers");
    assert_eq!(
        (deleted.records, deleted.sessions, deleted.cut_offs),
        (1, 1, 1)
    );
    assert_eq!(
        (epoch(storage, "anna").await, epoch(storage, "nobody").await),
        (4, 1)
    );
}
