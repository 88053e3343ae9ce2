//! The ticket itself.

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use crate::server::error::Refusal;

/// What a ticket is found by.
pub(super) type Hash = [u8; 32];

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
}
