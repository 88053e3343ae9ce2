//! Look-ups.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::string::String;
use std::vec::Vec;

use super::state::{State, Tenant};
use crate::record::{CutOff, FindQuery, Found, ListQuery, Status, StoredSessions, Timestamp};

impl State {
    pub(super) fn find(&self, query: &FindQuery) -> Found {
        let mut found = Found::default();
        if let Some(tenant) = self.tenants.get(&query.tenant) {
            tenant.find(query, &mut found);
        }
        if let Some(cut_off) = query.kid.as_ref().and_then(|kid| self.keys.get(kid)) {
            found.cut_offs.push(CutOff::Key(cut_off.clone()));
        }
        found
    }

    pub(super) fn list(&self, query: &ListQuery) -> StoredSessions {
        let Some(tenant) = self.tenants.get(&query.tenant) else {
            return StoredSessions::default();
        };
        let Some(subject) = tenant.subjects.get(&query.subject) else {
            return StoredSessions::default();
        };
        let after = match &query.after {
            None => Bound::Unbounded,
            Some(cursor) => Bound::Excluded((Reverse(cursor.created_at), cursor.sid.clone())),
        };
        let mut live = subject
            .sessions
            .range((after, Bound::Unbounded))
            .filter_map(|(_, sid)| tenant.sessions.get(sid))
            .filter(|session| session.ends_at > query.at)
            .filter(|session| !query.with_record || tenant.has_live_record(&session.sid, query.at));
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let sessions = live.by_ref().take(limit).cloned().collect();
        StoredSessions {
            sessions,
            more: live.next().is_some(),
        }
    }
}

impl Tenant {
    fn find(&self, query: &FindQuery, found: &mut Found) {
        if let Some(jti) = &query.jti {
            found.record = self.records.get(jti).map(|stored| stored.record.clone());
        }
        if let Some(sid) = &query.sid {
            found.session = self.sessions.get(sid).cloned();
        }
        if let Some(subject) = query
            .subject
            .as_ref()
            .and_then(|name| self.subjects.get(name))
        {
            found.epoch = subject.epoch;
            if !subject.cut_offs.is_empty() {
                let whole = subject.cut_offs.get(&None);
                let of_purpose = query
                    .purpose
                    .as_ref()
                    .and_then(|_| subject.cut_offs.get(&query.purpose));
                let cut_offs = whole.into_iter().chain(of_purpose);
                found
                    .cut_offs
                    .extend(cut_offs.cloned().map(CutOff::Subject));
            }
        }
        found
            .cut_offs
            .extend(self.cut_off.clone().map(CutOff::Tenant));
    }

    /// The jtis of a session's records, whatever their status.
    pub(super) fn jtis(&self, sid: &str) -> impl Iterator<Item = &String> {
        self.by_session
            .get(sid)
            .into_iter()
            .flat_map(BTreeSet::iter)
    }

    /// The jtis of a session's live records.
    pub(super) fn live_jtis(&self, sid: &str) -> Vec<String> {
        let is_live = |jti: &&String| {
            self.records
                .get(*jti)
                .is_some_and(|stored| stored.record.status == Status::Live)
        };
        self.jtis(sid).filter(is_live).cloned().collect()
    }

    fn has_live_record(&self, sid: &str, at: Timestamp) -> bool {
        self.jtis(sid)
            .filter_map(|jti| self.records.get(jti))
            .any(|stored| stored.record.status == Status::Live && stored.record.expires_at > at)
    }
}
