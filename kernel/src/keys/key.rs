//! One key: its name, its algorithm, its state, and what it can do.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use ed25519_dalek::Signer;
use hmac::{Hmac, Mac};
#[cfg(feature = "es256")]
use jwt_compact::alg::Es256;
#[cfg(any(feature = "es256", feature = "rsa"))]
use jwt_compact::{Algorithm as _, AlgorithmSignature as _};
#[cfg(not(all(feature = "simd", target_arch = "wasm32")))]
use sha2::Sha256;
use sha2::{Sha384, Sha512};

use super::algorithm::Algorithm;
use super::ed25519::{Multiples, Prepared};
#[cfg(all(feature = "simd", target_arch = "wasm32"))]
use super::sha256::Sha256;
use crate::encoding;
use crate::error::{Code, Error};

/// A named key, bound to one algorithm.
#[derive(Clone)]
pub struct Key {
    id: String,
    algorithm: Algorithm,
    state: KeyState,
    undecided: bool,
    material: Material,
    header_segment: String,
}

/// What a key is for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Signs new tokens, and verifies.
    Signing,
    /// Verifies.
    Verifying,
    /// Verifies until the last token that it signed has expired.
    Retired,
    /// Verifies nothing any more.
    Revoked,
}

/// The key itself. HMAC keys are kept as the state after the key block, which saves two of the four
/// compressions that a short token costs.
#[derive(Clone)]
pub(super) enum Material {
    Hs256(Hmac<Sha256>),
    Hs384(Hmac<Sha384>),
    Hs512(Hmac<Sha512>),
    Ed25519 {
        verifying: ed25519_dalek::VerifyingKey,
        signing: Option<ed25519_dalek::SigningKey>,
        prepared: Option<Prepared>,
    },
    #[cfg(feature = "es256")]
    Es256 {
        verifying: p256::ecdsa::VerifyingKey,
        signing: Option<p256::ecdsa::SigningKey>,
    },
    #[cfg(feature = "rsa")]
    Rsa(rsa::RsaPublicKey),
}

impl Key {
    /// Reads one JSON Web Key (RFC 7517 section 4), with or without a `kid`.
    pub fn from_jwk(text: &str) -> Result<Self, Error> {
        let value = crate::json::parse(text.as_bytes())
            .map_err(|_| super::invalid("", "must be a json object without duplicate names"))?;
        super::jwk::read(value, "key")
    }

    /// The key's id; empty when it has none.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The only algorithm that it is used with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What it is for now.
    pub fn state(&self) -> KeyState {
        self.state
    }

    pub(super) fn new(
        id: String,
        algorithm: Algorithm,
        state: Option<KeyState>,
        material: Material,
    ) -> Self {
        let mut header = serde_json::Map::new();
        header.insert("alg".into(), algorithm.name().into());
        if !id.is_empty() {
            header.insert("kid".into(), id.as_str().into());
        }
        header.insert("typ".into(), "JWT".into());
        let header = serde_json::Value::Object(header);
        Self {
            header_segment: encoding::encode(alloc::format!("{header}").as_bytes()),
            undecided: state.is_none() && material.can_sign(),
            state: state.unwrap_or(KeyState::Verifying),
            id,
            algorithm,
            material,
        }
    }

    /// Whether its document did not say if it signs, and it could.
    pub(super) fn status_is_undecided(&self) -> bool {
        self.undecided
    }

    pub(super) fn decide(&mut self, signs: bool) {
        if self.undecided && signs {
            self.state = KeyState::Signing;
        }
        self.undecided = false;
    }

    pub(super) fn can_sign(&self) -> bool {
        self.material.can_sign()
    }

    /// Makes the tables that speed up verification, where its algorithm has some; says whether it has.
    pub(super) fn prepare(&mut self, base: &mut Option<Arc<Multiples>>) -> bool {
        let Material::Ed25519 {
            verifying,
            prepared,
            ..
        } = &mut self.material
        else {
            return false;
        };
        *prepared = Some(Prepared::new(verifying, base));
        true
    }

    /// The first segment of every token that it signs.
    pub(crate) fn header_segment(&self) -> &str {
        &self.header_segment
    }

