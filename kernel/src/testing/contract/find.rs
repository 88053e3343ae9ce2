//! `find` and `find-many`.

use std::string::String;
use std::vec;
use std::vec::Vec;

use super::fixtures::*;
use crate::ports::Storage;
use crate::record::{CutOff, FindQuery, Found, KeyCutOff, Record, SubjectCutOff, TenantCutOff};

fn query(tenant: Option<&str>) -> FindQuery {
    FindQuery {
        tenant: tenant.map(Into::into),
        jti: Some("t1".into()),
        sid: Some("s1".into()),
        subject: Some("anna".into()),
        purpose: Some("user".into()),
        kid: Some("k1".into()),
    }
}

/// Nothing found is an answer with absent fields, not an error.
pub async fn nothing_found_is_an_answer<S: Storage>(storage: &S) {
    assert_eq!(storage.find(query(None)).await, Ok(Found::default()));
    assert_eq!(
        storage.find(query(Some("acme"))).await,
        Ok(Found::default())
    );
    assert_eq!(storage.find_many(Vec::new()).await, Ok(Vec::new()));
}

/// Record, session, all four cut-offs and the epoch come from one call.
pub async fn everything_about_a_token_is_found_in_one_call<S: Storage>(storage: &S) {
    let record = open(storage, record("anna", "s1", "t1")).await;
    let cut_offs = cut_offs(None);
    for cut_off in &cut_offs {
        storage
            .raise_cut_off(cut_off.clone())
            .await
            .expect("a cut-off is stored");
    }
    let mut found = storage.find(query(None)).await.expect("storage answers");
    sort(&mut found.cut_offs);
    let expected = Found {
        session: Some(session(&record)),
        record: Some(record),
        cut_offs,
        epoch: 4,
    };
    assert_eq!(found, expected);
}

/// A query asks for each kind of thing separately.
pub async fn an_absent_field_finds_nothing_of_its_kind<S: Storage>(storage: &S) {
    open(storage, record("anna", "s1", "t1")).await;
    for cut_off in cut_offs(None) {
        storage
            .raise_cut_off(cut_off)
            .await
            .expect("a cut-off is stored");
    }
    let found = async |query: FindQuery| {
        let found = storage.find(query).await.expect("storage answers");
        (
            found.record.is_some(),
            found.session.is_some(),
            found.cut_offs.len(),
            found.epoch,
        )
    };
    // The tenant's own cut-off concerns every token of it.
    assert_eq!(found(FindQuery::default()).await, (false, false, 1, 0));
    let full = query(None);
    let jti = FindQuery {
        jti: full.jti.clone(),
        ..FindQuery::default()
    };
    assert_eq!(found(jti).await, (true, false, 1, 0));
    let sid = FindQuery {
        sid: full.sid.clone(),
        ..FindQuery::default()
    };
    assert_eq!(found(sid).await, (false, true, 1, 0));
    let subject = FindQuery {
        subject: full.subject.clone(),
        ..FindQuery::default()
    };
    assert_eq!(
        found(subject).await,
        (false, false, 2, 4),
        "subject-wide and tenant"
    );
    let purpose = FindQuery {
        purpose: full.purpose.clone(),
        ..FindQuery::default()
    };
    assert_eq!(
        found(purpose).await,
        (false, false, 1, 0),
        "a purpose alone is nobody's"
    );
    let kid = FindQuery {
        kid: full.kid.clone(),
        ..FindQuery::default()
    };
    assert_eq!(found(kid).await, (false, false, 2, 0), "key and tenant");
    let other_purpose = FindQuery {
        purpose: Some("refresh".into()),
        ..full
    };
    assert_eq!(found(other_purpose).await, (true, true, 3, 4));
}

/// What belongs to one tenant does not exist for another, even under the same names.
pub async fn another_tenants_token_is_not_found<S: Storage>(storage: &S) {
    let of = |tenant: &str| Record {
        tenant: Some(tenant.into()),
        extra_data: Some(std::format!("{{\"of\":\"{tenant}\"}}")),
        ..record("anna", "s1", "t1")
    };
    open(storage, of("acme")).await;
    assert_eq!(
        storage.find(query(Some("other"))).await,
        Ok(Found::default())
    );
    // The same identifiers are free in another tenant.
    let other = open(storage, of("other")).await;
    let found = storage
        .find(query(Some("other")))
        .await
        .expect("storage answers");
    assert_eq!(found.session, Some(session(&other)));
    assert_eq!(found.record, Some(other));
    let mut everything = everything("anna");
    everything.tenant = Some("other".into());
    storage
        .revoke_matching(everything)
        .await
        .expect("storage answers");
    let mut revocation = token("t1");
    revocation.tenant = Some("third".into());
    storage.revoke(revocation).await.expect("storage answers");
    let found = storage
        .find(query(Some("acme")))
        .await
        .expect("storage answers");
    assert_eq!((found.record, found.epoch), (Some(of("acme")), 0));
}

