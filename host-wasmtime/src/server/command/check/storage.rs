//! The database: whether it opens, is of this version, keeps its promises, and can be written and read.

use authkernel::ports::StorageError;

use super::super::super::accounts::sqlite as accounts;
use super::super::super::backing::{AnyStorage, StoragePlan};
use super::super::super::settings::Settings;
use super::files::Data;
use super::report::Report;
use super::shared;
use crate::storage::sqlite::{OpenError, SqliteStorage};

/// The storage to try the kernel with: the server's own where there is one that can be used, else one in memory.
pub(super) async fn try_out(
    settings: &Settings,
    data: Data,
    report: &mut Report,
) -> Option<AnyStorage> {
    match settings.backends.storage_plan() {
        Ok(StoragePlan::Sqlite) => {}
        Ok(plan) => {
            return match shared::try_out(&plan, report).await {
                Ok(Some(storage)) => Some(storage),
                Ok(None) => in_memory(),
                Err(()) => None,
            };
        }
        Err(error) => {
            report.failed(
                "storage",
                error.to_string(),
                "give --storage such an address",
            );
            return None;
        }
    }
    let file = settings.data.join("authkernel.db");
    if data == Data::Bad {
        return None;
    }
    if !file.is_file() {
        report.ok("storage", "no database yet: the first start makes it");
        return in_memory();
    }
    // Looked at first, and by a reader: opening it for writing would migrate it.
    let version = SqliteStorage::schema_version(&file)
        .and_then(|tokens| Ok((tokens, accounts::schema_version(&file)?)));
    match version {
        Ok((tokens, accounts)) if tokens.is_current() && accounts.is_current() => {
            report.ok(
                "migrations",
                format!("schema {} of {}", tokens.found, tokens.known),
            );
        }
        Ok((tokens, accounts)) if tokens.is_newer() || accounts.is_newer() => {
            report.failed(
                "migrations",
                "the database was written by a newer version",
                "use that version, or restore a backup",
            );
            return None;
        }
        Ok(_) => {
            report.warning(
                "migrations",
                "the next start migrates the database",
                "back it up before: there is no way back",
            );
            return in_memory();
        }
        Err(error) => {
            report.failed(
                "storage",
                error.to_string(),
                "restore a backup, or give --data another directory",
            );
            return None;
        }
    }
    open(&file, report).await.map(AnyStorage::Sqlite)
}

/// What the kernel is tried with where the server's own storage is not made yet.
fn in_memory() -> Option<AnyStorage> {
    SqliteStorage::open_in_memory().ok().map(AnyStorage::Sqlite)
}

async fn open(file: &std::path::Path, report: &mut Report) -> Option<SqliteStorage> {
    let path = file.to_owned();
    let opened = tokio::task::spawn_blocking(move || SqliteStorage::open(path)).await;
    let storage = match opened {
        Ok(Ok(storage)) => storage,
        Ok(Err(error)) => {
            let remedy = match error {
                OpenError::Locked => "end the program that holds its lock",
                _ => "look at the disk and at the file's owner",
            };
            report.failed("storage", error.to_string(), remedy);
            return None;
        }
        Err(error) => {
            report.failed("storage", error.to_string(), "see the message");
            return None;
        }
    };
    match promises(&storage).await {
        Ok((2, journal, sound)) if journal == "wal" && sound == "ok" => report.ok(
            "storage",
            format!("{} is sound; synchronous is FULL, the journal is wal", file.display()),
        ),
        Ok((2, journal, sound)) if journal == "wal" => {
            report.failed("storage", format!("the database is damaged: {sound}"), "restore a backup");
        }
        Ok((synchronous, journal, _)) => report.failed(
            "storage",
            format!("synchronous is {synchronous} and the journal {journal}: a power cut could lose a sign-out"),
            "put the data on a disk that takes synchronous = FULL (2) and the journal wal",
        ),
        Err(error) => report.failed(
            "storage",
            format!("the database cannot be written: {error:?}"),
            "look at the disk: is it full, or mounted for reading only",
        ),
    }
    Some(storage)
}

/// How the database keeps what was committed, and whether it is sound.
async fn promises(storage: &SqliteStorage) -> Result<(i64, String, String), StorageError> {
    let (synchronous, journal) = storage
        .write(|sql| {
            let synchronous = sql.pragma_query_value(None, "synchronous", |row| row.get(0))?;
            let journal = sql.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
            Ok((synchronous, journal))
        })
        .await?;
    // By a reader: a running server must not wait for it.
    let sound = storage
        .read(|sql| sql.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)))
        .await?;
    Ok((synchronous, journal, sound))
}
