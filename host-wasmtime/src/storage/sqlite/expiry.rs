//! Deletion of what expired long ago. Epochs are never deleted.

use authkernel::record::{Deleted, ExpiryBatch};
use rusqlite::{Connection, params};

use super::error::Failure;
use super::rows::{count, integer};

/// Deletes one batch, oldest first; runs inside a savepoint.
pub(super) fn delete_expired(sql: &Connection, batch: &ExpiryBatch) -> Result<Deleted, Failure> {
    let delete = |text: &str| -> Result<u32, Failure> {
        let deleted = sql
            .prepare_cached(text)?
            .execute(params![integer(batch.before), i64::from(batch.limit)])?;
        Ok(count(deleted))
    };
    let records = delete(
        "DELETE FROM records WHERE id IN (
             SELECT id FROM records INDEXED BY records_by_expiry
             WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)",
    )?;
    let sessions = delete(
        "DELETE FROM sessions WHERE (tenant, sid) IN (
             SELECT tenant, sid FROM sessions INDEXED BY sessions_by_end
             WHERE ends_at < ?1 ORDER BY ends_at LIMIT ?2)",
    )?;
    let cut_offs = delete(
        "DELETE FROM cut_offs WHERE (kind, tenant, name, purpose) IN (
             SELECT kind, tenant, name, purpose FROM cut_offs INDEXED BY cut_offs_by_forget_at
             WHERE forget_at < ?1 ORDER BY forget_at LIMIT ?2)",
    )?;
    let more = sql
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM records WHERE expires_at < ?1)
                 OR EXISTS (SELECT 1 FROM sessions WHERE ends_at < ?1)
                 OR EXISTS (SELECT 1 FROM cut_offs WHERE forget_at < ?1)",
        )?
        .query_row(params![integer(batch.before)], |row| row.get(0))?;
    Ok(Deleted {
        records,
        sessions,
        cut_offs,
        more,
    })
}
