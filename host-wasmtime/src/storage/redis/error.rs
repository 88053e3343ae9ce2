//! Redis' errors in the port's words, and why a server is not used.

use authkernel::ports::StorageError;
use redis::{ErrorKind, RedisError};

/// Why a server is not used. No text has the address's password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address cannot be read.
    #[error("the address is not one of redis: redis://user:password@host:port/database")]
    Address,
    /// The server is not there, does not answer, or lets nobody in.
    #[error("cannot connect to redis: {0}")]
    Connect(String),
    /// The server is too old for the scripts.
    #[error("redis {found} is too old: the scripts need 7 or newer")]
    TooOld {
        /// Its version.
        found: String,
    },
}

impl From<StorageError> for OpenError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Unavailable(reason) | StorageError::Other(reason) => {
                Self::Connect(reason)
            }
            error => Self::Connect(error.to_string()),
        }
    }
}

/// Replies after which the same call may succeed: loading, busy, full, read only, a fail-over or a reshard under way.
const UNAVAILABLE: &[&str] = &[
    "BUSY",
    "CLUSTERDOWN",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "NOREPLICAS",
    "OOM",
    "READONLY",
    "TRYAGAIN",
    "UNBLOCKED",
];

/// An error of Redis in the port's words: `unavailable` where the same call may succeed later (no connection, no answer
/// in time, loading, full, a fail-over under way), `other` for everything else. Never "not found", never "conflict".
pub fn storage_error(error: RedisError) -> StorageError {
    let text = format!("redis: {error}");
    let unavailable = match error.kind() {
        ErrorKind::Io => true,
        _ => {
            error.code().is_some_and(|code| UNAVAILABLE.contains(&code))
                || error
                    .detail()
                    .is_some_and(|detail| detail.starts_with("max number of clients"))
        }
    };
    if unavailable {
        StorageError::Unavailable(text)
    } else {
        StorageError::Other(text)
    }
}

/// Whether a reply says that scripts were forgotten: the server was started anew, or they were flushed.
pub(super) fn is_unknown_script(error: &RedisError) -> bool {
    error.code() == Some("NOSCRIPT")
}

/// Whether a command may be refused for the rights of the user alone.
pub(super) fn is_forbidden(error: &RedisError) -> bool {
    // Servers that others run have commands under other names, or not at all.
    matches!(error.code(), Some("NOPERM" | "ERR"))
}
