//! The policy: parsed once, refused with the path and the reason when something in it is wrong.

mod check;
mod document;
mod duration;

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::{Map, Value};

pub use document::{Presence, Reaction};

use crate::error::{Code, Error, at_path};
use crate::json;
use crate::rules::socket_id::Template;

/// The name that no purpose may have: in an exclusion it means "already revoked".
pub const REVOCATION: &str = "revocation";

/// Every trigger that `credentials-changed` knows, with what it does when the policy does not say.
pub const TRIGGERS: [(&str, Reaction); 7] = [
    ("password", Reaction::Others),
    ("email", Reaction::Everywhere),
    ("mfa", Reaction::Others),
    ("recovery", Reaction::Everywhere),
    ("role", Reaction::Everywhere),
    ("account_disabled", Reaction::Everywhere),
    ("account_deleted", Reaction::Everywhere),
];

/// What the kernel enforces. Built from one JSON document by [`Policy::parse`].
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) issuer: String,
    pub(crate) audience: Vec<String>,
    pub(crate) leeway: u64,
    pub(crate) max_token_lifetime: u64,
    pub(crate) retention: u64,
    pub(crate) max_blind: Option<u64>,
    pub(crate) purposes: BTreeMap<String, Purpose>,
    pub(crate) extra_claims: Map<String, Value>,
    pub(crate) template: Template,
    pub(crate) endpoints: Vec<String>,
    pub(crate) include_purposes: Option<Vec<String>>,
    pub(crate) exclude_purposes: Vec<String>,
    pub(crate) reactions: BTreeMap<String, Reaction>,
    /// The purposes whose tokens open live connections, by name.
    pub(crate) notify_purposes: Vec<String>,
}

/// What tokens of one purpose are like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Purpose {
    /// Seconds.
    pub(crate) lifetime: u64,
    pub(crate) store: bool,
    pub(crate) presence: Presence,
    pub(crate) opens_sockets: bool,
    pub(crate) single_use: bool,
    pub(crate) rotates: bool,
}

impl Policy {
    /// Reads a policy.
    ///
    /// Fails with `policy_invalid` and the path of what is wrong, or with `policy_not_supported` for what is right
    /// but not enforced by this version.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let value = json::parse(text.as_bytes())
            .map_err(|_| invalid("", "must be a json object without duplicate names"))?;
        if !value.is_object() {
            return Err(invalid("", "must be a json object"));
        }
        let mut track = serde_path_to_error::Track::new();
        let reader = serde_path_to_error::Deserializer::new(value, &mut track);
        match document::Document::deserialize(reader) {
            Ok(document) => check::check(document),
            Err(error) => {
                let path = track.path().to_string();
                let path = if path == "." { "" } else { &path };
                Err(invalid(path, &error.to_string()))
            }
        }
    }

    /// The `iss` of every token.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// How far clocks may differ, in seconds.
    pub fn leeway_seconds(&self) -> u64 {
        self.leeway
    }

    /// The names of all purposes.
    pub fn purposes(&self) -> impl Iterator<Item = &str> {
        self.purposes.keys().map(String::as_str)
    }

    /// The names of the purposes whose tokens open live connections.
    pub fn socket_purposes(&self) -> &[String] {
        &self.notify_purposes
    }

    /// The groups of live connections that are told.
    pub fn endpoints(&self) -> &[String] {
        &self.endpoints
    }

    /// What a trigger does.
    pub(crate) fn reaction(&self, trigger: &str) -> Result<Reaction, Error> {
        let (_, default) = TRIGGERS
            .iter()
            .find(|(name, _)| *name == trigger)
            .ok_or_else(|| Error::new(Code::TriggerUnknown))?;
        Ok(self.reactions.get(trigger).copied().unwrap_or(*default))
    }
}

/// The JSON Schema of the policy, generated from the types that read it.
#[cfg(feature = "schema")]
pub fn schema() -> Value {
    schemars::schema_for!(document::Document).to_value()
}

fn invalid(path: &str, message: &str) -> Error {
    at_path(Code::PolicyInvalid, path, message)
}

fn not_supported(path: &str, message: &str) -> Error {
    at_path(Code::PolicyNotSupported, path, message)
}
