//! SQLite's errors in the port's words, and why a database is not opened.

use std::io;
use std::path::{Path, PathBuf};

use authkernel::ports::{Guard, StorageError};
use rusqlite::ErrorCode;

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be opened or created: the folder is missing, the path is a folder, permission is denied.
    #[error("cannot open the database file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is there and is something else, or is damaged at its beginning.
    #[error("{} is not a sqlite database: choose another path, or restore a backup", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is another application's database.
    #[error("{} is the database of another application: choose another path", path.display())]
    ForeignDatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a later version.
    #[error(
        "the database has schema version {found}, this program knows {known}: use a newer program"
    )]
    SchemaNewer {
        /// The file's schema version.
        found: u32,
        /// The newest schema version that this program knows.
        known: u32,
    },
    /// Another process holds the lock for longer than the busy timeout.
    #[error("another process keeps the database locked: stop it, or set a longer busy timeout")]
    Locked,
    /// SQLite did not take a setting that a promise depends on.
    #[error(
        "sqlite runs with {pragma} = {found} instead of {wanted}, which could lose revocations"
    )]
    Setting {
        /// The setting.
        pragma: &'static str,
        /// What it must be.
        wanted: &'static str,
        /// What SQLite reads back.
        found: String,
    },
    /// A thread could not be started.
    #[error("cannot start a storage thread: {0}")]
    Thread(#[source] io::Error),
    /// Anything else that SQLite refused.
    #[error("cannot open the database: {0}")]
    Sqlite(#[source] rusqlite::Error),
}

impl OpenError {
    pub(super) fn from_sql(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            _ => Self::Sqlite(error),
        }
    }

    /// Like [`Self::from_sql`], for the first look into a file.
    pub(super) fn at(path: &Path, error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::NotADatabase {
                path: path.to_owned(),
            },
            _ => Self::from_sql(error),
        }
    }
}

/// A SQLite error in the port's words: `unavailable` where the same call may succeed later (locked, full disk, failing
/// device), `other` for everything else, a damaged file included. Never "not found", never "conflict".
pub fn storage_error(error: rusqlite::Error) -> StorageError {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OperationAborted,
        ) => StorageError::Unavailable(format!("sqlite: {error}")),
        _ => StorageError::Other(format!("sqlite: {error}")),
    }
}

/// Why a job failed: SQLite, or a condition of the call.
#[derive(Debug)]
pub(super) enum Failure {
    Sql(rusqlite::Error),
    Storage(StorageError),
}

impl Failure {
    pub(super) const CONFLICT: Self = Self::Storage(StorageError::Conflict);
    pub(super) const EPOCH: Self = Self::Storage(StorageError::GuardFailed(Guard::Epoch));
    pub(super) const SESSION: Self = Self::Storage(StorageError::GuardFailed(Guard::Session));

    pub(super) fn other(text: impl Into<String>) -> Self {
        Self::Storage(StorageError::Other(text.into()))
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Failure> for StorageError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Sql(error) => storage_error(error),
            Failure::Storage(error) => error,
        }
    }
}

/// A call that cannot be served now.
pub(super) fn unavailable(text: &str) -> StorageError {
    StorageError::Unavailable(text.to_owned())
}
