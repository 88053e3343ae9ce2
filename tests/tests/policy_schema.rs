//! The published JSON Schema of the policy and the code that reads it agree.

use authkernel::Policy;
use authkernel_tests::fixtures::Fixtures;
use authkernel_tests::vector::{files, read};
use authkernel_tests::write::{policy_schema, policy_schema_path};
use serde_json::Value;

/// Cases whose refusals are about the shape of the document, which a schema can see.
const STRUCTURAL: [&str; 4] = ["CFG-02", "CFG-04", "CFG-05", "CFG-06"];

#[test]
fn the_published_schema_is_up_to_date() {
    let path = policy_schema_path();
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == policy_schema(),
        "{} is not up to date: run `cargo run -p authkernel-tests --bin vectors`",
        path.display()
    );
}

#[test]
fn schema_and_kernel_agree_about_every_policy() {
    let schema = jsonschema::validator_for(&authkernel::policy::schema()).unwrap();
    let fixtures = Fixtures::read().unwrap();
    let (mut taken, mut refused) = (0, 0);
    for path in files().unwrap() {
        for vector in read(&path).unwrap().vectors {
            let text = fixtures.policy(vector.policy.as_ref()).unwrap();
            let Ok(document) = serde_json::from_str::<Value>(&text) else {
                continue;
            };
            let valid = schema.is_valid(&document);
            let loads = Policy::parse(&text);
            let structural = vector
                .cases
                .iter()
                .any(|case| STRUCTURAL.contains(&case.as_str()));
            if loads.is_ok() {
                taken += 1;
                assert!(
                    valid,
                    "{}: the kernel takes it and the schema does not: {text}",
                    vector.id
                );
            } else if structural {
                refused += 1;
                assert!(
                    !valid,
                    "{}: the schema takes it and the kernel does not: {text}",
                    vector.id
                );
            }
        }
    }
    assert!(
        taken > 500 && refused > 30,
        "only {taken} and {refused} policies were compared"
    );
}

#[test]
fn the_schema_describes_every_field() {
    let schema = authkernel::policy::schema();
    let mut lists = vec![&schema["properties"]];
    lists.extend(
        schema["$defs"]
            .as_object()
            .into_iter()
            .flat_map(|defs| defs.values())
            .map(|it| &it["properties"]),
    );
    let mut fields = 0;
    for (name, field) in lists.iter().filter_map(|list| list.as_object()).flatten() {
        fields += 1;
        assert!(
            field["description"].is_string(),
            "{name} has no description"
        );
    }
    assert!(fields >= 20, "only {fields} fields were looked at");
}
