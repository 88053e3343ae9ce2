//! Notes of sessions that were used: collected, merged, and written together, so that authenticating waits for no
//! write.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use authkernel::record::{Timestamp, Touch};

/// How long a note waits for others.
pub(in crate::storage) const PATIENCE: Duration = Duration::from_millis(250);

/// More sessions than this are not remembered at a time: the notes are best effort.
const LIMIT: usize = 65_536;

/// How many notes are written at once, so that nobody waits long for the rows.
pub(in crate::storage) const AT_ONCE: usize = 1_000;

/// Tenant and session, and when it was last used.
pub(in crate::storage) type Note = ((Option<String>, String), Timestamp);

/// Notes that wait to be written.
#[derive(Debug, Default)]
pub(in crate::storage) struct Touches {
    waiting: Mutex<HashMap<(Option<String>, String), Timestamp>>,
}

impl Touches {
    /// Adds a note; `true` when it is the first one, so that somebody must write them after [`PATIENCE`].
    pub(in crate::storage) fn add(&self, touch: Touch) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let first = waiting.is_empty();
        let key = (touch.tenant, touch.sid);
        if waiting.len() >= LIMIT && !waiting.contains_key(&key) {
            return false;
        }
        let at = waiting.entry(key).or_insert(touch.at);
        *at = touch.at.max(*at);
        first
    }

    /// Takes all notes.
    pub(in crate::storage) fn take(&self) -> Vec<Note> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *waiting).into_iter().collect()
    }
}
