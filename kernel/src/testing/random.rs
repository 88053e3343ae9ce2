//! Randomness that is the same in every run.

use std::sync::{Arc, Mutex, PoisonError};

use crate::ports::{Random, RandomError};

/// Bytes that look random and follow from a seed; clones draw from the same sequence. **For tests only.**
///
/// The sequence is SplitMix64, each number as eight bytes, big end first, unused bytes of a number thrown away: easy
/// to write again in another language, so that every host can make the same identifiers.
#[derive(Clone, Debug)]
pub struct SeededRandom {
    state: Arc<Mutex<u64>>,
}

impl SeededRandom {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self {
            state: Arc::new(Mutex::new(seed)),
        }
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut number = *state;
            number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            number ^= number >> 31;
            for (byte, drawn) in chunk.iter_mut().zip(number.to_be_bytes()) {
                *byte = drawn;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        // The first numbers of SplitMix64 with seed 1234567, as its author gives them.
        let random = SeededRandom::new(1_234_567);
        let mut bytes = [0; 16];
        random.fill(&mut bytes).unwrap();
        let first = u64::from_be_bytes(bytes[..8].try_into().unwrap());
        let second = u64::from_be_bytes(bytes[8..].try_into().unwrap());
        assert_eq!(
            (first, second),
            (6_457_827_717_110_365_317, 3_203_168_211_198_807_973)
        );
    }
}
