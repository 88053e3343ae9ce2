//! Cases, vectors, fixtures, schema and tests fit together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use authkernel::Code;
use authkernel_tests::call::OPERATIONS;
use authkernel_tests::fixtures::Fixtures;
use authkernel_tests::vector::{File, Vector, files, folder, read};
use authkernel_tests::write::{finished, formatted};
use serde_json::Value;

/// The codes that no vector reaches, and why.
const NOT_IN_VECTORS: [(&str, &str); 4] = [
    ("authenticator_closed", "a host's: the resource was closed"),
    ("overloaded", "a host's: its queue is full"),
    (
        "outcome_unknown",
        "a host's: an instance was lost during a write",
    ),
    (
        "kernel_unavailable",
        "a host's: an instance was lost before a write",
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn all() -> Vec<(String, File)> {
    let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files()
        .unwrap()
        .iter()
        .map(|path| (stem(path), read(path).unwrap()))
        .collect()
}

fn vectors() -> Vec<(String, Vector)> {
    all()
        .into_iter()
        .flat_map(|(name, file)| {
            file.vectors
                .into_iter()
                .map(move |vector| (name.clone(), vector))
        })
        .collect()
}

/// One line of `cases.md`: its id, and where it is tested.
struct Case {
    id: String,
    tested: Vec<String>,
    later: bool,
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(root().join("tests/cases.md")).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("- **"));
    lines
        .map(|line| {
            let (id, rest) = line.split_once("**").expect("an id");
            let (_, tested) = rest
                .rsplit_once('→')
                .unwrap_or_else(|| panic!("{id} is not tested"));
            let later = tested.trim_start().starts_with("later: ");
            let quoted = tested.split('`').skip(1).step_by(2).map(str::to_owned);
            Case {
                id: id.to_owned(),
                tested: if later { Vec::new() } else { quoted.collect() },
                later,
            }
        })
        .collect()
}

/// The text of a file, or of all Rust files of a folder.
fn text_of(path: &Path) -> String {
    if path.is_file() {
        return std::fs::read_to_string(path).unwrap();
    }
    let entries =
        std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let files = entries.map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|it| it == "rs"))
        .map(|path| text_of(&path))
        .collect()
}

#[test]
fn every_case_is_tested_where_it_says() {
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, vector) in vectors() {
        for case in vector.cases {
            shown
                .entry(format!("{file}.json"))
                .or_default()
                .insert(case);
        }
    }
    let mut seen = BTreeSet::new();
    for case in cases() {
        assert!(
            seen.insert(case.id.clone()),
            "{} stands there twice",
            case.id
        );
        assert!(
            case.later || !case.tested.is_empty(),
            "{} is tested nowhere",
            case.id
        );
        for place in &case.tested {
            if let Some((path, function)) = place.split_once("::") {
                let signatures = [format!("fn {function}("), format!("fn {function}<")];
                let text = text_of(&root().join(path));
                let there = signatures.iter().any(|signature| text.contains(signature));
                assert!(there, "{}: {path} has no test {function}", case.id);
            } else {
                let cases = shown
                    .get(place)
                    .unwrap_or_else(|| panic!("{}: no file {place}", case.id));
                assert!(
                    cases.contains(&case.id),
                    "{}: no vector of {place} shows it",
                    case.id
                );
            }
        }
    }
}

#[test]
fn every_vector_shows_known_cases() {
    let known: BTreeMap<String, Case> = cases().into_iter().map(|it| (it.id.clone(), it)).collect();
    let mut ids = BTreeSet::new();
    for (file, vector) in vectors() {
        assert!(
            ids.insert(vector.id.clone()),
            "{} stands there twice",
            vector.id
        );
        assert_eq!(
            vector.id.rsplit_once('-').map(|(stem, _)| stem),
            Some(file.as_str())
        );
        for id in &vector.cases {
            let case = known
                .get(id)
                .unwrap_or_else(|| panic!("{}: no case {id}", vector.id));
            assert!(!case.later, "{}: {id} is for later", vector.id);
            let place = format!("{file}.json");
            assert!(
                case.tested.contains(&place),
                "{}: {id} does not name {place}",
                vector.id
            );
        }
    }
}

#[test]
fn vector_files_are_up_to_date() {
    let fixtures = Fixtures::read().unwrap();
    let fixed = ["fixtures.json", "schema.json"].map(|name| folder().join(name));
    let fixed = fixed
        .into_iter()
        .map(|path| (formatted(&path).unwrap(), path));
    let vectors = files()
        .unwrap()
        .into_iter()
        .map(|path| (finished(&path, &fixtures).unwrap(), path));
    for (wanted, path) in fixed.chain(vectors) {
        let found = std::fs::read_to_string(&path).unwrap();
        assert!(
            found == wanted,
            "{} is not up to date: run `cargo run -p authkernel-tests --bin vectors`",
            path.display()
        );
    }
}

