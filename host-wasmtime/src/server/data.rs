//! The data directory: made when it is not there, used by one server at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::start::StartError;

/// An open data directory. No other server opens it while this value lives.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    folder: PathBuf,
    /// Locked by the operating system, which lets go of it however the process ends.
    _lock: File,
}

impl DataDirectory {
    /// Opens the directory, makes it when it is not there (mode 0700), and locks it.
    ///
    /// Two servers on one directory would each tell only their own live connections of a sign-out.
    pub(crate) fn open(folder: &Path) -> Result<Self, StartError> {
        let at = |problem: &dyn std::fmt::Display| {
            StartError::other(format!("data directory {}: {problem}", folder.display()))
        };
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(|error| at(&error))?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join("lock"))
            .map_err(|error| at(&error))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                at(&"another authkernel uses it: stop that one, or give --data another directory")
            }
            TryLockError::Error(error) => at(&error),
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            _lock: lock,
        })
    }

    /// The database: accounts, tokens, sessions.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join("authkernel.db")
    }

    /// The key set.
    pub(crate) fn keys(&self) -> PathBuf {
        self.folder.join("keys.json")
    }

    /// Compiled code, so that the next start is quick. May be deleted at any time.
    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.join("cache")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("deep/er");
        let first = DataDirectory::open(&inside).unwrap();
        let error = DataDirectory::open(&inside).unwrap_err().to_string();
        assert!(error.contains("another authkernel"), "{error}");
        drop(first);
        DataDirectory::open(&inside).unwrap();
    }

    #[test]
    fn a_file_in_its_place_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = DataDirectory::open(&file).unwrap_err().to_string();
        assert!(error.contains("file"), "{error}");
    }
}
