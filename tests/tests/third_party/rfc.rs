//! The examples of RFC 7515, RFC 7517 and RFC 7638, and the JOSE cookbook: RFC 7520, RFC 8037, RFC 7797.

use std::path::Path;

use authkernel::keys::{Key, KeySet};
use authkernel_tests::compose::encode;
use serde_json::Value;

use super::tally::{Tally, json, verify, wants_payload, wants_refusal};

const OUTSIDE_7515: [(&str, &str); 6] = [
    ("A.4 ES512", "P-521 is not supported"),
    (
        "A.6 key set",
        "its RSA key has no alg: the kernel binds every key to one",
    ),
    (
        "7517 A.1 key set",
        "one of its keys is for encryption, and a key that cannot be used refuses the set",
    ),
    (
        "7517 A.2 key set",
        "one of its keys is for encryption, and a key that cannot be used refuses the set",
    ),
    (
        "7517 A.3 key set",
        "its key for key wrapping cannot be used, and refuses the set",
    ),
    (
        "7638 3.1 thumbprint",
        "thumbprints are not computed: keys are named by kid",
    ),
];

/// RFC 7515 appendix A, RFC 7517 appendix A, RFC 7638 section 3.1.
pub(crate) fn check_rfc_7515() {
    let Some(shared) = authkernel_tests::shared::vectors() else {
        return;
    };
    let folder = shared.join("rfc-vectors/rfc7515");
    let text = |name: &str| {
        std::fs::read_to_string(folder.join(name))
            .unwrap()
            .trim()
            .to_owned()
    };
    let claims =
        b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
    let mut tally = Tally::new("rfc 7515", &OUTSIDE_7515);
    for (name, file, alg, payload) in [
        ("A.1 HS256", "A.1", "HS256", &claims[..]),
        ("A.2 RS256", "A.2", "RS256", &claims[..]),
        ("A.3 ES256", "A.3", "ES256", &claims[..]),
        ("A.4 ES512", "A.4", "ES512", &b"Payload"[..]),
    ] {
        let key = json(&folder.join(format!("rfc7515_{file}.jwk")));
        let found = verify(&text(&format!("rfc7515_{file}.jwsc")), &key, Some(alg));
        tally.note(name, wants_payload(found, payload));
    }
    for (name, key, alg) in [
        ("HS256", "A.1", "HS256"),
        ("RS256", "A.2", "RS256"),
        ("ES256", "A.3", "ES256"),
    ] {
        let key = json(&folder.join(format!("rfc7515_{key}.jwk")));
        for (form, file) in [
            ("A.5 none", "A.5.jwsc"),
            ("A.6 general", "A.6.jwsg"),
            ("A.7 flattened", "A.7.jwsf"),
        ] {
            let found = verify(&text(&format!("rfc7515_{file}")), &key, Some(alg));
            tally.note(&format!("{form} refused with {name}"), wants_refusal(found));
        }
    }
    for (name, file) in [
        ("A.6 key set", "rfc7515_A.6.jwkset"),
        ("7517 A.1 key set", "rfc7517_A.1.jwkset"),
        ("7517 A.2 key set", "rfc7517_A.2.jwkset"),
        ("7517 A.3 key set", "rfc7517_A.3.jwkset"),
    ] {
        let set = KeySet::parse(&text(file));
        tally.note(name, set.map(drop).map_err(|error| error.to_string()));
    }
    let key = Key::from_jwk(&text("rfc7638_3.1.jwk")).expect("the key of RFC 7638 is an RS256 key");
    let same = key.id() == text("rfc7638_3.1.thp");
    tally.note(
        "7638 3.1 thumbprint",
        if same {
            Ok(())
        } else {
            Err("no thumbprint".into())
        },
    );
    tally.finish(12);
}

const OUTSIDE_COOKBOOK: [(&str, &str); 5] = [
    (
        "jws/4_2.rsa-pss_signature compact",
        "PS384 is not supported",
    ),
    ("jws/4_3.ecdsa_signature compact", "P-521 is not supported"),
    (
        "jws/4_5.signature_with_detached_content compact",
        "a token's payload is never detached",
    ),
    (
        "rfc7797/hmac-sha2_b64_false compact",
        "an unencoded payload is refused (b64)",
    ),
    ("jwk/3_6.symmetric_key_encryption", "a key for encryption"),
];

/// RFC 7520 sections 3 and 4, RFC 8037 appendix A.4, RFC 7797.
pub(crate) fn check_cookbook() {
    let Some(shared) = authkernel_tests::shared::vectors() else {
        return;
    };
    let root = shared.join("rfc-vectors/cookbook");
    let mut tally = Tally::new("jose cookbook", &OUTSIDE_COOKBOOK);
    for folder in ["jws", "curve25519", "rfc7797"] {
        for path in files(&root.join(folder)) {
            let name = format!("{folder}/{}", path.file_stem().unwrap().to_str().unwrap());
            let vector = json(&path);
            let payload = vector["input"]["payload"].as_str().unwrap();
            // Several signatures have several keys: none of their forms is compact.
            let first = |value: &Value| value.get(0).cloned().unwrap_or_else(|| value.clone());
            let (key, alg) = (
                first(&vector["input"]["key"]),
                first(&vector["input"]["alg"]),
            );
            for (form, token) in vector["output"].as_object().unwrap() {
                let text = token
                    .as_str()
                    .map_or_else(|| token.to_string(), str::to_owned);
                let found = verify(&text, &key, alg.as_str());
                let result = match form.as_str() {
                    "compact" => wants_payload(found, payload.as_bytes()),
                    _ => wants_refusal(found),
                };
                tally.note(&format!("{name} {form}"), result);
            }
        }
    }
    for path in files(&root.join("jwk")) {
        let name = format!("jwk/{}", path.file_stem().unwrap().to_str().unwrap());
        let key = json(&path);
        let p521 = key["crv"] == "P-521";
        let alg = (key["kty"] == "RSA").then_some("RS256");
        let found = super::tally::key_set(&key, alg).map(drop);
        // P-521 is not supported, and such a key must be refused, not misread.
        tally.note(&name, if p521 { wants_refusal(found) } else { found });
    }
    tally.finish(20);
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

#[test]
fn base64url_of_the_runner_is_the_standards() {
    assert_eq!(encode(&[3, 236, 255, 224, 193]), "A-z_4ME");
}
