//! What must hold for every input, tried with random ones. A failure prints the smallest input that was found.

mod properties {
    pub(crate) mod model;
    pub(crate) mod topics;
}

use authkernel::testing::{CallLog, TestHost, test_host};
use authkernel::types::{Authenticate, Issue, SignOutEverywhere};
use authkernel::{Kernel, KeySet, Kind, Policy};
use authkernel_tests::compose::{self, compose};
use authkernel_tests::fixtures::Fixtures;
use authkernel_tests::vector::{KeyRef, Keys, TokenSpec};
use proptest::prelude::*;
use serde_json::{Map, Value};

fn fixtures() -> Fixtures {
    Fixtures::read().expect("the fixtures can be read")
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(future)
}

fn kernel(keys: &str) -> (Kernel<TestHost>, CallLog) {
    let fixtures = fixtures();
    let policy = Policy::parse(&fixtures.policy(None).unwrap()).unwrap();
    let keys = Keys::List(vec![KeyRef::Name(keys.into())]);
    let keys = fixtures.key_set(Some(&keys)).unwrap();
    let (host, log) = test_host(fixtures.now);
    (
        Kernel::new(policy, KeySet::parse(&keys).unwrap(), host),
        log,
    )
}

fn accept(token: String) -> Authenticate {
    let purposes = ["user", "api", "kiosk", "password_reset"]
        .map(String::from)
        .to_vec();
    Authenticate {
        token,
        purposes,
        tenant: None,
    }
}

/// Any JSON value, a few levels deep.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "user",
            "app",
            "https://app.example",
            "14d",
            "required",
            "{sid}",
            "HS256",
            "oct"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..6)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    let known = [
        "iss", "aud", "sub", "jti", "sid", "iat", "nbf", "exp", "purpose", "tenant", "act",
        "epoch", "issuer", "audience", "purposes", "user", "lifetime", "store", "keys", "kty",
        "kid", "alg", "k", "x", "y", "d", "crv",
    ];
    prop_oneof![
        prop::sample::select(known.to_vec()).prop_map(String::from),
        ".{0,6}"
    ]
}

