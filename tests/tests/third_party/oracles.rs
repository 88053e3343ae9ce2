//! Two other libraries as judges: what the kernel mints verifies there, what they mint verifies here.

use authkernel::testing::test_host;
use authkernel::types::{Authenticate, Issue};
use authkernel::{Kernel, KeySet, Policy};
use authkernel_tests::compose;
use authkernel_tests::fixtures::Fixtures;
use authkernel_tests::signer::member;
use authkernel_tests::vector::{KeyRef, Keys, TokenSpec};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Map, Value, json};

const KEYS: [&str; 5] = ["hs256-a", "hs384-a", "hs512-a", "ed25519-a", "es256-a"];

struct Judge {
    fixtures: Fixtures,
    runtime: tokio::runtime::Runtime,
}

impl Judge {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        Self {
            fixtures: Fixtures::read().unwrap(),
            runtime,
        }
    }

    fn kernel(&self, key: &str) -> Kernel<authkernel::testing::TestHost> {
        let policy = Policy::parse(&self.fixtures.policy(None).unwrap()).unwrap();
        let keys = Keys::List(vec![KeyRef::Name(key.into())]);
        let keys = KeySet::parse(&self.fixtures.key_set(Some(&keys)).unwrap()).unwrap();
        Kernel::new(policy, keys, test_host(self.fixtures.now).0)
    }

    fn minted(&self, key: &str) -> String {
        let request = Issue {
            subject: "käufer/1".into(),
            purpose: "user".into(),
            claims: Some(Map::from_iter([(
                "role".into(),
                json!(["admin", { "é": null }]),
            )])),
            ..Issue::default()
        };
        self.runtime
            .block_on(self.kernel(key).issue(request))
            .unwrap()
            .token
    }

    /// The claims of a token that the kernel accepts without a record.
    fn claims(&self) -> Map<String, Value> {
        let claims = Map::from_iter([
            ("purpose".into(), "kiosk".into()),
            ("role".into(), "admin".into()),
        ]);
        compose::claims(
            &TokenSpec {
                claims,
                ..TokenSpec::default()
            },
            &self.fixtures,
        )
    }

    fn accepts(&self, key: &str, token: &str) {
        let request = Authenticate {
            token: token.into(),
            purposes: vec!["kiosk".into()],
            tenant: None,
        };
        let identity = self
            .runtime
            .block_on(self.kernel(key).authenticate(request));
        let identity = identity.unwrap_or_else(|error| panic!("{key}: {error}"));
        assert_eq!(
            (identity.subject.as_str(), &identity.claims["role"]),
            ("user?id=1", &json!("admin"))
        );
    }

    fn bytes(&self, key: &str, name: &str) -> Vec<u8> {
        Base64UrlUnpadded::decode_vec(member(self.fixtures.key(key).unwrap(), name).unwrap())
            .unwrap()
    }
}

/// jsonwebtoken, on aws-lc: another implementation of every algorithm.
pub(crate) fn check_jsonwebtoken() {
    use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, decode, encode};

    let judge = Judge::new();
    for key in KEYS {
        let jwk = judge.fixtures.key(key).unwrap();
        let text = |name: &str| member(jwk, name).unwrap();
        let algorithm = text("alg").parse().unwrap();
        let (signs, verifies) = match text("kty") {
            "oct" => {
                let secret = judge.bytes(key, "k");
                (
                    EncodingKey::from_secret(&secret),
                    DecodingKey::from_secret(&secret),
                )
            }
            "OKP" => (
                EncodingKey::from_ed_der(&ed25519_pkcs8(&judge.bytes(key, "d"))),
                DecodingKey::from_ed_components(text("x")).unwrap(),
            ),
            _ => {
                let (d, x, y) = (
                    judge.bytes(key, "d"),
                    judge.bytes(key, "x"),
                    judge.bytes(key, "y"),
                );
                let point = [&[4], &x[..], &y[..]].concat();
                (
                    EncodingKey::from_ec_der(&p256_pkcs8(&d, &point)),
                    DecodingKey::from_ec_components(text("x"), text("y")).unwrap(),
                )
            }
        };
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&["https://app.example"]);
        validation.set_audience(&["app"]);
        // The time of the vectors is long past.
        validation.validate_exp = false;
        let token = judge.minted(key);
        let claims = decode::<Map<String, Value>>(&token, &verifies, &validation);
        let claims = claims
            .unwrap_or_else(|error| panic!("{key}: {error}"))
            .claims;
        assert_eq!(
            (&claims["sub"], &claims["role"]),
            (&json!("käufer/1"), &json!(["admin", { "é": null }]))
        );
        let cut = &token[..token.len() - 4];
        assert!(
            decode::<Map<String, Value>>(cut, &verifies, &validation).is_err(),
            "{key}: the judge sleeps"
        );

        let mut header = Header::new(algorithm);
        header.kid = Some(key.into());
        judge.accepts(key, &encode(&header, &judge.claims(), &signs).unwrap());
    }
}

