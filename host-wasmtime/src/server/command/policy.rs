//! `authkernel policy`: the default policy, a check, the schema.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::super::policy::{DEFAULT_POLICY, load};
use super::super::start::StartError;
use super::{Format, output};

#[derive(Debug, Args)]
pub(super) struct Policy {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the policy that `serve` enforces when it is given none: a start for your own (the default)
    Default,
    /// Check a policy as `serve` would, and say where it is wrong
    Check {
        /// The policy file, JSON
        file: PathBuf,
    },
    /// Print the JSON Schema of policies, for editors
    Schema,
}

pub(super) fn run(command: Policy, format: Format) -> Result<(), StartError> {
    match command.action.unwrap_or(Action::Default) {
        Action::Default => output::print(DEFAULT_POLICY),
        Action::Check { file } => {
            load(Some(&file))?;
            format.answer(&json!({ "valid": true }), |line| {
                line(format!("{} is valid", file.display()));
            })
        }
        Action::Schema => format.document(&authkernel::policy::schema()),
    }
}
