//! PostgreSQL's errors in the port's words, and why a database is not opened.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;

use authkernel::ports::{Guard, StorageError};
use deadpool_postgres::{HookError, PoolError, TimeoutType};
use tokio_postgres::Error;

/// Why a database was not opened. No text has the address's password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address cannot be read.
    #[error("the address is not one of postgresql: postgres://user:password@host:port/database")]
    Address,
    /// A parameter of the address is unknown, or its value is.
    #[error("the address has a parameter that cannot be used: {name}")]
    Parameter {
        /// Which one.
        name: &'static str,
    },
    /// No certificate was found that servers could be checked against.
    #[error("there are no certificates to check the server's by: {0}")]
    Certificates(String),
    /// The file that `sslrootcert` names cannot be read, or has no certificates.
    #[error("cannot read certificates from {}: {reason}", path.display())]
    CertificateFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The server is not there, does not answer, or lets nobody in.
    #[error("cannot connect to postgresql: {0}")]
    Connect(String),
    /// The database has another encoding, in which not every text can be stored.
    #[error("the database has the encoding {found}: use one with UTF8")]
    Encoding {
        /// Its encoding.
        found: String,
    },
    /// The schema is older than this program needs.
    #[error("the database has schema version {found}, this program needs {known}: migrate it")]
    SchemaOlder {
        /// The database's schema version.
        found: u32,
        /// The schema version that this program needs.
        known: u32,
    },
    /// The schema was written by a later version.
    #[error(
        "the database has schema version {found}, this program knows {known}: use a newer program"
    )]
    SchemaNewer {
        /// The database's schema version.
        found: u32,
        /// The newest schema version that this program knows.
        known: u32,
    },
    /// Another process holds the lock of the migrations for too long, or they take too long.
    #[error("the migrations did not end in time: see whether another process holds them up")]
    Slow,
    /// Anything else that PostgreSQL refused.
    #[error("cannot open the database: {0}")]
    Sql(String),
}

impl OpenError {
    pub(super) fn from_sql(error: Error) -> Self {
        Self::Sql(text(&error))
    }

    pub(super) fn from_pool(error: PoolError) -> Self {
        match pool_error(error) {
            StorageError::Unavailable(reason) | StorageError::Other(reason) => {
                Self::Connect(reason)
            }
            // Nothing but a call of ours says these.
            error => Self::Connect(error.to_string()),
        }
    }
}

/// Classes of codes, and single codes, after which the same call may succeed.
const UNAVAILABLE: &[&str] = &[
    "08",    // connection
    "40",    // rolled back: a deadlock or a serialization failure that was tried again in vain
    "53",    // no disk, no memory, too many connections
    "57",    // shut down, starting up, cancelled by a time-out
    "58",    // an error of the operating system
    "25006", // read only: a standby, or a fail-over under way
    "55P03", // a lock was not to be had in time
];

/// An error of PostgreSQL in the port's words: `unavailable` where the same call may succeed later (no connection, shut
/// down, cancelled by a time-out, full), `other` for everything else. Never "not found", and `conflict` only where a
/// function of the schema says so.
pub fn storage_error(error: Error) -> StorageError {
    let code = error.code().map(|code| code.code()).unwrap_or_default();
    match code {
        "AK001" => return StorageError::Conflict,
        "AK002" => return StorageError::GuardFailed(Guard::Epoch),
        "AK003" => return StorageError::GuardFailed(Guard::Session),
        _ => {}
    }
    let hint = match code {
        "3F000" | "42P01" | "42883" => ": the schema is missing, migrate it",
        _ => "",
    };
    let text = format!("{}{hint}", text(&error));
    if UNAVAILABLE.iter().any(|class| code.starts_with(class)) || is_lost(&error) {
        StorageError::Unavailable(text)
    } else {
        StorageError::Other(text)
    }
}

/// A pool that has no connection to give.
pub(super) fn pool_error(error: PoolError) -> StorageError {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
            storage_error(error)
        }
        PoolError::Timeout(TimeoutType::Wait) => {
            unavailable("postgresql: all connections stayed in use")
        }
        PoolError::Timeout(_) => unavailable("postgresql: no connection in time"),
        PoolError::Closed => unavailable("postgresql: the storage was closed"),
        PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
            StorageError::Other("postgresql: a connection could not be made".into())
        }
    }
}

pub(super) fn unavailable(text: &str) -> StorageError {
    StorageError::Unavailable(text.to_owned())
}

/// Whether the connection is gone, or was never there: there is no answer of the server.
pub(super) fn is_lost(error: &Error) -> bool {
    if error.as_db_error().is_some() {
        return false;
    }
    let by_io = error
        .source()
        .is_some_and(|source| source.is::<io::Error>());
    // The kinds of the library are private; these two have no source that tells.
    error.is_closed() || by_io || error.to_string().starts_with("timeout")
}

/// Rolled back because of somebody else: nothing was changed, and trying again is safe.
pub(super) fn is_transient(error: &Error) -> bool {
    matches!(
        error.code().map(|code| code.code()),
        Some("40001" | "40P01")
    )
}

/// Refused because transactions are not at READ COMMITTED by default.
pub(super) fn is_isolation(error: &Error) -> bool {
    error.code().is_some_and(|code| code.code() == "AK004")
}

/// What happened, for logs. Without the server's details, which can quote what is stored.
pub(super) fn text(error: &Error) -> String {
    if let Some(answer) = error.as_db_error() {
        return format!(
            "postgresql: {} ({})",
            answer.message(),
            answer.code().code()
        );
    }
    match error.source() {
        Some(source) => format!("postgresql: {error}: {source}"),
        None => format!("postgresql: {error}"),
    }
}
