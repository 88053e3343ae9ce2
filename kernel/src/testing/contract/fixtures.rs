//! What the cases are made of. Public, for tests of adapters that go beyond the suite.

use std::string::String;
use std::vec::Vec;

use crate::ports::Storage;
use crate::record::{
    Consumption, CutOffScope, DeliveryClaim, FindQuery, Insertion, MatchingRevocation, Notify,
    Record, Revocation, RevocationTarget, Session, SessionStatus, Status, Timestamp,
};

/// The moment at which the cases play.
pub const NOW: Timestamp = 1_700_000_000;
/// How long their tokens live, in seconds.
pub const HOUR: u64 = 3_600;

/// A live record without a tenant, for the purpose `user`.
pub fn record(subject: &str, sid: &str, jti: &str) -> Record {
    Record {
        tenant: None,
        jti: jti.into(),
        sid: sid.into(),
        subject: subject.into(),
        purpose: "user".into(),
        act: None,
        kid: "k1".into(),
        issued_at: NOW,
        expires_at: NOW + HOUR,
        epoch: 0,
        extra_data: Some(r#"{"role":"admin"}"#.into()),
        created_at: NOW,
        status: Status::Live,
        successors: Vec::new(),
        notify: Notify::Nothing,
    }
}

/// The session that a record opens.
pub fn session(record: &Record) -> Session {
    Session {
        tenant: record.tenant.clone(),
        sid: record.sid.clone(),
        subject: record.subject.clone(),
        device: Some("a phone".into()),
        created_at: record.created_at,
        last_seen: record.created_at,
        ends_at: record.expires_at,
        status: SessionStatus::Live,
    }
}

/// Stores a record and opens its session.
pub fn opening(record: Record) -> Insertion {
    Insertion {
        session: session(&record),
        record,
        open: true,
        guard: None,
    }
}

/// Stores a record and joins its session.
pub fn joining(record: Record) -> Insertion {
    Insertion {
        open: false,
        ..opening(record)
    }
}

/// Stores a record whose session is new; answers the record as it is stored then.
pub async fn open<S: Storage>(storage: &S, record: Record) -> Record {
    insert(storage, opening(record)).await
}

/// Stores a record whose session is there; answers the record as it is stored then.
pub async fn join<S: Storage>(storage: &S, record: Record) -> Record {
    insert(storage, joining(record)).await
}

async fn insert<S: Storage>(storage: &S, insertion: Insertion) -> Record {
    let record = insertion.record.clone();
    let epoch = storage
        .insert(insertion)
        .await
        .expect("a new record is stored");
    Record { epoch, ..record }
}

/// The record with this key.
pub async fn stored<S: Storage>(storage: &S, tenant: Option<&str>, jti: &str) -> Option<Record> {
    let query = FindQuery {
        tenant: tenant.map(Into::into),
        jti: Some(jti.into()),
        ..FindQuery::default()
    };
    storage.find(query).await.expect("storage answers").record
}

/// The status of a record that must be there, without a tenant.
pub async fn status<S: Storage>(storage: &S, jti: &str) -> Status {
    stored(storage, None, jti)
        .await
        .expect("the record is there")
        .status
}

/// Whether a record is there and live, without a tenant.
pub async fn is_live<S: Storage>(storage: &S, jti: &str) -> bool {
    stored(storage, None, jti)
        .await
        .is_some_and(|record| record.status == Status::Live)
}

/// The session with this key.
pub async fn stored_session<S: Storage>(
    storage: &S,
    tenant: Option<&str>,
    sid: &str,
) -> Option<Session> {
    let query = FindQuery {
        tenant: tenant.map(Into::into),
        sid: Some(sid.into()),
        ..FindQuery::default()
    };
    storage.find(query).await.expect("storage answers").session
}

/// Whether a session is there and live, without a tenant.
pub async fn goes_on<S: Storage>(storage: &S, sid: &str) -> bool {
    stored_session(storage, None, sid)
        .await
        .is_some_and(|session| session.status == SessionStatus::Live)
}

/// The epoch of a subject without a tenant.
pub async fn epoch<S: Storage>(storage: &S, subject: &str) -> u64 {
    let query = FindQuery {
        subject: Some(subject.into()),
        ..FindQuery::default()
    };
    storage.find(query).await.expect("storage answers").epoch
}

/// Revokes one token, at [`NOW`], without a tombstone; its disconnect is due at once.
pub fn token(jti: &str) -> Revocation {
    Revocation {
        tenant: None,
        target: RevocationTarget::Token(jti.into()),
        subject: None,
        at: NOW,
        reason: "signed_out".into(),
        tombstone: None,
        session_tombstone: None,
        notify_purposes: [String::from("user")].into(),
        due: NOW,
        limit: 100,
    }
}

/// Revokes one session, like [`token`].
pub fn whole_session(sid: &str) -> Revocation {
    Revocation {
        target: RevocationTarget::Session(sid.into()),
        ..token("")
    }
}

/// Revokes everything of a subject, at [`NOW`], and ends its sessions.
pub fn everything(subject: &str) -> MatchingRevocation {
    MatchingRevocation {
        tenant: None,
        subject: subject.into(),
        include_purposes: None,
        exclude_purposes: Vec::new(),
        keep: Vec::new(),
        issued_before: None,
        unexpired_after: NOW,
        end_sessions: true,
        cut_offs: CutOffScope::Nothing,
        forget_at: NOW + HOUR,
        at: NOW,
        reason: "signed_out_everywhere".into(),
        notify_purposes: [String::from("user")].into(),
        delay: None,
        limit: 100,
        dry_run: false,
    }
}

/// Uses up a record in favour of others.
pub fn consumption(record: &Record, successors: Vec<Record>) -> Consumption {
    Consumption {
        tenant: record.tenant.clone(),
        jti: record.jti.clone(),
        sid: record.sid.clone(),
        subject: record.subject.clone(),
        at: NOW,
        request: Some("hash".into()),
        successors: successors.into_iter().map(joining).collect(),
    }
}

/// Claims everybody's disconnects at a moment, for 30 seconds.
pub fn claim(at: Timestamp) -> DeliveryClaim {
    DeliveryClaim {
        at,
        lease_until: at + 30,
        limit: 100,
        only: None,
    }
}

/// What was revoked at [`NOW`], for a reason.
pub fn revoked(reason: &str) -> Status {
    Status::Revoked {
        at: NOW,
        reason: reason.into(),
    }
}

/// The jtis of records, in order.
pub fn jtis(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.jti.as_str()).collect()
}

/// A record as it is answered where its extra data does not matter.
pub fn without_extra_data(record: Record) -> Record {
    Record {
        extra_data: None,
        ..record
    }
}

/// Waits until a session was last seen at a moment: touching may answer before it is written.
pub async fn seen_at<S: Storage>(storage: &S, sid: &str, moment: Timestamp) {
    for attempt in 1.. {
        let session = stored_session(storage, None, sid)
            .await
            .expect("the session is there");
        if session.last_seen == moment {
            return;
        }
        // 20 s where one can wait; elsewhere as many look-ups.
        assert!(
            attempt < 4_000,
            "not seen at {moment} but at {}",
            session.last_seen
        );
        #[cfg(not(target_family = "wasm"))]
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
