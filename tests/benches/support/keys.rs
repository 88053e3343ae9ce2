//! The keys of the measured service, from the examples of the RFCs: known to everybody, good for nothing else.

use serde_json::{Value, json};

/// HMAC with SHA-256 (RFC 7515 appendix A.1).
pub(crate) fn hs256() -> Value {
    json!({
        "kty": "oct", "alg": "HS256", "use": "sig", "kid": "2025-11", "status": "signing",
        "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    })
}

/// Ed25519 (RFC 8037 appendix A.1).
pub(crate) fn eddsa() -> Value {
    json!({
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "2025-11", "status": "signing",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    })
}

/// ECDSA on P-256 (RFC 7515 appendix A.3).
pub(crate) fn es256() -> Value {
    json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "2025-11", "status": "signing",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
    })
}

/// A member of a key that is text.
pub(crate) fn member<'k>(key: &'k Value, name: &str) -> &'k str {
    key[name].as_str().expect("the keys above have it")
}
