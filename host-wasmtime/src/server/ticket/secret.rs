//! The ticket itself, and what may be kept of it outside of this process.
//!
//! Shared storage sees no token. What it keeps under the ticket's hash is the token, sealed (ChaCha20-Poly1305) with a
//! key that is made from the ticket: only who presents the ticket can open it. Each key seals one text, once.

use base64ct::{Base64UrlUnpadded, Encoding};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use sha2::{Digest, Sha256};

use crate::server::error::{Refusal, ServerCode};

/// What a ticket is found by.
pub(crate) type Hash = [u8; 32];

/// A ticket: 128 random bits, as text. Never printed, never kept.
pub(super) struct Secret(String);

impl Secret {
    /// A new one.
    pub(super) fn new() -> Result<Self, Refusal> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map_err(|_| Refusal::from(authkernel::Code::RandomUnavailable))?;
        Ok(Self(Base64UrlUnpadded::encode_string(&bytes)))
    }

    /// One that was presented.
    pub(super) fn presented(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Its text, for whoever asked for it.
    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// What it is found by.
    pub(super) fn hash(&self) -> Hash {
        Sha256::digest(&self.0).into()
    }

    /// A token, as it may be kept outside.
    pub(super) fn seal(&self, token: &str) -> Result<Vec<u8>, Refusal> {
        let mut sealed = token.as_bytes().to_vec();
        self.key()?
            .seal_in_place_append_tag(nonce(), self.aad(), &mut sealed)
            .map_err(|_| Refusal::from(ServerCode::Internal))?;
        Ok(sealed)
    }

    /// The token that was sealed. What was not sealed with this ticket is not opened.
    pub(super) fn open(&self, mut sealed: Vec<u8>) -> Result<String, Refusal> {
        let opened = self.key()?.open_in_place(nonce(), self.aad(), &mut sealed);
        let token = opened.map_err(|_| Refusal::from(ServerCode::TicketInvalid))?;
        String::from_utf8(token.to_vec()).map_err(|_| Refusal::from(ServerCode::TicketInvalid))
    }

    fn key(&self) -> Result<LessSafeKey, Refusal> {
        // Another hash than the one that it is found by, which everybody who reads the database knows.
        let mut digest = Sha256::new_with_prefix("authkernel socket ticket key\0");
        digest.update(&self.0);
        UnboundKey::new(&CHACHA20_POLY1305, &digest.finalize())
            .map(LessSafeKey::new)
            .map_err(|_| Refusal::from(ServerCode::Internal))
    }

    fn aad(&self) -> Aad<Hash> {
        Aad::from(self.hash())
    }
}

/// One for all, as each key seals one text.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; ring::aead::NONCE_LEN])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ticket_opens_what_it_sealed() {
        let secret = Secret::new().unwrap();
        let sealed = secret.seal("a.b.c").unwrap();
        assert!(!sealed.windows(5).any(|part| part == b"a.b.c"));
        let again = Secret::presented(&secret.0);
        assert_eq!(again.open(sealed.clone()).unwrap(), "a.b.c");
        let mut changed = sealed.clone();
        changed[0] ^= 1;
        assert_eq!(secret.open(changed).unwrap_err().code(), "ticket_invalid");
        assert!(secret.open(Vec::new()).is_err());
        let other = Secret::new().unwrap();
        assert_ne!(other.hash(), secret.hash());
        assert!(other.open(sealed).is_err());
        assert_eq!(secret.into_text().len(), 22);
    }
}
