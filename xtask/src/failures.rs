//! Which tests failed, read from what a test program prints, so that the summary can say it again: of a long output people
//! see the end.

use std::mem;

/// How many lines of an error are repeated.
const LINES: usize = 12;

/// A test that failed, and the first lines of its error.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) name: String,
    pub(crate) lines: Vec<String>,
}

impl Failure {
    /// Of a whole step.
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let mut failure = Self {
            name: name.to_owned(),
            lines: Vec::new(),
        };
        text.lines().for_each(|line| failure.push(line));
        failure
    }

    fn push(&mut self, line: &str) {
        if self.lines.len() < LINES && !line.trim().is_empty() {
            self.lines.push(line.trim_end().to_owned());
        }
    }

    /// As it stands in the summary.
    pub(crate) fn print(&self, step: &str) {
        println!("FAILED {step}: {}", self.name);
        for line in &self.lines {
            println!("    {line}");
        }
    }
}

/// Reads the output of a test program line by line.
pub(crate) trait Reader {
    fn line(&mut self, line: &str);
    fn close(self) -> Vec<Failure>;
}

/// Our own programs: `FAILED name`, with the error indented below it.
#[derive(Default)]
pub(crate) struct Programs {
    found: Vec<Failure>,
    within: bool,
}

impl Reader for Programs {
    fn line(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("FAILED ") {
            self.found.push(Failure::new(name, ""));
            self.within = true;
        } else if line.starts_with(' ') {
            if let Some(failure) = self.found.last_mut().filter(|_| self.within) {
                failure.push(line.strip_prefix("       ").unwrap_or(line));
            }
        } else {
            self.within = false;
        }
    }

    fn close(self) -> Vec<Failure> {
        self.found
    }
}

/// Cargo's: `test name ... FAILED`, and later what each printed, below `---- name stdout ----`.
#[derive(Default)]
pub(crate) struct Rust {
    found: Vec<Failure>,
    /// Those of the present program; another may have a test of the same name.
    present: Vec<Failure>,
    within: Option<usize>,
}

impl Reader for Rust {
    fn line(&mut self, line: &str) {
        let failed = line
            .strip_prefix("test ")
            .and_then(|rest| rest.strip_suffix(" ... FAILED"));
        let section = line
            .strip_prefix("---- ")
            .and_then(|rest| rest.strip_suffix(" ----"))
            .map(|rest| rest.strip_suffix(" stdout").unwrap_or(rest));
        if let Some(name) = failed {
            self.present.push(Failure::new(name, ""));
        } else if let Some(name) = section {
            self.within = self.present.iter().position(|one| one.name == name);
        } else if line == "failures:" || line.starts_with("test result: ") {
            self.within = None;
        } else if let Some(failure) = self.within.and_then(|place| self.present.get_mut(place)) {
            failure.push(line);
        }
        if line.starts_with("test result: ") {
            self.found.append(&mut mem::take(&mut self.present));
        }
    }

    fn close(mut self) -> Vec<Failure> {
        // A program that was killed has no result.
        self.found.append(&mut self.present);
        self.found
    }
}

/// What a program complained of that ended before it could count: its first errors, or else its last words.
pub(crate) fn complaint(stderr: &str) -> Vec<String> {
    let lines: Vec<&str> = stderr
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let first = lines.iter().position(|line| line.starts_with("error"));
    let start = first.unwrap_or(lines.len().saturating_sub(LINES));
    let shown = lines.into_iter().skip(start).take(LINES);
    shown.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut reader: impl Reader, text: &str) -> Vec<Failure> {
        text.lines().for_each(|line| reader.line(line));
        reader.close()
    }

    #[test]
    fn rust_tests_that_failed() {
        let text = "\
running 3 tests
test a::fine ... ok
test a::wrong ... FAILED
test src/lib.rs - b (line 3) ... FAILED

failures:

---- a::wrong stdout ----

thread 'a::wrong' (7) panicked at src/a.rs:3:5:
assertion `left == right` failed
  left: 1
 right: 2

---- src/lib.rs - b (line 3) stdout ----
error[E0425]: cannot find value `x`

failures:
    a::wrong
    src/lib.rs - b (line 3)

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
test a::wrong ... FAILED
";
        let found = read(Rust::default(), text);
        let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a::wrong", "src/lib.rs - b (line 3)", "a::wrong"]);
        assert_eq!(found[0].lines.len(), 4);
        assert_eq!(found[0].lines[3], " right: 2");
        assert_eq!(found[1].lines, ["error[E0425]: cannot find value `x`"]);
        assert!(found[2].lines.is_empty());
    }

    #[test]
    fn cases_of_our_programs_that_failed() {
        let text = "\
ok     a (1 ms)
FAILED once and passed when it was run again: b
       Error: late
           at b.mjs:1:1
FAILED c
1 passed, 1 failed, 0 skipped
       of nobody
";
        let found = read(Programs::default(), text);
        assert_eq!(found[0].name, "once and passed when it was run again: b");
        assert_eq!(found[0].lines, ["Error: late", "    at b.mjs:1:1"]);
        assert_eq!(found[1], Failure::new("c", ""));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn what_ended_before_it_could_count() {
        let text = "   Compiling a\nerror[E0308]: mismatched types\n\n --> src/a.rs:1:1\nerror: could not compile";
        assert_eq!(
            complaint(text),
            [
                "error[E0308]: mismatched types",
                " --> src/a.rs:1:1",
                "error: could not compile"
            ]
        );
        assert_eq!(complaint("a\n\nKilled\n"), ["a", "Killed"]);
    }
}
