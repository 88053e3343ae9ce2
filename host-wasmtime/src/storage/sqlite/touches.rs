//! Notes of sessions that were used: collected, merged, and written with the next commit.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use authkernel::record::{Timestamp, Touch};
use rusqlite::{Connection, params};

use super::error::Failure;
use super::rows::{integer, tenant_key};

/// How long a note waits for a commit that would take it along.
const PATIENCE: Duration = Duration::from_millis(250);

/// More sessions than this are not remembered at a time: the notes are best effort.
const LIMIT: usize = 65_536;

/// The latest note of each session.
pub(super) type Notes = HashMap<(Option<String>, String), Timestamp>;

/// Notes that wait to be written.
#[derive(Default)]
pub(super) struct Touches {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    notes: Notes,
    due: Option<Instant>,
}

impl Touches {
    /// Adds a note; `true` when it is the first one, so that somebody must be told.
    pub(super) fn add(&self, touch: Touch) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (touch.tenant, touch.sid);
        if waiting.notes.len() >= LIMIT && !waiting.notes.contains_key(&key) {
            return false;
        }
        let at = waiting.notes.entry(key).or_insert(touch.at);
        *at = touch.at.max(*at);
        let first = waiting.due.is_none();
        if first {
            waiting.due = Some(Instant::now() + PATIENCE);
        }
        first
    }

    /// When the notes are to be written at the latest; `None` when there is none.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .due
    }

    /// Takes all notes.
    pub(super) fn take(&self) -> Notes {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.due = None;
        std::mem::take(&mut waiting.notes)
    }
}

/// Writes the notes; sessions that are unknown, ended, or were seen later are left as they are.
pub(super) fn write(sql: &Connection, notes: &Notes) -> Result<(), Failure> {
    let mut statement = sql.prepare_cached(
        "UPDATE sessions SET last_seen = ?3
         WHERE tenant = ?1 AND sid = ?2 AND last_seen < ?3 AND ended_at IS NULL",
    )?;
    for ((tenant, sid), at) in notes {
        statement.execute(params![tenant_key(tenant)?, sid, integer(*at)])?;
    }
    Ok(())
}
