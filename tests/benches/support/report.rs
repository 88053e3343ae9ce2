//! The tables at the end of a bench: printed, and kept in `target/bench` for those who collect them.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::cell;
use super::race::Timing;

/// A table in Markdown.
pub(crate) struct Table {
    text: String,
}

impl Table {
    /// A table with a title and columns.
    pub(crate) fn new(title: &str, columns: &[&str]) -> Self {
        let rule = vec!["---"; columns.len()].join(" | ");
        Self {
            text: format!("### {title}\n\n| {} |\n| {rule} |\n", columns.join(" | ")),
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: &[String]) {
        let _ = writeln!(self.text, "| {} |", cells.join(" | "));
    }

    /// Prints the table and adds it to the file of this bench.
    pub(crate) fn publish(self, bench: &str) {
        println!("\n{}", self.text);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
        let file = folder.join(format!("{bench}.md"));
        let text = fs::read_to_string(&file).unwrap_or_default() + &self.text + "\n";
        if let Err(error) = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, text)) {
            eprintln!("warning: {} was not written: {error}", file.display());
        }
    }
}

/// Forgets the tables of the run before.
pub(crate) fn begin(bench: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../target/bench/{bench}.md"));
    let _ = fs::remove_file(file);
}

/// The medians of a race.
pub(crate) fn medians(title: &str, timings: &[Timing]) -> Table {
    let mut table = Table::new(title, &["contender", "median", "10th to 90th percentile"]);
    for timing in timings {
        let (low, high) = timing.spread();
        let spread = format!("{} … {}", cell::time(low), cell::time(high));
        table.row(&[timing.name.to_owned(), cell::time(timing.median()), spread]);
    }
    table
}

/// Ratios between contenders of a race, with their targets.
pub(crate) struct Ratios(Table);

impl Ratios {
    /// No ratio yet.
    pub(crate) fn new(title: &str) -> Self {
        Self(Table::new(title, &["ratio", "measured", "target", ""]))
    }

    /// How many times longer `slow` took than `fast`, and how many times longer it may take.
    pub(crate) fn add(&mut self, group: &str, slow: &Timing, fast: &Timing, target: Option<f64>) {
        let measured = slow.ratio(fast);
        self.0.row(&[
            format!("{group}: {} / {}", slow.name, fast.name),
            cell::ratio(measured),
            target.map_or_else(
                || "–".to_owned(),
                |target| format!("≤ {}", cell::ratio(target)),
            ),
            target
                .map_or("", |target| cell::verdict(measured, target))
                .to_owned(),
        ]);
    }

    /// Prints the table and adds it to the file of this bench.
    pub(crate) fn publish(self, bench: &str) {
        self.0.publish(bench);
    }
}

/// Whether this run measures: `cargo bench` does; `cargo test` and `--list` run a bench only to see that it runs.
pub(crate) fn measures() -> bool {
    let mut is_bench = false;
    for argument in std::env::args() {
        match argument.as_str() {
            "--bench" => is_bench = true,
            "--list" | "--test" | "--profile-time" => return false,
            _ => {}
        }
    }
    is_bench
}

/// Whether the run was asked for one of these: without a filter for everything.
pub(crate) fn wants<'n>(mut names: impl Iterator<Item = &'n str>) -> bool {
    // What begins with a dash is criterion's; a value that follows such an option filters nothing here by accident
    // only.
    let filters: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    filters.is_empty()
        || names.any(|name| filters.iter().any(|filter| name.contains(filter.as_str())))
}
