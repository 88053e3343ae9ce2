//! The `authkernel` command line.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::log;
use super::policy::DEFAULT_POLICY;
use super::settings::Settings;
use super::start::{StartError, serve};

/// Tokens and instant sign-out: a server that closes every live connection of a session when it is signed out.
#[derive(Debug, Parser)]
#[command(name = "authkernel", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; it prints one line when it is ready, and stops on Ctrl-C or SIGTERM
    #[command(after_help = AFTER_SERVE)]
    Serve(Box<Settings>),
    /// Print the policy that `serve` enforces when it is given none: a start for your own
    Policy,
}

const AFTER_SERVE: &str = "\
Without any flag it listens on http://127.0.0.1:4000 and keeps everything in ./authkernel-data.
Exit codes: 0 it was told to stop, 1 it could not run, 2 a flag, the policy or the keys are wrong.";

/// Runs the command with the arguments of the process.
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(settings) => run(*settings),
        Command::Policy => print_policy(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("authkernel: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(settings: Settings) -> Result<(), StartError> {
    log::start(&settings)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::other(format!("cannot start: {error}")))?
        .block_on(serve(settings))
}

fn print_policy() -> Result<(), StartError> {
    std::io::stdout()
        .write_all(DEFAULT_POLICY.as_bytes())
        .map_err(|error| StartError::other(format!("cannot print: {error}")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
