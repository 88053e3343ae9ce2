//! The JWK files of PyJWT's tests: what a key loader takes and refuses.

use authkernel::keys::{Key, KeySet};

use super::tally::Tally;

const CURVE: &str = "the curve is not supported";
const RSA: &str = "an RSA key without alg: the kernel binds every key to one algorithm";

const OUTSIDE: [(&str, &str); 11] = [
    ("jwk_ec_key_P-384", CURVE),
    ("jwk_ec_key_P-521", CURVE),
    ("jwk_ec_key_secp256k1", CURVE),
    ("jwk_ec_pub_P-384", CURVE),
    ("jwk_ec_pub_P-521", CURVE),
    ("jwk_ec_pub_secp256k1", CURVE),
    ("jwk_okp_key_Ed448", CURVE),
    ("jwk_okp_pub_Ed448", CURVE),
    ("jwk_rsa_key", RSA),
    ("jwk_rsa_pub", RSA),
    (
        "jwk_keyset_with_unknown_alg",
        "a key that cannot be used refuses the set; PyJWT leaves it out",
    ),
];

pub(crate) fn check() {
    let Some(shared) = authkernel_tests::shared::vectors() else {
        return;
    };
    let mut tally = Tally::new("pyjwt keys", &OUTSIDE);
    let mut paths: Vec<_> = std::fs::read_dir(shared.join("keys-pyjwt"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths
        .iter()
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
    {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let found = if name.contains("keyset") {
            KeySet::parse(&text).map(drop)
        } else {
            Key::from_jwk(&text).map(drop)
        };
        // Two files are there to be refused: the empty one, and the one whose only algorithm nobody knows.
        let refused = ["jwk_empty", "jwk_keyset_only_unknown_alg"].contains(&name);
        let result = match (found, refused) {
            (Ok(()), false) | (Err(_), true) => Ok(()),
            (Ok(()), true) => Err("it was taken".to_owned()),
            (Err(error), false) => Err(error.to_string()),
        };
        tally.note(name, result);
    }
    tally.finish(7);
}
