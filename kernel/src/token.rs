//! The compact serialization of a JWS (RFC 7515 section 7.1): text ⇄ verified bytes. Nothing here knows claims.

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Map, Value};

use crate::encoding;
use crate::error::{Code, Error};
use crate::json;
use crate::keys::{Algorithm, Key, KeySet, KeyState};

/// The longest token that is looked at, in bytes: what servers take in a header as a rule.
pub const MAX_TOKEN_BYTES: usize = 8192;

/// A payload whose signature verified, and the key that it verified with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedJws {
    /// The payload.
    pub payload: Vec<u8>,
    /// The key's id; empty when it has none.
    pub kid: String,
    /// `typ`, where the header has one.
    pub typ: Option<String>,
    /// `cty`, where the header has one.
    pub cty: Option<String>,
}

/// Reads a compact JWS and verifies its signature. The key set decides the algorithm; the header is only
/// compared with it.
///
/// Fails with `token_too_large`, `token_malformed`, `header_refused`, `algorithm_refused`, `key_unknown`,
/// `key_revoked` or `signature_invalid`.
pub fn verify_compact(text: &str, keys: &KeySet) -> Result<VerifiedJws, Error> {
    if text.len() > MAX_TOKEN_BYTES {
        return Err(Error::new(Code::TokenTooLarge));
    }
    let malformed = || Error::new(Code::TokenMalformed);
    let (message, signature) = text.rsplit_once('.').ok_or_else(malformed)?;
    let (header, payload) = message.split_once('.').ok_or_else(malformed)?;
    if payload.contains('.') {
        return Err(malformed());
    }
    let header = Header::read(header, keys)?;
    if header.key.state() == KeyState::Revoked {
        return Err(Error::new(Code::KeyRevoked));
    }
    let payload = encoding::decode(payload).ok_or_else(malformed)?;
    let signature = encoding::decode(signature).ok_or_else(malformed)?;
    if !header.key.verify(message.as_bytes(), &signature) {
        return Err(Error::new(Code::SignatureInvalid));
    }
    Ok(VerifiedJws {
        payload,
        kid: String::from(header.key.id()),
        typ: header.typ,
        cty: header.cty,
    })
}

/// Signs a payload as a compact JWS. Fails with `signing_key_missing` for a key that cannot sign.
pub fn sign_compact(payload: &[u8], key: &Key) -> Result<String, Error> {
    let payload = encoding::encode(payload);
    let mut text = String::with_capacity(key.header_segment().len() + payload.len() + 90);
    text.push_str(key.header_segment());
    text.push('.');
    text.push_str(&payload);
    let signature = key.sign(text.as_bytes())?;
    text.push('.');
    text.push_str(&encoding::encode(&signature));
    Ok(text)
}

/// What a header says, after every check on it.
struct Header<'k> {
    key: &'k Key,
    typ: Option<String>,
    cty: Option<String>,
}

impl<'k> Header<'k> {
    fn read(segment: &str, keys: &'k KeySet) -> Result<Self, Error> {
        // The kernel's own tokens start with a segment that is known beforehand.
        if let Some(key) = keys.by_header_segment(segment) {
            return Ok(Self {
                key,
                typ: None,
                cty: None,
            });
        }
        let bytes = encoding::decode(segment).ok_or_else(|| Error::new(Code::TokenMalformed))?;
        let mut members =
            json::parse_object(&bytes).map_err(|_| Error::new(Code::TokenMalformed))?;
        let algorithm = text(&mut members, "alg")?
            .ok_or_else(|| Error::with(Code::TokenMalformed, "the token's header has no alg"))?;
        refuse_unsupported(&members)?;
        let kid = text(&mut members, "kid")?;
        let typ = text(&mut members, "typ")?;
        let cty = text(&mut members, "cty")?;
        // `none`, in any case, is no algorithm of any key; neither is one that the kernel does not know.
        let algorithm =
            Algorithm::parse(&algorithm).ok_or_else(|| Error::new(Code::AlgorithmRefused))?;
        let key = keys.choose(kid.as_deref())?;
        if key.algorithm() != algorithm {
            return Err(Error::new(Code::AlgorithmRefused));
        }
        Ok(Self { key, typ, cty })
    }
}

/// Members that would change how the token is checked. `crit` (RFC 7515 section 4.1.11) names extensions that
/// must be understood; the kernel understands none.
fn refuse_unsupported(members: &Map<String, Value>) -> Result<(), Error> {
    const REFUSED: [&str; 8] = ["crit", "b64", "jwk", "jku", "x5u", "x5c", "enc", "zip"];
    match REFUSED.iter().find(|name| members.contains_key(**name)) {
        None => Ok(()),
        Some(_) => Err(Error::new(Code::HeaderRefused)),
    }
}

fn text(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Error> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::with(
            Code::TokenMalformed,
            "a member of the token's header has the wrong json type",
        )),
    }
}
