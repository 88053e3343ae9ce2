//! The `authkernel` command line.

mod check;
mod config;
mod inspect;
mod keys;
mod output;
mod policy;
mod store;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use serde_json::json;

use self::output::Format;
use super::log;
use super::oauth_clients::{self, Permission};
use super::openapi;
use super::policy::DEFAULT_POLICY;
use super::settings::Settings;
use super::start::{StartError, serve};

/// Tokens and instant sign-out: a server that closes every live connection of a session when it is signed out.
#[derive(Debug, Parser)]
#[command(name = "authkernel", version, arg_required_else_help = true, after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Answer with one JSON document, for machines
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server; it prints one line when it is ready, and stops on Ctrl-C or SIGTERM
    #[command(after_help = AFTER_SERVE)]
    Serve(Box<Settings>),
    /// Try every part that `serve` would use with the same flags, and say what to do where one is no good
    #[command(after_help = AFTER_CHECK)]
    Check(Box<Settings>),
    /// Make, change and show the keys that tokens are signed with; a running server takes changes over
    Keys(keys::Keys),
    /// Print the default policy, check one, or print the JSON Schema of policies
    Policy(policy::Policy),
    /// Say what a token claims, and whether it would be accepted now, or why not
    Token {
        #[command(subcommand)]
        command: Token,
    },
    /// List the live sessions of a subject
    Sessions(store::ListSessions),
    /// Sign out a subject, a session or a token; a running server closes the connections within two seconds
    SignOut(Box<store::SignOut>),
    /// Delete what has been expired for longer than anybody needs it; a running server does so every hour
    Expunge(store::Expunge),
    /// Make a client for `serve --clients`: prints its secret, which is kept nowhere, and its entry for the file
    #[command(after_help = AFTER_CLIENT)]
    Client {
        /// The client's name, such as orders
        id: String,
        /// What it may do; repeat it or separate by commas
        #[arg(long, value_enum, value_delimiter = ',', required = true)]
        may: Vec<Permission>,
        /// The tenant whose tokens it deals with; without it those that have none
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Print the OpenAPI document of the server's routes, as GET /openapi.json has it with the default policy
    Openapi,
    /// Print a script that completes this command in a shell
    #[command(
        after_help = "For bash: authkernel completions bash > ~/.local/share/bash-completion/completions/authkernel"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
enum Token {
    /// Print header and claims, and the decision about it; never the signature
    #[command(
        after_help = AFTER_INSPECT
    )]
    Inspect(inspect::Inspect),
}

const AFTER: &str = "\
Examples:
  authkernel serve
  authkernel check
  authkernel keys rotate
  authkernel sign-out 'user?id=7f3a…' --reason stolen_laptop
  authkernel token inspect - < token.txt
Flags of each command: authkernel help serve. With --json each answers with one JSON document.
Exit codes: 0 done, 1 it could not be done, 2 wrong use or configuration; `token inspect` has also 3 and 4.";

const AFTER_INSPECT: &str = "\
On the machine of the server it decides as the server would. Elsewhere give it the keys: --jwks FILE or --keys FILE; then
it says what it could not check. Without --policy that includes issuer, audience, purpose and lifetime.
  curl -s https://auth.example.com/.well-known/jwks.json > jwks.json
  authkernel token inspect --jwks jwks.json - < token.txt
Exit codes: 0 accepted, 3 refused, 4 nothing that was checked refuses it, 1 it could not be decided, 2 wrong use.";

const AFTER_CLIENT: &str = "\
The file of clients is {\"clients\": [ENTRY, …]}, with what is printed as entry in the place of ENTRY. The secret goes to \
the service.
  authkernel client orders --may revoke,introspect,sign-out";

const AFTER_CHECK: &str = "\
It may run beside the server. One line per part: ok, warning or failed, what was seen, and what to do.
Exit codes: 0 nothing failed (warnings are no failure), 1 a part failed, 2 wrong use.";

const AFTER_SERVE: &str = "\
Without any flag it listens on http://127.0.0.1:4000 and keeps everything in ./authkernel-data.
Signals: SIGTERM and Ctrl-C end it in order, twice at once; SIGHUP has keys, clients and certificate looked at now instead
of within ten seconds.
Exit codes: 0 it was told to stop, 1 it could not run, 2 a flag, the policy or the keys are wrong.";

/// Runs the command with the arguments of the process.
pub fn main() -> ExitCode {
    let arguments = std::env::args_os().collect();
    let done = config::completed(Cli::command(), arguments)
        .and_then(|arguments| dispatch(Cli::parse_from(arguments)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message = error.to_string();
            if !message.is_empty() {
                eprintln!("authkernel: {message}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), StartError> {
    let format = match cli.json {
        true => Format::Json,
        false => Format::Text,
    };
    match cli.command {
        Command::Serve(settings) => {
            log::start(&settings)?;
            block_on(serve(*settings))
        }
        Command::Check(settings) => block_on(check::run(*settings, format)),
        Command::Openapi => {
            let policy =
                authkernel::policy::Policy::parse(DEFAULT_POLICY).map_err(store::failed)?;
            let purposes: Vec<_> = policy.purposes().map(str::to_owned).collect();
            format.document(&openapi::document(&purposes))
        }
        Command::Keys(command) => keys::run(command, format),
        Command::Policy(command) => policy::run(command, format),
        Command::Token {
            command: Token::Inspect(command),
        } => block_on(inspect::run(command, format)),
        Command::Sessions(command) => block_on(store::sessions(command, format)),
        Command::SignOut(command) => block_on(store::sign_out(*command, format)),
        Command::Expunge(command) => block_on(store::expunge(command, format)),
        Command::Client { id, may, tenant } => {
            let (secret, entry) = oauth_clients::generate(&id, &may, tenant.as_deref())?;
            format.document(&json!({ "secret": secret, "entry": entry }))
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "authkernel", &mut script);
            output::print(&String::from_utf8_lossy(&script))
        }
    }
}

fn block_on(work: impl Future<Output = Result<(), StartError>>) -> Result<(), StartError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::other(format!("cannot start: {error}")))?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
