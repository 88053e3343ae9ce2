//! The machine's apt sources, read so that the same archive can be asked for another suite.
//!
//! Mirror, keys, proxies and options stay as they are configured; only the name of the suite changes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process;

/// Sources for one suite.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sources {
    /// In the format of one line per source.
    lines: Vec<String>,
    /// In the format of paragraphs.
    paragraphs: Vec<String>,
}

impl Sources {
    /// The machine's main archive, at another suite.
    pub(super) fn of_machine(suite: &str) -> Result<Self> {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let codename = release
            .lines()
            .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
            .map(|name| name.trim_matches('"').to_owned());
        let mut sources = Self::default();
        for file in files()? {
            let Ok(text) = fs::read_to_string(&file) else {
                continue;
            };
            match file.extension().and_then(|extension| extension.to_str()) {
                Some("sources") => sources.add_paragraphs(&text, codename.as_deref(), suite),
                _ => sources.add_lines(&text, codename.as_deref(), suite),
            }
        }
        if sources == Self::default() {
            bail!("apt has no source of Debian's main archive");
        }
        Ok(sources)
    }

    /// Writes them as files for `Dir::Etc::sourceparts`.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        if !self.lines.is_empty() {
            fs::write(folder.join("main.list"), self.lines.join("\n") + "\n")?;
        }
        if !self.paragraphs.is_empty() {
            fs::write(
                folder.join("main.sources"),
                self.paragraphs.join("\n\n") + "\n",
            )?;
        }
        Ok(())
    }

    fn add_lines(&mut self, text: &str, codename: Option<&str>, suite: &str) {
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            let Some(rest) = line.strip_prefix("deb ") else {
                continue;
            };
            let rest = rest.trim();
            let (options, rest) = match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
                Some((options, rest)) => (format!("[{options}] "), rest),
                None => (String::new(), rest),
            };
            let words: Vec<&str> = rest.split_whitespace().collect();
            if let [uri, of, components @ ..] = words.as_slice()
                && is_main(&[uri], &[of], components, codename)
            {
                let line = format!("deb {options}{uri} {suite} main");
                if !self.lines.contains(&line) {
                    self.lines.push(line);
                }
            }
        }
    }

    fn add_paragraphs(&mut self, text: &str, codename: Option<&str>, suite: &str) {
        for paragraph in paragraphs(text) {
            let field = |name: &str| -> Vec<&str> {
                let is = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
                let value = paragraph.iter().find(is).map(|(_, value)| value.as_str());
                value.unwrap_or_default().split_whitespace().collect()
            };
            let disabled = field("Enabled").contains(&"no");
            if disabled
                || !field("Types").contains(&"deb")
                || !is_main(
                    &field("URIs"),
                    &field("Suites"),
                    &field("Components"),
                    codename,
                )
            {
                continue;
            }
            let replaced = BTreeSet::from(["types", "suites", "components", "enabled"]);
            let mut text = format!("Types: deb\nSuites: {suite}\nComponents: main");
            for (key, value) in &paragraph {
                if !replaced.contains(key.to_lowercase().as_str()) {
                    text.push_str(&format!("\n{key}:{value}"));
                }
            }
            if !self.paragraphs.contains(&text) {
                self.paragraphs.push(text);
            }
        }
    }
}

/// Whether it is the main archive of this release: not its security updates, nor somebody else's packages.
fn is_main(uris: &[&str], suites: &[&str], components: &[&str], codename: Option<&str>) -> bool {
    let names = ["stable", "testing", "unstable", "sid"];
    let of_release = |suite: &&str| Some(*suite) == codename || names.contains(suite);
    components.contains(&"main")
        && suites.iter().any(of_release)
        && !uris.iter().any(|uri| uri.starts_with("cdrom:"))
}

/// Splits the format of paragraphs into fields; a value keeps its continued lines (keys may be inline).
fn paragraphs(text: &str) -> Vec<Vec<(String, String)>> {
    let mut all: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let last = all.len() - 1;
        if line.trim().is_empty() {
            all.push(Vec::new());
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = all[last].last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((key, value)) = line.split_once(':') {
            all[last].push((key.to_owned(), value.to_owned()));
        }
    }
    all.retain(|paragraph| !paragraph.is_empty());
    all
}

/// The files that apt reads its sources from, as it is configured.
fn files() -> Result<Vec<PathBuf>> {
    let mut command = Command::new("apt-config");
    command.args([
        "shell",
        "LIST",
        "Dir::Etc::sourcelist/f",
        "PARTS",
        "Dir::Etc::sourceparts/d",
    ]);
    let text = process::capture(&mut command, Duration::from_secs(20))?
        .success()
        .context("cannot ask apt for its configuration")?;
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| PathBuf::from(value.trim_matches('\'')))
    };
    let mut files: Vec<PathBuf> = value("LIST=").into_iter().collect();
    let parts = value("PARTS=").and_then(|folder| fs::read_dir(folder).ok());
    let mut parts: Vec<PathBuf> = parts
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|e| e == "list" || e == "sources")
        })
        .collect();
    parts.sort();
    files.append(&mut parts);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_format() {
        let text = "# main\n\
            deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/packages bookworm main contrib # x\n\
            deb-src http://mirror.test/packages bookworm main\n\
            deb http://mirror.test/packages bookworm-updates main\n\
            deb http://mirror.test/security bookworm-security main\n\
            deb http://other.test/node nodistro main\n";
        let mut sources = Sources::default();
        sources.add_lines(text, Some("bookworm"), "sid");
        let expected = "deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/packages sid main";
        assert_eq!(sources.lines, [expected]);
    }

    #[test]
    fn paragraph_format_with_an_inline_key() {
        let text = "Types: deb deb-src\n# note\nURIs: http://mirror.test/packages\n\
            Suites: bookworm bookworm-updates\nComponents: main contrib\n\
            Signed-By:\n -----BEGIN-----\n .\n abc\n\n\
            Types: deb\nURIs: http://mirror.test/security\nSuites: bookworm-security\nComponents: main\n\n\
            Enabled: no\nTypes: deb\nURIs: http://off.test/packages\nSuites: bookworm\nComponents: main\n";
        let mut sources = Sources::default();
        sources.add_paragraphs(text, Some("bookworm"), "sid");
        assert_eq!(
            sources.paragraphs,
            [
                "Types: deb\nSuites: sid\nComponents: main\nURIs: http://mirror.test/packages\n\
              Signed-By:\n -----BEGIN-----\n .\n abc"
            ]
        );
    }

    #[test]
    fn nothing_of_others() {
        let mut sources = Sources::default();
        sources.add_lines(
            "deb http://other.test/ ./\ndeb cdrom:[x]/ bookworm main",
            Some("bookworm"),
            "sid",
        );
        sources.add_lines("deb http://other.test/apt noble main", None, "sid");
        assert_eq!(sources, Sources::default());
    }
}
