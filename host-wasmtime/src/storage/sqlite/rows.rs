//! Rows and what they mean: the only place that knows the columns.

use authkernel::record::{Notify, Record, Session, SessionStatus, Status, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::Failure;

/// The columns of a record, in the order in which [`record`] reads them.
macro_rules! record_columns {
    () => {
        record_columns!("extra_data")
    };
    (without extra_data) => {
        record_columns!("NULL")
    };
    ($extra_data:literal) => {
        concat!(
            "tenant, jti, sid, subject, purpose, act, kid, issued_at, expires_at, epoch, ",
            $extra_data,
            ", created_at, status, status_at, status_text, successors, notify_due"
        )
    };
}
pub(super) use record_columns;

/// The columns of a session, in the order in which [`session`] reads them.
macro_rules! session_columns {
    () => {
        "tenant, sid, subject, device, created_at, last_seen, ends_at, ended_at, ended_reason"
    };
}
pub(super) use session_columns;

/// `records.status`.
pub(super) const LIVE: i64 = 0;
/// `records.status`.
pub(super) const REVOKED: i64 = 1;
/// `records.status`.
pub(super) const CONSUMED: i64 = 2;

/// An absent tenant is stored as the empty text; a tenant with an empty name would be taken for it.
pub(super) fn tenant_key(tenant: &Option<String>) -> Result<&str, Failure> {
    match tenant.as_deref() {
        None => Ok(""),
        Some("") => Err(Failure::other("a tenant is never empty: leave it out")),
        Some(tenant) => Ok(tenant),
    }
}

/// Times and epochs beyond SQLite's integers mean "for ever".
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A page size, one more than wanted, so that "there is more" shows.
pub(super) fn one_more(limit: u32) -> i64 {
    i64::from(limit) + 1
}

/// Cuts a page that was read with [`one_more`]; `true` when there was more.
pub(super) fn cut<T>(page: &mut Vec<T>, limit: u32) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = page.len() > limit;
    page.truncate(limit);
    more
}

/// A number of rows, for an answer.
pub(super) fn count(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}

/// A list as it is stored; nothing when it is empty.
pub(super) fn list_text(list: &[String]) -> Option<String> {
    // Texts always have a JSON form.
    (!list.is_empty()).then(|| serde_json::Value::from(list).to_string())
}

pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        tenant: tenant(row, 0)?,
        jti: row.get(1)?,
        sid: row.get(2)?,
        subject: row.get(3)?,
        purpose: row.get(4)?,
        act: row.get(5)?,
        kid: row.get(6)?,
        issued_at: number(row, 7)?,
        expires_at: number(row, 8)?,
        epoch: number(row, 9)?,
        extra_data: row.get(10)?,
        created_at: number(row, 11)?,
        status: match row.get::<_, i64>(12)? {
            LIVE => Status::Live,
            REVOKED => Status::Revoked {
                at: number(row, 13)?,
                reason: row.get(14)?,
            },
            CONSUMED => Status::Consumed {
                at: number(row, 13)?,
                request: row.get(14)?,
            },
            other => return Err(rusqlite::Error::IntegralValueOutOfRange(12, other)),
        },
        successors: list(row, 15)?,
        notify: match optional_number(row, 16)? {
            None => Notify::Nothing,
            Some(due) => Notify::Pending { due },
        },
    })
}

pub(super) fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        tenant: tenant(row, 0)?,
        sid: row.get(1)?,
        subject: row.get(2)?,
        device: row.get(3)?,
        created_at: number(row, 4)?,
        last_seen: number(row, 5)?,
        ends_at: number(row, 6)?,
        status: match optional_number(row, 7)? {
            None => SessionStatus::Live,
            Some(at) => SessionStatus::Ended {
                at,
                reason: row.get(8)?,
            },
        },
    })
}

/// Time or epoch.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    unsigned(column, row.get(column)?)
}

