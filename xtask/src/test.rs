//! `cargo xtask test`: every test, and one line at the end that adds them up.

use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::ops::AddAssign;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::openapi::{self, Outcome};
use crate::process;
use crate::workspace::{self, step};
use crate::{build, node, setup};

/// Tests that were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// Runs all steps, whichever of them fail; only without a build there is nothing to test.
pub(crate) fn run() -> Result<ExitCode> {
    let mut summary = Summary::default();
    let build = || {
        build::run()?;
        build::for_tests()?;
        Ok(Counts::default())
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
    total: Counts,
}

impl Summary {
    /// Runs a step and remembers how it ended.
    fn add(&mut self, name: &str, action: impl FnOnce() -> Result<Counts>) -> bool {
        let started = Instant::now();
        let counts = action().unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            Counts {
                failed: 1,
                ..Counts::default()
            }
        });
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
        println!("{}", self.total);
        match self.total.failed {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }
}

/// The Rust tests of a part of the workspace, documentation examples included.
fn rust(selection: &[&str]) -> Result<Counts> {
    step(&format!("Running cargo test {}", selection.join(" ")));
    let mut command = workspace::cargo("test");
    command.args(selection).arg("--no-fail-fast");
    // Vectors of other projects lie beside the clone where they may not be part of it.
    let shared = workspace::root().with_file_name("shared");
    if shared.is_dir() {
        command.env("AUTHKERNEL_SHARED", shared);
    }
    counted(command, rust_line)
}

/// Reads `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; …`.
fn rust_line(line: &str) -> Option<Counts> {
    let (_, rest) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut numbers = rest.split("; ").map(|item| {
        let number = item.split(' ').next()?;
        number.parse().ok()
    });
    Some(Counts {
        passed: numbers.next()??,
        failed: numbers.next()??,
        skipped: numbers.next()??,
    })
}

/// The JavaScript package, in every runtime, and the hosts of the component in other languages.
fn javascript() -> Result<Counts> {
    if let Err(error) = setup::check_node() {
        return Ok(skip("js", &format!("{error:#}")));
    }
    step("Testing the JavaScript package");
    let mut command = Command::new("node");
    command
        .current_dir(workspace::root())
        .arg("bindings-js/test/run.mjs")
        .env("AUTHKERNEL_BIN", workspace::server());
    counted(command, page_line)
}

/// Clients of others, from npm.
fn clients() -> Result<Counts> {
    let command = match node_program("clients")? {
        Ok(command) => command,
        Err(reason) => return Ok(skip("clients", &reason)),
    };
    step("Testing with clients of others");
    counted(command, page_line)
}

/// The page, in a real browser.
fn page() -> Result<Counts> {
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
    counted(command, page_line)
}

/// The server beside its OpenAPI document.
fn document() -> Result<Counts> {
    Ok(match openapi::run()? {
        Outcome::Passed => Counts {
            passed: 1,
            ..Counts::default()
        },
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

fn skip(name: &str, reason: &str) -> Counts {
    println!("\nSKIPPED: the {name} test: {reason}\n");
    Counts {
        skipped: 1,
        ..Counts::default()
    }
}

/// Reads `5 passed, 0 failed, 1 skipped`.
fn page_line(line: &str) -> Option<Counts> {
    let mut items = line.trim().split(", ");
    let mut number = |word: &str| items.next()?.strip_suffix(word)?.trim_end().parse().ok();
    Some(Counts {
        passed: number("passed")?,
        failed: number("failed")?,
        skipped: number("skipped")?,
    })
}

/// Runs a test program, passes its output on, and adds up the lines that count.
fn counted(mut command: Command, read: fn(&str) -> Option<Counts>) -> Result<Counts> {
    // Node makes the pipes that it is given non-blocking, also for us: it gets none of ours.
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", process::describe(&command)))?;
    let stdout = child.stdout.take().context("the output is read")?;
    let mut stderr = child.stderr.take().context("the errors are read")?;
    let errors = thread::spawn(move || io::copy(&mut stderr, &mut io::stderr()));
    let mut counts = Counts::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{line}");
        counts += read(&line).unwrap_or_default();
    }
    let status = child.wait()?;
    let _ = errors.join();
    if !status.success() && counts.failed == 0 {
        // It did not compile, or died before it could count.
        eprintln!("error: {} failed ({status})", process::describe(&command));
        counts.failed = 1;
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: Counts = Counts {
        passed: 12,
        failed: 1,
        skipped: 3,
    };

    #[test]
    fn lines_of_rust_tests() {
        let line = "test result: FAILED. 12 passed; 1 failed; 3 ignored; 0 measured; \
                    0 filtered out; finished in 0.10s";
        assert_eq!(rust_line(line), Some(COUNTS));
        assert_eq!(rust_line("test a::b ... ok"), None);
        assert_eq!(rust_line("test result: nonsense"), None);
    }

    #[test]
    fn lines_of_the_page_test() {
        assert_eq!(page_line("12 passed, 1 failed, 3 skipped"), Some(COUNTS));
        assert_eq!(page_line(&COUNTS.to_string()), Some(COUNTS));
        assert_eq!(page_line("12 passed"), None);
        assert_eq!(page_line("- 12 passed, 1 failed, 3 skipped"), None);
    }
}
