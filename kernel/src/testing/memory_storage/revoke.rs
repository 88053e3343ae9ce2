//! Revocation of one token or one session.

use std::string::String;
use std::vec::Vec;

use super::state::State;
use crate::record::{
    Notify, Record, Revocation, RevocationOutcome, RevocationTarget, Revoked, SessionStatus,
    Status, Timestamp,
};

/// What was there of a target.
struct Target {
    known: bool,
    revoked: bool,
    records: u32,
}

impl State {
    pub(super) fn revoke(&mut self, revocation: &Revocation) -> Revoked {
        let target = match &revocation.target {
            RevocationTarget::Token(jti) => self.revoke_token(revocation, jti),
            RevocationTarget::Session(sid) => self.revoke_session(revocation, sid),
        };
        let Some(target) = target else {
            return Revoked {
                outcome: RevocationOutcome::NotFound,
                records: 0,
                pending: Vec::new(),
                more: false,
            };
        };
        let written = self.add_tombstones(revocation);
        let outcome = if target.revoked {
            RevocationOutcome::Revoked
        } else if target.known {
            RevocationOutcome::Already
        } else if written {
            RevocationOutcome::Tombstoned
        } else {
            RevocationOutcome::NotFound
        };
        let (pending, more) = self.pending_of_target(revocation);
        Revoked {
            outcome,
            records: target.records,
            pending,
            more,
        }
    }

    /// `None` when it is another subject's.
    fn revoke_token(&mut self, revocation: &Revocation, jti: &str) -> Option<Target> {
        let Some(record) = self.record(&revocation.tenant, jti) else {
            return Some(Target {
                known: false,
                revoked: false,
                records: 0,
            });
        };
        if revocation
            .subject
            .as_ref()
            .is_some_and(|subject| record.subject != *subject)
        {
            return None;
        }
        let revoked = record.status == Status::Live;
        if revoked {
            let notify = revocation
                .notify_purposes
                .contains(&record.purpose)
                .then_some(revocation.due);
            self.revoke_record(
                &revocation.tenant,
                jti,
                revocation.at,
                &revocation.reason,
                notify,
            );
        }
        Some(Target {
            known: true,
            revoked,
            records: u32::from(revoked),
        })
    }

    /// `None` when it is another subject's.
    fn revoke_session(&mut self, revocation: &Revocation, sid: &str) -> Option<Target> {
        let Some(tenant) = self.tenants.get(&revocation.tenant) else {
            return Some(Target {
                known: false,
                revoked: false,
                records: 0,
            });
        };
        let session = tenant.sessions.get(sid);
        let first_record = || {
            tenant
                .jtis(sid)
                .next()
                .and_then(|jti| tenant.records.get(jti))
        };
        let owner = session
            .map(|session| &session.subject)
            .or_else(|| first_record().map(|stored| &stored.record.subject));
        if let (Some(owner), Some(subject)) = (owner, &revocation.subject)
            && owner != subject
        {
            return None;
        }
        let known = owner.is_some();
        let was_live = session.is_some_and(|session| session.status == SessionStatus::Live);
        let live = tenant.live_jtis(sid);
        for jti in &live {
            let purpose = self
                .record(&revocation.tenant, jti)
                .map(|record| &record.purpose);
            let notify = purpose
                .is_some_and(|purpose| revocation.notify_purposes.contains(purpose))
                .then_some(revocation.due);
            self.revoke_record(
                &revocation.tenant,
                jti,
                revocation.at,
                &revocation.reason,
                notify,
            );
        }
        if was_live {
            self.end_session(&revocation.tenant, sid, revocation.at, &revocation.reason);
        }
        Some(Target {
            known,
            revoked: was_live || !live.is_empty(),
            records: count(live.len()),
        })
    }

    /// Writes what is missing; `true` when anything was.
    fn add_tombstones(&mut self, revocation: &Revocation) -> bool {
        let mut written = false;
        if let (Some(session), RevocationTarget::Session(_)) =
            (&revocation.session_tombstone, &revocation.target)
        {
            written |= self.add_session(session.clone());
        }
        if let Some(record) = &revocation.tombstone {
            written |= self.add_record(record.clone());
        }
        written
    }

    fn pending_of_target(&self, revocation: &Revocation) -> (Vec<Record>, bool) {
        let Some(tenant) = self.tenants.get(&revocation.tenant) else {
            return (Vec::new(), false);
        };
        let record = |jti: &String| tenant.records.get(jti).map(|stored| &stored.record);
        let mut due: Vec<(Timestamp, &Record)> = match &revocation.target {
            RevocationTarget::Token(jti) => record(jti).and_then(pending).into_iter().collect(),
            RevocationTarget::Session(sid) => tenant
                .jtis(sid)
                .filter_map(record)
                .filter_map(pending)
                .collect(),
        };
        due.retain(|(due, _)| *due <= revocation.at);
        due.sort_by(|(a, first), (b, second)| (a, &first.jti).cmp(&(b, &second.jti)));
        page(due.into_iter().map(|(_, record)| record), revocation.limit)
    }

    /// Revokes one live record; its disconnect is due at `notify`, if at all.
    pub(super) fn revoke_record(
        &mut self,
        tenant: &Option<String>,
        jti: &str,
        at: Timestamp,
        reason: &str,
        notify: Option<Timestamp>,
    ) {
        self.change_record(tenant, jti, |record| {
            record.status = Status::Revoked {
                at,
                reason: reason.into(),
            };
            record.notify = match notify {
                None => Notify::Nothing,
                Some(due) => Notify::Pending { due },
            };
        });
    }

    /// Ends one live session.
    pub(super) fn end_session(
        &mut self,
        tenant: &Option<String>,
        sid: &str,
        at: Timestamp,
        reason: &str,
    ) {
        self.change_session(tenant, sid, |session| {
            session.status = SessionStatus::Ended {
                at,
                reason: reason.into(),
            };
        });
    }
}

/// A number of rows, for an answer.
pub(super) fn count(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}

/// Up to `limit` records without extra data, and whether there are more.
pub(super) fn page<'a>(
    mut records: impl Iterator<Item = &'a Record>,
    limit: u32,
) -> (Vec<Record>, bool) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let page = records
        .by_ref()
        .take(limit)
        .map(without_extra_data)
        .collect();
    (page, records.next().is_some())
}

/// As the port answers records that only have to be told of.
pub(super) fn without_extra_data(record: &Record) -> Record {
    Record {
        extra_data: None,
        ..record.clone()
    }
}

fn pending(record: &Record) -> Option<(Timestamp, &Record)> {
    match record.notify {
        Notify::Nothing => None,
        Notify::Pending { due } => Some((due, record)),
    }
}