fn optional_number(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?
        .map(|value| unsigned(column, value))
        .transpose()
}

fn unsigned(column: usize, value: i64) -> rusqlite::Result<u64> {
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

pub(super) fn tenant(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    let tenant: String = row.get(column)?;
    Ok((!tenant.is_empty()).then_some(tenant))
}

pub(super) fn list(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    match row.get_ref(column)?.as_str_or_null()? {
        None => Ok(Vec::new()),
        Some(text) => serde_json::from_str(text).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
        }),
    }
}

/// A record by its key, with its extra data.
pub(super) fn record_by_jti(
    sql: &Connection,
    tenant: &str,
    jti: &str,
) -> Result<Option<Record>, Failure> {
    Ok(sql
        .prepare_cached(concat!(
            "SELECT ",
            record_columns!(),
            " FROM records WHERE tenant = ?1 AND jti = ?2"
        ))?
        .query_row(params![tenant, jti], record)
        .optional()?)
}

/// A session by its key.
pub(super) fn session_by_sid(
    sql: &Connection,
    tenant: &str,
    sid: &str,
) -> Result<Option<Session>, Failure> {
    Ok(sql
        .prepare_cached(concat!(
            "SELECT ",
            session_columns!(),
            " FROM sessions WHERE tenant = ?1 AND sid = ?2"
        ))?
        .query_row(params![tenant, sid], session)
        .optional()?)
}

/// The subject's epoch; 0 when it was never raised.
pub(super) fn epoch(sql: &Connection, tenant: &str, subject: &str) -> Result<u64, Failure> {
    Ok(sql
        .prepare_cached("SELECT epoch FROM subjects WHERE tenant = ?1 AND subject = ?2")?
        .query_row(params![tenant, subject], |row| number(row, 0))
        .optional()?
        .unwrap_or(0))
}

/// Stores a record as it stands, but for its epoch; `false` when its key is known, whatever its status.
pub(super) fn insert_record(
    sql: &Connection,
    record: &Record,
    epoch: u64,
) -> Result<bool, Failure> {
    let (status, status_at, status_text) = match &record.status {
        Status::Live => (LIVE, None, None),
        Status::Revoked { at, reason } => (REVOKED, Some(integer(*at)), Some(reason)),
        Status::Consumed { at, request } => (CONSUMED, Some(integer(*at)), request.as_ref()),
    };
    let notify_due = match record.notify {
        Notify::Nothing => None,
        Notify::Pending { due } => Some(integer(due)),
    };
    let inserted = sql
        .prepare_cached(concat!(
            "INSERT INTO records (",
            record_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
             ON CONFLICT (tenant, jti) DO NOTHING"
        ))?
        .execute(params![
            tenant_key(&record.tenant)?,
            record.jti,
            record.sid,
            record.subject,
            record.purpose,
            record.act,
            record.kid,
            integer(record.issued_at),
            integer(record.expires_at),
            integer(epoch),
            record.extra_data,
            integer(record.created_at),
            status,
            status_at,
            status_text,
            list_text(&record.successors),
            notify_due,
        ])?;
    Ok(inserted > 0)
}

/// Stores a session as it stands; `false` when its key is known.
pub(super) fn insert_session(sql: &Connection, session: &Session) -> Result<bool, Failure> {
    let (ended_at, ended_reason) = match &session.status {
        SessionStatus::Live => (None, None),
        SessionStatus::Ended { at, reason } => (Some(integer(*at)), Some(reason)),
    };
    let inserted = sql
        .prepare_cached(concat!(
            "INSERT INTO sessions (",
            session_columns!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (tenant, sid) DO NOTHING"
        ))?
        .execute(params![
            tenant_key(&session.tenant)?,
            session.sid,
            session.subject,
            session.device,
            integer(session.created_at),
            integer(session.last_seen),
            integer(session.ends_at),
            ended_at,
            ended_reason,
        ])?;
    Ok(inserted > 0)
}
