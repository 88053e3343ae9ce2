//! Tickets for live connections: a browser cannot set headers on a WebSocket, and a token has no place in a URL.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use super::error::{Refusal, ServerCode};

/// How long a ticket is good.
pub(crate) const LIFETIME: Duration = Duration::from_secs(30);
/// Tickets that are remembered at most.
const TOTAL: usize = 16_384;
/// Tickets of one session that are remembered at most; the oldest goes first.
const PER_SESSION: usize = 32;

/// Tickets that were given out and not yet used. Only their hashes are kept.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    open: Mutex<HashMap<[u8; 32], Ticket>>,
}

struct Ticket {
    sid: String,
    token: String,
    until: Instant,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket")
            .field("sid", &self.sid)
            .finish_non_exhaustive()
    }
}

impl Tickets {
    /// A new ticket that stands for a token: 128 random bits, good once, for 30 s.
    pub(crate) fn give(&self, sid: &str, token: &str) -> Result<String, Refusal> {
        self.give_at(sid, token, Instant::now())
    }

    /// The token that a ticket stands for. It is used with this, whatever becomes of the request.
    pub(crate) fn redeem(&self, ticket: &str) -> Result<String, Refusal> {
        self.redeem_at(ticket, Instant::now())
    }

    fn give_at(&self, sid: &str, token: &str, now: Instant) -> Result<String, Refusal> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map_err(|_| Refusal::from(authkernel::Code::RandomUnavailable))?;
        let ticket = Base64UrlUnpadded::encode_string(&bytes);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= TOTAL {
            open.retain(|_, ticket| ticket.until > now);
            if open.len() >= TOTAL {
                return Err(authkernel::Code::Overloaded.into());
            }
        }
        forget_oldest(&mut open, sid);
        let kept = Ticket {
            sid: sid.to_owned(),
            token: token.to_owned(),
            until: now + LIFETIME,
        };
        open.insert(hash(&ticket), kept);
        Ok(ticket)
    }

    fn redeem_at(&self, ticket: &str, now: Instant) -> Result<String, Refusal> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.remove(&hash(ticket)) {
            Some(found) if found.until > now => Ok(found.token),
            _ => Err(ServerCode::TicketInvalid.into()),
        }
    }

    /// Forgets the tickets that have expired.
    pub(crate) fn forget_expired(&self) {
        let now = Instant::now();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, ticket| ticket.until > now);
    }
}

fn hash(ticket: &str) -> [u8; 32] {
    Sha256::digest(ticket).into()
}

fn forget_oldest(open: &mut HashMap<[u8; 32], Ticket>, sid: &str) {
    let own = open.iter().filter(|(_, ticket)| ticket.sid == sid);
    if own.clone().count() < PER_SESSION {
        return;
    }
    let oldest = own
        .min_by_key(|(_, ticket)| ticket.until)
        .map(|(hash, _)| *hash);
    if let Some(hash) = oldest {
        open.remove(&hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_once() {
        let tickets = Tickets::default();
        let ticket = tickets.give("s", "token").unwrap();
        assert_eq!(ticket.len(), 22);
        assert!(tickets.redeem("AAAAAAAAAAAAAAAAAAAAAA").is_err());
        assert_eq!(tickets.redeem(&ticket).unwrap(), "token");
        assert_eq!(
            tickets.redeem(&ticket).unwrap_err().code(),
            "ticket_invalid"
        );
        assert!(!format!("{tickets:?}").contains("token\""));
    }

    #[test]
    fn a_ticket_expires() {
        let tickets = Tickets::default();
        let now = Instant::now();
        let ticket = tickets.give_at("s", "token", now).unwrap();
        assert!(tickets.redeem_at(&ticket, now + LIFETIME).is_err());
    }

    #[test]
    fn a_session_has_a_bounded_number() {
        let tickets = Tickets::default();
        let now = Instant::now();
        let first = tickets.give_at("s", "token", now).unwrap();
        for n in 0..PER_SESSION as u32 {
            tickets
                .give_at("s", "token", now + Duration::from_millis(u64::from(n) + 1))
                .unwrap();
        }
        assert_eq!(tickets.open.lock().unwrap().len(), PER_SESSION);
        assert!(tickets.redeem_at(&first, now).is_err());
    }
}
