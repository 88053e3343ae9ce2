//! Third-party test data. It is read where it lies and is no part of this project.

use std::path::{Path, PathBuf};

/// The folder with third-party vectors: `$AUTHKERNEL_SHARED/vectors`, or `shared/vectors` beside the clone.
/// Where it is absent, says so and answers `None`: the test is skipped.
pub fn vectors() -> Option<PathBuf> {
    let root = match std::env::var_os("AUTHKERNEL_SHARED") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
    };
    let folder = root.join("vectors");
    if folder.is_dir() {
        return Some(folder);
    }
    println!(
        "skipped: no third-party vectors in {}; set AUTHKERNEL_SHARED to the folder that has them",
        folder.display()
    );
    None
}
