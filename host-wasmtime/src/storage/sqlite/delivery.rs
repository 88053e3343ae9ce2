//! Disconnects that were committed: who sends them, and which were sent.

use authkernel::record::{DeliveryClaim, Record, RecordId};
use rusqlite::{Connection, params};

use super::error::Failure;
use super::rows::{integer, record, record_columns, tenant_key};

/// Claims a batch; runs inside a savepoint.
pub(super) fn undelivered(sql: &Connection, claim: &DeliveryClaim) -> Result<Vec<Record>, Failure> {
    let (at, limit) = (integer(claim.at), i64::from(claim.limit));
    let records = match &claim.only {
        None => sql
            .prepare_cached(concat!(
                "SELECT ",
                record_columns!(without extra_data),
                " FROM records INDEXED BY records_pending
                 WHERE notify_due <= ?1 AND leased_until <= ?1
                 ORDER BY notify_due, tenant, jti LIMIT ?2"
            ))?
            .query_map(params![at, limit], record)?
            .collect::<Result<Vec<_>, _>>()?,
        Some(only) => sql
            .prepare_cached(concat!(
                "SELECT ",
                record_columns!(without extra_data),
                " FROM records INDEXED BY records_pending_by_subject
                 WHERE tenant = ?3 AND subject = ?4 AND notify_due <= ?1 AND leased_until <= ?1
                 ORDER BY notify_due, jti LIMIT ?2"
            ))?
            .query_map(
                params![at, limit, tenant_key(&only.tenant)?, only.subject],
                record,
            )?
            .collect::<Result<Vec<_>, _>>()?,
    };
    let mut lease =
        sql.prepare_cached("UPDATE records SET leased_until = ?3 WHERE tenant = ?1 AND jti = ?2")?;
    for record in &records {
        lease.execute(params![
            tenant_key(&record.tenant)?,
            record.jti,
            integer(claim.lease_until)
        ])?;
    }
    Ok(records)
}

/// Marks disconnects as delivered.
pub(super) fn delivered(sql: &Connection, records: &[RecordId]) -> Result<(), Failure> {
    let mut statement = sql.prepare_cached(
        "UPDATE records SET notify_due = NULL WHERE tenant = ?1 AND jti = ?2 AND notify_due IS NOT NULL",
    )?;
    for id in records {
        statement.execute(params![tenant_key(&id.tenant)?, id.jti])?;
    }
    Ok(())
}
