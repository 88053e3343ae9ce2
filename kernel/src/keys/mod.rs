//! The key set: each key carries its algorithm, so a token never chooses how it is checked.

mod algorithm;
mod ed25519;
mod jwk;
mod key;
#[cfg(all(feature = "simd", target_arch = "wasm32"))]
mod sha256;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::Value;

pub use algorithm::Algorithm;
pub use key::{Key, KeyState};

use crate::error::{Code, Error, at_path};
use crate::json;

/// A JWK Set (RFC 7517 section 5) of named keys: at most one signs, any number verify, a revoked one verifies
/// nothing.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<Key>,
}

/// How many keys a set may have.
pub const MAX_KEYS: usize = 64;

/// How many keys of a set are prepared: each costs 80 KiB and about 0.1 ms, in every instance. Others verify the same,
/// only slower.
const MAX_PREPARED: usize = 8;

impl KeySet {
    /// Reads a JWK Set. Every key needs a `kid`; its own member `status` is `signing`, `verifying`, `retired`
    /// (verifies, as `verifying` does, and says that it will go) or `revoked`. Where `status` is absent, the
    /// only key with a secret part signs, and keys without one verify.
    ///
    /// Fails with `keys_invalid` and the place of what is wrong, for any key that could not be used as it says.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut document = json::parse_object(text.as_bytes())
            .map_err(|_| invalid("", "must be a json object without duplicate names"))?;
        let Some(Value::Array(entries)) = document.remove("keys") else {
            return Err(invalid("keys", "must be an array of json web keys"));
        };
        if entries.is_empty() || entries.len() > MAX_KEYS {
            return Err(invalid("keys", "must hold 1 to 64 keys"));
        }
        let mut keys: Vec<Key> = Vec::with_capacity(entries.len());
        for (index, entry) in entries.into_iter().enumerate() {
            let path = format!("keys[{index}]");
            let key = jwk::read(entry, &path)?;
            if key.id().is_empty() {
                return Err(invalid(&path, "kid is required: give every key a name"));
            }
            if keys.iter().any(|other| other.id() == key.id()) {
                return Err(invalid(
                    &path,
                    "kid is used twice: give every key its own name",
                ));
            }
            keys.push(key);
        }
        let undecided = keys.iter().filter(|key| key.status_is_undecided()).count();
        let signing = keys
            .iter()
            .filter(|key| key.state() == KeyState::Signing)
            .count();
        if signing > 1 || (signing == 0 && undecided > 1) {
            return Err(invalid(
                "keys",
                "more than one key could sign: set status to signing on one and to verifying on the others",
            ));
        }
        for key in &mut keys {
            key.decide(signing == 0);
        }
        Ok(Self::prepared(keys))
    }

    /// A set of one key, which may be without a `kid`.
    pub fn from_key(mut key: Key) -> Self {
        key.decide(true);
        Self::prepared(alloc::vec![key])
    }

    /// Computes what depends on keys alone, for as many as [`MAX_PREPARED`], the one that signs first.
    fn prepared(mut keys: Vec<Key>) -> Self {
        let mut base = None;
        let mut left = MAX_PREPARED;
        for state in [KeyState::Signing, KeyState::Verifying, KeyState::Retired] {
            for key in keys.iter_mut().filter(|key| key.state() == state) {
                if left > 0 && key.prepare(&mut base) {
                    left -= 1;
                }
            }
        }
        Self { keys }
    }

    /// The key that signs, if there is one.
    pub fn signing_key(&self) -> Option<&Key> {
        self.keys
            .iter()
            .find(|key| key.state() == KeyState::Signing)
    }

    /// The key with this id.
    pub fn get(&self, kid: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id() == kid)
    }

    /// All keys.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    /// The key whose own header this is, to the letter: no JSON needs to be read.
    pub(crate) fn by_header_segment(&self, segment: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.header_segment() == segment)
    }

    /// The key that a header means: by its `kid`, or the only one where it names none.
    pub(crate) fn choose(&self, kid: Option<&str>) -> Result<&Key, Error> {
        let chosen = match (kid, self.keys.as_slice()) {
            (Some(kid), [only]) if only.id().is_empty() && !kid.is_empty() => Some(only),
            (Some(kid), _) => self.get(kid).filter(|_| !kid.is_empty()),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        chosen.ok_or_else(|| Error::new(Code::KeyUnknown))
    }
}

pub(crate) fn invalid(path: &str, message: &str) -> Error {
    at_path(Code::KeysInvalid, path, message)
}

/// A member that must be a string, if it is there.
pub(crate) fn text_member(
    map: &serde_json::Map<String, Value>,
    name: &str,
    path: &str,
) -> Result<Option<String>, Error> {
    match map.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.to_string())),
        Some(_) => Err(invalid(&format!("{path}.{name}"), "must be a string")),
    }
}
