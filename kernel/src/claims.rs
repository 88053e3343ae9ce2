//! The claims of a token (RFC 7519 section 4, and our own): required ones are required, all are typed.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::error::{Code, Error};
use crate::json::{self, Name};
use crate::limits::{self, MAX_TIME};
use crate::record::Timestamp;

/// Names that extra claims must not have.
pub const RESERVED: [&str; 12] = [
    "iss", "aud", "sub", "jti", "sid", "iat", "nbf", "exp", "purpose", "tenant", "act", "epoch",
];

/// All claims of a token, typed. Nothing is decided yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Claims {
    pub(crate) issuer: String,
    pub(crate) audience: Vec<String>,
    pub(crate) subject: String,
    pub(crate) jti: String,
    pub(crate) sid: String,
    pub(crate) issued_at: Timestamp,
    pub(crate) not_before: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) purpose: String,
    pub(crate) tenant: Option<String>,
    pub(crate) act: Option<String>,
    pub(crate) epoch: Option<u64>,
    pub(crate) extra: Map<String, Value>,
}

impl Claims {
    /// Reads a payload. A required claim that is absent is `claim_missing`; one of another JSON type, `null`
    /// included, is `claim_type` and never read as absent.
    pub(crate) fn read(payload: &[u8]) -> Result<Self, Error> {
        let mut reader = serde_json::Deserializer::from_slice(payload);
        let raw = reader
            .deserialize_map(RawVisitor)
            .and_then(|raw| reader.end().map(|()| raw))
            .map_err(|_| Error::new(Code::TokenMalformed))?;
        let Raw { reserved, extra } = raw;
        let [
            iss,
            aud,
            sub,
            jti,
            sid,
            iat,
            nbf,
            exp,
            purpose,
            tenant,
            act,
            epoch,
        ] = reserved;
        Ok(Self {
            issuer: required("iss", iss, text)?,
            audience: required("aud", aud, audience)?,
            subject: required("sub", sub, text)?,
            jti: required("jti", jti, text)?,
            sid: required("sid", sid, text)?,
            issued_at: required("iat", iat, integer)?,
            not_before: required("nbf", nbf, integer)?,
            expires_at: required("exp", exp, integer)?,
            purpose: required("purpose", purpose, text)?,
            tenant: optional("tenant", tenant, text)?,
            act: optional("act", act, text)?,
            epoch: optional("epoch", epoch, integer)?,
            extra,
        })
    }

    /// The payload of a token with these claims.
    pub(crate) fn write(&self) -> String {
        let mut map = self.extra.clone();
        let audience = match self.audience.as_slice() {
            [only] => Value::from(only.as_str()),
            several => Value::from(several),
        };
        map.insert("iss".into(), self.issuer.as_str().into());
        map.insert("aud".into(), audience);
        map.insert("sub".into(), self.subject.as_str().into());
        map.insert("jti".into(), self.jti.as_str().into());
        map.insert("sid".into(), self.sid.as_str().into());
        map.insert("iat".into(), self.issued_at.into());
        map.insert("nbf".into(), self.not_before.into());
        map.insert("exp".into(), self.expires_at.into());
        map.insert("purpose".into(), self.purpose.as_str().into());
        if let Some(tenant) = &self.tenant {
            map.insert("tenant".into(), tenant.as_str().into());
        }
        if let Some(act) = &self.act {
            map.insert("act".into(), act.as_str().into());
        }
        if let Some(epoch) = self.epoch {
            map.insert("epoch".into(), epoch.into());
        }
        format!("{}", Value::Object(map))
    }
}

/// The reserved claims in the order of [`RESERVED`], and all others.
struct Raw {
    reserved: [Option<Value>; 12],
    extra: Map<String, Value>,
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a json object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Raw, A::Error> {
        let mut raw = Raw {
            reserved: Default::default(),
            extra: Map::new(),
        };
        while let Some(Name(name)) = members.next_key::<Name<'de>>()? {
            let place = place(&name).and_then(|index| raw.reserved.get_mut(index));
            let value = json::member_value(&mut members)?;
            let before = match place {
                Some(place) => place.replace(value),
                None => raw.extra.insert(name.into_owned(), value),
            };
            if before.is_some() {
                return Err(A::Error::custom("duplicate name"));
            }
        }
        Ok(raw)
    }
}

/// The place of a name in [`RESERVED`]. Not looked for there: every token has a dozen names.
fn place(name: &str) -> Option<usize> {
    Some(match name {
        "iss" => 0,
        "aud" => 1,
        "sub" => 2,
        "jti" => 3,
        "sid" => 4,
        "iat" => 5,
        "nbf" => 6,
        "exp" => 7,
        "purpose" => 8,
        "tenant" => 9,
        "act" => 10,
        "epoch" => 11,
        _ => return None,
    })
}

fn required<T>(name: &str, value: Option<Value>, read: fn(Value) -> Option<T>) -> Result<T, Error> {
    match value {
        None => Err(Error::with(
            Code::ClaimMissing,
            format!("the token lacks the claim {name}"),
        )),
        Some(value) => read(value).ok_or_else(|| wrong_type(name)),
    }
}

fn optional<T>(
    name: &str,
    value: Option<Value>,
    read: fn(Value) -> Option<T>,
) -> Result<Option<T>, Error> {
    match value {
        None => Ok(None),
        Some(value) => read(value).map(Some).ok_or_else(|| wrong_type(name)),
    }
}

fn wrong_type(name: &str) -> Error {
    Error::with(
        Code::ClaimType,
        format!("the token's claim {name} has the wrong json type or is out of range"),
    )
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) if limits::is_identifier(&text) => Some(text),
        _ => None,
    }
}

/// One string, or a list of strings that is not empty (RFC 7519 section 4.1.3).
fn audience(value: Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) if !items.is_empty() => items.into_iter().map(text).collect(),
        value => text(value).map(|only| alloc::vec![only]),
    }
}

/// An integer of 0 … 2^53 − 1, written as one: every language reads it alike.
fn integer(value: Value) -> Option<u64> {
    value.as_u64().filter(|number| *number <= MAX_TIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_have_their_places() {
        for (index, name) in RESERVED.into_iter().enumerate() {
            assert_eq!(place(name), Some(index), "{name}");
        }
        for other in ["", "role", "Sub", "subs", "su"] {
            assert_eq!(place(other), None, "{other}");
        }
    }
}
