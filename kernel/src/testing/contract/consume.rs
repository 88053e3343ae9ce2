//! `consume`.

use std::vec;
use std::vec::Vec;

use super::fixtures::*;
use crate::ports::{Storage, StorageError};
use crate::record::{Consumed, Consumption, Notify, Record, Status};

fn refresh(sid: &str, jti: &str) -> Record {
    Record {
        purpose: "refresh".into(),
        ..record("anna", sid, jti)
    }
}

fn later(record: Record, seconds: u64) -> Record {
    Record {
        issued_at: record.issued_at + seconds,
        created_at: record.created_at + seconds,
        expires_at: record.expires_at + seconds,
        ..record
    }
}

/// The record is used up and its successors are there, in one step.
pub async fn consuming_stores_the_successors<S: Storage>(storage: &S) {
    storage
        .revoke_matching(everything("anna"))
        .await
        .expect("storage answers");
    let used = open(storage, refresh("s1", "r1")).await;
    let (fresh, user) = (later(refresh("s1", "r2"), 60), record("anna", "s1", "u2"));
    let answer = storage
        .consume(consumption(&used, vec![fresh.clone(), user.clone()]))
        .await;
    assert_eq!(answer, Ok(Consumed::Won { epoch: 1 }));
    let consumed = Record {
        status: Status::Consumed {
            at: NOW,
            request: Some("hash".into()),
        },
        successors: vec!["r2".into(), "u2".into()],
        ..used
    };
    assert_eq!(stored(storage, None, "r1").await, Some(consumed));
    assert_eq!(
        stored(storage, None, "r2").await,
        Some(Record {
            epoch: 1,
            ..fresh.clone()
        })
    );
    assert_eq!(
        stored(storage, None, "u2").await,
        Some(Record { epoch: 1, ..user })
    );
    let session = stored_session(storage, None, "s1")
        .await
        .expect("the session is there");
    assert_eq!(
        (session.last_seen, session.ends_at),
        (NOW + 60, fresh.expires_at)
    );
    // Without a request id, and without successors.
    let last = Consumption {
        request: None,
        ..consumption(&fresh, Vec::new())
    };
    assert_eq!(storage.consume(last).await, Ok(Consumed::Won { epoch: 1 }));
    let status = status(storage, "r2").await;
    assert_eq!(
        status,
        Status::Consumed {
            at: NOW,
            request: None
        }
    );
}

/// Who comes late is told what took the record's place: per purpose the newest live one, however long the chain.
pub async fn a_consumed_record_is_lost_with_its_newest_successors<S: Storage>(storage: &S) {
    let first = open(storage, refresh("s1", "r1")).await;
    let user = |jti: &str, seconds| later(record("anna", "s1", jti), seconds);
    let second = later(refresh("s1", "r2"), 1);
    let third = later(refresh("s1", "r3"), 2);
    let win = async |used: &Record, successors: Vec<Record>| {
        let answer = storage.consume(consumption(used, successors)).await;
        assert_eq!(answer, Ok(Consumed::Won { epoch: 0 }));
    };
    win(&first, vec![second.clone(), user("u2", 1)]).await;
    win(&second, vec![third.clone(), user("u3", 2)]).await;
    // A sibling that is no successor of it, and younger than all.
    join(storage, user("sibling", 9)).await;
    let lost = async |used: &Record| {
        let intruder = later(refresh("s1", "intruder"), 5);
        match storage.consume(consumption(used, vec![intruder])).await {
            Ok(Consumed::Lost {
                record,
                session,
                mut newest,
            }) => {
                newest.sort_by(|a, b| a.jti.cmp(&b.jti));
                (record, session, newest)
            }
            other => panic!("expected a loss, got {other:?}"),
        }
    };
    let (record_now, session_now, newest) = lost(&first).await;
    assert_eq!(record_now, stored(storage, None, "r1").await);
    assert_eq!(session_now, stored_session(storage, None, "s1").await);
    assert_eq!(newest, [third.clone(), user("u3", 2)]);
    assert_eq!(stored(storage, None, "intruder").await, None);
    let (_, _, newest) = lost(&second).await;
    assert_eq!(newest, [third.clone(), user("u3", 2)]);
    // What is revoked is no longer offered; the one before it is.
    storage.revoke(token("u3")).await.expect("storage answers");
    let (_, _, newest) = lost(&first).await;
    assert_eq!(newest, [third, user("u2", 1)]);
    storage
        .revoke(whole_session("s1"))
        .await
        .expect("storage answers");
    let (record_now, session_now, newest) = lost(&first).await;
    assert!(matches!(
        record_now.map(|record| record.status),
        Some(Status::Consumed { .. })
    ));
    assert!(session_now.is_some());
    assert_eq!(newest, []);
}

