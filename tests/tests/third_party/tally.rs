//! Keeps count of what passes, what fails, and what was expected to fail.

use std::collections::BTreeSet;
use std::path::Path;

use authkernel::keys::{Key, KeySet};
use authkernel::token::{VerifiedJws, verify_compact};
use serde_json::Value;

/// A run over one set of vectors.
pub(crate) struct Tally {
    name: &'static str,
    outside: &'static [(&'static str, &'static str)],
    seen: BTreeSet<String>,
    passed: usize,
    complaints: Vec<String>,
}

impl Tally {
    /// `outside`: vectors that the kernel does not follow, by name, each with the reason.
    pub(crate) fn new(
        name: &'static str,
        outside: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self {
            name,
            outside,
            seen: BTreeSet::new(),
            passed: 0,
            complaints: Vec::new(),
        }
    }

    /// Notes whether the kernel did what a vector asks for.
    pub(crate) fn note(&mut self, vector: &str, result: Result<(), String>) {
        assert!(
            self.seen.insert(vector.to_owned()),
            "{}: {vector} stands there twice",
            self.name
        );
        let reason = self
            .outside
            .iter()
            .find(|(name, _)| *name == vector)
            .map(|(_, reason)| reason);
        match (result, reason) {
            (Ok(()), None) => self.passed += 1,
            (Err(_), Some(_)) => {}
            (Ok(()), Some(reason)) => {
                self.complaints.push(format!(
                    "{vector} passes, but is listed as outside the scope: {reason}"
                ));
            }
            (Err(error), None) => self.complaints.push(format!("{vector}: {error}")),
        }
    }

    /// Fails with everything that was not as it should be.
    pub(crate) fn finish(mut self, at_least: usize) {
        for (name, _) in self.outside {
            if !self.seen.contains(*name) {
                self.complaints.push(format!(
                    "{name} is listed as outside the scope, but is not there"
                ));
            }
        }
        println!(
            "{}: {} pass, {} are outside the scope",
            self.name,
            self.passed,
            self.outside.len()
        );
        assert!(
            self.complaints.is_empty(),
            "{}:\n{}",
            self.name,
            self.complaints.join("\n")
        );
        assert!(
            self.passed >= at_least,
            "{}: only {} passed",
            self.name,
            self.passed
        );
    }
}

/// Reads a JSON file of the shared vectors.
pub(crate) fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A set of one key. A vector that states the algorithm beside its key is given it inside.
pub(crate) fn key_set(key: &Value, alg: Option<&str>) -> Result<KeySet, String> {
    let mut key = key.clone();
    if let (Some(alg), Some(members)) = (alg, key.as_object_mut()) {
        members.entry("alg").or_insert_with(|| alg.into());
    }
    let key =
        Key::from_jwk(&key.to_string()).map_err(|error| format!("the key was refused: {error}"))?;
    Ok(KeySet::from_key(key))
}

/// Verifies a compact JWS with one key.
pub(crate) fn verify(text: &str, key: &Value, alg: Option<&str>) -> Result<VerifiedJws, String> {
    verify_compact(text, &key_set(key, alg)?).map_err(|error| error.to_string())
}

/// The vector wants it verified, with this payload.
pub(crate) fn wants_payload(
    found: Result<VerifiedJws, String>,
    payload: &[u8],
) -> Result<(), String> {
    match found {
        Ok(jws) if jws.payload == payload => Ok(()),
        Ok(_) => Err("it verified with another payload".into()),
        Err(error) => Err(error),
    }
}

/// The vector wants it refused.
pub(crate) fn wants_refusal<T>(found: Result<T, String>) -> Result<(), String> {
    match found {
        Ok(_) => Err("it verified".into()),
        Err(_) => Ok(()),
    }
}
