//! Fields of rows. PostgreSQL answers rows as JSON; Redis answers hashes, whose values are all texts.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// The largest number that is stored: what JavaScript and Lua keep exact.
const LARGEST: u64 = (1 << 53) - 1;

/// A time, an epoch or a count. Larger ones mean "for ever" and are written as the largest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::storage) struct Number(pub(in crate::storage) u64);

impl Number {
    /// A number of rows.
    pub(super) fn count(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0.min(LARGEST))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, or its decimal text")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
        Ok(Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        text.parse()
            .map(Number)
            .map_err(|_| E::invalid_value(Unexpected::Other("another text"), &self))
    }
}

/// A list: an array, nothing, an empty object (Lua has but one kind of table), or the JSON text of one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::storage) struct List<T>(pub(in crate::storage) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E: Error>(self) -> Result<List<T>, E> {
        Ok(List::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<List<T>, A::Error> {
        let mut list = Vec::with_capacity(entries.size_hint().unwrap_or(0));
        while let Some(entry) = entries.next_element()? {
            list.push(entry);
        }
        Ok(List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<List<T>, A::Error> {
        match fields.next_key::<String>()? {
            None => Ok(List::default()),
            Some(_) => Err(A::Error::invalid_type(Unexpected::Map, &self)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<List<T>, E> {
        serde_json::from_str(text)
            .map_err(|_| E::invalid_value(Unexpected::Other("another text"), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_as_numbers_and_as_texts_and_are_bounded_when_written() {
        for text in ["7", "\"7\""] {
            assert_eq!(serde_json::from_str::<Number>(text).unwrap(), Number(7));
        }
        for text in ["-1", "\"-1\"", "1.5", "\"x\"", "null", "\"\"", "[]"] {
            assert!(serde_json::from_str::<Number>(text).is_err(), "{text}");
        }
        assert_eq!(
            serde_json::to_string(&Number(u64::MAX)).unwrap(),
            "9007199254740991"
        );
    }

    #[test]
    fn lists_come_in_all_their_forms() {
        for text in ["[\"a\"]", "\"[\\\"a\\\"]\""] {
            assert_eq!(
                serde_json::from_str::<List<String>>(text).unwrap(),
                List(vec!["a".into()])
            );
        }
        for text in ["[]", "{}", "null", "\"[]\"", "\"{}\""] {
            assert_eq!(
                serde_json::from_str::<List<String>>(text).unwrap(),
                List(vec![])
            );
        }
        for text in ["{\"a\":1}", "[1]", "1", "\"x\""] {
            assert!(
                serde_json::from_str::<List<String>>(text).is_err(),
                "{text}"
            );
        }
    }
}
