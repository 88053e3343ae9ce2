//! Accounts in PostgreSQL, in a schema of their own beside that of the tokens: several servers share them.
//!
//! Each call is one statement, so that each is one round trip and whole or not at all.

mod migrations;
mod tickets;

use std::time::Duration;

use authkernel::ports::StorageError;
use authkernel::record::Timestamp;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row};

use super::email::Email;
use super::intents::{BATCH, Intent};
use super::{Account, AccountStore, Changed, integer};
use crate::storage::postgres::{PostgresStorage, storage_error};

pub(crate) use migrations::schema_version;

/// How long an answer is waited for. The server itself gives a statement up earlier.
const PATIENCE: Duration = Duration::from_secs(10);

/// A parameter of a statement, with its type: no statement has to be prepared, so that it works through a pooler.
type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// The accounts of several servers.
#[derive(Clone, Debug)]
pub(crate) struct PostgresAccounts {
    storage: PostgresStorage,
}

impl PostgresAccounts {
    /// Opens the accounts in the database that also holds the tokens, and migrates them.
    pub(crate) async fn open(storage: PostgresStorage) -> Result<Self, StorageError> {
        migrations::migrate(&storage).await?;
        Ok(Self { storage })
    }

    /// The rows of an answer; or that there was none, or what the server refused.
    async fn ask(
        &self,
        statement: &'static str,
        parameters: &[Parameter<'_>],
    ) -> Result<Result<Vec<Row>, Error>, StorageError> {
        let client = self.storage.client().await?;
        let answer = client.query_typed(statement, parameters);
        tokio::time::timeout(PATIENCE, answer)
            .await
            .map_err(|_| StorageError::Unavailable("postgresql: no answer in time".into()))
    }

    async fn rows(
        &self,
        statement: &'static str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StorageError> {
        self.ask(statement, parameters)
            .await?
            .map_err(storage_error)
    }

    async fn find(
        &self,
        statement: &'static str,
        value: &str,
    ) -> Result<Option<Account>, StorageError> {
        let rows = self.rows(statement, &[(&value, Type::TEXT)]).await?;
        rows.first().map(account).transpose().map_err(storage_error)
    }

    /// Runs the statement of a change; it answers the intent's id, or nothing when the version is another.
    async fn change(
        &self,
        statement: &'static str,
        account: &Account,
        value: &str,
        intent: &Intent,
    ) -> Result<Changed, StorageError> {
        let Intent {
            trigger,
            acting_sid,
            changed_at,
            ..
        } = intent;
        let parameters: [Parameter<'_>; 6] = [
            (&account.subject, Type::TEXT),
            (&account.version, Type::INT8),
            (&value, Type::TEXT),
            (&integer(*changed_at), Type::INT8),
            (trigger, Type::TEXT),
            (acting_sid, Type::TEXT),
        ];
        match self.ask(statement, &parameters).await? {
            Ok(rows) => match rows.first() {
                Some(row) => Ok(Changed::Done {
                    intent: row.try_get(0).map_err(storage_error)?,
                }),
                None => Ok(Changed::Superseded),
            },
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
                Ok(Changed::EmailTaken)
            }
            // Only where the database's default isolation is stricter: somebody else changed the row meanwhile.
            Err(error) if error.code() == Some(&SqlState::T_R_SERIALIZATION_FAILURE) => {
                Ok(Changed::Superseded)
            }
            Err(error) => Err(storage_error(error)),
        }
    }
}

impl AccountStore for PostgresAccounts {
    async fn by_email(&self, email: &Email) -> Result<Option<Account>, StorageError> {
        let select =
            "SELECT subject, email, password_hash, version FROM authkernel_accounts.accounts
                      WHERE email = $1";
        self.find(select, email.as_str()).await
    }

    async fn by_subject(&self, subject: &str) -> Result<Option<Account>, StorageError> {
        let select =
            "SELECT subject, email, password_hash, version FROM authkernel_accounts.accounts
                      WHERE subject = $1";
        // PostgreSQL has no such texts, and no account has such a subject.
        if subject.contains('\0') {
            return Ok(None);
        }
        self.find(select, subject).await
    }

