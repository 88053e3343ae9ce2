//! `raise-cut-off`.

use std::vec;
use std::vec::Vec;

use super::find::{cut_offs, sort};
use super::fixtures::*;
use crate::ports::Storage;
use crate::record::{CutOff, FindQuery, KeyCutOff, SubjectCutOff, TenantCutOff};

async fn found<S: Storage>(
    storage: &S,
    tenant: Option<&str>,
    subject: &str,
    purpose: &str,
    kid: &str,
) -> Vec<CutOff> {
    let query = FindQuery {
        tenant: tenant.map(Into::into),
        subject: Some(subject.into()),
        purpose: Some(purpose.into()),
        kid: Some(kid.into()),
        ..FindQuery::default()
    };
    let mut found = storage.find(query).await.expect("storage answers");
    sort(&mut found.cut_offs);
    found.cut_offs
}

/// A subject's is found for the subject, a tenant's for the tenant, a key's for the key in every tenant.
pub async fn each_kind_of_cut_off_concerns_its_own<S: Storage>(storage: &S) {
    let own = cut_offs(Some("acme"));
    for cut_off in &own {
        storage
            .raise_cut_off(cut_off.clone())
            .await
            .expect("a cut-off is stored");
    }
    let [whole, purpose, tenant, key] = &own[..] else {
        panic!("there are four");
    };
    let all = [whole.clone(), purpose.clone(), tenant.clone(), key.clone()];
    assert_eq!(
        found(storage, Some("acme"), "anna", "user", "k1").await,
        all
    );
    let other_purpose = [whole.clone(), tenant.clone(), key.clone()];
    assert_eq!(
        found(storage, Some("acme"), "anna", "refresh", "k1").await,
        other_purpose
    );
    let other_subject = [tenant.clone(), key.clone()];
    assert_eq!(
        found(storage, Some("acme"), "berta", "user", "k1").await,
        other_subject
    );
    assert_eq!(
        found(storage, Some("acme"), "anna", "user", "k2").await,
        all[..3]
    );
    assert_eq!(
        found(storage, Some("other"), "anna", "user", "k1").await,
        all[3..]
    );
    assert_eq!(
        found(storage, None, "anna", "user", "k1").await,
        all[3..],
        "no tenant is another one"
    );
    assert_eq!(found(storage, None, "anna", "user", "k2").await, []);
    let none = TenantCutOff {
        tenant: None,
        at: NOW,
        forget_at: NOW + HOUR,
    };
    storage
        .raise_cut_off(CutOff::Tenant(none.clone()))
        .await
        .expect("a cut-off is stored");
    assert_eq!(
        found(storage, None, "anna", "user", "k2").await,
        [CutOff::Tenant(none)]
    );
    assert_eq!(
        found(storage, Some("acme"), "anna", "user", "k1").await,
        all
    );
}

/// Neither its value nor the moment until which it is remembered ever goes down.
pub async fn cut_offs_are_never_lowered<S: Storage>(storage: &S) {
    let of_subject = |below, spared: &str, forget_at| {
        CutOff::Subject(SubjectCutOff {
            tenant: None,
            subject: "anna".into(),
            purpose: None,
            below,
            spared: vec![spared.into()],
            forget_at,
        })
    };
    let of_tenant = |at, forget_at| {
        CutOff::Tenant(TenantCutOff {
            tenant: None,
            at,
            forget_at,
        })
    };
    let of_key = |at, forget_at| {
        CutOff::Key(KeyCutOff {
            kid: "k1".into(),
            at,
            forget_at,
        })
    };
    let raise = async |cut_offs: [CutOff; 3]| {
        for cut_off in cut_offs {
            storage
                .raise_cut_off(cut_off)
                .await
                .expect("a cut-off is stored");
        }
        found(storage, None, "anna", "user", "k1").await
    };
    let first = [
        of_subject(5, "s1", NOW + 50),
        of_tenant(5, NOW + 50),
        of_key(5, NOW + 50),
    ];
    assert_eq!(raise(first.clone()).await, first);
    assert_eq!(
        raise(first.clone()).await,
        first,
        "repeating it changes nothing"
    );
    let lower = [
        of_subject(4, "s2", NOW + 40),
        of_tenant(4, NOW + 40),
        of_key(4, NOW + 40),
    ];
    assert_eq!(raise(lower).await, first);
    let longer = [
        of_subject(4, "s3", NOW + 60),
        of_tenant(4, NOW + 60),
        of_key(4, NOW + 60),
    ];
    let expected = [
        of_subject(5, "s1", NOW + 60),
        of_tenant(5, NOW + 60),
        of_key(5, NOW + 60),
    ];
    assert_eq!(
        raise(longer).await,
        expected,
        "the spared are those of who raised it last"
    );
    let higher = [of_subject(6, "s4", NOW), of_tenant(6, NOW), of_key(6, NOW)];
    let expected = [
        of_subject(6, "s4", NOW + 60),
        of_tenant(6, NOW + 60),
        of_key(6, NOW + 60),
    ];
    assert_eq!(raise(higher).await, expected);
    let again = of_subject(6, "s5", NOW);
    storage
        .raise_cut_off(again)
        .await
        .expect("a cut-off is stored");
    assert_eq!(
        found(storage, None, "anna", "user", "k1").await,
        expected,
        "an equal one raises nothing"
    );
}

/// What is issued after a cut-off is not below it.
pub async fn a_subjects_cut_off_raises_its_epoch<S: Storage>(storage: &S) {
    let [whole, purpose, tenant, key] = &cut_offs(None)[..] else {
        panic!("there are four");
    };
    storage
        .raise_cut_off(whole.clone())
        .await
        .expect("a cut-off is stored");
    assert_eq!(epoch(storage, "anna").await, 3);
    storage
        .raise_cut_off(purpose.clone())
        .await
        .expect("a cut-off is stored");
    storage
        .raise_cut_off(whole.clone())
        .await
        .expect("a cut-off is stored");
    storage
        .raise_cut_off(tenant.clone())
        .await
        .expect("a cut-off is stored");
    storage
        .raise_cut_off(key.clone())
        .await
        .expect("a cut-off is stored");
    assert_eq!(epoch(storage, "anna").await, 4);
    assert_eq!(
        storage.insert(opening(record("anna", "s1", "t1"))).await,
        Ok(4)
    );
    let done = storage
        .revoke_matching(everything("anna"))
        .await
        .expect("storage answers");
    assert_eq!(done.epoch, 5);
}

/// The largest time that a token can have, and anything later, lasts.
pub async fn a_time_beyond_all_others_is_kept<S: Storage>(storage: &S) {
    let for_ever = (1 << 53) - 1;
    for (kid, forget_at) in [("k1", for_ever), ("k2", u64::MAX)] {
        let cut_off = CutOff::Key(KeyCutOff {
            kid: kid.into(),
            at: for_ever,
            forget_at,
        });
        storage
            .raise_cut_off(cut_off)
            .await
            .expect("a cut-off is stored");
        let found = found(storage, None, "anna", "user", kid).await;
        let [CutOff::Key(kept)] = &found[..] else {
            panic!("expected one, got {found:?}");
        };
        assert_eq!(kept.at, for_ever);
        assert!(kept.forget_at >= for_ever);
    }
}
