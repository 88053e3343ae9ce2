//! New records, and records that take another's place.

use std::collections::{BTreeMap, HashSet};
use std::string::String;
use std::vec::Vec;

use super::state::State;
use crate::ports::{Guard, StorageError};
use crate::record::{
    Consumed, Consumption, Insertion, Record, Session, SessionStatus, Status, Touch,
};

impl State {
    pub(super) fn insert(&mut self, insertion: Insertion) -> Result<u64, StorageError> {
        let Insertion {
            mut record,
            session,
            open,
            guard,
        } = insertion;
        if (&record.tenant, &record.sid, &record.subject)
            != (&session.tenant, &session.sid, &session.subject)
        {
            return Err(StorageError::Other(
                "a record and its session must have the same tenant, sid and subject".into(),
            ));
        }
        // Everything is checked before anything is changed.
        let epoch = self.epoch(&record.tenant, &record.subject);
        if guard.is_some_and(|guard| epoch > guard) {
            return Err(StorageError::GuardFailed(Guard::Epoch));
        }
        let known = self.session(&session.tenant, &session.sid);
        if open && known.is_some() {
            return Err(StorageError::Conflict);
        }
        if !open && !known.is_some_and(|known| joinable(known, &record.subject)) {
            return Err(StorageError::GuardFailed(Guard::Session));
        }
        if self.record(&record.tenant, &record.jti).is_some() {
            return Err(StorageError::Conflict);
        }
        if open {
            self.add_session(session);
        } else {
            self.join(&session);
        }
        record.epoch = epoch;
        self.add_record(record);
        Ok(epoch)
    }

    pub(super) fn consume(&mut self, consumption: Consumption) -> Result<Consumed, StorageError> {
        let Consumption {
            tenant,
            jti,
            sid,
            subject,
            ..
        } = &consumption;
        let record = self.record(tenant, jti).cloned();
        let session = self.session(tenant, sid).cloned();
        let wins = record.as_ref().is_some_and(|record| {
            record.status == Status::Live && record.sid == *sid && record.subject == *subject
        }) && session
            .as_ref()
            .is_some_and(|session| joinable(session, subject));
        if !wins {
            let newest = record
                .as_ref()
                .map_or_else(Vec::new, |record| self.newest_successors(record));
            return Ok(Consumed::Lost {
                record,
                session,
                newest,
            });
        }
        self.check_successors(&consumption)?;
        let epoch = self.epoch(tenant, subject);
        let successors = consumption
            .successors
            .iter()
            .map(|successor| successor.record.jti.clone())
            .collect();
        self.change_record(tenant, jti, |record| {
            record.status = Status::Consumed {
                at: consumption.at,
                request: consumption.request.clone(),
            };
            record.successors = successors;
        });
        for Insertion {
            mut record,
            mut session,
            ..
        } in consumption.successors
        {
            session.tenant.clone_from(&record.tenant);
            session.sid.clone_from(&record.sid);
            self.join(&session);
            record.epoch = epoch;
            self.add_record(record);
        }
        Ok(Consumed::Won { epoch })
    }

    pub(super) fn touch(&mut self, touch: &Touch) {
        // Joins only move times that no index but the end's knows.
        if let Some(session) = self
            .tenants
            .get_mut(&touch.tenant)
            .and_then(|tenant| tenant.sessions.get_mut(&touch.sid))
            && session.status == SessionStatus::Live
        {
            session.last_seen = session.last_seen.max(touch.at);
        }
    }

    fn join(&mut self, joining: &Session) {
        self.change_session(&joining.tenant, &joining.sid, |session| {
            session.last_seen = session.last_seen.max(joining.last_seen);
            session.ends_at = session.ends_at.max(joining.ends_at);
        });
    }

    fn check_successors(&self, consumption: &Consumption) -> Result<(), StorageError> {
        let mut new = HashSet::new();
        for Insertion { record, .. } in &consumption.successors {
            let owner = (&record.tenant, &record.sid, &record.subject);
            if owner != (&consumption.tenant, &consumption.sid, &consumption.subject) {
                return Err(StorageError::Other(
                    "a successor must have its predecessor's tenant, sid and subject".into(),
                ));
            }
            if !new.insert(&record.jti) || self.record(&record.tenant, &record.jti).is_some() {
                return Err(StorageError::Conflict);
            }
        }
        Ok(())
    }

    /// The newest live record of each purpose among the record's successors, and theirs.
    fn newest_successors(&self, record: &Record) -> Vec<Record> {
        let mut newest: BTreeMap<String, Record> = BTreeMap::new();
        let mut seen = HashSet::new();
        let mut next = record.successors.clone();
        while let Some(jti) = next.pop() {
            let Some(successor) = self.record(&record.tenant, &jti) else {
                continue;
            };
            if !seen.insert(jti) {
                continue;
            }
            next.extend(successor.successors.iter().cloned());
            if successor.status != Status::Live {
                continue;
            }
            let age = |record: &Record| (record.issued_at, record.created_at, record.jti.clone());
            if newest
                .get(&successor.purpose)
                .is_none_or(|known| age(known) < age(successor))
            {
                newest.insert(successor.purpose.clone(), successor.clone());
            }
        }
        newest.into_values().collect()
    }
}

fn joinable(session: &Session, subject: &str) -> bool {
    session.status == SessionStatus::Live && session.subject == subject
}
