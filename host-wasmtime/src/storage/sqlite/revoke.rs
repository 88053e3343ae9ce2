//! Revocation of one token or one session.

use authkernel::record::{
    Record, Revocation, RevocationOutcome, RevocationTarget, Revoked, SessionStatus, Timestamp,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::Failure;
use super::rows::{
    LIVE, REVOKED, count, cut, insert_record, insert_session, integer, one_more, record,
    record_columns, session_by_sid, tenant_key,
};

/// A live record that is to be revoked.
pub(super) struct LiveRecord {
    pub(super) id: i64,
    pub(super) purpose: String,
}

/// Runs inside a savepoint.
pub(super) fn revoke(sql: &Connection, revocation: &Revocation) -> Result<Revoked, Failure> {
    let target = match &revocation.target {
        RevocationTarget::Token(jti) => token(sql, revocation, jti)?,
        RevocationTarget::Session(sid) => session(sql, revocation, sid)?,
    };
    let Some(target) = target else {
        return Ok(Revoked {
            outcome: RevocationOutcome::NotFound,
            records: 0,
            pending: Vec::new(),
            more: false,
        });
    };
    let written = write_tombstones(sql, revocation)?;
    let outcome = match target {
        Target { revoked: true, .. } => RevocationOutcome::Revoked,
        Target { known: true, .. } => RevocationOutcome::Already,
        Target { .. } if written => RevocationOutcome::Tombstoned,
        Target { .. } => RevocationOutcome::NotFound,
    };
    let (pending, more) = pending(sql, revocation)?;
    Ok(Revoked {
        outcome,
        records: target.records,
        pending,
        more,
    })
}

/// What was there; `None` in its place when it is another subject's.
struct Target {
    known: bool,
    revoked: bool,
    records: u32,
}

fn token(sql: &Connection, revocation: &Revocation, jti: &str) -> Result<Option<Target>, Failure> {
    let tenant = tenant_key(&revocation.tenant)?;
    let found = sql
        .prepare_cached(
            "SELECT id, subject, status, purpose FROM records WHERE tenant = ?1 AND jti = ?2",
        )?
        .query_row(params![tenant, jti], |row| {
            let live = LiveRecord {
                id: row.get(0)?,
                purpose: row.get(3)?,
            };
            Ok((live, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
        })
        .optional()?;
    let Some((live, subject, status)) = found else {
        return Ok(Some(Target {
            known: false,
            revoked: false,
            records: 0,
        }));
    };
    if revocation
        .subject
        .as_ref()
        .is_some_and(|wanted| *wanted != subject)
    {
        return Ok(None);
    }
    let revoked = status == LIVE;
    if revoked {
        let notify = revocation.notify_purposes.contains(&live.purpose);
        revoke_record(
            sql,
            &live,
            revocation.at,
            &revocation.reason,
            notify.then_some(revocation.due),
        )?;
    }
    Ok(Some(Target {
        known: true,
        revoked,
        records: u32::from(revoked),
    }))
}

fn session(
    sql: &Connection,
    revocation: &Revocation,
    sid: &str,
) -> Result<Option<Target>, Failure> {
    let tenant = tenant_key(&revocation.tenant)?;
    let session = session_by_sid(sql, tenant, sid)?;
    // Records can outlive the row of their session only by a defect, and must not outlive its revocation.
    let owner = match &session {
        Some(session) => Some(session.subject.clone()),
        None => sql
            .prepare_cached("SELECT subject FROM records INDEXED BY records_by_session WHERE tenant = ?1 AND sid = ?2 LIMIT 1")?
            .query_row(params![tenant, sid], |row| row.get(0))
            .optional()?,
    };
    if let (Some(owner), Some(wanted)) = (&owner, &revocation.subject)
        && owner != wanted
    {
        return Ok(None);
    }
    let live = live_records_of_session(sql, tenant, sid)?;
    for record in &live {
        let notify = revocation.notify_purposes.contains(&record.purpose);
        revoke_record(
            sql,
            record,
            revocation.at,
            &revocation.reason,
            notify.then_some(revocation.due),
        )?;
    }
    let was_live = session.is_some_and(|session| session.status == SessionStatus::Live);
    if was_live {
        end_session(sql, tenant, sid, revocation.at, &revocation.reason)?;
    }
    Ok(Some(Target {
        known: owner.is_some(),
        revoked: was_live || !live.is_empty(),
        records: count(live.len()),
    }))
}

/// Writes what is missing; `true` when anything was.
fn write_tombstones(sql: &Connection, revocation: &Revocation) -> Result<bool, Failure> {
    let mut written = false;
    if let (Some(session), RevocationTarget::Session(_)) =
        (&revocation.session_tombstone, &revocation.target)
    {
        written |= insert_session(sql, session)?;
    }
    if let Some(record) = &revocation.tombstone {
        written |= insert_record(sql, record, record.epoch)?;
    }
    Ok(written)
}

/// The target's disconnects that are due, those of earlier calls included.
fn pending(sql: &Connection, revocation: &Revocation) -> Result<(Vec<Record>, bool), Failure> {
    let (text, key) = match &revocation.target {
        RevocationTarget::Token(jti) => (
            concat!(
                "SELECT ",
                record_columns!(without extra_data),
                " FROM records WHERE tenant = ?1 AND jti = ?2 AND notify_due <= ?3 LIMIT ?4"
            ),
            jti,
        ),
        RevocationTarget::Session(sid) => (
            // Only what was revoked is ever pending.
            concat!(
                "SELECT ",
                record_columns!(without extra_data),
                " FROM records INDEXED BY records_by_session
                 WHERE tenant = ?1 AND sid = ?2 AND status = 1 AND notify_due <= ?3
                 ORDER BY notify_due, jti LIMIT ?4"
            ),
            sid,
        ),
    };
    let mut page = sql
        .prepare_cached(text)?
        .query_map(
            params![
                tenant_key(&revocation.tenant)?,
                key,
                integer(revocation.at),
                one_more(revocation.limit)
            ],
            record,
        )?
        .collect::<Result<Vec<_>, _>>()?;
    let more = cut(&mut page, revocation.limit);
    Ok((page, more))
}

fn live_records_of_session(
    sql: &Connection,
    tenant: &str,
    sid: &str,
) -> Result<Vec<LiveRecord>, Failure> {
    let mut statement = sql.prepare_cached(
        "SELECT id, purpose FROM records INDEXED BY records_by_session
         WHERE tenant = ?1 AND sid = ?2 AND status = 0",
    )?;
    let rows = statement.query_map(params![tenant, sid], |row| {
        Ok(LiveRecord {
            id: row.get(0)?,
            purpose: row.get(1)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Revokes one live record; its disconnect is due at `notify`, if at all.
pub(super) fn revoke_record(
    sql: &Connection,
    record: &LiveRecord,
    at: Timestamp,
    reason: &str,
    notify: Option<Timestamp>,
) -> Result<(), Failure> {
    sql.prepare_cached(
        "UPDATE records SET status = ?2, status_at = ?3, status_text = ?4, notify_due = ?5
         WHERE id = ?1 AND status = 0",
    )?
    .execute(params![
        record.id,
        REVOKED,
        integer(at),
        reason,
        notify.map(integer)
    ])?;
    Ok(())
}

/// Ends one live session.
pub(super) fn end_session(
    sql: &Connection,
    tenant: &str,
    sid: &str,
    at: Timestamp,
    reason: &str,
) -> Result<(), Failure> {
    sql.prepare_cached(
        "UPDATE sessions SET ended_at = ?3, ended_reason = ?4
         WHERE tenant = ?1 AND sid = ?2 AND ended_at IS NULL",
    )?
    .execute(params![tenant, sid, integer(at), reason])?;
    Ok(())
}
