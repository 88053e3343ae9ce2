//! What can be set before a database is opened.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::SqliteStorage;
use super::connection;
use super::error::OpenError;
use super::threads::{Reading, Threads};

/// What can be set before a database is opened; every setting has a default that fits a server.
#[derive(Clone, Debug)]
pub struct Settings {
    readers: usize,
    busy_timeout: Duration,
    queue_limit: usize,
}

impl Default for Settings {
    /// As many readers as processors (2 to 8), 5 s of busy timeout, 16,384 waiting calls.
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(2, NonZeroUsize::get);
        Self {
            readers: processors.clamp(2, 8),
            busy_timeout: Duration::from_secs(5),
            queue_limit: 16_384,
        }
    }
}

impl Settings {
    /// How many threads read, each with a connection of its own; at least 1.
    #[must_use]
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How long a call waits for a lock that another process holds before it is answered with `unavailable`.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// How many reads, and how many writes, may wait; further ones are answered with `unavailable`. At least 1.
    #[must_use]
    pub fn queue_limit(mut self, calls: usize) -> Self {
        self.queue_limit = calls.max(1);
        self
    }

    /// Opens or creates the file. Blocks while it migrates. A new file is readable by its owner only.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(self, path: impl AsRef<Path>) -> Result<SqliteStorage, OpenError> {
        let path = path.as_ref();
        let writer = connection::open_writer(path, self.busy_timeout)?;
        let readers = (0..self.readers)
            .map(|_| connection::open_reader(path, self.busy_timeout))
            .collect::<Result<Vec<_>, _>>()?;
        let watch = connection::open_watch(path)?;
        self.start(writer, Some(Reading { readers, watch }))
    }

    /// A database in memory, which is lost with the last clone of the storage.
    ///
    /// # Errors
    ///
    /// Only when SQLite or the operating system refuses: no memory, no thread.
    pub fn open_in_memory(self) -> Result<SqliteStorage, OpenError> {
        let writer = connection::open_in_memory()?;
        self.start(writer, None)
    }

    fn start(
        self,
        writer: rusqlite::Connection,
        reading: Option<Reading>,
    ) -> Result<SqliteStorage, OpenError> {
        let threads =
            Threads::start(writer, reading, self.queue_limit).map_err(OpenError::Thread)?;
        Ok(SqliteStorage {
            threads: Arc::new(threads),
        })
    }
}
