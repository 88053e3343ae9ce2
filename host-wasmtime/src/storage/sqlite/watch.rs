//! Whether anything was committed since, by this process or another, without a look into a table.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

/// A connection that only ever asks SQLite whether the database is what it was.
///
/// `PRAGMA data_version` begins a reading transaction, which compares the header of the log's index, in memory that
/// all processes share, with the copy of this connection. Every commit of any connection changes that header before
/// it is answered, so a question asked after the answer sees it: the same comparison tells SQLite's readers that
/// their page cache is stale. Nothing is read from the disk unless something was committed, and then one page.
pub(super) struct Watch {
    state: Mutex<State>,
}

struct State {
    /// None once it was closed.
    sql: Option<Connection>,
    /// What SQLite answered last.
    version: i64,
    /// Counts the changes that were seen.
    generation: u64,
}

impl Watch {
    /// Watches with a connection that nobody else uses.
    pub(super) fn new(sql: Connection) -> Self {
        let state = State {
            sql: Some(sql),
            version: 0,
            generation: 0,
        };
        Self {
            state: Mutex::new(state),
        }
    }

    /// A number that stays the same for as long as nothing is committed: when two calls answer the same, nothing was
    /// committed from before the first returned until after the second began. `None` when SQLite does not say.
    pub(super) fn generation(&self) -> Option<u64> {
        let mut state = self.lock();
        let version = data_version(state.sql.as_ref()?).ok()?;
        if version != state.version {
            state.version = version;
            state.generation += 1;
        }
        Some(state.generation)
    }

    /// Closes the connection.
    pub(super) fn close(&self) {
        drop(self.lock().sql.take());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn data_version(sql: &Connection) -> rusqlite::Result<i64> {
    sql.prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))
}
