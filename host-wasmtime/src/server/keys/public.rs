//! What everybody may know of a key set: the public half of each key that verifies.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// A JWK Set of public keys (RFC 7517 section 5) and the tag that changes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicKeys {
    pub(crate) text: String,
    /// For `ETag`, with its quotes.
    pub(crate) tag: String,
}

impl PublicKeys {
    /// Of a key set that the kernel has accepted. Symmetric keys have no public half; revoked keys verify nothing.
    /// Members are copied by name, so that nothing private comes along, whatever it is called.
    pub(crate) fn of(key_set: &str) -> Self {
        let document: Value = serde_json::from_str(key_set).unwrap_or_default();
        let keys: Vec<Value> = document["keys"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .filter(|key| key.get("status") != Some(&"revoked".into()))
            .filter_map(public)
            .collect();
        let text = json!({ "keys": keys }).to_string();
        let tag = Sha256::digest(&text)
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        Self {
            tag: format!("\"{tag}\""),
            text,
        }
    }
}

fn public(key: &Map<String, Value>) -> Option<Value> {
    let members: &[&str] = match key.get("kty")?.as_str()? {
        "OKP" => &["crv", "x"],
        "EC" => &["crv", "x", "y"],
        "RSA" => &["n", "e"],
        _ => return None,
    };
    let mut public = Map::new();
    for name in ["kty", "kid", "alg"].iter().chain(members) {
        if let Some(value) = key.get(*name) {
            public.insert((*name).to_owned(), value.clone());
        }
    }
    public.insert("use".to_owned(), "sig".into());
    Some(public.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_members_of_keys_that_verify_are_shown() {
        let set = json!({ "keys": [
            { "kty": "OKP", "crv": "Ed25519", "kid": "a", "alg": "EdDSA", "x": "xx", "d": "SECRET", "status": "signing" },
            { "kty": "EC", "crv": "P-256", "kid": "b", "x": "xx", "y": "yy", "d": "SECRET", "status": "retired" },
            { "kty": "oct", "kid": "c", "alg": "HS256", "k": "SECRET" },
            { "kty": "OKP", "crv": "Ed25519", "kid": "d", "x": "xx", "status": "revoked" },
        ]});
        let public = PublicKeys::of(&set.to_string());
        assert!(!public.text.contains("SECRET"), "{}", public.text);
        let shown: Value = serde_json::from_str(&public.text).unwrap();
        let kids: Vec<_> = shown["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["kid"].as_str().unwrap())
            .collect();
        assert_eq!(kids, ["a", "b"]);
        assert_eq!(shown["keys"][0]["use"], "sig");
        assert_ne!(public.tag, PublicKeys::of(r#"{"keys":[]}"#).tag);
    }
}
