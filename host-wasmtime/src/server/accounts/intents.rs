//! Sign-outs that a change of credentials owes.
//!
//! An intent is written in the transaction that changes a credential and removed when its sign-out is done, so that
//! a crash between the two is made good later.

use authkernel::record::Timestamp;
use authkernel::types::CredentialsChanged;
use rusqlite::{Connection, params};

use super::integer;

/// How many are read at once.
const BATCH: u32 = 100;

/// A sign-out that is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Intent {
    /// Whose credentials changed.
    pub(crate) subject: String,
    /// What changed: a trigger of the kernel.
    pub(crate) trigger: String,
    /// The session that made the change.
    pub(crate) acting_sid: String,
    /// When it was committed.
    pub(crate) changed_at: Timestamp,
}

impl Intent {
    /// The call that pays it right after the commit: every session counts, however young.
    pub(crate) fn now(&self) -> CredentialsChanged {
        CredentialsChanged {
            tenant: None,
            subject: self.subject.clone(),
            trigger: self.trigger.clone(),
            acting_sid: Some(self.acting_sid.clone()),
            changed_at: None,
            disconnect_self: true,
        }
    }

    /// The call that pays it later: sessions that began after the change are left alone.
    pub(crate) fn later(&self) -> CredentialsChanged {
        CredentialsChanged {
            changed_at: Some(self.changed_at),
            ..self.now()
        }
    }
}

/// Writes one; answers its id.
pub(super) fn insert(sql: &Connection, intent: &Intent) -> rusqlite::Result<i64> {
    let Intent {
        subject,
        trigger,
        acting_sid,
        changed_at,
    } = intent;
    sql.execute(
        "INSERT INTO intents (subject, trigger, acting_sid, changed_at) VALUES (?1, ?2, ?3, ?4)",
        params![subject, trigger, acting_sid, integer(*changed_at)],
    )?;
    Ok(sql.last_insert_rowid())
}

/// The oldest ones that were committed until a moment and come after an id.
pub(super) fn until(
    sql: &Connection,
    at: Timestamp,
    after: i64,
) -> rusqlite::Result<Vec<(i64, Intent)>> {
    let mut select = sql.prepare_cached(
        "SELECT id, subject, trigger, acting_sid, changed_at FROM intents
         WHERE changed_at <= ?1 AND id > ?2 ORDER BY id LIMIT ?3",
    )?;
    let rows = select.query_map(params![integer(at), after, BATCH], |row| {
        let intent = Intent {
            subject: row.get(1)?,
            trigger: row.get(2)?,
            acting_sid: row.get(3)?,
            changed_at: row.get::<_, i64>(4)?.try_into().unwrap_or(0),
        };
        Ok((row.get(0)?, intent))
    })?;
    rows.collect()
}

/// Removes one.
pub(super) fn remove(sql: &Connection, id: i64) -> rusqlite::Result<()> {
    sql.execute("DELETE FROM intents WHERE id = ?1", [id])
        .map(drop)
}