/// Failures are printed whole; no file is written into the source tree.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn any_text_is_refused_without_a_storage_call(
        text in prop_oneof![
            ".{0,300}",
            "[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}",
            "eyJhbGciOiJIUzI1NiIsImtpZCI6ImhzMjU2LWEiLCJ0eXAiOiJKV1QifQ\\.[A-Za-z0-9_=+/-]{0,80}\\.[A-Za-z0-9_-]{43}",
        ],
    ) {
        let (kernel, log) = kernel("hs256-a");
        let refused = run(kernel.authenticate(accept(text)));
        prop_assert_eq!(refused.expect_err("no text is a token by chance").code().kind(), Kind::Denied);
        prop_assert!(log.calls().is_empty());
    }

    #[test]
    fn any_json_is_refused_without_a_panic(document in json()) {
        let text = document.to_string();
        let _ = Policy::parse(&text);
        let _ = KeySet::parse(&text);
        let spec = TokenSpec { payload: Some(text), ..TokenSpec::default() };
        let token = compose(&spec, &fixtures()).unwrap();
        let (kernel, log) = kernel("hs256-a");
        prop_assert!(run(kernel.authenticate(accept(token))).is_err());
        prop_assert!(log.calls().is_empty());
    }

    #[test]
    fn any_claims_are_refused_or_come_back_as_they_are(
        claims in prop::collection::vec((name(), json()), 1..4),
    ) {
        let claims: Map<String, Value> = claims.into_iter().collect();
        let mut spec = TokenSpec { claims, ..TokenSpec::default() };
        spec.claims.entry("purpose").or_insert("kiosk".into());
        let (kernel, log) = kernel("hs256-a");
        let token = compose(&spec, &fixtures()).unwrap();
        match run(kernel.authenticate(accept(token))) {
            Err(_) => prop_assert!(log.calls().len() <= 1),
            Ok(identity) => {
                let claims = compose::claims(&spec, &fixtures());
                prop_assert_eq!(&claims["sub"], identity.subject.as_str());
                prop_assert_eq!(&claims["jti"], identity.jti.as_str());
                prop_assert_eq!(&claims["sid"], identity.sid.as_str());
                prop_assert_eq!(claims["exp"].as_u64(), Some(identity.expires_at));
                for (name, value) in claims {
                    if !authkernel::RESERVED_CLAIMS.contains(&name.as_str()) {
                        prop_assert_eq!(identity.claims.get(&name), Some(&value), "{}", name);
                    }
                }
            }
        }
    }

    #[test]
    fn a_changed_token_is_refused(
        key in prop::sample::select(vec!["hs256-a", "hs512-a", "ed25519-a", "es256-a"]),
        place in any::<prop::sample::Index>(),
        other in prop_oneof!["[A-Za-z0-9_-]", "[ -~]", "."],
        kind in 0..3,
    ) {
        let spec = TokenSpec { key: Some(key.into()), claims: Map::from_iter([("purpose".into(), "kiosk".into())]), ..TokenSpec::default() };
        let token = compose(&spec, &fixtures()).unwrap();
        let at = place.index(token.len());
        let (before, after) = token.split_at(at);
        let changed = match kind {
            0 => format!("{before}{other}{}", &after[1..]),
            1 => format!("{before}{}", &after[1..]),
            _ => format!("{before}{other}{after}"),
        };
        prop_assume!(changed != token);
        let (kernel, log) = kernel(key);
        prop_assert!(run(kernel.authenticate(accept(changed))).is_err());
        prop_assert!(log.calls().is_empty());
        prop_assert!(run(kernel.authenticate(accept(token))).is_ok());
    }

    #[test]
    fn selection_is_set_algebra(
        purposes in prop::collection::vec(0..4usize, 1..8),
        include in prop::option::of(prop::collection::vec(0..4usize, 0..4)),
        exclude in prop::option::of(prop::collection::vec(0..5usize, 0..4)),
        keep in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
    ) {
        const NAMES: [&str; 5] = ["user", "api", "kiosk", "password_reset", "revocation"];
        let named = |list: &Vec<usize>| list.iter().map(|index| NAMES[*index].to_owned()).collect::<Vec<_>>();
        let (kernel, _) = kernel("hs256-a");
        run(async {
            let mut issued = Vec::new();
            for purpose in &purposes {
                let request = Issue { subject: "a".into(), purpose: NAMES[*purpose].into(), ..Issue::default() };
                issued.push(kernel.issue(request).await.unwrap());
            }
            let mut request = SignOutEverywhere::subject(None, "a");
            request.include_purposes = include.as_ref().map(named);
            request.exclude_purposes = exclude.as_ref().map(named);
            request.keep = keep.iter().map(|index| issued[index.index(issued.len())].identity.sid.clone()).collect();
            // Every token has a session of its own here.
            let dies = |purpose: usize, sid: &String| {
                include.as_ref().is_none_or(|list| list.contains(&purpose))
                    && !exclude.as_ref().is_some_and(|list| list.contains(&purpose))
                    && !request.keep.contains(sid)
            };
            let expected: Vec<bool> =
                purposes.iter().zip(&issued).map(|(purpose, it)| dies(*purpose, &it.identity.sid)).collect();
            let count = expected.iter().filter(|dies| **dies).count();
            let preview = kernel.preview(request.clone()).await.unwrap();
            let report = kernel.sign_out_everywhere(request.clone()).await.unwrap();
            prop_assert_eq!(preview.revoked as usize, count);
            prop_assert_eq!(report.revoked as usize, count);
            prop_assert_eq!(report.disconnected, preview.disconnected);
            for (it, dies) in issued.iter().zip(expected) {
                prop_assert_eq!(kernel.authenticate(accept(it.token.clone())).await.is_err(), dies);
            }
            Ok(())
        })?;
    }

    #[test]
    fn one_purpose_is_selected_by_set_algebra(
        purpose in 0..4usize,
        include in prop::option::of(prop::collection::vec(0..4usize, 0..4)),
        exclude in prop::collection::vec(0..4usize, 0..4),
    ) {
        let named = |list: &Vec<usize>| list.iter().map(usize::to_string).collect::<Vec<_>>();
        let wanted = include.as_ref().is_none_or(|list| list.contains(&purpose)) && !exclude.contains(&purpose);
        let include = include.as_ref().map(named);
        let found = authkernel::rules::selection::selects(&purpose.to_string(), include.as_deref(), &named(&exclude));
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn topics_are_injective(case in properties::topics::case()) {
        properties::topics::check(case)?;
    }
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn nothing_comes_back(acts in prop::collection::vec(properties::model::act(), 1..40)) {
        let (kernel, _) = kernel("hs256-a");
        run(properties::model::check(&kernel, acts))?;
    }
}
