//! The settings that promises depend on.

use authkernel::testing::contract::fixtures::{open, record};

use super::{database, number, storage};

#[tokio::test]
async fn every_commit_is_synchronised() {
    let (_folder, path) = database();
    let storage = storage(&path);
    assert_eq!(number(&storage, "PRAGMA synchronous").await, 2);
    assert_eq!(number(&storage, "PRAGMA foreign_keys").await, 1);
    let mode = storage
        .write(|sql| sql.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0)))
        .await;
    assert_eq!(mode, Ok("wal".to_owned()));
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_database_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = database();
    let storage = storage(&path);
    open(&storage, record("anna", "s1", "t1")).await;
    for file in std::fs::read_dir(folder.path()).expect("the folder") {
        let file = file.expect("a file");
        let mode = file.metadata().expect("its mode").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
    }
}

#[tokio::test]
async fn readers_cannot_write() {
    let (_folder, path) = database();
    let answer = storage(&path)
        .read(|sql| sql.execute("DELETE FROM records", []))
        .await;
    assert!(answer.is_err(), "{answer:?}");
}
