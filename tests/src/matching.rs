//! Compares what came with what a vector expects, and puts names' values into texts.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

/// What is wrong with `actual`, if it does not have what `expected` asks for. Objects may have more members than
/// are asked for; arrays must have the same length.
///
/// Patterns: `"$id"` 26 characters of lower-case base32; `"$text"` a string that is not empty; `"$any"` anything
/// that is there; `"$none"` null or absent; `{"$has": text}` a string with this inside; `{"$not": value}`
/// anything that does not match; `{"$only": object}` an object with these members and no others.
pub fn mismatch(path: &str, expected: &Value, actual: Option<&Value>) -> Option<String> {
    let null = Value::Null;
    let found = actual.unwrap_or(&null);
    let complain = || Some(format!("{path}: expected {expected}, found {found}"));
    match expected {
        Value::String(pattern) if pattern.starts_with('$') => {
            let fits = match pattern.as_str() {
                "$id" => found.as_str().is_some_and(is_id),
                "$text" => found.as_str().is_some_and(|text| !text.is_empty()),
                "$any" => !found.is_null(),
                "$none" => found.is_null(),
                _ => return Some(format!("{path}: there is no pattern {pattern}")),
            };
            if fits { None } else { complain() }
        }
        Value::Object(members) => {
            if let Some(part) = pattern(members, "$has") {
                let part = part.as_str().unwrap_or_default();
                return match found.as_str() {
                    Some(text) if text.contains(part) => None,
                    _ => complain(),
                };
            }
            if let Some(not) = pattern(members, "$not") {
                return match mismatch(path, not, actual) {
                    Some(_) => None,
                    None => complain(),
                };
            }
            if let Some(Value::Object(only)) = pattern(members, "$only") {
                let Some(object) = found.as_object() else {
                    return complain();
                };
                return match object.keys().find(|name| !only.contains_key(*name)) {
                    Some(name) => Some(format!("{path}.{name}: expected nothing")),
                    None => mismatch(path, &Value::from(only.clone()), actual),
                };
            }
            if !found.is_object() {
                return complain();
            }
            members.iter().find_map(|(name, value)| {
                mismatch(&format!("{path}.{name}"), value, found.get(name))
            })
        }
        Value::Array(elements) => match found.as_array() {
            Some(others) if others.len() == elements.len() => elements
                .iter()
                .zip(others)
                .enumerate()
                .find_map(|(index, (element, other))| {
                    mismatch(&format!("{path}[{index}]"), element, Some(other))
                }),
            _ => complain(),
        },
        _ if expected == found => None,
        _ => complain(),
    }
}

/// The one member of an object that is a pattern.
fn pattern<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if members.len() == 1 {
        members.get(name)
    } else {
        None
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 26
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
}

/// Values by name: composed tokens and the answers of earlier steps.
pub type Names = BTreeMap<String, Value>;

/// Puts the values of names into a value: `@{name.field}` inside a string; a string that is nothing else becomes the
/// value itself.
pub fn resolve(value: &Value, names: &Names) -> Result<Value> {
    Ok(match value {
        Value::String(text) => resolve_text(text, names)?,
        Value::Array(elements) => Value::Array(
            elements
                .iter()
                .map(|it| resolve(it, names))
                .collect::<Result<_>>()?,
        ),
        Value::Object(members) => {
            let mut resolved = Map::new();
            for (name, member) in members {
                resolved.insert(name.clone(), resolve(member, names)?);
            }
            Value::Object(resolved)
        }
        other => other.clone(),
    })
}

fn resolve_text(text: &str, names: &Names) -> Result<Value> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@{") {
        let (path, after) = after.split_once('}').context("a name is not closed")?;
        let value = look_up(path, names)?;
        if before.is_empty() && after.is_empty() && out.is_empty() {
            return Ok(value.clone());
        }
        out.push_str(before);
        match value {
            Value::String(text) => out.push_str(text),
            Value::Number(number) => out.push_str(&number.to_string()),
            other => bail!("@{{{path}}} is {other}, which has no place in a text"),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(Value::String(out))
}

fn look_up<'a>(path: &str, names: &'a Names) -> Result<&'a Value> {
    let mut parts = path.split('.');
    let first = parts.next().unwrap_or_default();
    let mut value = names
        .get(first)
        .with_context(|| format!("nothing has the name {first}"))?;
    for part in parts {
        value = match part.parse::<usize>() {
            Ok(index) => value.get(index),
            Err(_) => value.get(part),
        }
        .with_context(|| format!("@{{{path}}} leads nowhere"))?;
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fits(expected: &Value, actual: &Value) -> bool {
        mismatch("it", expected, Some(actual)).is_none()
    }

    #[test]
    fn objects_may_have_more_arrays_may_not() {
        assert!(fits(&json!({ "a": 1 }), &json!({ "a": 1, "b": 2 })));
        assert!(!fits(&json!({ "a": 1 }), &json!({ "b": 2 })));
        assert!(!fits(&json!({ "a": {} }), &json!({ "a": null })));
        assert!(!fits(&json!([1]), &json!([1, 2])));
        assert!(!fits(
            &json!({ "$only": { "a": 1 } }),
            &json!({ "a": 1, "b": 2 })
        ));
        assert!(fits(&json!({ "$only": { "a": 1 } }), &json!({ "a": 1 })));
        assert!(!fits(&json!({ "$only": { "a": 1 } }), &json!({ "a": 2 })));
        assert!(!fits(&json!({ "$only": {} }), &json!(null)));
    }

    #[test]
    fn patterns() {
        assert!(fits(&json!("$id"), &json!("abcdefghijklmnopqrstuvwxyz")));
        assert!(!fits(&json!("$id"), &json!("abcdefghijklmnopqrstuvwxy1")));
        assert!(fits(&json!({ "a": "$none" }), &json!({})));
        assert!(!fits(&json!({ "a": "$any" }), &json!({ "a": null })));
        assert!(fits(&json!({ "$not": "$id" }), &json!("x")));
        assert!(!fits(&json!({ "$not": "x" }), &json!("x")));
        assert!(fits(&json!({ "$has": "ell" }), &json!("hello")));
        assert!(!fits(&json!("$unheard"), &json!("hello")));
    }

    #[test]
    fn names_stand_for_values() {
        let names = Names::from([("a".to_owned(), json!({ "b": [{ "c": 7 }], "t": "x" }))]);
        assert_eq!(resolve(&json!(["@{a.b.0.c}"]), &names).unwrap(), json!([7]));
        assert_eq!(
            resolve(&json!("u:@{a.t}:@{a.b.0.c}"), &names).unwrap(),
            json!("u:x:7")
        );
        assert!(resolve(&json!("@{b}"), &names).is_err());
        assert!(resolve(&json!("@{a.x}"), &names).is_err());
    }
}
