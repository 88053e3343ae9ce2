//! A settings file: TOML, with the flags of `serve` under their names in snake case. A flag wins over an environment
//! variable, that over the file, the file over a default.
//!
//! What may stand in the file is read off the flags themselves, so that there is one list of them.

use std::ffi::OsString;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::super::start::StartError;

/// The arguments, with those of the settings file added where neither a flag nor the environment says anything.
pub(super) fn completed(
    command: Command,
    arguments: Vec<OsString>,
) -> Result<Vec<OsString>, StartError> {
    // What is wrong with the arguments themselves is said by who parses them for good.
    let Ok(matches) = command.clone().try_get_matches_from(&arguments) else {
        return Ok(arguments);
    };
    let Some((name @ ("serve" | "check"), given)) = matches.subcommand() else {
        return Ok(arguments);
    };
    let Some(file) = given.get_one::<std::path::PathBuf>("config") else {
        return Ok(arguments);
    };
    let serve = command.find_subcommand(name).cloned().unwrap_or_default();
    let mut arguments = arguments;
    for (name, value) in read(file)? {
        if let Some(argument) = argument(file, &serve, given, &name, &value)? {
            arguments.push(argument);
        }
    }
    Ok(arguments)
}

fn read(file: &Path) -> Result<toml::Table, StartError> {
    let at = |problem: String| StartError::config(format!("config {}: {problem}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| at(error.to_string()))?;
    text.parse::<toml::Table>()
        .map_err(|error| at(error.message().to_owned()))
}

fn argument(
    file: &Path,
    serve: &Command,
    given: &ArgMatches,
    name: &str,
    value: &toml::Value,
) -> Result<Option<OsString>, StartError> {
    let wrong =
        |problem: &str| StartError::config(format!("config {}: {name}: {problem}", file.display()));
    let known = serve
        .get_arguments()
        .find(|argument| argument.get_id() == name && name != "config");
    let Some(flag) = known.and_then(clap::Arg::get_long) else {
        return Err(wrong(
            "there is no such setting: see authkernel serve --help",
        ));
    };
    let source = given.value_source(name);
    if matches!(
        source,
        Some(ValueSource::CommandLine | ValueSource::EnvVariable)
    ) {
        return Ok(None);
    }
    let value = match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(truth) => truth.to_string(),
        _ => return Err(wrong("must be a text, a whole number, true or false")),
    };
    Ok(Some(format!("--{flag}={value}").into()))
}
