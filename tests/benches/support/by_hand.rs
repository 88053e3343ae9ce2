//! What many applications have instead: `jsonwebtoken` and a table of the tokens that are good.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use authkernel::types::Identity;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;

use super::keys::member;
use super::setting::{AUDIENCE, ISSUER, PURPOSE};

/// A verifier, and the tokens that were not revoked.
pub(crate) struct ByHand {
    key: DecodingKey,
    validation: Validation,
    records: RwLock<HashMap<String, Record>>,
}

struct Record {
    subject: String,
    revoked: bool,
}

/// Who a token is, the application's own claims included.
#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) sub: String,
    pub(crate) jti: String,
    pub(crate) sid: String,
    pub(crate) iat: u64,
    pub(crate) nbf: u64,
    pub(crate) exp: u64,
    pub(crate) purpose: String,
    pub(crate) role: String,
    pub(crate) app_version: String,
}

impl ByHand {
    /// A verifier of one JSON Web Key.
    pub(crate) fn new(key: &Value) -> Self {
        let (algorithm, decoding) = match member(key, "alg") {
            "HS256" => {
                let standard = member(key, "k").replace('-', "+").replace('_', "/") + "==";
                (Algorithm::HS256, DecodingKey::from_base64_secret(&standard))
            }
            "EdDSA" => (
                Algorithm::EdDSA,
                DecodingKey::from_ed_components(member(key, "x")),
            ),
            _ => {
                let key = DecodingKey::from_ec_components(member(key, "x"), member(key, "y"));
                (Algorithm::ES256, key)
            }
        };
        let mut validation = Validation::new(algorithm);
        validation.leeway = 5;
        validation.validate_nbf = true;
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "nbf", "exp"]);
        Self {
            key: decoding.expect("the key is valid"),
            validation,
            records: RwLock::default(),
        }
    }

    /// Remembers a token that was issued.
    pub(crate) fn store(&mut self, identity: Identity) {
        let record = Record {
            subject: identity.subject,
            revoked: false,
        };
        let records = self
            .records
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        records.insert(identity.jti, record);
    }

    /// Who a token is, if it is good.
    pub(crate) fn authenticate(&self, token: &str) -> Option<Claims> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation)
            .ok()?
            .claims;
        let records = self.records.read().unwrap_or_else(PoisonError::into_inner);
        let record = records.get(&claims.jti)?;
        let good = !record.revoked && record.subject == claims.sub && claims.purpose == PURPOSE;
        good.then_some(claims)
    }
}
