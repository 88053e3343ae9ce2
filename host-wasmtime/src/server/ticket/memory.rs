//! Tickets of a server that is alone: in its memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::super::error::{Refusal, ServerCode};
use super::secret::{Hash, Secret};
use super::{LIFETIME, PER_SESSION};

/// Tickets that are remembered at most.
const TOTAL: usize = 16_384;

/// Tickets that were given out and not yet used. Only their hashes are kept.
#[derive(Debug, Default)]
pub(crate) struct MemoryTickets {
    open: Mutex<HashMap<Hash, Ticket>>,
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

impl MemoryTickets {
    /// Keeps what a ticket stands for.
    pub(super) fn keep(&self, secret: &Secret, sid: &str, token: &str) -> Result<(), Refusal> {
        self.keep_at(secret, sid, token, Instant::now())
    }

    /// The token that a ticket stands for, once.
    pub(super) fn take(&self, secret: &Secret) -> Result<String, Refusal> {
        self.take_at(secret, Instant::now())
    }

    fn keep_at(
        &self,
        secret: &Secret,
        sid: &str,
        token: &str,
        now: Instant,
    ) -> Result<(), Refusal> {
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
        open.insert(secret.hash(), kept);
        Ok(())
    }

    fn take_at(&self, secret: &Secret, now: Instant) -> Result<String, Refusal> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.remove(&secret.hash()) {
            Some(found) if found.until > now => Ok(found.token),
            _ => Err(ServerCode::TicketInvalid.into()),
        }
    }

    /// Forgets the tickets that have expired.
    pub(super) fn forget_expired(&self) {
        let now = Instant::now();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, ticket| ticket.until > now);
    }
}

fn forget_oldest(open: &mut HashMap<Hash, Ticket>, sid: &str) {
    let own = open.iter().filter(|(_, ticket)| ticket.sid == sid);
    if own.clone().count() < PER_SESSION as usize {
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
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_ticket_is_good_once() {
        let tickets = MemoryTickets::default();
        let ticket = Secret::new().unwrap();
        tickets.keep(&ticket, "s", "token").unwrap();
        assert!(tickets.take(&Secret::new().unwrap()).is_err());
        assert_eq!(tickets.take(&ticket).unwrap(), "token");
        assert_eq!(tickets.take(&ticket).unwrap_err().code(), "ticket_invalid");
        tickets.keep(&ticket, "s", "token").unwrap();
        assert!(!format!("{tickets:?}").contains("token\""));
    }

    #[test]
    fn a_ticket_expires() {
        let tickets = MemoryTickets::default();
        let (ticket, now) = (Secret::new().unwrap(), Instant::now());
        tickets.keep_at(&ticket, "s", "token", now).unwrap();
        assert!(tickets.take_at(&ticket, now + LIFETIME).is_err());
    }

    #[test]
    fn a_session_has_a_bounded_number() {
        let tickets = MemoryTickets::default();
        let (first, now) = (Secret::new().unwrap(), Instant::now());
        tickets.keep_at(&first, "s", "token", now).unwrap();
        for n in 0..PER_SESSION {
            let at = now + Duration::from_millis(u64::from(n) + 1);
            tickets
                .keep_at(&Secret::new().unwrap(), "s", "token", at)
                .unwrap();
        }
        let open = tickets.open.lock().unwrap().len();
        assert_eq!(open, PER_SESSION as usize);
        assert!(tickets.take_at(&first, now).is_err());
    }
}
