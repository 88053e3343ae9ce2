//! The service that is measured: its policy, its keys, and a broker that takes everything.

use authkernel::ports::{Broadcast, BroadcastError, Message};
use authkernel::types::Issue;
use serde_json::{Map, Value, json};

/// Who issues the tokens.
pub(crate) const ISSUER: &str = "https://app.example";
/// For whom they are.
pub(crate) const AUDIENCE: &str = "app";
/// What they are for.
pub(crate) const PURPOSE: &str = "user";

/// One purpose; its tokens are stored, and refused when their record is not there.
pub(crate) fn policy() -> String {
    json!({
        "issuer": ISSUER,
        "audience": [AUDIENCE],
        "purposes": {
            PURPOSE: { "lifetime": "14d", "store": true, "presence": "required", "opens_sockets": true }
        },
        "live_socket_id_template": "users_sessions:{sid}",
        "endpoints": ["web"],
    })
    .to_string()
}

/// A set with this key, which signs.
pub(crate) fn key_set(key: &Value) -> String {
    json!({ "keys": [key] }).to_string()
}

/// A sign-in, with two claims of the application's own.
pub(crate) fn issue(subject: &str) -> Issue {
    let mut claims = Map::new();
    claims.insert("role".into(), "editor".into());
    claims.insert("app_version".into(), "2025.11.2".into());
    Issue {
        subject: subject.to_owned(),
        purpose: PURPOSE.to_owned(),
        claims: Some(claims),
        device: Some("Firefox on Linux".to_owned()),
        ..Issue::default()
    }
}

/// A broker that takes every message and tells nobody: what is measured here ends before it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TakesAll;

impl Broadcast for TakesAll {
    async fn publish(&self, messages: Vec<Message>) -> Vec<Result<(), BroadcastError>> {
        messages.iter().map(|_| Ok(())).collect()
    }
}
