//! A thread that reads.

use rusqlite::Connection;

use super::error::storage_error;
use super::queue::Queue;
use super::threads::ReadJob;

/// How many short look-ups share a snapshot. Enough to spare most wake-ups under load, few enough that the other
/// threads get their part.
const BATCH: usize = 16;

/// Serves look-ups until the queue is closed.
pub(super) fn run(sql: Connection, queue: &Queue<ReadJob>) {
    while let Some(jobs) = queue.take_similar(BATCH, |job| job.short) {
        in_snapshot(&sql, jobs);
    }
}

/// Runs all statements of these look-ups on one snapshot. It is taken now, after all of them were asked: each sees
/// what was committed before.
fn in_snapshot(sql: &Connection, jobs: Vec<ReadJob>) {
    let begun = statement(sql, "BEGIN").map_err(storage_error);
    for job in jobs {
        (job.run)(begun.clone().map(|()| sql));
    }
    // Nothing was written: which of the two ends a reading transaction makes no difference.
    if let Err(error) = statement(sql, "ROLLBACK")
        && !sql.is_autocommit()
    {
        tracing::error!(%error, "a reading transaction could not be ended");
    }
}

fn statement(sql: &Connection, text: &str) -> rusqlite::Result<()> {
    sql.prepare_cached(text)?.execute([]).map(drop)
}