/// Unknown and revoked records are lost, and nothing is stored.
pub async fn what_is_not_live_cannot_be_consumed<S: Storage>(storage: &S) {
    let unknown = refresh("s1", "r1");
    let lost = Consumed::Lost {
        record: None,
        session: None,
        newest: Vec::new(),
    };
    let answer = storage
        .consume(consumption(&unknown, vec![refresh("s1", "r2")]))
        .await;
    assert_eq!(answer, Ok(lost));
    let record = open(storage, unknown).await;
    storage.revoke(token("r1")).await.expect("storage answers");
    let answer = storage
        .consume(consumption(&record, vec![refresh("s1", "r2")]))
        .await;
    let Ok(Consumed::Lost {
        record: Some(now),
        session: Some(_),
        newest,
    }) = answer
    else {
        panic!("expected a loss, got {answer:?}");
    };
    assert_eq!((now.status, newest), (revoked("signed_out"), Vec::new()));
    assert_eq!(stored(storage, None, "r2").await, None);
    let elsewhere = Consumption {
        tenant: Some("acme".into()),
        ..consumption(&record, Vec::new())
    };
    let answer = storage.consume(elsewhere).await;
    assert!(
        matches!(
            answer,
            Ok(Consumed::Lost {
                record: None,
                session: None,
                ..
            })
        ),
        "{answer:?}"
    );
}

/// A session that was ended issues nothing any more, even if a record of it were still live.
pub async fn a_record_of_an_ended_session_cannot_be_consumed<S: Storage>(storage: &S) {
    // Left alone by the sign-out as expired, so still live in an ended session.
    let expired = Record {
        expires_at: NOW - 1,
        ..refresh("s1", "r1")
    };
    let expired = open(storage, expired).await;
    join(storage, record("anna", "s1", "t1")).await;
    storage
        .revoke_matching(everything("anna"))
        .await
        .expect("storage answers");
    assert!(is_live(storage, "r1").await && !goes_on(storage, "s1").await);
    let answer = storage
        .consume(consumption(&expired, vec![refresh("s1", "r2")]))
        .await;
    assert!(matches!(answer, Ok(Consumed::Lost { .. })), "{answer:?}");
    assert!(is_live(storage, "r1").await, "nothing was changed");
    assert_eq!(stored(storage, None, "r2").await, None);
}

/// A record is consumed only by a call that names its session and its subject.
pub async fn another_session_or_subject_does_not_consume<S: Storage>(storage: &S) {
    let used = open(storage, refresh("s1", "r1")).await;
    open(storage, refresh("s2", "r2")).await;
    open(
        storage,
        Record {
            purpose: "refresh".into(),
            ..record("berta", "s3", "r3")
        },
    )
    .await;
    for (sid, subject) in [
        ("s2", "anna"),
        ("s3", "berta"),
        ("s1", "berta"),
        ("unknown", "anna"),
    ] {
        let foreign = Consumption {
            sid: sid.into(),
            subject: subject.into(),
            ..consumption(&used, Vec::new())
        };
        let answer = storage.consume(foreign).await;
        assert!(
            matches!(
                answer,
                Ok(Consumed::Lost {
                    record: Some(_),
                    ..
                })
            ),
            "{sid} {subject}: {answer:?}"
        );
        assert!(is_live(storage, "r1").await);
    }
}

/// One transaction: if a successor cannot be stored, the record is not used up.
pub async fn a_known_successor_undoes_the_consumption<S: Storage>(storage: &S) {
    let used = open(storage, refresh("s1", "r1")).await;
    open(storage, record("anna", "s2", "known")).await;
    let before = stored_session(storage, None, "s1").await;
    let clash = Record {
        sid: "s1".into(),
        ..later(record("anna", "s2", "known"), 60)
    };
    let answer = storage
        .consume(consumption(
            &used,
            vec![later(refresh("s1", "r2"), 60), clash],
        ))
        .await;
    assert_eq!(answer, Err(StorageError::Conflict));
    assert_eq!(stored(storage, None, "r1").await, Some(used.clone()));
    assert_eq!(stored(storage, None, "r2").await, None);
    assert_eq!(stored_session(storage, None, "s1").await, before);
    // A successor of another session is a defect of the caller, and undoes it as well.
    let stray = consumption(&used, vec![refresh("s2", "r3")]);
    let answer = storage.consume(stray).await;
    assert!(matches!(answer, Err(StorageError::Other(_))), "{answer:?}");
    assert_eq!(stored(storage, None, "r1").await, Some(used.clone()));
    let twice = consumption(&used, vec![refresh("s1", "r4"), refresh("s1", "r4")]);
    assert_eq!(storage.consume(twice).await, Err(StorageError::Conflict));
    assert_eq!(stored(storage, None, "r1").await, Some(used));
}

/// Rotation never disconnects.
pub async fn consuming_never_makes_a_disconnect_pending<S: Storage>(storage: &S) {
    let used = open(storage, record("anna", "s1", "t1")).await;
    let answer = storage
        .consume(consumption(&used, vec![record("anna", "s1", "t2")]))
        .await;
    assert_eq!(answer, Ok(Consumed::Won { epoch: 0 }));
    let notify = stored(storage, None, "t1")
        .await
        .map(|record| record.notify);
    assert_eq!(notify, Some(Notify::Nothing));
    assert_eq!(storage.undelivered(claim(NOW + HOUR)).await, Ok(Vec::new()));
}
