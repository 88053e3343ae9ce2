//! JSON read strictly: duplicate names are refused at every depth, depth is capped.
//!
//! RFC 8259 leaves duplicate names open and RFC 7519 section 4 lets a parser take the last one; two services
//! that choose differently see two tokens in one text. So neither is taken.

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How deep arrays and objects may be nested, the outermost included.
pub(crate) const MAX_DEPTH: u8 = 32;

/// Reads one JSON object; anything else, and anything after it, is an error.
pub(crate) fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    match parse(bytes)? {
        Value::Object(map) => Ok(map),
        _ => Err(serde_json::Error::custom("not a json object")),
    }
}

/// Reads one JSON value.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: MAX_DEPTH }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Accepts what [`parse_object`] accepts, and keeps nothing of it.
pub(crate) fn check_object(bytes: &[u8]) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    reader.deserialize_map(Check { depth: MAX_DEPTH })?;
    reader.end()
}

/// Whether a value is nested no deeper than what [`parse`] takes.
pub(crate) fn is_shallow(value: &Value, depth: u8) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| is_shallow(item, depth - 1)),
        Value::Object(map) => depth > 0 && map.values().all(|item| is_shallow(item, depth - 1)),
        _ => true,
    }
}

/// Reads a value with at most `depth` levels below.
#[derive(Clone, Copy)]
struct Strict {
    depth: u8,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth }),
            None => Err(E::custom("nested too deeply")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("json")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_string()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(name) = members.next_key::<Name<'de>>()? {
            let value = members.next_value_seed(inner)?;
            if map.insert(name.0.into_owned(), value).is_some() {
                return Err(A::Error::custom("duplicate name"));
            }
        }
        Ok(Value::Object(map))
    }
}

/// [`Strict`], without a value.
#[derive(Clone, Copy)]
struct Check {
    depth: u8,
}

impl Check {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let Strict { depth } = Strict { depth: self.depth }.deeper()?;
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Check {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("json")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        Strict { depth: 0 }.visit_f64(value).map(drop)
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key::<Name<'de>>()? {
            members.next_value_seed(inner)?;
            if !names.insert(name.0) {
                return Err(A::Error::custom("duplicate name"));
            }
        }
        Ok(())
    }
}

/// A member's name, borrowed from the text where it has no escapes.
pub(crate) struct Name<'de>(pub(crate) Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_string())))
            }
            fn visit_string<E>(self, name: String) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name)))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// A visitor's way to a value with the outermost object already entered.
pub(crate) fn member_value<'de, A: MapAccess<'de>>(members: &mut A) -> Result<Value, A::Error> {
    members.next_value_seed(Strict {
        depth: MAX_DEPTH - 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn duplicates_are_refused_at_every_depth() {
        assert!(parse(br#"{"a":1,"b":2}"#).is_ok());
        assert!(parse(br#"{"a":1,"a":1}"#).is_err());
        assert!(parse(br#"{"x":[{"y":{"a":1,"\u0061":2}}]}"#).is_err());
    }

    #[test]
    fn depth_is_capped() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(nested(32).as_bytes()).is_ok());
        assert!(parse(nested(33).as_bytes()).is_err());
        assert!(parse(nested(100_000).as_bytes()).is_err());
    }

    #[test]
    fn shallow_agrees_with_parse() {
        let deep = (0..31).fold(Value::Null, |value, _| Value::Array(std::vec![value]));
        assert!(is_shallow(
            &Value::Array(std::vec![deep.clone()]),
            MAX_DEPTH
        ));
        let deeper = Value::Array(std::vec![Value::Array(std::vec![deep])]);
        assert!(!is_shallow(&deeper, MAX_DEPTH));
    }

    #[test]
    fn checking_accepts_what_reading_accepts() {
        let nested = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        let (deep, deeper) = (nested(31), nested(32));
        for text in [
            "{}",
            " { } ",
            r#"{"a":1,"b":-2,"c":1.5e3,"d":"x\u00e9\"","e":[null,true,{"a":{}}],"f":18446744073709551616}"#,
            deep.as_str(),
            deeper.as_str(),
            r#"{"a":1,"a":2}"#,
            r#"{"x":[{"a":1,"\u0061":2}]}"#,
            r#"{"a":1e999}"#,
            r#"{"a":01}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":1}x"#,
            r#"{"a":1"#,
            "[]",
            "1",
            "",
        ] {
            let read = parse_object(text.as_bytes()).is_ok();
            assert_eq!(check_object(text.as_bytes()).is_ok(), read, "{text}");
        }
        assert!(check_object(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn text_after_the_value_is_refused() {
        assert!(parse(b"{} {}").is_err());
        assert!(parse(b"{} ").is_ok());
        assert!(parse(b"\xff").is_err());
        assert!(parse(b"{\"a\":\"\xff\"}").is_err());
    }
}
