//! Writes the texts of composed tokens into the vector files, puts the files into their one form, and writes the JSON
//! Schema of the policy.
//! `cargo run -p authkernel-tests --bin vectors` after every change of a vector.

use anyhow::Result;
use authkernel_tests::fixtures::Fixtures;
use authkernel_tests::vector::{files, folder};
use authkernel_tests::write::{finished, formatted, policy_schema, policy_schema_path};

fn main() -> Result<()> {
    let mut todo = vec![(policy_schema(), policy_schema_path())];
    let fixtures = Fixtures::read()?;
    for name in ["fixtures.json", "schema.json"] {
        let path = folder().join(name);
        todo.push((formatted(&path)?, path));
    }
    for path in files()? {
        todo.push((finished(&path, &fixtures)?, path));
    }
    for (text, path) in todo {
        if std::fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            std::fs::write(&path, text)?;
            println!("written: {}", path.display());
        }
    }
    Ok(())
}
