//! `cargo xtask openapi`: schemathesis asks the server everything that its OpenAPI document describes, with bodies,
//! parameters and credentials that are right and that are wrong, and compares what it answers with the document.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{self, Ending};
use crate::workspace::{self, step};

/// The same requests in every run.
const SEED: &str = "20250101";
const INSTALL_LIMIT: Duration = Duration::from_secs(180);
/// Many times what it takes where nothing else runs.
const RUN_LIMIT: Duration = Duration::from_secs(240);
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// How it went.
pub(crate) enum Outcome {
    Passed,
    /// It could not be run, and why.
    Skipped(String),
}

/// Runs it against a server of its own; an error when anything was found.
pub(crate) fn run() -> Result<Outcome> {
    let folder = workspace::root().join("tests").join("openapi");
    let python = match python() {
        Some(python) => python,
        None => {
            return Ok(Outcome::Skipped(
                "no python3 was found: install it".to_owned(),
            ));
        }
    };
    let tools = match install(&python, &folder.join("requirements.txt")) {
        Ok(tools) => tools,
        Err(error) => return Ok(Outcome::Skipped(format!("{error:#}"))),
    };
    step("Comparing the server with its OpenAPI document (schemathesis)");
    let data = env::temp_dir().join(format!("authkernel-openapi-{}", std::process::id()));
    fs::create_dir_all(&data)?;
    let outcome = compare(&tools, &folder, &data);
    let _ = fs::remove_dir_all(&data);
    outcome.map(|()| Outcome::Passed)
}

fn python() -> Option<PathBuf> {
    ["python3", "python"].into_iter().find_map(process::find)
}

/// A virtual environment with what the file pins, made anew when the file changes.
fn install(python: &Path, requirements: &Path) -> Result<PathBuf> {
    let folder = workspace::target().join("schemathesis");
    let (bin, mark) = (folder.join("bin"), folder.join("installed.txt"));
    let requirements_text = fs::read_to_string(requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    // Its programs name the folder that they are in: in one that was moved they do not start.
    let wanted = format!("# {}\n{requirements_text}", folder.display());
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(bin);
    }
    step("Installing schemathesis into target/ (pip)");
    let _ = fs::remove_dir_all(&folder);
    let mut make = Command::new(python);
    make.args(["-m", "venv"]).arg(&folder);
    process::capture(&mut make, INSTALL_LIMIT)?
        .success()
        .context("python3 has no venv: install python3-venv")?;
    let mut pip = Command::new(bin.join("pip"));
    pip.args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ])
    .arg(requirements);
    process::capture(&mut pip, INSTALL_LIMIT)?
        .success()
        .context("pip could not install schemathesis")?;
    fs::write(&mark, wanted)?;
    Ok(bin)
}

fn compare(tools: &Path, folder: &Path, data: &Path) -> Result<()> {
    let secret = configure_client(data)?;
    let (mut server, url) = start(data)?;
    let mut command = Command::new(tools.join("schemathesis"));
    command
        .current_dir(folder)
        .args(["--config-file", "schemathesis.toml", "run"])
        .arg(format!("{url}/openapi.json"))
        .args(["--seed", SEED, "--no-color"])
        .env("AUTHKERNEL_URL", &url)
        .env("AUTHKERNEL_CLIENT_ID", "schemathesis")
        .env("AUTHKERNEL_CLIENT_SECRET", secret)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let ending = process::run_limited(&mut command, RUN_LIMIT);
    process::signal_group(&server, "TERM");
    let stopped = process::wait(&mut server, STOP_LIMIT)?;
    match ending? {
        Ending::Exited(status) if status.success() => {}
        Ending::Exited(_) => bail!("the server and its OpenAPI document do not agree"),
        Ending::TimedOut(limit) => bail!("schemathesis did not end within {} s", limit.as_secs()),
    }
    stopped.success().context("the server did not end well")
}

/// Makes a client that may do everything; answers with its secret.
fn configure_client(data: &Path) -> Result<String> {
    let mut command = Command::new(workspace::server());
    command.args([
        "--json",
        "client",
        "schemathesis",
        "--may",
        "revoke,introspect,sign-out",
    ]);
    let made = process::capture(&mut command, STOP_LIMIT)?.success()?;
    let entry = between(&made, "\"entry\":", "},").or_else(|| between(&made, "\"entry\":", "}}"));
    let entry = entry.context("the client's entry")?;
    fs::write(
        data.join("clients.json"),
        format!("{{\"clients\":[{entry}}}]}}"),
    )?;
    let secret = between(&made, "\"secret\":\"", "\"").context("the client's secret")?;
    Ok(secret.to_owned())
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

/// Starts a server that limits no tries; answers with its address once it is ready.
fn start(data: &Path) -> Result<(Child, String)> {
    let mut command = Command::new(workspace::server());
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--log", "error"])
        .args(["--password-memory-kib", "8"])
        .args([
            "--tries-per-address",
            "1000000",
            "--tries-per-account",
            "1000000",
        ])
        .arg("--data")
        .arg(data)
        .arg("--clients")
        .arg(data.join("clients.json"))
        .arg("--audit-log")
        .arg(data.join("audit.jsonl"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = process::own_group(&mut command)
        .spawn()
        .context("cannot start the server")?;
    let mut line = String::new();
    let stdout = child.stdout.take().context("the server's output is read")?;
    BufReader::new(stdout).read_line(&mut line)?;
    match line.trim().strip_prefix("authkernel is ready on ") {
        Some(url) => Ok((child, url.to_owned())),
        None => {
            let status = child.wait()?;
            bail!("the server ended before it was ready ({status})")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_in_what_the_command_prints() {
        let made = r#"{"entry":{"id":"a","may":["revoke"]},"secret":"s"}"#;
        assert_eq!(between(made, "\"secret\":\"", "\""), Some("s"));
        assert_eq!(
            between(made, "\"entry\":", "},"),
            Some(r#"{"id":"a","may":["revoke"]"#)
        );
    }
}
