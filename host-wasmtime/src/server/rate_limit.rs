//! How often something may be tried: one bucket of tries per key, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Keys that one generation remembers. Two generations are kept.
const GENERATION: usize = 32_768;

/// Buckets of tries. A try that turns out well is given back.
///
/// Memory is bounded: when a generation of keys is full, the one before is forgotten. To be forgotten early a key
/// needs tens of thousands of tries under other keys, each as slow as a password hash.
#[derive(Debug)]
pub(crate) struct RateLimit<K> {
    tries: f64,
    /// How long one try takes to come back, in seconds.
    refill: f64,
    buckets: Mutex<Generations<K>>,
}

#[derive(Debug)]
struct Generations<K> {
    young: HashMap<K, Bucket>,
    old: HashMap<K, Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl<K: Eq + Hash + Clone> RateLimit<K> {
    /// Allows `tries` at once, and one more each `refill`.
    pub(crate) fn new(tries: u32, refill: Duration) -> Self {
        Self {
            tries: f64::from(tries.max(1)),
            refill: refill.as_secs_f64().max(0.001),
            buckets: Mutex::new(Generations {
                young: HashMap::new(),
                old: HashMap::new(),
            }),
        }
    }

    /// Takes a try, or says in how many seconds there will be one.
    pub(crate) fn take(&self, key: &K) -> Result<(), u64> {
        self.take_at(key, Instant::now())
    }

    /// Gives a try back.
    pub(crate) fn give_back(&self, key: &K) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.young.get_mut(key) {
            bucket.left = (bucket.left + 1.0).min(self.tries);
        }
    }

    fn take_at(&self, key: &K, now: Instant) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bucket = buckets.find(key).unwrap_or(Bucket {
            left: self.tries,
            at: now,
        });
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + passed / self.refill).min(self.tries);
        bucket.at = now;
        let answer = if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            Ok(())
        } else {
            Err(((1.0 - bucket.left) * self.refill).ceil() as u64)
        };
        buckets.keep(key, bucket);
        answer
    }
}

impl<K: Eq + Hash + Clone> Generations<K> {
    fn find(&self, key: &K) -> Option<Bucket> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    fn keep(&mut self, key: &K, bucket: Bucket) {
        if self.young.len() >= GENERATION && !self.young.contains_key(key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key.clone(), bucket);
    }
}

/// What counts as one client: an IPv4 address, or the /64 that an IPv6 client owns.
pub(crate) fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_run_out_and_come_back() {
        let limit = RateLimit::new(2, Duration::from_secs(10));
        let start = Instant::now();
        assert_eq!(limit.take_at(&1, start), Ok(()));
        assert_eq!(limit.take_at(&1, start), Ok(()));
        assert_eq!(limit.take_at(&1, start), Err(10));
        assert_eq!(limit.take_at(&2, start), Ok(()));
        assert_eq!(limit.take_at(&1, start + Duration::from_secs(4)), Err(6));
        assert_eq!(limit.take_at(&1, start + Duration::from_secs(10)), Ok(()));
        limit.give_back(&1);
        assert_eq!(limit.take_at(&1, start + Duration::from_secs(10)), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_recent_keys_are_kept() {
        let limit = RateLimit::new(1, Duration::from_secs(60));
        let start = Instant::now();
        for key in 0..GENERATION * 3 {
            assert_eq!(limit.take_at(&key, start), Ok(()));
        }
        assert!(limit.take_at(&(GENERATION * 3 - 1), start).is_err());
        assert!(limit.take_at(&(GENERATION * 2 + 1), start).is_err());
        let buckets = limit.buckets.lock().unwrap();
        assert!(buckets.young.len() <= GENERATION && buckets.old.len() <= GENERATION);
    }

    #[test]
    fn one_ipv6_network_is_one_client() {
        let one = client("2001:db8::1".parse().unwrap());
        assert_eq!(one, client("2001:db8::ffff:2".parse().unwrap()));
        assert_ne!(one, client("2001:db8:0:1::1".parse().unwrap()));
        assert_eq!(
            client("::ffff:10.0.0.1".parse().unwrap()),
            client("10.0.0.1".parse().unwrap())
        );
    }
}
