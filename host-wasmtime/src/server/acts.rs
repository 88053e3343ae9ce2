//! When sign-outs were asked for, so that it can be told how long each connection took to close.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Accounts that are remembered at most.
const ACCOUNTS: usize = 4096;
/// How long a sign-out is remembered: a connection that is left open to redirect itself closes within 30 s.
const REMEMBERED: Duration = Duration::from_secs(40);

/// The latest sign-out of each account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acts {
    latest: Arc<Mutex<HashMap<String, Instant>>>,
}

impl Acts {
    /// A sign-out of this account was asked for now.
    pub(crate) fn begin(&self, subject: &str) {
        let now = Instant::now();
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.len() >= ACCOUNTS {
            latest.retain(|_, at| now.duration_since(*at) < REMEMBERED);
        }
        if latest.len() < ACCOUNTS {
            latest.insert(subject.to_owned(), now);
        }
    }

    /// How long it was from the latest sign-out of this account until a moment.
    pub(crate) fn until(&self, subject: &str, then: Instant) -> Option<Duration> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = then.checked_duration_since(*latest.get(subject)?)?;
        (passed < REMEMBERED).then_some(passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_one_counts_and_is_forgotten() {
        let acts = Acts::default();
        let before = Instant::now();
        assert_eq!(acts.until("a", before), None);
        acts.begin("a");
        let after = Instant::now();
        assert!(acts.until("a", after).is_some());
        assert_eq!(acts.until("a", before - Duration::from_secs(1)), None);
        assert_eq!(acts.until("a", after + REMEMBERED), None);
        assert_eq!(acts.until("b", after), None);
    }
}
