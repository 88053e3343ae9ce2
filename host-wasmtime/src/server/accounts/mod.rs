//! Accounts: who may sign in. Kept where the tokens are kept.

pub(crate) mod email;
pub(crate) mod intents;
pub(crate) mod password;
pub(crate) mod postgres;
pub(crate) mod redis;
pub(crate) mod sqlite;

use std::future::Future;

use authkernel::ports::StorageError;
use authkernel::record::Timestamp;

use email::Email;
use intents::Intent;
use postgres::PostgresAccounts;
use redis::RedisAccounts;
use sqlite::SqliteAccounts;

/// Who may sign in.
#[derive(Clone)]
pub(crate) struct Account {
    /// What its tokens name; stays when the e-mail address changes.
    pub(crate) subject: String,
    /// What to sign in with.
    pub(crate) email: Email,
    /// argon2id, in PHC format.
    pub(crate) password_hash: String,
    /// Raised with every change of e-mail address or password.
    pub(crate) version: i64,
}

/// What a change of credentials came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    /// It is committed, together with the intent that has this id.
    Done {
        /// The intent to execute and remove.
        intent: i64,
    },
    /// The account was changed since it was read. Nothing was written.
    Superseded,
    /// Another account has that e-mail address. Nothing was written.
    EmailTaken,
}

/// Where accounts are kept.
///
/// What is answered was committed before the question, by whichever server. Of two changes of one account that were
/// decided on the same version one is done and the other superseded; an e-mail address has one account.
pub(crate) trait AccountStore {
    /// The account with this e-mail address.
    fn by_email(
        &self,
        email: &Email,
    ) -> impl Future<Output = Result<Option<Account>, StorageError>> + Send;

    /// The account of a token's subject.
    fn by_subject(
        &self,
        subject: &str,
    ) -> impl Future<Output = Result<Option<Account>, StorageError>> + Send;

    /// The e-mail address of a token's subject.
    fn email_of(
        &self,
        subject: &str,
    ) -> impl Future<Output = Result<Option<Email>, StorageError>> + Send;

    /// Adds an account; `false` when its e-mail address is taken.
    fn create(
        &self,
        account: Account,
        at: Timestamp,
    ) -> impl Future<Output = Result<bool, StorageError>> + Send;

    /// Stores a new password hash and the intent to sign out, in one transaction.
    fn change_password(
        &self,
        account: &Account,
        password_hash: String,
        intent: Intent,
    ) -> impl Future<Output = Result<Changed, StorageError>> + Send;

    /// Stores a new e-mail address and the intent to sign out, in one transaction.
    fn change_email(
        &self,
        account: &Account,
        email: Email,
        intent: Intent,
    ) -> impl Future<Output = Result<Changed, StorageError>> + Send;

    /// A batch of the intents that were committed until a moment and not removed since, in the order of their ids,
    /// from after the one with this id; empty when there are no more.
    fn intents_until(
        &self,
        at: Timestamp,
        after: i64,
    ) -> impl Future<Output = Result<Vec<(i64, Intent)>, StorageError>> + Send;

    /// Removes an intent that was executed.
    fn remove_intent(&self, id: i64) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// The accounts, in one of the stores.
#[derive(Clone, Debug)]
pub(crate) enum Accounts {
    /// In the file that this server has for itself.
    Sqlite(SqliteAccounts),
    /// In a database that several servers share.
    Postgres(PostgresAccounts),
    /// In a Redis that several servers share.
    Redis(RedisAccounts),
}

macro_rules! dispatch {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        impl AccountStore for Accounts {
            $(async fn $name(&self, $($argument: $kind),*) -> Result<$answer, StorageError> {
                match self {
                    Self::Sqlite(accounts) => accounts.$name($($argument),*).await,
                    // Boxed, so that they do not make the future of the first one larger.
                    Self::Postgres(accounts) => Box::pin(accounts.$name($($argument),*)).await,
                    Self::Redis(accounts) => Box::pin(accounts.$name($($argument),*)).await,
                }
            })*
        }
    };
}

dispatch! {
    by_email(email: &Email) -> Option<Account>;
    by_subject(subject: &str) -> Option<Account>;
    email_of(subject: &str) -> Option<Email>;
    create(account: Account, at: Timestamp) -> bool;
    change_password(account: &Account, password_hash: String, intent: Intent) -> Changed;
    change_email(account: &Account, email: Email, intent: Intent) -> Changed;
    intents_until(at: Timestamp, after: i64) -> Vec<(i64, Intent)>;
    remove_intent(id: i64) -> ();
}

/// A time as databases keep it.
fn integer(time: Timestamp) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}