/// No tenant never matches a named one, in either direction.
pub async fn an_absent_tenant_is_a_tenant_of_its_own<S: Storage>(storage: &S) {
    open(storage, record("anna", "s1", "t1")).await;
    for tenant in ["acme", "none", "null", " "] {
        assert_eq!(
            storage.find(query(Some(tenant))).await,
            Ok(Found::default()),
            "{tenant:?}"
        );
    }
    let named = Record {
        tenant: Some("acme".into()),
        ..record("anna", "s1", "t1")
    };
    open(storage, named.clone()).await;
    storage
        .revoke_matching(everything("anna"))
        .await
        .expect("storage answers");
    storage
        .raise_cut_off(cut_offs(None)[2].clone())
        .await
        .expect("a cut-off is stored");
    let found = storage
        .find(query(Some("acme")))
        .await
        .expect("storage answers");
    assert_eq!(found.record, Some(named));
    assert_eq!((found.cut_offs, found.epoch), (Vec::new(), 0));
    assert_eq!(
        status(storage, "t1").await,
        revoked("signed_out_everywhere")
    );
}

/// One answer per query, in order, also for what is not there and for what is asked twice.
pub async fn a_batch_is_answered_in_order<S: Storage>(storage: &S) {
    for number in 0..20 {
        let (sid, jti) = (std::format!("s{number}"), std::format!("t{number}"));
        open(storage, record("anna", &sid, &jti)).await;
    }
    let asked: Vec<String> = [7, 3, 99, 3, 19, 0]
        .iter()
        .map(|number| std::format!("t{number}"))
        .collect();
    let of = |jti: &String| FindQuery {
        jti: Some(jti.clone()),
        ..FindQuery::default()
    };
    let found = storage
        .find_many(asked.iter().map(of).collect())
        .await
        .expect("storage answers");
    let answered: Vec<_> = found
        .into_iter()
        .map(|found| found.record.map(|record| record.jti))
        .collect();
    let expected: Vec<_> = asked
        .into_iter()
        .map(|jti| (jti != "t99").then_some(jti))
        .collect();
    assert_eq!(answered, expected);
}

/// A look-up that starts after a write has returned sees it, however many look-ups there are.
pub async fn what_was_written_is_found_at_once<S: Storage>(storage: &S) {
    for number in 0..50 {
        let (sid, jti) = (std::format!("s{number}"), std::format!("t{number}"));
        open(storage, record("anna", &sid, &jti)).await;
        assert!(is_live(storage, &jti).await);
        storage.revoke(token(&jti)).await.expect("storage answers");
        for _ in 0..10 {
            assert!(!is_live(storage, &jti).await, "round {number}");
        }
    }
}

/// In the order of [`sort`].
pub(super) fn cut_offs(tenant: Option<&str>) -> Vec<CutOff> {
    let tenant: Option<String> = tenant.map(Into::into);
    let of_subject = |purpose: Option<&str>, below| {
        CutOff::Subject(SubjectCutOff {
            tenant: tenant.clone(),
            subject: "anna".into(),
            purpose: purpose.map(Into::into),
            below,
            spared: vec!["s1".into(), "s'2".into()],
            forget_at: NOW + HOUR,
        })
    };
    vec![
        of_subject(None, 3),
        of_subject(Some("user"), 4),
        CutOff::Tenant(TenantCutOff {
            tenant: tenant.clone(),
            at: NOW - 5,
            forget_at: NOW + HOUR,
        }),
        CutOff::Key(KeyCutOff {
            kid: "k1".into(),
            at: NOW - 6,
            forget_at: NOW + HOUR,
        }),
    ]
}

pub(super) fn sort(cut_offs: &mut [CutOff]) {
    cut_offs.sort_by_key(|cut_off| match cut_off {
        CutOff::Subject(cut_off) => (0, cut_off.purpose.clone()),
        CutOff::Tenant(_) => (1, None),
        CutOff::Key(_) => (2, None),
    });
}
