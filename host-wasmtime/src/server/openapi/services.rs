//! What other services use, with a client that the operator has configured.

use authkernel::Code;
use serde_json::{Value, json};

use super::accounts::{SID, SUBJECT, counts};
use super::operation::{Operation, schema_ref};
use super::schemas;

const TAG: &str = "services";
const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn operations() -> Vec<Operation> {
    vec![jwks(), introspect(), revoke(), sign_out()]
}

fn jwks() -> Operation {
    let key = json!({
        "kty": "OKP", "crv": "Ed25519", "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "alg": "EdDSA",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "use": "sig",
    });
    Operation::get("/.well-known/jwks.json", "jwks", TAG, "The public keys that tokens verify with")
        .says("Never a symmetric key, never a revoked one. Look again when a token names a key that is not here.")
        .parameter("header", "If-None-Match", json!({ "type": "string" }), "the `ETag` of the copy at hand")
        .response(
            200,
            json!({
                "description": "a JWK Set (RFC 7517)",
                "content": { "application/jwk-set+json": {
                    "schema": schema_ref("PublicKeys"), "example": { "keys": [key] },
                } },
            }),
        )
        .header(200, "ETag", true, "changes with the keys")
        .header(200, "Cache-Control", true, "how long they may be kept")
        .response(304, json!({ "description": "the copy at hand is good" }))
        .header(304, "ETag", true, "that of the copy")
}

fn introspect() -> Operation {
    Operation::post("/oauth/introspect", "introspect", TAG, "Whether a token may be used now (RFC 7662)")
        .says("Decided as everywhere else. Whatever is not active is exactly `{\"active\": false}`.")
        .takes_a_token()
        .answers(
            200,
            "what the token says, or that it is not active",
            "Introspection",
            json!({
                "active": true, "token_type": "Bearer", "iss": "authkernel", "sub": SUBJECT, "sid": SID,
                "jti": "q4t2mzbn7ylhvx5kd6ocae3wfi", "purpose": "user", "iat": 1_800_000_000, "exp": 1_801_209_600,
            }),
        )
}

fn revoke() -> Operation {
    Operation::post(
        "/oauth/revoke",
        "revoke",
        TAG,
        "End the session of a token (RFC 7009)",
    )
    .says("A token that is unknown, dead or forged ends nothing and is answered alike.")
    .takes_a_token()
    .answers(200, "it is over", "Nothing", json!({}))
}

fn sign_out() -> Operation {
    Operation::post(
        "/admin/subjects/{subject}/sign-out",
        "signOutSubject",
        TAG,
        "Sign a subject out",
    )
    .says("The tenant is that of the client. With `dry_run` it says what would be signed out, and changes nothing.")
    .parameter("path", "subject", schemas::text(), "whom, percent-encoded")
    .takes("SignOutSubject", json!({ "reason": "stolen_laptop" }))
    .for_a_client()
    .answers(200, "these were signed out", "Counts", counts())
    .response(
        404,
        json!({
            "description": "no clients are configured, or the path is no text",
            "content": { "application/json": { "schema": {
                "anyOf": [schema_ref("OAuthError"), schema_ref("Error")],
            } } },
        }),
    )
    .refuses([
        Code::PurposeInvalid.into(),
        Code::SelectorInvalid.into(),
        Code::InputInvalid.into(),
    ])
}

impl Operation {
    /// The form of both OAuth routes, and how these are refused.
    fn takes_a_token(self) -> Self {
        self.body(
            FORM,
            "TokenForm",
            json!({ "token": "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl" }),
        )
        .for_a_client()
        .oauth_error(
            400,
            "the form is not what the route takes",
            "invalid_request",
        )
        .oauth_error(413, "the form is too large", "invalid_request")
        .oauth_error(500, "the server failed", "server_error")
        .oauth_error(503, "not now", "temporarily_unavailable")
    }

    /// The client's own authentication.
    fn for_a_client(self) -> Self {
        self.secured(&["client"])
            .oauth_error(
                401,
                "the client is unknown, or its secret is wrong",
                "invalid_client",
            )
            .header(
                401,
                "WWW-Authenticate",
                false,
                "unless the secret came in the form",
            )
            .oauth_error(403, "the client may not do this", "unauthorized_client")
            .oauth_error(404, "no clients are configured", "not_found")
            .oauth_error(429, "too many wrong secrets", "slow_down")
            .header(429, "Retry-After", true, "seconds to wait")
    }

    fn oauth_error(self, status: u16, text: &str, error: &str) -> Self {
        let schema: Value = json!({
            "allOf": [schema_ref("OAuthError"), { "properties": { "error": { "const": error } } }],
        });
        let example = json!({ "error": error, "error_description": text });
        let content = json!({ "application/json": { "schema": schema, "example": example } });
        self.response(status, json!({ "description": text, "content": content }))
    }
}
