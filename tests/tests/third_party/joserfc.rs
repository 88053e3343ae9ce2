//! The JWS fixtures of joserfc.

use authkernel_tests::compose::encode;
use base64ct::{Base64, Encoding};
use serde_json::{Value, json as object};

use super::tally::{Tally, json, verify, wants_payload, wants_refusal};

const SHORT: &str = "its secret is shorter than the hash: such a key is refused";
const LONG_HASH: &str = "RSA is verified with SHA-256 only";
const B64: &str = "b64, true or false, is refused";

const OUTSIDE: [(&str, &str); 14] = [
    ("jws_examples HS256 compact", SHORT),
    ("jws_examples HS384 compact", SHORT),
    ("jws_examples HS512 compact", SHORT),
    ("jws_examples RS384 compact", LONG_HASH),
    ("jws_examples RS512 compact", LONG_HASH),
    ("jwt_use_jws HS256 compact", SHORT),
    ("jwt_use_jws HS384 compact", SHORT),
    ("jwt_use_jws HS512 compact", SHORT),
    ("jwt_use_jws RS384 compact", LONG_HASH),
    ("jwt_use_jws RS512 compact", LONG_HASH),
    (
        "jws_rfc7797 4.1 HS256 compact",
        "the key is not part of the fixture",
    ),
    ("jws_rfc7797 4.2 HS256 with b64=false compact", B64),
    ("jws_rfc7797 HS256 with b64=true compact", B64),
    (
        "jws_rfc7797 HS256 with b64=false, safe payload compact",
        B64,
    ),
];

pub(crate) fn check() {
    let Some(shared) = authkernel_tests::shared::vectors() else {
        return;
    };
    let folder = shared.join("jws-joserfc");
    let mut tally = Tally::new("joserfc", &OUTSIDE);
    for file in ["jws_examples", "jwt_use_jws", "jws_rfc7797"] {
        let document = json(&folder.join(format!("{file}.json")));
        for test in document["tests"].as_array().unwrap() {
            let payload = test.get("payload").unwrap_or(&document["payload"]);
            let payload = payload
                .as_str()
                .map_or_else(|| payload.to_string(), str::to_owned);
            let alg = test
                .get("protected")
                .or_else(|| test.get("header"))
                .and_then(|it| it["alg"].as_str());
            let key = key(test, &folder);
            for form in ["compact", "token", "general_json", "flattened_json"] {
                let Some(token) = test.get(form) else {
                    continue;
                };
                let text = token
                    .as_str()
                    .map_or_else(|| token.to_string(), str::to_owned);
                let found = verify(&text, &key, alg);
                let (form, result) = match form {
                    "compact" | "token" => ("compact", wants_payload(found, payload.as_bytes())),
                    _ => (form, wants_refusal(found)),
                };
                let name = format!("{file} {} {form}", test["name"].as_str().unwrap());
                tally.note(&name, result);
            }
        }
    }
    tally.finish(17);
}

fn key(test: &Value, folder: &std::path::Path) -> Value {
    if let Some(secret) = test["secret"].as_str() {
        return object!({ "kty": "oct", "k": encode(secret.as_bytes()) });
    }
    match test["public_key"].as_str() {
        Some("rsa-openssl-public.pem") => {
            let pem = std::fs::read_to_string(folder.join("keys/rsa-openssl-public.pem")).unwrap();
            let (n, e) = rsa_numbers(&pem);
            object!({ "kty": "RSA", "n": encode(&n), "e": encode(&e) })
        }
        _ => object!({ "kty": "oct", "k": "" }),
    }
}

/// Modulus and exponent of an RSA public key in PEM: the last two integers of its DER.
fn rsa_numbers(pem: &str) -> (Vec<u8>, Vec<u8>) {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = Base64::decode_vec(&body).unwrap();
    let mut numbers = Vec::new();
    // SEQUENCE { SEQUENCE { oid, null }, BIT STRING { SEQUENCE { INTEGER n, INTEGER e } } }
    let mut rest = &der[..];
    while let [tag, after @ ..] = rest {
        let (length, after) = match after {
            [byte, after @ ..] if *byte < 0x80 => (usize::from(*byte), after),
            [0x81, one, after @ ..] => (usize::from(*one), after),
            [0x82, one, two, after @ ..] => (usize::from(*one) << 8 | usize::from(*two), after),
            _ => panic!("not the DER that was expected"),
        };
        rest = match tag {
            0x30 => after,
            0x03 => &after[1..],
            _ => {
                if *tag == 0x02 {
                    let number = &after[..length];
                    numbers.push(number.strip_prefix(&[0]).unwrap_or(number).to_vec());
                }
                &after[length..]
            }
        };
    }
    let e = numbers.pop().unwrap();
    (numbers.pop().unwrap(), e)
}
