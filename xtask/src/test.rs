//! `cargo xtask test`: every test, and at the end one line a step, those that failed, and the sum.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::counts::{Counts, page_line, rust_line};
use crate::failures::{self, Failure, Programs, Reader, Rust};
use crate::openapi::{self, Outcome};
use crate::process;
use crate::workspace::{self, step};
use crate::{build, node, setup};

/// What a step found.
#[derive(Default)]
struct Found {
    counts: Counts,
    /// Also those that passed when they were run again.
    failures: Vec<Failure>,
}

impl From<Counts> for Found {
    fn from(counts: Counts) -> Self {
        Self {
            counts,
            failures: Vec::new(),
        }
    }
}

/// Runs all steps, whichever of them fail; only without a build there is nothing to test.
pub(crate) fn run() -> Result<ExitCode> {
    let mut summary = Summary::default();
    let build = || {
        build::run()?;
        build::for_tests()?;
        Ok(Found::default())
    };
    if summary.add("build", build) {
        for (name, selection) in ["rust", "xtask"].into_iter().zip(workspace::PARTS) {
            summary.add(name, || rust(selection));
        }
        summary.add("js", javascript);
        summary.add("clients", clients);
        summary.add("page", page);
        summary.add("openapi", document);
    }
    Ok(summary.close())
}

#[derive(Default)]
struct Summary {
    lines: Vec<String>,
    failures: Vec<(String, Failure)>,
    total: Counts,
}

impl Summary {
    /// Runs a step and remembers how it ended.
    fn add(&mut self, name: &str, action: impl FnOnce() -> Result<Found>) -> bool {
        let started = Instant::now();
        let Found { counts, failures } = action().unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            Found {
                counts: Counts {
                    failed: 1,
                    ..Counts::default()
                },
                failures: vec![Failure::new("the whole step", &format!("{error:#}"))],
            }
        });
        let failures = failures.into_iter().map(|one| (name.to_owned(), one));
        self.failures.extend(failures);
        let word = if counts.failed == 0 { "ok" } else { "FAILED" };
        let seconds = started.elapsed().as_secs_f32();
        let mut line = format!("    {name:<7} {word:<7} {seconds:>7.1} s");
        if counts != Counts::default() {
            line += &format!("  {counts}");
        }
        self.lines.push(line);
        self.total += counts;
        counts.failed == 0
    }

    fn close(self) -> ExitCode {
        step("Summary");
        for line in &self.lines {
            println!("{line}");
        }
        for (name, failure) in &self.failures {
            failure.print(name);
        }
        println!("{}", self.total);
        match self.total.failed {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }
}

/// The Rust tests of a part of the workspace, documentation examples included.
fn rust(selection: &[&str]) -> Result<Found> {
    step(&format!("Running cargo test {}", selection.join(" ")));
    let mut command = workspace::cargo("test");
    command.args(selection).arg("--no-fail-fast");
    // Vectors of other projects lie beside the clone where they may not be part of it.
    let shared = workspace::root().with_file_name("shared");
    if shared.is_dir() {
        command.env("AUTHKERNEL_SHARED", shared);
    }
    counted(command, rust_line, Rust::default())
}

/// The JavaScript package, in every runtime, and the hosts of the component in other languages.
fn javascript() -> Result<Found> {
    if let Err(error) = setup::check_node() {
        return Ok(skip("js", &format!("{error:#}")));
    }
    step("Testing the JavaScript package");
    let mut command = Command::new("node");
    command
        .current_dir(workspace::root())
        .arg("bindings-js/test/run.mjs")
        .env("AUTHKERNEL_BIN", workspace::server());
    counted(command, page_line, Programs::default())
}

/// Clients of others, from npm.
fn clients() -> Result<Found> {
    let command = match node_program("clients")? {
        Ok(command) => command,
        Err(reason) => return Ok(skip("clients", &reason)),
    };
    step("Testing with clients of others");
    counted(command, page_line, Programs::default())
}

/// The page, in a real browser.
fn page() -> Result<Found> {
    let Some(chromium) = setup::chromium() else {
        return Ok(skip(
            "page",
            "no Chromium found; install it or name one in CHROMIUM",
        ));
    };
    let mut command = match node_program("page")? {
        Ok(command) => command,
        Err(reason) => return Ok(skip("page", &reason)),
    };
    step("Testing the page in Chromium");
    command.env("CHROMIUM", chromium);
    counted(command, page_line, Programs::default())
}

/// The server beside its OpenAPI document.
fn document() -> Result<Found> {
    Ok(match openapi::run()? {
        Outcome::Passed => Found::from(Counts {
            passed: 1,
            ..Counts::default()
        }),
        Outcome::Skipped(reason) => skip("openapi", &reason),
    })
}

/// A test program of Node in a folder of `tests`, with what it needs from npm; or why it cannot be run.
fn node_program(name: &str) -> Result<Result<Command, String>> {
    let folder = workspace::root().join("tests").join(name);
    if !folder.join("run.mjs").is_file() {
        return Ok(Err(format!("tests/{name} is not there")));
    }
    if let Err(error) = setup::check_node() {
        return Ok(Err(format!("{error:#}")));
    }
    node::install(&folder)?;
    let mut command = Command::new("node");
    command
        .current_dir(&folder)
        .arg("run.mjs")
        .env("AUTHKERNEL_BIN", workspace::server());
    Ok(Ok(command))
}

fn skip(name: &str, reason: &str) -> Found {
    println!("\nSKIPPED: the {name} test: {reason}\n");
    Found::from(Counts {
        skipped: 1,
        ..Counts::default()
    })
}

/// Runs a test program, passes its output on, adds up the lines that count, and notes what failed.
fn counted(
    mut command: Command,
    read: fn(&str) -> Option<Counts>,
    mut reader: impl Reader,
) -> Result<Found> {
    // Node makes the pipes that it is given non-blocking, also for us: it gets none of ours.
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", process::describe(&command)))?;
    let stdout = child.stdout.take().context("the output is read")?;
    let stderr = child.stderr.take().context("the errors are read")?;
    let errors = thread::spawn(move || passed_on(stderr));
    let mut counts = Counts::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{line}");
        counts += read(&line).unwrap_or_default();
        reader.line(&line);
    }
    let status = child.wait()?;
    let complaints = errors.join().unwrap_or_default();
    let mut failures = reader.close();
    if !status.success() && counts.failed == 0 {
        // It did not compile, or died before it could count.
        let what = format!("{} failed ({status})", process::describe(&command));
        eprintln!("error: {what}");
        counts.failed = 1;
        failures.push(Failure {
            name: what,
            lines: failures::complaint(&complaints),
        });
    }
    Ok(Found { counts, failures })
}

/// Passes on what a program complains of, and answers the end of it.
fn passed_on(stderr: impl io::Read) -> String {
    /// So much is kept: a compiler complains at length.
    const KEPT: usize = 1 << 20;
    let mut kept = String::new();
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        let _ = writeln!(io::stderr(), "{line}");
        if kept.len() > KEPT {
            kept.clear();
        }
        kept.push_str(&line);
        kept.push('\n');
    }
    kept
}
