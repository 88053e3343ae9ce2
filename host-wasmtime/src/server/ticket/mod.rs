//! Tickets for live connections: a browser cannot set headers on a WebSocket, and a token has no place in a URL.

mod memory;
mod secret;

use std::future::Future;
use std::time::Duration;

use authkernel::ports::StorageError;

use super::accounts::Accounts;
use super::accounts::postgres::PostgresAccounts;
use super::accounts::redis::RedisAccounts;
use super::error::{Refusal, ServerCode};
use memory::MemoryTickets;
use secret::Secret;

pub(crate) use secret::Hash;

/// How long a ticket is good.
pub(crate) const LIFETIME: Duration = Duration::from_secs(30);
/// Tickets of one session that are remembered at most; the oldest goes first.
pub(crate) const PER_SESSION: u32 = 32;

/// Where several servers keep the tickets that one gives and another takes. It sees neither ticket nor token.
pub(crate) trait TicketStore {
    /// Keeps a sealed token under the ticket's hash for [`LIFETIME`], and at most [`PER_SESSION`] of one session.
    fn keep(
        &self,
        hash: Hash,
        sid: &str,
        sealed: Vec<u8>,
    ) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Gives the sealed token once, whoever asks, and only within [`LIFETIME`].
    fn take(
        &self,
        hash: Hash,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, StorageError>> + Send;

    /// Forgets what nobody can take any more.
    fn forget_expired(&self) -> impl Future<Output = Result<(), StorageError>> + Send;
}

/// Tickets that were given out and not yet used.
#[derive(Debug)]
pub(crate) enum Tickets {
    /// In memory: no other server would have to take them.
    Here(MemoryTickets),
    /// Beside the accounts in PostgreSQL.
    Postgres(PostgresAccounts),
    /// Beside the accounts in Redis.
    Redis(RedisAccounts),
}

impl Tickets {
    /// Kept where every server looks that shares these accounts.
    pub(crate) fn beside(accounts: &Accounts) -> Self {
        match accounts {
            Accounts::Sqlite(_) => Self::Here(MemoryTickets::default()),
            Accounts::Postgres(accounts) => Self::Postgres(accounts.clone()),
            Accounts::Redis(accounts) => Self::Redis(accounts.clone()),
        }
    }

    /// A new ticket that stands for a token: 128 random bits, good once, for 30 s.
    pub(crate) async fn give(&self, sid: &str, token: &str) -> Result<String, Refusal> {
        let secret = Secret::new()?;
        let hash = secret.hash();
        match self {
            Self::Here(tickets) => tickets.keep(&secret, sid, token)?,
            Self::Postgres(tickets) => tickets.keep(hash, sid, secret.seal(token)?).await?,
            Self::Redis(tickets) => tickets.keep(hash, sid, secret.seal(token)?).await?,
        }
        Ok(secret.into_text())
    }

    /// The token that a ticket stands for. It is used with this, whatever becomes of the request.
    pub(crate) async fn redeem(&self, ticket: &str) -> Result<String, Refusal> {
        let secret = Secret::presented(ticket);
        let sealed = match self {
            Self::Here(tickets) => return tickets.take(&secret),
            Self::Postgres(tickets) => tickets.take(secret.hash()).await?,
            Self::Redis(tickets) => tickets.take(secret.hash()).await?,
        };
        secret.open(sealed.ok_or(ServerCode::TicketInvalid)?)
    }

    /// Forgets the tickets that have expired.
    pub(crate) async fn forget_expired(&self) {
        let forgotten = match self {
            Self::Here(tickets) => {
                tickets.forget_expired();
                Ok(())
            }
            Self::Postgres(tickets) => tickets.forget_expired().await,
            Self::Redis(tickets) => tickets.forget_expired().await,
        };
        if let Err(error) = forgotten {
            tracing::debug!(?error, "tickets that expired are not deleted yet");
        }
    }
}
