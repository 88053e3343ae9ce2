//! Two connections that differ in a variable of the template have different topics.

use authkernel::testing::test_host;
use authkernel::types::Authenticate;
use authkernel::{Kernel, KeySet, Policy};
use authkernel_tests::compose::compose;
use authkernel_tests::fixtures::Fixtures;
use authkernel_tests::vector::TokenSpec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::{Map, Value};

/// A template, and the values of two connections.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    template: String,
    one: Values,
    other: Values,
}

#[derive(Clone, Debug, PartialEq)]
struct Values {
    jti: String,
    sid: String,
    sub: String,
    tenant: String,
}

/// Templates of one to three variables, and values full of what templates are made of.
pub(crate) fn case() -> impl Strategy<Value = Case> {
    let variable = prop::sample::select(vec!["jti", "sid", "subject", "tenant"]);
    let literal = prop_oneof!["[:./,;@!%a-c_~-]{0,3}", "[:./]"];
    let template = (
        prop::collection::vec((literal, variable), 1..4),
        "[:a-c%]{0,2}",
    )
        .prop_map(|(parts, end)| {
            let parts: String = parts
                .iter()
                .map(|(literal, variable)| format!("{literal}{{{variable}}}"))
                .collect();
            parts + &end
        });
    (template, values(), values()).prop_map(|(template, one, other)| Case {
        template,
        one,
        other,
    })
}

fn values() -> impl Strategy<Value = Values> {
    let value = || "[:./%a-c_~{}é-]{1,4}";
    (value(), value(), value(), value()).prop_map(|(jti, sid, sub, tenant)| Values {
        jti,
        sid,
        sub,
        tenant,
    })
}

/// Makes both topics through `authenticate` and compares them.
pub(crate) fn check(case: Case) -> Result<(), TestCaseError> {
    let fixtures = Fixtures::read().unwrap();
    let mut policy: Value = serde_json::from_str(&fixtures.policy(None).unwrap()).unwrap();
    policy["live_socket_id_template"] = case.template.as_str().into();
    // Templates that could mix sessions up are refused, which is what makes the rest injective.
    let Ok(policy) = Policy::parse(&policy.to_string()) else {
        return Ok(());
    };
    let keys = KeySet::parse(&fixtures.key_set(None).unwrap()).unwrap();
    let (host, _) = test_host(fixtures.now);
    let kernel = Kernel::new(policy, keys, host);
    let topic = |values: &Values| {
        let claims = Map::from_iter([
            ("jti".into(), values.jti.as_str().into()),
            ("sid".into(), values.sid.as_str().into()),
            ("sub".into(), values.sub.as_str().into()),
            ("tenant".into(), values.tenant.as_str().into()),
            ("purpose".into(), "kiosk".into()),
        ]);
        let token = compose(
            &TokenSpec {
                claims,
                ..TokenSpec::default()
            },
            &fixtures,
        )
        .unwrap();
        let tenant = Some(values.tenant.clone());
        let request = Authenticate {
            token,
            purposes: vec!["kiosk".into()],
            tenant,
        };
        crate::run(kernel.authenticate(request))
            .unwrap()
            .socket_id
            .unwrap()
    };
    let used = |values: &Values| {
        let uses = |name: &str| case.template.contains(name);
        [
            uses("{jti}").then(|| values.jti.clone()),
            uses("{sid}").then(|| values.sid.clone()),
            uses("{subject}").then(|| values.sub.clone()),
            uses("{tenant}").then(|| values.tenant.clone()),
        ]
    };
    let same = used(&case.one) == used(&case.other);
    prop_assert_eq!(topic(&case.one) == topic(&case.other), same);
    Ok(())
}
