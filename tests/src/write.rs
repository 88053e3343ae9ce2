//! Brings vector files up to date: the text of every composed token, and the one form in which files are written.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::compose::compose;
use crate::doc::Doc;
use crate::fixtures::Fixtures;
use crate::vector;

/// What a vector file should contain.
pub fn finished(path: &Path, fixtures: &Fixtures) -> Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut doc = Doc::parse(&text).with_context(|| path.display().to_string())?;
    let file = vector::read(path)?;
    let Some(vectors) = doc.get_mut("vectors") else {
        return Ok(doc.pretty());
    };
    for (vector, doc) in file.vectors.iter().zip(vectors.elements_mut()) {
        for (name, spec) in &vector.tokens {
            if spec.repeat.is_some() {
                continue;
            }
            let token = compose(spec, fixtures)
                .with_context(|| format!("the token {name} of {}", vector.id))?;
            if let Some(spec) = doc
                .get_mut("tokens")
                .and_then(|tokens| tokens.get_mut(name))
            {
                spec.set("token", token.into());
            }
        }
    }
    Ok(doc.pretty())
}

/// What `fixtures.json` or `schema.json` should look like.
pub fn formatted(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(Doc::parse(&text)
        .with_context(|| path.display().to_string())?
        .pretty())
}

/// Where the JSON Schema of the policy is published.
pub fn policy_schema_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../kernel/policy.schema.json")
}

/// The text of the published JSON Schema of the policy.
pub fn policy_schema() -> String {
    format!("{:#}\n", authkernel::policy::schema())
}
