//! `undelivered` and `delivered`.

use std::vec;
use std::vec::Vec;

use super::fixtures::*;
use crate::ports::Storage;
use crate::record::{DeliveryClaim, Record, RecordId, SubjectId};

/// Two revoked sessions whose disconnects are due at once.
async fn two_pending<S: Storage>(storage: &S) {
    for (sid, jti) in [("s1", "t1"), ("s2", "t2")] {
        open(storage, record("anna", sid, jti)).await;
    }
    storage
        .revoke_matching(everything("anna"))
        .await
        .expect("storage answers");
}

/// Until the lease ends nobody else gets it; then it is claimed again.
pub async fn claims_are_leased<S: Storage>(storage: &S) {
    two_pending(storage).await;
    let first = storage
        .undelivered(DeliveryClaim {
            limit: 1,
            ..claim(NOW)
        })
        .await
        .expect("storage answers");
    let second = storage
        .undelivered(claim(NOW))
        .await
        .expect("storage answers");
    assert_eq!((jtis(&first), jtis(&second)), (vec!["t1"], vec!["t2"]));
    for moment in [NOW, NOW + 29] {
        assert_eq!(
            storage.undelivered(claim(moment)).await,
            Ok(Vec::new()),
            "{moment}"
        );
    }
    let again = storage
        .undelivered(claim(NOW + 30))
        .await
        .expect("storage answers");
    assert_eq!(jtis(&again), ["t1", "t2"]);
    assert_eq!(storage.undelivered(claim(NOW + 59)).await, Ok(Vec::new()));
}

/// Oldest first by the moment that they are due, then by key.
pub async fn claims_are_oldest_first_limited_and_without_extra_data<S: Storage>(storage: &S) {
    for (number, due) in [3, 1, 2, 1].into_iter().enumerate() {
        let jti = std::format!("t{number}");
        open(storage, record("anna", &jti, &jti)).await;
        let mut revocation = token(&jti);
        revocation.due = NOW + due;
        storage.revoke(revocation).await.expect("storage answers");
    }
    let three = DeliveryClaim {
        limit: 3,
        ..claim(NOW + 5)
    };
    let claimed = storage.undelivered(three).await.expect("storage answers");
    assert_eq!(jtis(&claimed), ["t1", "t3", "t2"]);
    let expected = stored(storage, None, "t1").await.map(without_extra_data);
    assert_eq!(Some(claimed[0].clone()), expected);
    let rest = storage
        .undelivered(claim(NOW + 5))
        .await
        .expect("storage answers");
    assert_eq!(jtis(&rest), ["t0"]);
}

/// `only` claims one subject's; the tenant is part of who it is.
pub async fn claims_of_one_subject_leave_others_alone<S: Storage>(storage: &S) {
    for (subject, jti) in [("anna", "t1"), ("berta", "t2"), ("anna", "t3")] {
        open(storage, record(subject, jti, jti)).await;
    }
    let acme = Record {
        tenant: Some("acme".into()),
        ..record("anna", "s4", "t4")
    };
    open(storage, acme).await;
    for tenant in [None, Some("acme".into())] {
        for subject in ["anna", "berta"] {
            let mut all = everything(subject);
            all.tenant.clone_from(&tenant);
            storage.revoke_matching(all).await.expect("storage answers");
        }
    }
    let only = |tenant: Option<&str>, subject: &str| DeliveryClaim {
        only: Some(SubjectId {
            tenant: tenant.map(Into::into),
            subject: subject.into(),
        }),
        ..claim(NOW)
    };
    let claimed = storage
        .undelivered(only(None, "anna"))
        .await
        .expect("storage answers");
    assert_eq!(jtis(&claimed), ["t1", "t3"]);
    assert_eq!(
        storage.undelivered(only(None, "anna")).await,
        Ok(Vec::new()),
        "under lease"
    );
    assert_eq!(
        storage.undelivered(only(None, "nobody")).await,
        Ok(Vec::new())
    );
    let claimed = storage
        .undelivered(only(Some("acme"), "anna"))
        .await
        .expect("storage answers");
    assert_eq!(jtis(&claimed), ["t4"]);
    let rest = storage
        .undelivered(claim(NOW))
        .await
        .expect("storage answers");
    assert_eq!(jtis(&rest), ["t2"]);
}

/// Nothing is sent before it is due.
pub async fn what_is_due_later_is_not_claimed<S: Storage>(storage: &S) {
    open(storage, record("anna", "s1", "t1")).await;
    let mut later = token("t1");
    later.due = NOW + 30;
    storage.revoke(later).await.expect("storage answers");
    assert_eq!(storage.undelivered(claim(NOW + 29)).await, Ok(Vec::new()));
    let due = storage
        .undelivered(claim(NOW + 30))
        .await
        .expect("storage answers");
    assert_eq!(jtis(&due), ["t1"]);
}

/// Delivered is delivered, whoever asks, and the record stays revoked.
pub async fn delivered_disconnects_are_not_claimed_again<S: Storage>(storage: &S) {
    two_pending(storage).await;
    let claimed = storage
        .undelivered(claim(NOW))
        .await
        .expect("storage answers");
    storage
        .delivered(vec![claimed[0].id()])
        .await
        .expect("storage answers");
    let again = storage
        .undelivered(claim(NOW + HOUR))
        .await
        .expect("storage answers");
    assert_eq!(jtis(&again), ["t2"]);
    assert_eq!(
        status(storage, "t1").await,
        revoked("signed_out_everywhere")
    );
    // A lease is no condition: who published without one says so too.
    storage
        .delivered(vec![again[0].id()])
        .await
        .expect("storage answers");
    assert_eq!(
        storage.undelivered(claim(NOW + 2 * HOUR)).await,
        Ok(Vec::new())
    );
}

/// Repeating it, unknown records and an empty list change nothing.
pub async fn delivering_the_unknown_is_no_error<S: Storage>(storage: &S) {
    two_pending(storage).await;
    let live = open(storage, record("berta", "s9", "t9")).await;
    let id = |tenant: Option<&str>, jti: &str| RecordId {
        tenant: tenant.map(Into::into),
        jti: jti.into(),
    };
    assert_eq!(storage.delivered(Vec::new()).await, Ok(()));
    let strange = vec![
        id(None, "unknown"),
        id(Some("acme"), "t1"),
        live.id(),
        id(None, "t2"),
        id(None, "t2"),
    ];
    assert_eq!(storage.delivered(strange.clone()).await, Ok(()));
    assert_eq!(storage.delivered(strange).await, Ok(()));
    assert_eq!(stored(storage, None, "t9").await, Some(live));
    let rest = storage
        .undelivered(claim(NOW))
        .await
        .expect("storage answers");
    assert_eq!(jtis(&rest), ["t1"]);
}