/// jwt-compact, with its own reading and writing of tokens.
pub(crate) fn check_jwt_compact() {
    use jwt_compact::alg::{Ed25519, Es256, Hs256, Hs256Key, Hs384, Hs384Key, Hs512, Hs512Key};

    let judge = Judge::new();
    let secret = |key: &str| judge.bytes(key, "k");
    let (a, b, c) = (secret("hs256-a"), secret("hs384-a"), secret("hs512-a"));
    both_ways(
        &judge,
        "hs256-a",
        &Hs256,
        &Hs256Key::new(&a),
        &Hs256Key::new(&a),
    );
    both_ways(
        &judge,
        "hs384-a",
        &Hs384,
        &Hs384Key::new(&b),
        &Hs384Key::new(&b),
    );
    both_ways(
        &judge,
        "hs512-a",
        &Hs512,
        &Hs512Key::new(&c),
        &Hs512Key::new(&c),
    );
    let seed: [u8; 32] = judge.bytes("ed25519-a", "d").try_into().unwrap();
    let signs = ed25519_dalek::SigningKey::from_bytes(&seed);
    both_ways(
        &judge,
        "ed25519-a",
        &Ed25519,
        &signs,
        &signs.verifying_key(),
    );
    let signs = p256::ecdsa::SigningKey::from_slice(&judge.bytes("es256-a", "d")).unwrap();
    both_ways(&judge, "es256-a", &Es256, &signs, signs.verifying_key());
}

fn both_ways<A: jwt_compact::Algorithm>(
    judge: &Judge,
    key: &str,
    algorithm: &A,
    signs: &A::SigningKey,
    verifies: &A::VerifyingKey,
) {
    use jwt_compact::{AlgorithmExt as _, Claims, Header, UntrustedToken};

    let token = judge.minted(key);
    let untrusted = UntrustedToken::new(&token).unwrap();
    let found = algorithm
        .validator::<Map<String, Value>>(verifies)
        .validate(&untrusted);
    let found = found.unwrap_or_else(|error| panic!("{key}: {error}"));
    assert_eq!(found.claims().custom["sub"], "käufer/1");

    let mut claims = judge.claims();
    let time = |claims: &mut Map<String, Value>, name: &str| {
        let seconds = claims.remove(name).unwrap().as_i64().unwrap();
        chrono::DateTime::from_timestamp(seconds, 0)
    };
    let (iat, nbf, exp) = (
        time(&mut claims, "iat"),
        time(&mut claims, "nbf"),
        time(&mut claims, "exp"),
    );
    let mut claims = Claims::new(claims);
    (claims.issued_at, claims.not_before, claims.expiration) = (iat, nbf, exp);
    let header = Header::empty().with_key_id(key).with_token_type("JWT");
    let token = algorithm
        .token(&header, &claims, signs)
        .unwrap_or_else(|_| panic!("{key}: not signed"));
    judge.accepts(key, &token);
}

/// RFC 8410 section 7.
fn ed25519_pkcs8(seed: &[u8]) -> Vec<u8> {
    const BEFORE: [u8; 16] = [
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    [&BEFORE[..], seed].concat()
}

/// RFC 5915 inside RFC 5958, for P-256.
fn p256_pkcs8(secret: &[u8], point: &[u8]) -> Vec<u8> {
    const BEFORE: [u8; 36] = [
        0x30, 0x81, 0x87, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 4, 0x6d, 0x30, 0x6b, 2, 1, 1, 4, 0x20,
    ];
    const BETWEEN: [u8; 5] = [0xa1, 0x44, 3, 0x42, 0];
    [&BEFORE[..], secret, &BETWEEN, point].concat()
}
