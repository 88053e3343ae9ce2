//! What must never leave: tokens and the private parts of keys.

use anyhow::{Result, ensure};

use crate::fixtures::Fixtures;

/// Parts shorter than this occur by chance, or are no secret.
const SHORTEST: usize = 16;

/// Texts that no refusal and no port call may contain.
#[derive(Debug, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// The private parts of every key of the fixtures.
    pub fn of_keys(fixtures: &Fixtures) -> Self {
        let mut secrets = Self::default();
        for key in fixtures.keys.values() {
            for name in ["k", "d"] {
                secrets.add(key[name].as_str().unwrap_or_default());
            }
        }
        secrets
    }

    /// A token: its payload and its signature are secrets each.
    pub fn add_token(&mut self, token: &str) {
        // One that only repeats a text has no secret in it.
        for segment in token
            .split('.')
            .skip(1)
            .take(2)
            .filter(|part| part.len() < 10_000)
        {
            self.add(segment);
        }
    }

    fn add(&mut self, text: &str) {
        if text.len() >= SHORTEST {
            self.0.push(text.to_owned());
        }
    }

    /// Fails when a text contains one of them.
    pub fn check(&self, what: &str, text: &str) -> Result<()> {
        let leaked = self.0.iter().any(|secret| text.contains(secret.as_str()));
        ensure!(!leaked, "{what} contains a token or a key: {text}");
        Ok(())
    }
}
