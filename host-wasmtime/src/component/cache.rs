//! Where compiled code is kept between starts. It is code that this process will run, so the folder must be its own.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use wasmtime::{Cache, CacheConfig};

/// The cache in `folder`, or in the platform's place for caches. Everything works without one, only starts are
/// slower: what is wrong with it is logged, and `None` is the answer.
pub(super) fn open(folder: Option<&Path>) -> Option<Cache> {
    let Some(folder) = folder.map(Path::to_owned).or_else(default_folder) else {
        tracing::debug!("no folder for compiled code: the component is compiled at every start");
        return None;
    };
    let cache = private(&folder)
        .map_err(wasmtime::Error::from)
        .and_then(|folder| {
            let mut config = CacheConfig::new();
            config.with_directory(folder);
            Cache::new(config)
        });
    match cache {
        Ok(cache) => Some(cache),
        Err(error) => {
            let folder = folder.display();
            tracing::warn!(%folder, %error, "the cache of compiled code is not used");
            None
        }
    }
}

/// `authkernel` in the user's cache folder.
fn default_folder() -> Option<PathBuf> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let caches = if cfg!(windows) {
        absolute("LOCALAPPDATA")?
    } else if cfg!(target_os = "macos") {
        absolute("HOME")?.join("Library/Caches")
    } else {
        absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?
    };
    Some(caches.join("authkernel"))
}

/// Makes the folder, with access for nobody else, and refuses one that others can write to or that is not ours.
fn private(folder: &Path) -> io::Result<PathBuf> {
    let folder = std::path::absolute(folder)?;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder)?;
    #[cfg(unix)]
    check(&folder)?;
    Ok(folder)
}

#[cfg(unix)]
fn check(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;

    let metadata = fs::metadata(folder)?;
    if metadata.mode() & 0o077 != 0 {
        return Err(io::Error::other(
            "others have access to the folder: give it mode 0700",
        ));
    }
    // A new file belongs to whom this process runs as.
    let probe = folder.join(format!(".owner-{}", std::process::id()));
    let owner = fs::File::create(&probe)?.metadata()?.uid();
    fs::remove_file(&probe)?;
    match owner == metadata.uid() {
        true => Ok(()),
        false => Err(io::Error::other("the folder belongs to another user")),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_folder_is_private() {
        let parent = tempfile::tempdir().unwrap();
        let folder = private(&parent.path().join("a/b")).unwrap();
        let mode = fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        // And it is taken again.
        private(&folder).unwrap();
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o770, 0o707, 0o755] {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert!(private(folder.path()).is_err(), "{mode:o}");
            assert!(open(Some(folder.path())).is_none(), "{mode:o}");
        }
    }

    #[test]
    fn a_file_in_its_place_is_only_logged() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(open(Some(&file)).is_none());
    }
}
