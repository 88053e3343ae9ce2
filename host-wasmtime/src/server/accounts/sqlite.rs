//! Accounts in the SQLite file that also holds the tokens, written by the same thread.

use std::path::Path;

use authkernel::ports::StorageError;
use authkernel::record::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::email::Email;
use super::intents::{self, Intent};
use super::{Account, AccountStore, Changed, integer};
use crate::storage::sqlite::{OpenError, SchemaVersion, SqliteStorage};

/// The migrations, in order. Never change one that was released.
const MIGRATIONS: &[&str] = &[include_str!(
    "../../../migrations/accounts/001_accounts.sql"
)];

/// How far the accounts of a database are migrated; a database without any is not at all. Changes nothing.
pub(crate) fn schema_version(file: &Path) -> Result<SchemaVersion, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sql = Connection::open_with_flags(file, flags).map_err(OpenError::Sqlite)?;
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let there = sql
        .table_exists(None, "account_migrations")
        .map_err(OpenError::Sqlite)?;
    let found = match there {
        false => 0,
        true => sql
            .query_row("SELECT count(*) FROM account_migrations", [], |row| {
                row.get(0)
            })
            .map_err(OpenError::Sqlite)?,
    };
    Ok(SchemaVersion { found, known })
}

/// The accounts of a server that is alone.
#[derive(Clone, Debug)]
pub(crate) struct SqliteAccounts {
    storage: SqliteStorage,
}

impl SqliteAccounts {
    /// Opens the accounts in the database that also holds the tokens.
    pub(crate) async fn open(storage: SqliteStorage) -> Result<Self, StorageError> {
        storage.write(migrate).await?;
        Ok(Self { storage })
    }

    async fn find(
        &self,
        column: &'static str,
        value: &str,
    ) -> Result<Option<Account>, StorageError> {
        let value = value.to_owned();
        let select = format!(
            "SELECT subject, email, password_hash, version FROM accounts WHERE {column} = ?1"
        );
        self.storage
            .read(move |sql| {
                sql.prepare_cached(&select)?
                    .query_row([value], account)
                    .optional()
            })
            .await
    }
}

impl AccountStore for SqliteAccounts {
    async fn by_email(&self, email: &Email) -> Result<Option<Account>, StorageError> {
        self.find("email", email.as_str()).await
    }

    async fn by_subject(&self, subject: &str) -> Result<Option<Account>, StorageError> {
        self.find("subject", subject).await
    }

    async fn email_of(&self, subject: &str) -> Result<Option<Email>, StorageError> {
        let of = subject.to_owned();
        self.storage
            .look_up("email", subject, move |sql| {
                sql.prepare_cached("SELECT email FROM accounts WHERE subject = ?1")?
                    .query_row([of], |row| Ok(Email::stored(row.get(0)?)))
                    .optional()
            })
            .await
    }

    async fn create(&self, account: Account, at: Timestamp) -> Result<bool, StorageError> {
        let insert =
            "INSERT INTO accounts (subject, email, password_hash, version, created_at, changed_at)
                      VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT (email) DO NOTHING";
        self.storage
            .write(move |sql| {
                let Account {
                    subject,
                    email,
                    password_hash,
                    version,
                } = &account;
                let row = params![subject, email.as_str(), password_hash, version, integer(at)];
                Ok(sql.execute(insert, row)? == 1)
            })
            .await
    }

    async fn change_password(
        &self,
        account: &Account,
        password_hash: String,
        intent: Intent,
    ) -> Result<Changed, StorageError> {
        let (subject, version) = (account.subject.clone(), account.version);
        let update =
            "UPDATE accounts SET password_hash = ?3, version = version + 1, changed_at = ?4
                      WHERE subject = ?1 AND version = ?2";
        self.storage
            .write(move |sql| {
                let row = params![subject, version, password_hash, integer(intent.changed_at)];
                match sql.execute(update, row)? {
                    0 => Ok(Changed::Superseded),
                    _ => Ok(Changed::Done {
                        intent: insert_intent(sql, &intent)?,
                    }),
                }
            })
            .await
    }

    async fn change_email(
        &self,
        account: &Account,
        email: Email,
        intent: Intent,
    ) -> Result<Changed, StorageError> {
        let (subject, version) = (account.subject.clone(), account.version);
        let taken = "SELECT 1 FROM accounts WHERE email = ?1 AND subject <> ?2";
        let update = "UPDATE accounts SET email = ?3, version = version + 1, changed_at = ?4
                      WHERE subject = ?1 AND version = ?2";
        self.storage
            .write(move |sql| {
                let other = sql
                    .query_row(taken, [email.as_str(), &subject], |_| Ok(()))
                    .optional()?;
                if other.is_some() {
                    return Ok(Changed::EmailTaken);
                }
                let row = params![subject, version, email.as_str(), integer(intent.changed_at)];
                match sql.execute(update, row)? {
                    0 => Ok(Changed::Superseded),
                    _ => Ok(Changed::Done {
                        intent: insert_intent(sql, &intent)?,
                    }),
                }
            })
            .await
    }

    async fn intents_until(
        &self,
        at: Timestamp,
        after: i64,
    ) -> Result<Vec<(i64, Intent)>, StorageError> {
        self.storage
            .read(move |sql| intents_until(sql, at, after))
            .await
    }

