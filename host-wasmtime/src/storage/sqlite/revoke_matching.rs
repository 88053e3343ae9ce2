//! Revocation of what matches among one subject's tokens.

use std::collections::HashSet;

use authkernel::record::{CutOffScope, MatchingRevocation, MatchingRevoked, Record, SubjectCutOff};
use rusqlite::{Connection, params};

use super::cut_offs;
use super::error::Failure;
use super::revoke::{LiveRecord, end_session, revoke_record};
use super::rows::{
    count, cut, epoch, integer, number, one_more, record, record_columns, tenant_key,
};

/// Runs inside a savepoint.
pub(super) fn revoke_matching(
    sql: &Connection,
    revocation: &MatchingRevocation,
) -> Result<MatchingRevoked, Failure> {
    let tenant = tenant_key(&revocation.tenant)?;
    let epoch = raise_epoch(sql, tenant, &revocation.subject)?;
    let matches = Matches::read(sql, revocation)?;
    for (record, sid) in &matches.records {
        let notify =
            revocation
                .notify_purposes
                .contains(&record.purpose)
                .then(|| match &revocation.delay {
                    Some(delay) if delay.sid == *sid => delay.due,
                    _ => revocation.at,
                });
        revoke_record(sql, record, revocation.at, &revocation.reason, notify)?;
    }
    for sid in &matches.ending {
        end_session(sql, tenant, sid, revocation.at, &revocation.reason)?;
    }
    write_cut_offs(sql, revocation, epoch)?;
    let (pending, more) = pending(sql, revocation)?;
    Ok(MatchingRevoked {
        pending,
        more,
        ..matches.counts(revocation, epoch)
    })
}

/// What [`revoke_matching`] would do; runs inside a reading transaction.
pub(super) fn preview(
    sql: &Connection,
    revocation: &MatchingRevocation,
) -> Result<MatchingRevoked, Failure> {
    let epoch = epoch(sql, tenant_key(&revocation.tenant)?, &revocation.subject)?;
    Ok(Matches::read(sql, revocation)?.counts(revocation, epoch))
}

/// What a selection means at this moment.
struct Matches {
    /// Live records to revoke, each with its session.
    records: Vec<(LiveRecord, String)>,
    /// Live sessions to end.
    ending: HashSet<String>,
    /// Those of them that have not ended by time, which alone are counted.
    unexpired: HashSet<String>,
}

impl Matches {
    fn read(sql: &Connection, revocation: &MatchingRevocation) -> Result<Self, Failure> {
        let tenant = tenant_key(&revocation.tenant)?;
        let mut matches = Self {
            records: Vec::new(),
            ending: HashSet::new(),
            unexpired: HashSet::new(),
        };
        if revocation.end_sessions {
            matches.read_sessions(sql, tenant, revocation)?;
        }
        matches.read_records(sql, tenant, revocation)?;
        Ok(matches)
    }

    fn read_sessions(
        &mut self,
        sql: &Connection,
        tenant: &str,
        revocation: &MatchingRevocation,
    ) -> Result<(), Failure> {
        let mut statement = sql.prepare_cached(
            "SELECT sid, created_at, ends_at FROM sessions INDEXED BY sessions_live
             WHERE tenant = ?1 AND subject = ?2 AND ended_at IS NULL",
        )?;
        let mut rows = statement.query(params![tenant, revocation.subject])?;
        while let Some(row) = rows.next()? {
            let sid: String = row.get(0)?;
            if revocation.keep.contains(&sid) || !before(number(row, 1)?, revocation.issued_before)
            {
                continue;
            }
            if number(row, 2)? > revocation.unexpired_after {
                self.unexpired.insert(sid.clone());
            }
            self.ending.insert(sid);
        }
        Ok(())
    }

