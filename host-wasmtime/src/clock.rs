//! The operating system's clock and randomness: what a builder uses unless it is given others.

use std::time::{SystemTime, UNIX_EPOCH};

use authkernel::ports::{Clock, Random, RandomError};
use authkernel::record::Timestamp;

/// The operating system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    /// A clock that stands before 1970 reads 0: every token is then from the future, and refused.
    fn now(&self) -> Timestamp {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }
}

/// The operating system's source of cryptographically secure randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        getrandom::fill(bytes).map_err(|_| RandomError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_is_past_2024() {
        assert!(SystemClock.now() > 1_704_067_200);
    }

    #[test]
    fn randomness_fills_the_whole_buffer() {
        let mut first = [0; 64];
        let mut second = [0; 64];
        SystemRandom.fill(&mut first).unwrap();
        SystemRandom.fill(&mut second).unwrap();
        assert_ne!(first, second);
        assert!(first[48..].iter().any(|byte| *byte != 0));
    }
}
