//! What vectors share: usual claims, named policies, named keys.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::vector::{Document, KeyRef, Keys, folder};

/// `vectors/fixtures.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixtures {
    /// Always `./schema.json`.
    #[serde(rename = "$schema")]
    pub schema: String,
    /// What the file is, for people.
    pub about: String,
    /// The time at which vectors begin.
    pub now: u64,
    /// The key that signs composed tokens.
    pub key: String,
    /// The claims of a composed token.
    pub claims: Map<String, Value>,
    /// Policies by name; `default` is used where a vector names none.
    pub policies: BTreeMap<String, Value>,
    /// JSON Web Keys by name, with their private members.
    pub keys: BTreeMap<String, Value>,
    /// Key sets by name; `default` is used where a vector names none.
    pub key_sets: BTreeMap<String, Vec<KeyRef>>,
}

impl Fixtures {
    /// Reads the file.
    pub fn read() -> Result<Self> {
        let path = folder().join("fixtures.json");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let mut json = serde_json::Deserializer::from_str(&text);
        serde_path_to_error::deserialize(&mut json).context("fixtures.json")
    }

    /// The text of a policy.
    pub fn policy(&self, document: Option<&Document>) -> Result<String> {
        Ok(match document {
            None => self.named_policy("default")?.to_string(),
            Some(Document::Name(name)) => self.named_policy(name)?.to_string(),
            Some(Document::Patched(patched)) => {
                let mut policy = self.named_policy(&patched.base)?.clone();
                merge(&mut policy, &patched.patch);
                policy.to_string()
            }
            Some(Document::Json(whole)) => whole.json.to_string(),
            Some(Document::Text(raw)) => raw.text.clone(),
        })
    }

    fn named_policy(&self, name: &str) -> Result<&Value> {
        self.policies
            .get(name)
            .with_context(|| format!("the fixtures have no policy {name}"))
    }

    /// A key with its private members.
    pub fn key(&self, name: &str) -> Result<&Value> {
        self.keys
            .get(name)
            .with_context(|| format!("the fixtures have no key {name}"))
    }

    /// The text of a key set.
    pub fn key_set(&self, keys: Option<&Keys>) -> Result<String> {
        Ok(match keys {
            None => self.named_set("default")?,
            Some(Keys::Name(name)) => self.named_set(name)?,
            Some(Keys::List(list)) => self.set_of(list)?,
            Some(Keys::Json(whole)) => whole.json.to_string(),
            Some(Keys::Text(raw)) => raw.text.clone(),
        })
    }

    fn named_set(&self, name: &str) -> Result<String> {
        let list = self.key_sets.get(name);
        self.set_of(list.with_context(|| format!("the fixtures have no key set {name}"))?)
    }

    fn set_of(&self, list: &[KeyRef]) -> Result<String> {
        let mut keys = Vec::new();
        for entry in list {
            keys.push(match entry {
                KeyRef::Name(name) => self.key(name)?.clone(),
                KeyRef::Patched(patched) => {
                    let mut key = self.key(&patched.base)?.clone();
                    merge(&mut key, &patched.patch);
                    key
                }
            });
        }
        Ok(json!({ "keys": keys }).to_string())
    }
}

/// A JSON merge patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    if let Value::Object(target) = target {
        for (name, value) in patch {
            if value.is_null() {
                target.remove(name);
            } else {
                merge(target.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
    }
}