    /// Signs; fails only for a key that cannot.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(match &self.material {
            Material::Hs256(mac) => sign_hmac(mac, message),
            Material::Hs384(mac) => sign_hmac(mac, message),
            Material::Hs512(mac) => sign_hmac(mac, message),
            Material::Ed25519 {
                signing: Some(key), ..
            } => sign_ed25519(key, message),
            #[cfg(feature = "es256")]
            Material::Es256 {
                signing: Some(key), ..
            } => sign_es256(key, message),
            _ => return Err(Error::new(Code::SigningKeyMissing)),
        })
    }

    /// Whether this is the key's signature over the message. The length must be exact.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Hs256(mac) => verify_hmac(mac, message, signature),
            Material::Hs384(mac) => verify_hmac(mac, message, signature),
            Material::Hs512(mac) => verify_hmac(mac, message, signature),
            Material::Ed25519 {
                verifying,
                prepared,
                ..
            } => verify_ed25519(verifying, prepared.as_ref(), message, signature),
            #[cfg(feature = "es256")]
            Material::Es256 { verifying, .. } => verify_es256(verifying, message, signature),
            #[cfg(feature = "rsa")]
            Material::Rsa(key) => verify_rsa(self.algorithm, key, message, signature),
        }
    }
}

// Functions of their own, because WebAssembly runtimes compile a function when it is first called: nobody waits for the
// algorithms of others.

#[inline(never)]
fn sign_hmac<M: Mac + Clone>(mac: &M, message: &[u8]) -> Vec<u8> {
    let mac = mac.clone().chain_update(message);
    mac.finalize().into_bytes().to_vec()
}

/// Compares the whole MAC in constant time and refuses any other length.
#[inline(never)]
fn verify_hmac<M: Mac + Clone>(mac: &M, message: &[u8], signature: &[u8]) -> bool {
    let mac = mac.clone().chain_update(message);
    mac.verify_slice(signature).is_ok()
}

#[inline(never)]
fn sign_ed25519(key: &ed25519_dalek::SigningKey, message: &[u8]) -> Vec<u8> {
    key.sign(message).to_bytes().to_vec()
}

#[cfg(feature = "es256")]
#[inline(never)]
fn sign_es256(key: &p256::ecdsa::SigningKey, message: &[u8]) -> Vec<u8> {
    Es256.sign(key, message).as_bytes().into_owned()
}

/// Strict: small-order keys and points and a high `s` are refused (RFC 8032 section 5.1.7 and beyond).
#[inline(never)]
fn verify_ed25519(
    key: &ed25519_dalek::VerifyingKey,
    prepared: Option<&Prepared>,
    message: &[u8],
    signature: &[u8],
) -> bool {
    ed25519_dalek::Signature::from_slice(signature).is_ok_and(|signature| match prepared {
        Some(prepared) => prepared.verify(message, &signature),
        None => key.verify_strict(message, &signature).is_ok(),
    })
}

/// A high `s` is accepted: other issuers produce it, and nothing here is keyed by a token's bytes.
#[cfg(feature = "es256")]
#[inline(never)]
fn verify_es256(key: &p256::ecdsa::VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    p256::ecdsa::Signature::from_slice(signature)
        .is_ok_and(|signature| Es256.verify_signature(&signature, key, message))
}

#[cfg(feature = "rsa")]
#[inline(never)]
fn verify_rsa(
    algorithm: Algorithm,
    key: &rsa::RsaPublicKey,
    message: &[u8],
    signature: &[u8],
) -> bool {
    use jwt_compact::alg::{Rsa, RsaSignature};
    use rsa::traits::PublicKeyParts;

    if signature.len() != key.size() {
        return false;
    }
    let scheme = match algorithm {
        Algorithm::Ps256 => Rsa::ps256(),
        _ => Rsa::rs256(),
    };
    RsaSignature::try_from_slice(signature)
        .is_ok_and(|signature| scheme.verify_signature(&signature, key, message))
}

impl Material {
    fn can_sign(&self) -> bool {
        match self {
            Self::Hs256(_) | Self::Hs384(_) | Self::Hs512(_) => true,
            Self::Ed25519 { signing, .. } => signing.is_some(),
            #[cfg(feature = "es256")]
            Self::Es256 { signing, .. } => signing.is_some(),
            #[cfg(feature = "rsa")]
            Self::Rsa(_) => false,
        }
    }
}

/// Names and states only: key material never reaches a log.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
