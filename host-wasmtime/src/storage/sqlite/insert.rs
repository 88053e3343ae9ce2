//! New records, and the sessions that they open or join.

use authkernel::record::{Insertion, Session};
use rusqlite::{Connection, params};

use super::error::Failure;
use super::rows::{epoch, insert_record, insert_session, integer, tenant_key};

/// Runs inside a savepoint: a failure undoes what was done before it.
pub(super) fn insert(sql: &Connection, insertion: &Insertion) -> Result<u64, Failure> {
    let Insertion {
        record, session, ..
    } = insertion;
    if (&record.tenant, &record.sid, &record.subject)
        != (&session.tenant, &session.sid, &session.subject)
    {
        return Err(Failure::other(
            "a record and its session must have the same tenant, sid and subject",
        ));
    }
    let epoch = epoch(sql, tenant_key(&record.tenant)?, &record.subject)?;
    if insertion.guard.is_some_and(|guard| epoch > guard) {
        return Err(Failure::EPOCH);
    }
    if insertion.open {
        if !insert_session(sql, session)? {
            return Err(Failure::CONFLICT);
        }
    } else if !join(sql, session)? {
        return Err(Failure::SESSION);
    }
    if !insert_record(sql, record, epoch)? {
        return Err(Failure::CONFLICT);
    }
    Ok(epoch)
}

/// Extends a live session of the same subject; `false` when there is none.
pub(super) fn join(sql: &Connection, session: &Session) -> Result<bool, Failure> {
    let joined = sql
        .prepare_cached(
            "UPDATE sessions SET last_seen = max(last_seen, ?4), ends_at = max(ends_at, ?5)
             WHERE tenant = ?1 AND sid = ?2 AND subject = ?3 AND ended_at IS NULL",
        )?
        .execute(params![
            tenant_key(&session.tenant)?,
            session.sid,
            session.subject,
            integer(session.last_seen),
            integer(session.ends_at),
        ])?;
    Ok(joined > 0)
}
