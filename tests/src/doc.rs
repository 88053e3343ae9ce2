//! JSON whose objects keep their order, and the one form in which vector files are written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value whose objects keep the order of their members.
#[derive(Clone, Debug, PartialEq)]
pub enum Doc {
    /// `null`, a boolean, a number or a string.
    Leaf(serde_json::Value),
    /// An array.
    Array(Vec<Doc>),
    /// An object, in the order of the text.
    Object(Vec<(String, Doc)>),
}

impl Doc {
    /// Reads a JSON text; a name that an object has twice is an error.
    pub fn parse(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// The member of an object.
    pub fn get(&self, name: &str) -> Option<&Doc> {
        match self {
            Self::Object(members) => members.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The member of an object, to change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Doc> {
        match self {
            Self::Object(members) => members.iter_mut().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Sets a member of an object: in its place when it is there, else as the last.
    pub fn set(&mut self, name: &str, value: Doc) {
        if let Self::Object(members) = self {
            match members.iter_mut().find(|(n, _)| n == name) {
                Some((_, old)) => *old = value,
                None => members.push((name.to_owned(), value)),
            }
        }
    }

    /// The elements of an array, to change; none for anything else.
    pub fn elements_mut(&mut self) -> &mut [Doc] {
        match self {
            Self::Array(elements) => elements,
            _ => &mut [],
        }
    }

    /// The text as vector files have it: what fits into a line stands on one line.
    pub fn pretty(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0, 0);
        text.push('\n');
        text
    }

    fn write(&self, out: &mut String, indent: usize, used: usize) {
        let line = self.to_string();
        if indent + used + line.chars().count() <= WIDTH {
            out.push_str(&line);
            return;
        }
        match self {
            Self::Leaf(_) => out.push_str(&line),
            Self::Array(elements) => {
                write_lines(out, indent, ('[', ']'), elements, |out, element| {
                    element.write(out, indent + 2, 1);
                })
            }
            Self::Object(members) => {
                write_lines(out, indent, ('{', '}'), members, |out, (name, value)| {
                    let name = quoted(name);
                    out.push_str(&name);
                    out.push_str(": ");
                    value.write(out, indent + 2, name.chars().count() + 3);
                });
            }
        }
    }
}

/// The longest line, unless one string alone is longer.
const WIDTH: usize = 120;

fn write_lines<T>(
    out: &mut String,
    indent: usize,
    (open, close): (char, char),
    items: &[T],
    write: impl Fn(&mut String, &T),
) {
    out.push(open);
    for (position, item) in items.iter().enumerate() {
        out.push_str(if position == 0 { "\n" } else { ",\n" });
        out.push_str(&" ".repeat(indent + 2));
        write(out, item);
    }
    out.push('\n');
    out.push_str(&" ".repeat(indent));
    out.push(close);
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// On one line, with a space where a person would put one.
impl fmt::Display for Doc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaf(value) => write!(f, "{value}"),
            Self::Array(elements) => {
                f.write_str("[")?;
                for (position, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if position == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Object(members) if members.is_empty() => f.write_str("{}"),
            Self::Object(members) => {
                f.write_str("{ ")?;
                for (position, (name, value)) in members.iter().enumerate() {
                    let comma = if position == 0 { "" } else { ", " };
                    write!(f, "{comma}{}: {value}", quoted(name))?;
                }
                f.write_str(" }")
            }
        }
    }
}

impl From<String> for Doc {
    fn from(text: String) -> Self {
        Self::Leaf(text.into())
    }
}

impl<'de> Deserialize<'de> for Doc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocVisitor)
    }
}

struct DocVisitor;

impl<'de> Visitor<'de> for DocVisitor {
    type Value = Doc;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Doc, E> {
        Ok(Doc::Leaf(serde_json::Value::Null))
    }
    fn visit_bool<E>(self, value: bool) -> Result<Doc, E> {
        Ok(Doc::Leaf(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Doc, E> {
        Ok(Doc::Leaf(value.into()))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Doc, E> {
        Ok(Doc::Leaf(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Doc, E> {
        Ok(Doc::Leaf(value.into()))
    }
    fn visit_str<E>(self, value: &str) -> Result<Doc, E> {
        Ok(Doc::Leaf(value.into()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Doc, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Doc::Array(elements))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Doc, A::Error> {
        let mut members: Vec<(String, Doc)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Doc>()? {
            if members.iter().any(|(n, _)| *n == name) {
                return Err(serde::de::Error::custom(format!("{name} stands twice")));
            }
            members.push((name, value));
        }
        Ok(Doc::Object(members))
    }
}
