//! Accounts in Redis, under the prefix of the tokens: several servers share them.
//!
//! What belongs together is done by one script, so that it is whole or not at all.

mod scripts;
mod tickets;

use authkernel::ports::StorageError;
use authkernel::record::Timestamp;
use redis::FromRedisValue;

use super::email::Email;
use super::intents::{BATCH, Intent};
use super::{Account, AccountStore, Changed, integer};
use crate::storage::redis::RedisStorage;
use scripts::Script;

/// The accounts of several servers.
#[derive(Clone, Debug)]
pub(crate) struct RedisAccounts {
    storage: RedisStorage,
}

impl RedisAccounts {
    /// The accounts beside the tokens.
    pub(crate) fn new(storage: RedisStorage) -> Self {
        Self { storage }
    }

    async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        arguments: &[&[u8]],
    ) -> Result<T, StorageError> {
        script.run(&self.storage, arguments).await
    }

    /// Runs the script of a change.
    async fn change(
        &self,
        account: &Account,
        field: &str,
        value: &str,
        intent: &Intent,
    ) -> Result<Changed, StorageError> {
        let (version, at) = (
            account.version.to_string(),
            integer(intent.changed_at).to_string(),
        );
        let arguments = [
            account.subject.as_str(),
            &version,
            field,
            value,
            &at,
            &intent.trigger,
            &intent.acting_sid,
        ];
        match self
            .run(&scripts::CHANGE, &arguments.map(str::as_bytes))
            .await?
        {
            -1 => Ok(Changed::EmailTaken),
            0 => Ok(Changed::Superseded),
            intent => Ok(Changed::Done { intent }),
        }
    }
}

impl AccountStore for RedisAccounts {
    async fn by_email(&self, email: &Email) -> Result<Option<Account>, StorageError> {
        let email = email.as_str().as_bytes();
        account(self.run(&scripts::BY_EMAIL, &[email]).await?)
    }

    async fn by_subject(&self, subject: &str) -> Result<Option<Account>, StorageError> {
        let subject = subject.as_bytes();
        account(self.run(&scripts::BY_SUBJECT, &[subject]).await?)
    }

    async fn email_of(&self, subject: &str) -> Result<Option<Email>, StorageError> {
        Ok(self.by_subject(subject).await?.map(|account| account.email))
    }

    async fn create(&self, account: Account, at: Timestamp) -> Result<bool, StorageError> {
        let (version, at) = (account.version.to_string(), integer(at).to_string());
        let arguments = [
            account.subject.as_str(),
            account.email.as_str(),
            &account.password_hash,
            &version,
            &at,
        ];
        let created: i64 = self
            .run(&scripts::CREATE, &arguments.map(str::as_bytes))
            .await?;
        Ok(created == 1)
    }

    async fn change_password(
        &self,
        account: &Account,
        password_hash: String,
        intent: Intent,
    ) -> Result<Changed, StorageError> {
        self.change(account, "password_hash", &password_hash, &intent)
            .await
    }

    async fn change_email(
        &self,
        account: &Account,
        email: Email,
        intent: Intent,
    ) -> Result<Changed, StorageError> {
        self.change(account, "email", email.as_str(), &intent).await
    }

    async fn intents_until(
        &self,
        at: Timestamp,
        after: i64,
    ) -> Result<Vec<(i64, Intent)>, StorageError> {
        let arguments = [integer(at), after, i64::from(BATCH)].map(|number| number.to_string());
        let arguments = [&arguments[0], &arguments[1], &arguments[2]].map(|text| text.as_bytes());
        let found: Vec<(i64, String, String, String, u64)> =
            self.run(&scripts::INTENTS_UNTIL, &arguments).await?;
        let intents = found
            .into_iter()
            .map(|(id, subject, trigger, acting_sid, changed_at)| {
                let intent = Intent {
                    subject,
                    trigger,
                    acting_sid,
                    changed_at,
                };
                (id, intent)
            });
        Ok(intents.collect())
    }

    async fn remove_intent(&self, id: i64) -> Result<(), StorageError> {
        let id = id.to_string();
        let _: i64 = self.run(&scripts::REMOVE_INTENT, &[id.as_bytes()]).await?;
        Ok(())
    }
}

/// Subject, e-mail address, password hash and version; or nothing.
fn account(found: Vec<String>) -> Result<Option<Account>, StorageError> {
    let unreadable = || StorageError::Other("redis: an account cannot be read".into());
    match <[String; 4]>::try_from(found) {
        Ok([subject, email, password_hash, version]) => Ok(Some(Account {
            subject,
            email: Email::stored(email),
            password_hash,
            version: version.parse().map_err(|_| unreadable())?,
        })),
        Err(found) if found.is_empty() => Ok(None),
        Err(_) => Err(unreadable()),
    }
}
