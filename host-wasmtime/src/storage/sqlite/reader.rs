//! A thread that reads.

use authkernel::ports::StorageError;
use rusqlite::Connection;

use super::error::storage_error;
use super::queue::Queue;
use super::threads::ReadJob;

/// Serves look-ups until the queue is closed.
pub(super) fn run(sql: Connection, queue: &Queue<ReadJob>) {
    while let Some(job) = queue.take() {
        job(&sql);
    }
}

/// Runs all statements of one look-up on one snapshot, which is taken now.
pub(super) fn in_snapshot<T>(
    sql: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, StorageError>,
) -> Result<T, StorageError> {
    statement(sql, "BEGIN").map_err(storage_error)?;
    let outcome = job(sql);
    // Nothing was written: which of the two ends a reading transaction makes no difference.
    if let Err(error) = statement(sql, "ROLLBACK")
        && !sql.is_autocommit()
    {
        tracing::error!(%error, "a reading transaction could not be ended");
    }
    outcome
}

fn statement(sql: &Connection, text: &str) -> rusqlite::Result<()> {
    sql.prepare_cached(text)?.execute([]).map(drop)
}
