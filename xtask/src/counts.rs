//! How many tests passed, failed and were skipped, as test programs say it.

use std::fmt;
use std::ops::AddAssign;

/// Tests that were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
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

/// Reads `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; …`.
pub(crate) fn rust_line(line: &str) -> Option<Counts> {
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

/// Reads `5 passed, 0 failed, 1 skipped`.
pub(crate) fn page_line(line: &str) -> Option<Counts> {
    let mut items = line.trim().split(", ");
    let mut number = |word: &str| items.next()?.strip_suffix(word)?.trim_end().parse().ok();
    Some(Counts {
        passed: number("passed")?,
        failed: number("failed")?,
        skipped: number("skipped")?,
    })
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
