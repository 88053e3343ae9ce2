//! How connections are opened: every setting that a promise depends on is set here and read back.

use std::fs::OpenOptions;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::OpenError;
use super::migrations::{self, Owner};

/// How large the write-ahead log may stay on disk after a checkpoint, in bytes.
const JOURNAL_SIZE_LIMIT: i64 = 64 * 1024 * 1024;

/// Page cache of one connection, in KiB (SQLite takes a negative number as that).
const CACHE_KIB: i64 = -16 * 1024;

/// More than the number of distinct statements, so that none is compiled twice.
const STATEMENTS: usize = 128;

/// The writing connection: creates the file, migrates it, and commits only what is on disk.
pub(super) fn open_writer(path: &Path, busy_timeout: Duration) -> Result<Connection, OpenError> {
    create(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut sql =
        Connection::open_with_flags(path, flags).map_err(|error| OpenError::at(path, error))?;
    sql.busy_timeout(busy_timeout)
        .map_err(OpenError::from_sql)?;
    // Nothing is written into a file before it is known to be ours.
    if let Owner::Somebody = migrations::owner(&sql).map_err(|error| OpenError::at(path, error))? {
        return Err(OpenError::ForeignDatabase {
            path: path.to_owned(),
        });
    }
    write_ahead_log(&sql, busy_timeout)?;
    full_synchronous(&sql)?;
    common(&sql)?;
    sql.pragma_update(None, "journal_size_limit", JOURNAL_SIZE_LIMIT)
        .or_else(ignore_rows)
        .map_err(OpenError::from_sql)?;
    migrations::run(&mut sql)?;
    Ok(sql)
}

/// A reading connection: it cannot write.
pub(super) fn open_reader(path: &Path, busy_timeout: Duration) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sql =
        Connection::open_with_flags(path, flags).map_err(|error| OpenError::at(path, error))?;
    sql.busy_timeout(busy_timeout)
        .map_err(OpenError::from_sql)?;
    common(&sql)?;
    Ok(sql)
}

/// A connection that watches for commits. It is asked on the caller's thread, so that it never waits for a lock.
pub(super) fn open_watch(path: &Path) -> Result<Connection, OpenError> {
    open_reader(path, Duration::ZERO)
}

/// One connection that is the whole database.
pub(super) fn open_in_memory() -> Result<Connection, OpenError> {
    let mut sql = Connection::open_in_memory().map_err(OpenError::Sqlite)?;
    common(&sql)?;
    migrations::run(&mut sql)?;
    Ok(sql)
}

/// Makes the file if it is not there, for its owner only (SQLite gives its companions the same mode), and finds out
/// what SQLite would only call "unable to open".
fn create(path: &Path) -> Result<(), OpenError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(source) => Err(OpenError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Readers never wait for the writer only with a write-ahead log. Changing to it needs a lock for which SQLite
/// does not call the busy handler.
fn write_ahead_log(sql: &Connection, busy_timeout: Duration) -> Result<(), OpenError> {
    let deadline = Instant::now() + busy_timeout;
    loop {
        let mode =
            sql.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(found) => {
                return Err(OpenError::Setting {
                    pragma: "journal_mode",
                    wanted: "wal",
                    found,
                });
            }
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && Instant::now() < deadline =>
            {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(OpenError::from_sql(error)),
        }
    }
}

/// With anything less than FULL, a power cut could lose a revocation that was answered.
fn full_synchronous(sql: &Connection) -> Result<(), OpenError> {
    const FULL: i64 = 2;
    sql.pragma_update(None, "synchronous", "FULL")
        .map_err(OpenError::from_sql)?;
    let found: i64 = sql
        .pragma_query_value(None, "synchronous", |row| row.get(0))
        .map_err(OpenError::from_sql)?;
    if found == FULL {
        return Ok(());
    }
    Err(OpenError::Setting {
        pragma: "synchronous",
        wanted: "2 (FULL)",
        found: found.to_string(),
    })
}

fn common(sql: &Connection) -> Result<(), OpenError> {
    sql.set_prepared_statement_cache_capacity(STATEMENTS);
    sql.pragma_update(None, "foreign_keys", true)
        .and_then(|()| sql.pragma_update(None, "trusted_schema", false))
        .and_then(|()| sql.pragma_update(None, "cell_size_check", true))
        .and_then(|()| sql.pragma_update(None, "temp_store", "MEMORY"))
        .and_then(|()| sql.pragma_update(None, "cache_size", CACHE_KIB))
        .and_then(|()| {
            sql.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)
                .map(drop)
        })
        .map_err(OpenError::from_sql)
}

/// Some pragmas answer with a row, which `pragma_update` takes for an error.
fn ignore_rows(error: rusqlite::Error) -> rusqlite::Result<()> {
    match error {
        rusqlite::Error::ExecuteReturnedResults => Ok(()),
        error => Err(error),
    }
}