    async fn remove_intent(&self, id: i64) -> Result<(), StorageError> {
        self.storage.write(move |sql| remove_intent(sql, id)).await
    }
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        subject: row.get(0)?,
        email: Email::stored(row.get(1)?),
        password_hash: row.get(2)?,
        version: row.get(3)?,
    })
}

fn migrate(sql: &Connection) -> rusqlite::Result<()> {
    sql.execute_batch(
        "CREATE TABLE IF NOT EXISTS account_migrations (version INTEGER PRIMARY KEY) STRICT",
    )?;
    let done: u32 = sql.query_row("SELECT count(*) FROM account_migrations", [], |row| {
        row.get(0)
    })?;
    for (version, migration) in (1_u32..)
        .zip(MIGRATIONS)
        .filter(|(version, _)| *version > done)
    {
        sql.execute_batch(migration)?;
        sql.execute(
            "INSERT INTO account_migrations (version) VALUES (?1)",
            [version],
        )?;
    }
    Ok(())
}

/// Writes an intent; answers its id.
fn insert_intent(sql: &Connection, intent: &Intent) -> rusqlite::Result<i64> {
    let Intent {
        subject,
        trigger,
        acting_sid,
        changed_at,
    } = intent;
    sql.execute(
        "INSERT INTO intents (subject, trigger, acting_sid, changed_at) VALUES (?1, ?2, ?3, ?4)",
        params![subject, trigger, acting_sid, integer(*changed_at)],
    )?;
    Ok(sql.last_insert_rowid())
}

/// The oldest intents that were committed until a moment and come after an id.
fn intents_until(
    sql: &Connection,
    at: Timestamp,
    after: i64,
) -> rusqlite::Result<Vec<(i64, Intent)>> {
    let mut select = sql.prepare_cached(
        "SELECT id, subject, trigger, acting_sid, changed_at FROM intents
         WHERE changed_at <= ?1 AND id > ?2 ORDER BY id LIMIT ?3",
    )?;
    let rows = select.query_map(params![integer(at), after, intents::BATCH], |row| {
        let intent = Intent {
            subject: row.get(1)?,
            trigger: row.get(2)?,
            acting_sid: row.get(3)?,
            changed_at: row.get::<_, i64>(4)?.try_into().unwrap_or(0),
        };
        Ok((row.get(0)?, intent))
    })?;
    rows.collect()
}

/// Removes an intent.
fn remove_intent(sql: &Connection, id: i64) -> rusqlite::Result<()> {
    sql.execute("DELETE FROM intents WHERE id = ?1", [id])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(subject: &str, email: &str) -> Account {
        Account {
            subject: subject.to_owned(),
            email: email.parse().unwrap(),
            password_hash: "first".to_owned(),
            version: 1,
        }
    }

    fn intent(trigger: &'static str) -> Intent {
        Intent {
            subject: "a".to_owned(),
            trigger: trigger.to_owned(),
            acting_sid: "s".to_owned(),
            changed_at: 20,
        }
    }

    async fn open() -> SqliteAccounts {
        let storage = SqliteStorage::open_in_memory().unwrap();
        SqliteAccounts::open(storage.clone()).await.unwrap();
        SqliteAccounts::open(storage).await.unwrap()
    }

    #[tokio::test]
    async fn an_address_is_taken_once() {
        let accounts = open().await;
        assert!(
            accounts
                .create(new("a", "Me@Example.com"), 10)
                .await
                .unwrap()
        );
        assert!(
            !accounts
                .create(new("b", "me@example.com"), 10)
                .await
                .unwrap()
        );
        let found = accounts
            .by_email(&"ME@EXAMPLE.COM".parse().unwrap())
            .await
            .unwrap()
            .unwrap();
        assert_eq!((found.subject.as_str(), found.version), ("a", 1));
        assert!(accounts.by_subject("b").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_change_commits_with_its_intent_or_not_at_all() {
        let accounts = open().await;
        accounts
            .create(new("a", "a@example.com"), 10)
            .await
            .unwrap();
        accounts
            .create(new("b", "b@example.com"), 10)
            .await
            .unwrap();
        let read = accounts.by_subject("a").await.unwrap().unwrap();

        let taken = accounts.change_email(&read, "b@example.com".parse().unwrap(), intent("email"));
        assert_eq!(taken.await.unwrap(), Changed::EmailTaken);
        assert!(accounts.intents_until(99, 0).await.unwrap().is_empty());

        let changed = accounts.change_password(&read, "second".to_owned(), intent("password"));
        let Changed::Done { intent: id } = changed.await.unwrap() else {
            panic!("not changed")
        };
        let late = accounts.change_email(&read, "c@example.com".parse().unwrap(), intent("email"));
        assert_eq!(late.await.unwrap(), Changed::Superseded);

        let now = accounts.by_subject("a").await.unwrap().unwrap();
        assert_eq!((now.password_hash.as_str(), now.version), ("second", 2));
        assert!(accounts.intents_until(19, 0).await.unwrap().is_empty());
        assert_eq!(
            accounts.intents_until(20, 0).await.unwrap(),
            [(id, intent("password"))]
        );
        assert!(accounts.intents_until(20, id).await.unwrap().is_empty());
        accounts.remove_intent(id).await.unwrap();
        assert!(accounts.intents_until(99, 0).await.unwrap().is_empty());
    }
}