    fn read_records(
        &mut self,
        sql: &Connection,
        tenant: &str,
        revocation: &MatchingRevocation,
    ) -> Result<(), Failure> {
        let mut statement = sql.prepare_cached(
            "SELECT id, sid, purpose, issued_at, expires_at FROM records INDEXED BY records_live
             WHERE tenant = ?1 AND subject = ?2 AND status = 0",
        )?;
        let mut rows = statement.query(params![tenant, revocation.subject])?;
        while let Some(row) = rows.next()? {
            if number(row, 4)? <= revocation.unexpired_after {
                continue;
            }
            let (sid, purpose): (String, String) = (row.get(1)?, row.get(2)?);
            let selected = !revocation.keep.contains(&sid)
                && before(number(row, 3)?, revocation.issued_before)
                && includes(revocation, &purpose);
            if selected || self.ending.contains(&sid) {
                let id = row.get(0)?;
                self.records.push((LiveRecord { id, purpose }, sid));
            }
        }
        Ok(())
    }

    fn counts(&self, revocation: &MatchingRevocation, epoch: u64) -> MatchingRevoked {
        let delayed = revocation.delay.as_ref().map(|delay| &delay.sid);
        let notified = || {
            self.records.iter().filter(|(record, sid)| {
                revocation.notify_purposes.contains(&record.purpose) && delayed != Some(sid)
            })
        };
        let lost_a_record = self.records.iter().map(|(_, sid)| sid);
        let sessions: HashSet<_> = self.unexpired.iter().chain(lost_a_record).collect();
        let notify_sessions: HashSet<_> = notified().map(|(_, sid)| sid).collect();
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

fn before(moment: u64, limit: Option<u64>) -> bool {
    limit.is_none_or(|limit| moment < limit)
}

fn includes(revocation: &MatchingRevocation, purpose: &String) -> bool {
    let included = match &revocation.include_purposes {
        None => true,
        Some(purposes) => purposes.contains(purpose),
    };
    included && !revocation.exclude_purposes.contains(purpose)
}

fn raise_epoch(sql: &Connection, tenant: &str, subject: &str) -> Result<u64, Failure> {
    Ok(sql
        .prepare_cached(
            "INSERT INTO subjects (tenant, subject, epoch) VALUES (?1, ?2, 1)
             ON CONFLICT (tenant, subject) DO UPDATE SET epoch = min(epoch, 9223372036854775806) + 1
             RETURNING epoch",
        )?
        .query_row(params![tenant, subject], |row| number(row, 0))?)
}

fn write_cut_offs(
    sql: &Connection,
    revocation: &MatchingRevocation,
    epoch: u64,
) -> Result<(), Failure> {
    let purposes = match &revocation.cut_offs {
        CutOffScope::Nothing => return Ok(()),
        CutOffScope::Subject => vec![None],
        CutOffScope::Purposes(purposes) => purposes.iter().cloned().map(Some).collect(),
    };
    for purpose in purposes {
        let cut_off = SubjectCutOff {
            tenant: revocation.tenant.clone(),
            subject: revocation.subject.clone(),
            purpose,
            below: epoch,
            spared: revocation.keep.clone(),
            forget_at: revocation.forget_at,
        };
        cut_offs::raise_subject(sql, &cut_off)?;
    }
    Ok(())
}

/// The subject's disconnects that are due, those of earlier calls included.
fn pending(
    sql: &Connection,
    revocation: &MatchingRevocation,
) -> Result<(Vec<Record>, bool), Failure> {
    let mut page = sql
        .prepare_cached(concat!(
            "SELECT ",
            record_columns!(without extra_data),
            " FROM records INDEXED BY records_pending_by_subject
             WHERE tenant = ?1 AND subject = ?2 AND notify_due <= ?3
             ORDER BY notify_due, jti LIMIT ?4"
        ))?
        .query_map(
            params![
                tenant_key(&revocation.tenant)?,
                revocation.subject,
                integer(revocation.at),
                one_more(revocation.limit)
            ],
            record,
        )?
        .collect::<Result<Vec<_>, _>>()?;
    let more = cut(&mut page, revocation.limit);
    Ok((page, more))
}
