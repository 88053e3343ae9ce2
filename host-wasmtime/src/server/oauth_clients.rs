//! Other services that may ask about tokens and sign people out: who they are, and what each may do.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::start::StartError;

/// How a hash is marked. Secrets are random, 256 bits, so that one round of a plain hash keeps them.
const HASH_PREFIX: &str = "sha256:";
/// The longest name of a client, in bytes.
const MAX_ID: usize = 128;

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Permission {
    /// `POST /oauth/revoke`
    Revoke,
    /// `POST /oauth/introspect`
    Introspect,
    /// `POST /admin/subjects/{subject}/sign-out`
    SignOut,
}

/// A service that was configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OAuthClient {
    pub(crate) id: String,
    /// The tenant whose tokens it deals with; those without a tenant when absent.
    pub(crate) tenant: Option<String>,
    secret_hash: [u8; 32],
    may: Vec<Permission>,
}

impl OAuthClient {
    /// Whether it was allowed to.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.may.contains(&permission)
    }
}

/// All that were configured.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OAuthClients(HashMap<String, Arc<OAuthClient>>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    clients: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    secret_hash: String,
    may: Vec<Permission>,
    tenant: Option<String>,
}

impl OAuthClients {
    /// Reads the operator's file.
    pub(crate) fn load(file: &Path) -> Result<Self, StartError> {
        let at =
            |problem: String| StartError::config(format!("clients {}: {problem}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|error| at(error.to_string()))?;
        Self::parse(&text).map_err(at)
    }

    fn parse(text: &str) -> Result<Self, String> {
        // The reader's message names the place and at most the name of a member, never a value that is a secret:
        // there is none in the file.
        let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut clients = HashMap::new();
        for (index, entry) in document.clients.into_iter().enumerate() {
            let path = format!("clients[{index}]");
            let client = entry
                .check()
                .map_err(|problem| format!("{path}.{problem}"))?;
            if clients
                .insert(client.id.clone(), Arc::new(client))
                .is_some()
            {
                return Err(format!("{path}.id: is used twice"));
            }
        }
        if clients.is_empty() {
            return Err("clients: must name at least one".to_owned());
        }
        Ok(Self(clients))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The client with this id and secret. An unknown id takes as long as a wrong secret.
    pub(crate) fn authenticate(&self, id: &str, secret: &str) -> Option<Arc<OAuthClient>> {
        const NOBODY: [u8; 32] = [0; 32];
        let hash: [u8; 32] = Sha256::digest(secret).into();
        let found = self.0.get(id);
        let expected = found.map_or(&NOBODY, |client| &client.secret_hash);
        let same: bool = hash.ct_eq(expected).into();
        found.filter(|_| same).cloned()
    }
}

impl Entry {
    fn check(self) -> Result<OAuthClient, String> {
        check_id(&self.id).map_err(|problem| format!("id: {problem}"))?;
        let hash = self.secret_hash.strip_prefix(HASH_PREFIX);
        let mut secret_hash = [0; 32];
        let decoded = hash.map(|hash| Base64UrlUnpadded::decode(hash, &mut secret_hash));
        if !matches!(decoded, Some(Ok(bytes)) if bytes.len() == 32) {
            return Err(
                "secret_hash: must be what `authkernel client` prints: sha256: and 43 characters of base64url"
                    .to_owned(),
            );
        }
        if self.may.is_empty() {
            return Err("may: must name at least one of revoke, introspect, sign-out".to_owned());
        }
        if self.tenant.as_deref() == Some("") {
            return Err("tenant: is never empty: leave it out".to_owned());
        }
        Ok(OAuthClient {
            id: self.id,
            tenant: self.tenant,
            secret_hash,
            may: self.may,
        })
    }
}

/// Printable ASCII (RFC 6749 appendix A.1), so that logs and headers can hold it.
fn check_id(id: &str) -> Result<(), &'static str> {
    let fits = (1..=MAX_ID).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic());
    match fits {
        true => Ok(()),
        false => Err("must be 1 to 128 printable ascii characters"),
    }
}

/// A new client: its secret, which is kept nowhere, and its entry for the file.
pub(crate) fn generate(
    id: &str,
    may: &[Permission],
    tenant: Option<&str>,
) -> Result<(String, Value), StartError> {
    check_id(id).map_err(|problem| StartError::config(format!("the client's name {problem}")))?;
    let mut random = [0; 32];
    getrandom::fill(&mut random)
        .map_err(|_| StartError::other("the source of randomness failed: no secret was made"))?;
    let secret = Base64UrlUnpadded::encode_string(&random);
    let hash = Base64UrlUnpadded::encode_string(&Sha256::digest(&secret));
    let may: Vec<_> = may
        .iter()
        .filter_map(clap::ValueEnum::to_possible_value)
        .map(|name| name.get_name().to_owned())
        .collect();
    let mut entry = json!({ "id": id, "secret_hash": format!("{HASH_PREFIX}{hash}"), "may": may });
    if let Some(tenant) = tenant {
        entry["tenant"] = tenant.into();
    }
    Ok((secret, entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_client_can_be_configured_and_only_its_secret_is_taken() {
        let may = [Permission::Introspect, Permission::SignOut];
        let (secret, entry) = generate("orders", &may, Some("acme")).unwrap();
        let clients = OAuthClients::parse(&json!({ "clients": [entry] }).to_string()).unwrap();
        let client = clients.authenticate("orders", &secret).unwrap();
        assert_eq!(client.tenant.as_deref(), Some("acme"));
        assert!(client.may(Permission::SignOut) && !client.may(Permission::Revoke));
        assert!(clients.authenticate("orders", "other").is_none());
        assert!(clients.authenticate("others", &secret).is_none());
        assert!(!format!("{clients:?}").contains(&secret));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let (_, good) = generate("a", &[Permission::Revoke], None).unwrap();
        let with = |member: &str, value: Value| {
            let mut entry = good.clone();
            entry[member] = value;
            OAuthClients::parse(&json!({ "clients": [entry] }).to_string()).unwrap_err()
        };
        assert!(with("id", "".into()).contains("clients[0].id"));
        assert!(with("id", "a\n".into()).contains("clients[0].id"));
        assert!(with("secret_hash", "sha256:short".into()).contains("clients[0].secret_hash"));
        assert!(with("may", json!([])).contains("clients[0].may"));
        assert!(with("may", json!(["everything"])).contains("everything"));
        assert!(with("tenant", "".into()).contains("clients[0].tenant"));
        assert!(with("mey", json!([])).contains("mey"));
        let twice = json!({ "clients": [good, good] }).to_string();
        assert!(
            OAuthClients::parse(&twice)
                .unwrap_err()
                .contains("clients[1].id")
        );
        assert!(OAuthClients::parse(r#"{"clients":[]}"#).is_err());
    }
}
