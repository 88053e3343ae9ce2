//! Revocation of what matches among one subject's tokens.

use std::collections::HashSet;
use std::string::String;
use std::vec;
use std::vec::Vec;

use super::revoke::{count, page};
use super::state::State;
use crate::record::{
    CutOff, CutOffScope, MatchingRevocation, MatchingRevoked, Record, SubjectCutOff,
};

/// What a selection means at this moment.
struct Matches {
    /// Live records to revoke: jti, sid, and whether connections are to be told.
    records: Vec<(String, String, bool)>,
    /// Live sessions to end.
    ending: HashSet<String>,
    /// Those of them that have not ended by time, which alone are counted.
    unexpired: HashSet<String>,
}

impl State {
    pub(super) fn revoke_matching(&mut self, revocation: &MatchingRevocation) -> MatchingRevoked {
        let MatchingRevocation {
            tenant,
            subject,
            at,
            reason,
            ..
        } = revocation;
        let matches = self.matches(revocation);
        if revocation.dry_run {
            return matches.counts(revocation, self.epoch(tenant, subject));
        }
        let entry = self.subject_mut(tenant, subject);
        entry.epoch = entry.epoch.saturating_add(1);
        let epoch = entry.epoch;
        for (jti, sid, notified) in &matches.records {
            let due = match &revocation.delay {
                Some(delay) if delay.sid == *sid => delay.due,
                _ => *at,
            };
            self.revoke_record(tenant, jti, *at, reason, notified.then_some(due));
        }
        for sid in &matches.ending {
            self.end_session(tenant, sid, *at, reason);
        }
        self.add_cut_offs(revocation, epoch);
        let (pending, more) = self.pending_of_subject(revocation);
        MatchingRevoked {
            pending,
            more,
            ..matches.counts(revocation, epoch)
        }
    }

    fn matches(&self, revocation: &MatchingRevocation) -> Matches {
        let mut matches = Matches {
            records: Vec::new(),
            ending: HashSet::new(),
            unexpired: HashSet::new(),
        };
        let Some(tenant) = self.tenants.get(&revocation.tenant) else {
            return matches;
        };
        let Some(subject) = tenant.subjects.get(&revocation.subject) else {
            return matches;
        };
        if revocation.end_sessions {
            for session in subject
                .sessions
                .iter()
                .filter_map(|(_, sid)| tenant.sessions.get(sid))
            {
                if revocation.keep.contains(&session.sid)
                    || !before(session.created_at, revocation.issued_before)
                {
                    continue;
                }
                if session.ends_at > revocation.unexpired_after {
                    matches.unexpired.insert(session.sid.clone());
                }
                matches.ending.insert(session.sid.clone());
            }
        }
        for jti in &subject.live {
            let Some(record) = tenant.records.get(jti).map(|stored| &stored.record) else {
                continue;
            };
            if record.expires_at > revocation.unexpired_after
                && (matches.ending.contains(&record.sid) || selected(revocation, record))
            {
                let notified = revocation.notify_purposes.contains(&record.purpose);
                matches
                    .records
                    .push((jti.clone(), record.sid.clone(), notified));
            }
        }
        matches
    }

    fn add_cut_offs(&mut self, revocation: &MatchingRevocation, epoch: u64) {
        let purposes = match &revocation.cut_offs {
            CutOffScope::Nothing => Vec::new(),
            CutOffScope::Subject => vec![None],
            CutOffScope::Purposes(purposes) => purposes.iter().cloned().map(Some).collect(),
        };
        for purpose in purposes {
            self.raise_cut_off(CutOff::Subject(SubjectCutOff {
                tenant: revocation.tenant.clone(),
                subject: revocation.subject.clone(),
                purpose,
                below: epoch,
                spared: revocation.keep.clone(),
                forget_at: revocation.forget_at,
            }));
        }
    }

    fn pending_of_subject(&self, revocation: &MatchingRevocation) -> (Vec<Record>, bool) {
        let Some(subject) = self.subject(&revocation.tenant, &revocation.subject) else {
            return (Vec::new(), false);
        };
        let due = subject
            .pending
            .iter()
            .take_while(|(due, _)| *due <= revocation.at)
            .filter_map(|(_, jti)| self.record(&revocation.tenant, jti));
        page(due, revocation.limit)
    }
}

impl Matches {
    fn counts(&self, revocation: &MatchingRevocation, epoch: u64) -> MatchingRevoked {
        let lost_a_record = self.records.iter().map(|(_, sid, _)| sid);
        let sessions: HashSet<_> = self.unexpired.iter().chain(lost_a_record).collect();
        let delayed = revocation.delay.as_ref().map(|delay| &delay.sid);
        let notified = || {
            let told_now = |(_, sid, notified): &&(_, _, _)| *notified && delayed != Some(sid);
            self.records.iter().filter(told_now)
        };
        let notify_sessions: HashSet<_> = notified().map(|(_, sid, _)| sid).collect();
        MatchingRevoked {
            sessions: count(sessions.len()),
            records: count(self.records.len()),
            notify_records: count(notified().count()),
            notify_sessions: count(notify_sessions.len()),
            pending: Vec::new(),
            more: false,
            epoch,
        }
    }
}

fn selected(revocation: &MatchingRevocation, record: &Record) -> bool {
    let included = match &revocation.include_purposes {
        None => true,
        Some(purposes) => purposes.contains(&record.purpose),
    };
    included
        && !revocation.exclude_purposes.contains(&record.purpose)
        && !revocation.keep.contains(&record.sid)
        && before(record.issued_at, revocation.issued_before)
}

fn before(moment: u64, limit: Option<u64>) -> bool {
    limit.is_none_or(|limit| moment < limit)
}