    async fn email_of(&self, subject: &str) -> Result<Option<Email>, StorageError> {
        Ok(self.by_subject(subject).await?.map(|account| account.email))
    }

    async fn create(&self, account: Account, at: Timestamp) -> Result<bool, StorageError> {
        let insert = "INSERT INTO authkernel_accounts.accounts
                          (subject, email, password_hash, version, created_at, changed_at)
                      SELECT $1, $2, $3, $4, $5, $5 WHERE authkernel_accounts.durable()
                      ON CONFLICT (email) DO NOTHING RETURNING 1";
        let parameters: [Parameter<'_>; 5] = [
            (&account.subject, Type::TEXT),
            (&account.email.as_str(), Type::TEXT),
            (&account.password_hash, Type::TEXT),
            (&account.version, Type::INT8),
            (&integer(at), Type::INT8),
        ];
        Ok(!self.rows(insert, &parameters).await?.is_empty())
    }

    async fn change_password(
        &self,
        account: &Account,
        password_hash: String,
        intent: Intent,
    ) -> Result<Changed, StorageError> {
        let update = "WITH changed AS (
                          UPDATE authkernel_accounts.accounts
                          SET password_hash = $3, version = version + 1, changed_at = $4
                          WHERE subject = $1 AND version = $2 AND authkernel_accounts.durable()
                          RETURNING subject
                      )
                      INSERT INTO authkernel_accounts.intents (subject, trigger, acting_sid, changed_at)
                      SELECT subject, $5, $6, $4 FROM changed RETURNING id";
        self.change(update, account, &password_hash, &intent).await
    }

    async fn change_email(
        &self,
        account: &Account,
        email: Email,
        intent: Intent,
    ) -> Result<Changed, StorageError> {
        let update = "WITH changed AS (
                          UPDATE authkernel_accounts.accounts
                          SET email = $3, version = version + 1, changed_at = $4
                          WHERE subject = $1 AND version = $2 AND authkernel_accounts.durable()
                          RETURNING subject
                      )
                      INSERT INTO authkernel_accounts.intents (subject, trigger, acting_sid, changed_at)
                      SELECT subject, $5, $6, $4 FROM changed RETURNING id";
        self.change(update, account, email.as_str(), &intent).await
    }

    async fn intents_until(
        &self,
        at: Timestamp,
        after: i64,
    ) -> Result<Vec<(i64, Intent)>, StorageError> {
        let select =
            "SELECT id, subject, trigger, acting_sid, changed_at FROM authkernel_accounts.intents
                      WHERE changed_at <= $1 AND id > $2 ORDER BY id LIMIT $3";
        let parameters: [Parameter<'_>; 3] = [
            (&integer(at), Type::INT8),
            (&after, Type::INT8),
            (&i64::from(BATCH), Type::INT8),
        ];
        let rows = self.rows(select, &parameters).await?;
        let intents: Result<_, Error> = rows.iter().map(intent).collect();
        intents.map_err(storage_error)
    }

    async fn remove_intent(&self, id: i64) -> Result<(), StorageError> {
        let delete = "DELETE FROM authkernel_accounts.intents WHERE id = $1";
        self.rows(delete, &[(&id, Type::INT8)]).await?;
        Ok(())
    }
}

fn account(row: &Row) -> Result<Account, Error> {
    Ok(Account {
        subject: row.try_get(0)?,
        email: Email::stored(row.try_get(1)?),
        password_hash: row.try_get(2)?,
        version: row.try_get(3)?,
    })
}

fn intent(row: &Row) -> Result<(i64, Intent), Error> {
    let intent = Intent {
        subject: row.try_get(1)?,
        trigger: row.try_get(2)?,
        acting_sid: row.try_get(3)?,
        changed_at: row.try_get::<_, i64>(4)?.try_into().unwrap_or(0),
    };
    Ok((row.try_get(0)?, intent))
}