#[test]
fn vector_files_follow_their_schema() {
    let json = |path: &Path| -> Value {
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let schema = jsonschema::validator_for(&json(&folder().join("schema.json"))).unwrap();
    let mut paths = files().unwrap();
    paths.push(folder().join("fixtures.json"));
    for path in paths {
        if let Err(error) = schema.validate(&json(&path)) {
            panic!("{}: {}: {error}", path.display(), error.instance_path);
        }
    }
    let mut wrong = json(&folder().join("fixtures.json"));
    wrong["typing_error"] = Value::Null;
    assert!(!schema.is_valid(&wrong), "the schema takes unknown fields");
}

#[test]
fn every_operation_has_its_file() {
    let files: BTreeMap<String, File> = all().into_iter().collect();
    for operation in OPERATIONS {
        let file = files
            .get(operation)
            .unwrap_or_else(|| panic!("no {operation}.json"));
        let called = |vector: &Vector| vector.steps.iter().any(|step| step.operation == operation);
        assert!(
            file.vectors.iter().any(called),
            "{operation}.json does not call it"
        );
    }
}

#[test]
fn malformed_tokens_never_reach_storage() {
    let mut steps = 0;
    for (file, vector) in vectors() {
        for step in vector.steps.iter().filter(|_| file == "malformed") {
            let code = step.expect.error.as_deref();
            if code.is_some_and(|code| code != "token_revoked") {
                assert!(
                    step.expect.calls.is_empty(),
                    "{} reaches storage",
                    vector.id
                );
                steps += 1;
            }
        }
    }
    assert!(
        steps > 200,
        "only {steps} refusals are left in malformed.json"
    );
}

#[test]
fn every_code_is_reached() {
    let mut reached = BTreeSet::new();
    for (_, vector) in vectors() {
        reached.extend(vector.refused.map(|refusal| refusal.error));
        for step in vector.steps {
            reached.extend(step.expect.error);
            // A sweep answers codes inside its verdicts.
            let verdicts = step
                .expect
                .ok
                .iter()
                .filter_map(|ok| ok.get("verdicts")?.as_array())
                .flatten();
            reached.extend(verdicts.filter_map(|it| Some(it.get("close")?.as_str()?.to_owned())));
        }
    }
    for code in Code::ALL {
        let excused = NOT_IN_VECTORS
            .iter()
            .any(|(name, _)| *name == code.as_str());
        assert!(
            reached.contains(code.as_str()) != excused,
            "{code}: reached or excused, not both"
        );
    }
    for name in &reached {
        assert!(Code::parse(name).is_some(), "there is no code {name}");
    }
    let wit = std::fs::read_to_string(root().join("wit/tokens.wit")).unwrap();
    let (_, list) = wit.split_once("enum code {").expect("the codes in wit");
    let (list, _) = list.split_once('}').expect("the end of the codes in wit");
    let lines = list
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//") && !line.is_empty());
    let in_wit: Vec<String> = lines
        .map(|line| line.trim_end_matches(',').replace('-', "_"))
        .collect();
    let in_rust: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(
        in_wit, in_rust,
        "the codes of wit/tokens.wit and of the kernel differ"
    );
}

#[test]
fn every_leeway_is_in_the_vectors() {
    let mut shown: BTreeMap<(&str, u64), BTreeSet<bool>> = BTreeMap::new();
    let fixtures = Fixtures::read().unwrap();
    for (_, vector) in vectors() {
        for case in ["CLM-05", "CLM-06", "CLM-07"] {
            if vector.cases.iter().any(|id| id == case) && vector.steps.len() == 1 {
                let policy: Value =
                    serde_json::from_str(&fixtures.policy(vector.policy.as_ref()).unwrap())
                        .unwrap();
                let leeway = policy["leeway_seconds"].as_u64().unwrap();
                let passes = vector.steps[0].expect.ok.is_some();
                shown.entry((case, leeway)).or_default().insert(passes);
            }
        }
    }
    for case in ["CLM-05", "CLM-06", "CLM-07"] {
        for leeway in [0, 5, 300] {
            let both = shown.get(&(case, leeway)).is_some_and(|it| it.len() == 2);
            assert!(
                both,
                "{case} is not shown on both sides of a leeway of {leeway} s"
            );
        }
    }
}
