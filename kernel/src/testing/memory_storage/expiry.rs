//! Deletion of what expired long ago.

use std::collections::BTreeSet;
use std::vec::Vec;

use super::revoke::count;
use super::state::{CutOffKey, State};
use crate::record::{Deleted, ExpiryBatch, Timestamp};

impl State {
    pub(super) fn delete_expired(&mut self, batch: &ExpiryBatch) -> Deleted {
        let records = first(&self.record_ends, batch, |entry| entry.0);
        for (_, tenant, jti) in &records {
            self.remove_record(tenant, jti);
        }
        let sessions = first(&self.session_ends, batch, |entry| entry.0);
        for (_, tenant, sid) in &sessions {
            self.remove_session(tenant, sid);
        }
        let cut_offs = first(&self.cut_off_ends, batch, |entry| entry.0);
        for entry in &cut_offs {
            self.remove_cut_off(&entry.1);
            self.cut_off_ends.remove(entry);
        }
        let expired = |end: Option<Timestamp>| end.is_some_and(|end| end < batch.before);
        Deleted {
            records: count(records.len()),
            sessions: count(sessions.len()),
            cut_offs: count(cut_offs.len()),
            more: expired(self.record_ends.first().map(|entry| entry.0))
                || expired(self.session_ends.first().map(|entry| entry.0))
                || expired(self.cut_off_ends.first().map(|entry| entry.0)),
        }
    }

    fn remove_cut_off(&mut self, key: &CutOffKey) {
        match key {
            CutOffKey::Subject(tenant, subject, purpose) => {
                self.subject_mut(tenant, subject).cut_offs.remove(purpose);
                self.forget_subject(tenant, subject);
            }
            CutOffKey::Tenant(tenant) => self.tenant_mut(tenant).cut_off = None,
            CutOffKey::Key(kid) => {
                self.keys.remove(kid);
            }
        }
    }
}

/// The first entries that are over, up to the limit.
fn first<T: Clone + Ord>(
    ends: &BTreeSet<T>,
    batch: &ExpiryBatch,
    end: impl Fn(&T) -> Timestamp,
) -> Vec<T> {
    let limit = usize::try_from(batch.limit).unwrap_or(usize::MAX);
    ends.iter()
        .take_while(|entry| end(entry) < batch.before)
        .take(limit)
        .cloned()
        .collect()
}
