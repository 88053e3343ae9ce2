//! The schema, in numbered steps. A released step never changes; a change is a new step.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::super::schema::SchemaVersion;
use super::error::OpenError;

/// `application_id` of every database of this adapter: "auth" in ASCII.
const APPLICATION_ID: i32 = 0x6175_7468;

/// Step `n` leads to schema version `n + 1`.
const STEPS: &[&str] = &[include_str!(
    "../../../migrations/sqlite/001_token_records.sql"
)];

/// What the file says of itself.
pub(super) enum Owner {
    /// Nothing was ever stored here by this adapter.
    Nobody,
    /// This adapter, with this schema version.
    Us(u32),
    /// Another application.
    Somebody,
}

/// Whose database it is; reads, changes nothing.
pub(super) fn owner(sql: &Connection) -> rusqlite::Result<Owner> {
    let application: i32 = sql.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i32 = sql.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(match (application, u32::try_from(version)) {
        (APPLICATION_ID, Ok(version)) => Owner::Us(version),
        (0, Ok(0)) => Owner::Nobody,
        _ => Owner::Somebody,
    })
}

/// How far the file is migrated.
pub(super) fn version(path: &Path) -> Result<SchemaVersion, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let at = |error| OpenError::at(path, error);
    let sql = Connection::open_with_flags(path, flags).map_err(at)?;
    let known = u32::try_from(STEPS.len()).unwrap_or(u32::MAX);
    match owner(&sql).map_err(at)? {
        Owner::Us(found) => Ok(SchemaVersion { found, known }),
        Owner::Nobody => Ok(SchemaVersion { found: 0, known }),
        Owner::Somebody => Err(OpenError::ForeignDatabase {
            path: path.to_owned(),
        }),
    }
}

/// Brings the schema up to date, in one transaction: several processes may start at once.
pub(super) fn run(sql: &mut Connection) -> Result<(), OpenError> {
    let known = u32::try_from(STEPS.len()).unwrap_or(u32::MAX);
    let transaction = sql
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(OpenError::from_sql)?;
    let found = match owner(&transaction).map_err(OpenError::from_sql)? {
        Owner::Us(version) => version,
        // Whose it is was asked before; here only another process can have been quicker.
        Owner::Nobody | Owner::Somebody => 0,
    };
    if found > known {
        return Err(OpenError::SchemaNewer { found, known });
    }
    for step in STEPS.iter().skip(found as usize) {
        transaction
            .execute_batch(step)
            .map_err(OpenError::from_sql)?;
    }
    if found < known {
        transaction
            .pragma_update(None, "application_id", APPLICATION_ID)
            .and_then(|()| transaction.pragma_update(None, "user_version", known))
            .map_err(OpenError::from_sql)?;
    }
    transaction.commit().map_err(OpenError::from_sql)
}
