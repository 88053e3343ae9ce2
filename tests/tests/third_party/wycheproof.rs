//! Wycheproof, JSON Web Crypto: 83 tests of JWS, key sets and JWE.

use authkernel::keys::KeySet;
use authkernel::token::verify_compact;
use serde_json::Value;

use super::tally::{Tally, json, verify, wants_payload, wants_refusal};

const OUTSIDE: [(&str, &str); 4] = [
    (
        "46 rejectsKeyWithRocaVulnerability",
        "the generator of a key is not looked for in its modulus",
    ),
    (
        "47 rejectsValid",
        "a set of symmetric and public keys is safe here: each key is bound to one algorithm",
    ),
    ("50 acceptsValid", "encrypted tokens (JWE) are not read"),
    ("67 acceptsValid", "encrypted tokens (JWE) are not read"),
];

pub(crate) fn check() {
    let Some(shared) = authkernel_tests::shared::vectors() else {
        return;
    };
    let document = json(&shared.join("wycheproof/json_web_crypto_test.json"));
    let mut tally = Tally::new("wycheproof", &OUTSIDE);
    for group in document["testGroups"].as_array().unwrap() {
        let key = if group["public"].is_object() {
            &group["public"]
        } else {
            &group["private"]
        };
        for test in group["tests"].as_array().unwrap() {
            let name = format!("{} {}", test["tcId"], test["comment"].as_str().unwrap());
            // A text is compact; an object is the JSON serialization, whose text is no compact token.
            let token = test.get("jws").or_else(|| test.get("jwe")).unwrap();
            let text = token
                .as_str()
                .map_or_else(|| token.to_string(), str::to_owned);
            let found = match key["keys"].as_array() {
                Some(keys) => verify_with_set(&text, keys),
                None => verify(&text, key, None),
            };
            let result = match test["result"].as_str() {
                Some("valid") => wants_payload(found, b"foo"),
                _ => wants_refusal(found),
            };
            tally.note(&name, result);
        }
    }
    tally.finish(79);
}

/// A set in which no key signs: two symmetric ones would leave open which does.
fn verify_with_set(text: &str, keys: &[Value]) -> Result<authkernel::token::VerifiedJws, String> {
    let mut keys = keys.to_vec();
    for key in &mut keys {
        key["status"] = "verifying".into();
    }
    let set = serde_json::json!({ "keys": keys }).to_string();
    let set = KeySet::parse(&set).map_err(|error| error.to_string())?;
    verify_compact(text, &set).map_err(|error| error.to_string())
}
