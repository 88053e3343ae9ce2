//! How many connections may be open: in all, and per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rate_limit;

/// The places of a listener.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    addresses: Arc<Mutex<HashMap<IpAddr, usize>>>,
    per_address: PerAddress,
}

/// How many connections one address may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PerAddress {
    /// That many, whatever the address.
    Limited(usize),
    /// That many, but any number from this machine itself: a proxy on it, or its operator.
    LimitedFromOutside(usize),
    /// Any number: all come through a proxy, which is one address.
    Unlimited,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// All places are taken.
    All,
    /// The address has as many as it may have.
    Address,
}

impl Places {
    /// That many in all, and per address.
    pub(crate) fn new(all: usize, per_address: PerAddress) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))),
            addresses: Arc::default(),
            per_address,
        }
    }

    /// A place for a connection of this address, kept until it is dropped.
    pub(crate) fn take(&self, address: IpAddr) -> Result<Place, Full> {
        let all = Arc::clone(&self.all);
        let permit = all.try_acquire_owned().map_err(|_| Full::All)?;
        let counted = match self.limit(address) {
            None => None,
            Some(limit) => Some(self.count(rate_limit::client(address), limit)?),
        };
        Ok(Place {
            _permit: permit,
            _counted: counted,
        })
    }

    fn limit(&self, address: IpAddr) -> Option<usize> {
        match self.per_address {
            PerAddress::Limited(limit) => Some(limit),
            PerAddress::LimitedFromOutside(limit) => {
                (!address.to_canonical().is_loopback()).then_some(limit)
            }
            PerAddress::Unlimited => None,
        }
    }

    fn count(&self, address: IpAddr, limit: usize) -> Result<Counted, Full> {
        let mut addresses = self
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let open = addresses.entry(address).or_default();
        if *open >= limit {
            return Err(Full::Address);
        }
        *open += 1;
        Ok(Counted {
            addresses: Arc::clone(&self.addresses),
            address,
        })
    }
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    _counted: Option<Counted>,
}

/// One connection of an address.
#[derive(Debug)]
struct Counted {
    addresses: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut addresses = self
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Whoever has none is forgotten: memory is bounded by what is open.
        let left = addresses.get_mut(&self.address).map_or(0, |open| {
            *open = open.saturating_sub(1);
            *open
        });
        if left == 0 {
            addresses.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_places_and_gets_them_back() {
        let places = Places::new(3, PerAddress::Limited(2));
        let one = address("192.0.2.1");
        let first = places.take(one).unwrap();
        let _second = places.take(one).unwrap();
        assert_eq!(places.take(one).unwrap_err(), Full::Address);
        let other = places.take(address("192.0.2.2")).unwrap();
        assert_eq!(places.take(address("192.0.2.3")).unwrap_err(), Full::All);
        drop(first);
        let again = places.take(one).unwrap();
        drop((again, other));
        assert_eq!(places.addresses.lock().unwrap().len(), 1);
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let places = Places::new(3, PerAddress::LimitedFromOutside(1));
        let _first = places.take(address("2001:db8::1")).unwrap();
        let neighbour = places.take(address("2001:db8::2"));
        assert_eq!(neighbour.unwrap_err(), Full::Address);
        let here = address("::ffff:127.0.0.1");
        let _both = (places.take(here).unwrap(), places.take(here).unwrap());
    }
}
