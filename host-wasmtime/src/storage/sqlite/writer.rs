//! The thread that writes, with group commit.

use std::time::Instant;

use authkernel::ports::StorageError;
use rusqlite::Connection;

use super::error::{storage_error, unavailable};
use super::queue::Queue;
use super::threads::{Answer, WriteJob};
use super::touches::{self, Notes, Touches};

/// How many writes one commit takes along. Enough to hide the `fsync`, few enough to bound what one failing commit
/// refuses.
const BATCH: usize = 256;

/// Serves writes until the queue is closed and empty.
pub(super) fn run(sql: Connection, queue: &Queue<WriteJob>, touches: &Touches) {
    while let Some(jobs) = queue.take_batch(BATCH, touches.due()) {
        let due = touches.due().is_some_and(|due| due <= Instant::now());
        if !jobs.is_empty() || due {
            commit(&sql, jobs, &touches.take());
        }
    }
    let notes = touches.take();
    if !notes.is_empty() {
        commit(&sql, Vec::new(), &notes);
    }
}

/// One transaction: all jobs, each in a savepoint of its own, one commit, and only then the answers.
fn commit(sql: &Connection, jobs: Vec<WriteJob>, notes: &Notes) {
    // IMMEDIATE takes the write lock before anything is read: what a job reads stays true until it is committed,
    // whatever other processes do. This is what serialises the writes for one subject.
    let mut fate = statement(sql, "BEGIN IMMEDIATE");
    let mut answers = Vec::with_capacity(jobs.len());
    for job in jobs {
        let (answer, after) = match fate {
            Ok(()) => in_savepoint(sql, job),
            Err(error) => (job(Err(error.clone())).answer, Err(error)),
        };
        answers.push(answer);
        fate = after;
    }
    if fate.is_ok()
        && let Err(error) = touches::write(sql, notes)
    {
        // Best effort: what was written of them may stay.
        tracing::warn!(?error, "last uses of sessions were not noted");
    }
    let fate = fate.and_then(|()| statement(sql, "COMMIT"));
    if !sql.is_autocommit()
        && let Err(error) = statement(sql, "ROLLBACK")
    {
        tracing::error!(?error, "a write transaction could not be ended");
    }
    for answer in answers {
        answer(fate.clone());
    }
}

/// Runs one job so that its failure undoes only itself; also says whether the transaction lives on.
fn in_savepoint(sql: &Connection, job: WriteJob) -> (Answer, Result<(), StorageError>) {
    if let Err(error) = statement(sql, "SAVEPOINT job") {
        return (job(Err(error.clone())).answer, Err(error));
    }
    let written = job(Ok(sql));
    // SQLite gives up a whole transaction for some errors, such as a full disk: then nothing of it may be answered
    // as done.
    let fate = if sql.is_autocommit() {
        Err(unavailable(
            "the transaction that the call was part of was rolled back",
        ))
    } else if written.keep {
        statement(sql, "RELEASE job")
    } else {
        statement(sql, "ROLLBACK TO job").and_then(|()| statement(sql, "RELEASE job"))
    };
    (written.answer, fate)
}

fn statement(sql: &Connection, text: &str) -> Result<(), StorageError> {
    sql.prepare_cached(text)
        .and_then(|mut statement| statement.execute([]))
        .map(drop)
        .map_err(storage_error)
}
