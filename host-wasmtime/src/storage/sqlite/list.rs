//! The live sessions of a subject.

use authkernel::record::{ListQuery, StoredSessions};
use rusqlite::{Connection, params};

use super::error::Failure;
use super::rows::{cut, integer, one_more, session, session_columns, tenant_key};

/// Runs inside a reading transaction.
pub(super) fn list(sql: &Connection, query: &ListQuery) -> Result<StoredSessions, Failure> {
    // The first page begins before every session: no creation time is later, no sid sorts before ''.
    let (created_at, sid) = match &query.after {
        Some(cursor) => (integer(cursor.created_at), cursor.sid.as_str()),
        None => (i64::MAX, ""),
    };
    let mut sessions = sql
        .prepare_cached(concat!(
            "SELECT ",
            session_columns!(),
            " FROM sessions INDEXED BY sessions_live
             WHERE tenant = ?1 AND subject = ?2 AND ended_at IS NULL AND ends_at > ?3
               AND created_at <= ?4 AND (created_at < ?4 OR sid > ?5)
               AND (NOT ?6 OR EXISTS (
                   SELECT 1 FROM records INDEXED BY records_by_session
                   WHERE records.tenant = sessions.tenant AND records.sid = sessions.sid
                     AND records.status = 0 AND records.expires_at > ?3))
             ORDER BY created_at DESC, sid LIMIT ?7"
        ))?
        .query_map(
            params![
                tenant_key(&query.tenant)?,
                query.subject,
                integer(query.at),
                created_at,
                sid,
                query.with_record,
                one_more(query.limit)
            ],
            session,
        )?
        .collect::<Result<Vec<_>, _>>()?;
    let more = cut(&mut sessions, query.limit);
    Ok(StoredSessions { sessions, more })
}
