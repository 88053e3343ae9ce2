//! The policy as it is written: one JSON document. What is not known is an error.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use core::fmt;
use core::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::duration::Duration;

/// The policy of an auth kernel: who issues, which purposes there are, what a sign-out means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(title = "authkernel policy"))]
pub(super) struct Document {
    /// The schema that editors use; ignored.
    #[serde(rename = "$schema", default)]
    pub(super) _schema: Option<String>,
    /// The `iss` of every token, compared to the letter.
    pub(super) issuer: String,
    /// The `aud` of every token that is issued. A token is accepted when it names one of them.
    pub(super) audience: Vec<String>,
    /// How far clocks may differ, in seconds, 0 to 300. Default 5.
    #[serde(default = "default_leeway")]
    #[cfg_attr(feature = "schema", schemars(range(max = 300)))]
    pub(super) leeway_seconds: u64,
    /// The longest `exp − iat` of any token. Default 400 days.
    #[serde(default = "default_max_token_lifetime")]
    pub(super) max_token_lifetime: Duration,
    /// How long revocations outlive the tokens that they kill: clocks differ and step back. Default 24 hours.
    #[serde(default = "default_retention")]
    pub(super) retention: Duration,
    /// How long a live connection may stay open while storage cannot be asked about it. Absent: for ever.
    #[serde(default)]
    pub(super) max_blind: Option<Duration>,
    /// What tokens are for, by name.
    #[serde(deserialize_with = "objects")]
    pub(super) purposes: BTreeMap<String, PurposeDocument>,
    /// Claims that every token carries.
    #[serde(default)]
    pub(super) extra_claims: serde_json::Map<String, serde_json::Value>,
    /// The topic of a live connection; variables: jti sid subject tenant purpose.
    #[serde(default = "default_template")]
    pub(super) live_socket_id_template: String,
    /// The named groups of live connections that are told of a sign-out.
    #[serde(default = "default_endpoints")]
    pub(super) endpoints: Vec<String>,
    /// What "everywhere" means when a call does not say.
    #[serde(default, deserialize_with = "object")]
    pub(super) sign_out_everywhere: SelectionDocument,
    /// What a change of credentials signs out.
    #[serde(default)]
    pub(super) on_credentials_changed: BTreeMap<String, Reaction>,
}

/// One purpose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Purpose"))]
pub(super) struct PurposeDocument {
    /// How long its tokens live.
    pub(super) lifetime: Duration,
    /// Whether a record of each token is stored. Default true.
    #[serde(default = "yes")]
    pub(super) store: bool,
    /// Whether a live record must exist, or only no revoked one. Default `required`.
    #[serde(default)]
    pub(super) presence: Presence,
    /// Whether its tokens may open live connections. Default false.
    #[serde(default)]
    pub(super) opens_sockets: bool,
    /// Whether a token is used up by its first exchange. Default false.
    #[serde(default)]
    pub(super) single_use: bool,
    /// Whether a token is replaced at every use. Default false.
    #[serde(default)]
    pub(super) rotates: bool,
    /// How long a rotated token is answered with its successor.
    #[serde(default)]
    pub(super) reuse_grace: Option<Duration>,
    /// The purposes of the tokens that it is exchanged for.
    #[serde(default)]
    pub(super) mints: Vec<String>,
}

/// Which record a token of a purpose needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Presence {
    /// A live record must exist.
    #[default]
    #[serde(rename = "required")]
    Required,
    /// No revoked or consumed record may exist.
    #[serde(rename = "not-revoked")]
    NotRevoked,
}

/// Which purposes a sign-out everywhere means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Selection"))]
pub(super) struct SelectionDocument {
    /// Only these; all when absent or null; none when empty.
    #[serde(default)]
    pub(super) include_purposes: Option<Vec<String>>,
    /// Not these; wins over the inclusion. `revocation` means "already revoked".
    #[serde(default = "default_exclusion")]
    pub(super) exclude_purposes: Vec<String>,
}

impl Default for SelectionDocument {
    fn default() -> Self {
        Self {
            include_purposes: None,
            exclude_purposes: default_exclusion(),
        }
    }
}

/// What is signed out when credentials change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Reaction {
    /// Nothing.
    Nothing,
    /// Every session but the one that made the change.
    Others,
    /// Every session.
    Everywhere,
}

/// An object. Derived code would also take a list of the members' values, in the order of the fields.
fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Object::deserialize(deserializer).map(|object| object.0)
}

/// Objects by name.
fn objects<'de, T, D>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let objects = BTreeMap::<String, Object<T>>::deserialize(deserializer)?;
    Ok(objects
        .into_iter()
        .map(|(name, object)| (name, object.0))
        .collect())
}

struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersOf<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for MembersOf<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }
        deserializer.deserialize_map(MembersOf(PhantomData))
    }
}

fn yes() -> bool {
    true
}

fn default_leeway() -> u64 {
    5
}

fn default_max_token_lifetime() -> Duration {
    Duration::days(400)
}

fn default_retention() -> Duration {
    Duration::days(1)
}

fn default_template() -> String {
    "users_sessions:{sid}".into()
}

fn default_endpoints() -> Vec<String> {
    alloc::vec!["web".into()]
}

fn default_exclusion() -> Vec<String> {
    alloc::vec![super::REVOCATION.into()]
}
