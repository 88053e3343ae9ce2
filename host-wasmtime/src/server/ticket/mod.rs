//! Tickets for live connections: a browser cannot set headers on a WebSocket, and a token has no place in a URL.

mod memory;
mod secret;

use std::time::Duration;

use super::error::Refusal;
use memory::MemoryTickets;
use secret::Secret;

/// How long a ticket is good.
pub(crate) const LIFETIME: Duration = Duration::from_secs(30);
/// Tickets of one session that are remembered at most; the oldest goes first.
pub(crate) const PER_SESSION: u32 = 32;

/// Tickets that were given out and not yet used.
#[derive(Debug)]
pub(crate) enum Tickets {
    /// In memory: no other server would have to take them.
    Here(MemoryTickets),
}

impl Tickets {
    /// For a server that is alone.
    pub(crate) fn here() -> Self {
        Self::Here(MemoryTickets::default())
    }

    /// A new ticket that stands for a token: 128 random bits, good once, for 30 s.
    pub(crate) async fn give(&self, sid: &str, token: &str) -> Result<String, Refusal> {
        let secret = Secret::new()?;
        match self {
            Self::Here(tickets) => tickets.keep(&secret, sid, token)?,
        }
        Ok(secret.into_text())
    }

    /// The token that a ticket stands for. It is used with this, whatever becomes of the request.
    pub(crate) async fn redeem(&self, ticket: &str) -> Result<String, Refusal> {
        let secret = Secret::presented(ticket);
        match self {
            Self::Here(tickets) => tickets.take(&secret),
        }
    }

    /// Forgets the tickets that have expired.
    pub(crate) async fn forget_expired(&self) {
        match self {
            Self::Here(tickets) => tickets.forget_expired(),
        }
    }
}
