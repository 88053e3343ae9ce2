//! How often somebody may be wrong: failed sign-ins per account and per address, registrations per address.

use std::net::IpAddr;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::client::Client;
use super::error::Refusal;
use super::rate_limit::RateLimit;

/// How long an account's try takes to come back.
const ACCOUNT_REFILL: Duration = Duration::from_secs(30);
/// How long an address's try takes to come back.
const ADDRESS_REFILL: Duration = Duration::from_secs(6);

/// The tries that are left.
#[derive(Debug)]
pub(crate) struct Tries {
    /// By the hash of what names the account: memory should not fill with e-mail addresses.
    accounts: RateLimit<[u8; 32]>,
    addresses: RateLimit<IpAddr>,
}

impl Tries {
    /// That many at once.
    pub(crate) fn new(per_account: u32, per_address: u32) -> Self {
        Self {
            accounts: RateLimit::new(per_account, ACCOUNT_REFILL),
            addresses: RateLimit::new(per_address, ADDRESS_REFILL),
        }
    }

    /// Takes a try of this address.
    pub(crate) fn address(&self, client: &Client) -> Result<(), Refusal> {
        self.addresses
            .take(&client.key())
            .map_err(Refusal::rate_limited)
    }

    /// Takes a try of this address and of this account, known or not. Give it back when it turns out well.
    pub(crate) fn sign_in(&self, client: &Client, account: &str) -> Result<Taken<'_>, Refusal> {
        self.address(client)?;
        let account = Sha256::digest(account.trim().to_ascii_lowercase()).into();
        self.accounts
            .take(&account)
            .map_err(Refusal::rate_limited)?;
        Ok(Taken {
            tries: self,
            address: client.key(),
            account,
        })
    }
}

/// A try that was taken.
#[must_use = "give it back when it turns out well"]
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    tries: &'a Tries,
    address: IpAddr,
    account: [u8; 32],
}

impl Taken<'_> {
    /// It turned out well.
    pub(crate) fn give_back(self) {
        self.tries.addresses.give_back(&self.address);
        self.tries.accounts.give_back(&self.account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> Client {
        Client {
            address: IpAddr::from([10, 0, 0, last]),
        }
    }

    #[test]
    fn an_account_is_guarded_whatever_the_address_and_its_spelling() {
        let tries = Tries::new(2, 100);
        let _ = tries.sign_in(&client(1), "a@b").unwrap();
        let _ = tries.sign_in(&client(2), " A@B ").unwrap();
        let refusal = tries.sign_in(&client(3), "a@b").unwrap_err();
        assert_eq!(refusal.code(), "rate_limited");
        let _ = tries.sign_in(&client(3), "c@d").unwrap();
    }

    #[test]
    fn an_address_is_guarded_whatever_the_account_but_good_tries_are_free() {
        let tries = Tries::new(100, 2);
        for n in 0..50 {
            tries
                .sign_in(&client(1), &n.to_string())
                .unwrap()
                .give_back();
        }
        let _ = tries.sign_in(&client(1), "a").unwrap();
        let _ = tries.sign_in(&client(1), "b").unwrap();
        assert!(tries.sign_in(&client(1), "c").is_err());
        assert!(tries.address(&client(1)).is_err());
        assert!(tries.address(&client(2)).is_ok());
    }
}
