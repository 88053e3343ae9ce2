//! Asking the machine's own apt for packages, without installing any and without its lists and locks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::sources::Sources;
use crate::process;

const UPDATE_LIMIT: Duration = Duration::from_secs(120);
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(600);
const ASK_LIMIT: Duration = Duration::from_secs(60);

/// Whether this machine has apt at all.
pub(super) fn available() -> Result<()> {
    let programs = ["apt-get", "apt-cache", "apt-config", "dpkg-deb"];
    let missing = |program: &&str| process::find(program).is_none();
    match programs.into_iter().find(missing) {
        Some(missing) => bail!("{missing} is not on this machine"),
        None => Ok(()),
    }
}

/// A view of the archives of its own, in a folder of its own. Works without root.
pub(super) struct Apt {
    folder: PathBuf,
    /// Replaces the machine's sources.
    sources: bool,
}

impl Apt {
    /// With the given sources, or with those of the machine.
    pub(super) fn new(folder: &Path, sources: Option<&Sources>) -> Result<Self> {
        available()?;
        // Lists of another suite must not answer for this one.
        let _ = fs::remove_dir_all(folder);
        for name in ["lists/partial", "cache/archives/partial", "sources"] {
            fs::create_dir_all(folder.join(name))
                .with_context(|| format!("cannot write to {}", folder.display()))?;
        }
        if let Some(sources) = sources {
            sources.write(&folder.join("sources"))?;
        }
        Ok(Self {
            folder: folder.to_path_buf(),
            sources: sources.is_some(),
        })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env("LC_ALL", "C");
        let mut option = |name: &str, value: &str| {
            command.arg("-o").arg(format!("{name}={value}"));
        };
        let inside = |name: &str| self.folder.join(name).display().to_string();
        option("Dir::State::lists", &inside("lists"));
        option("Dir::Cache", &inside("cache"));
        if self.sources {
            option("Dir::Etc::sourcelist", "/dev/null");
            option("Dir::Etc::sourceparts", &inside("sources"));
        }
        option("Acquire::Retries", "1");
        option("Acquire::http::Timeout", "20");
        option("Acquire::https::Timeout", "20");
        option("Acquire::Languages", "none");
        // The download user of apt cannot enter our folder; what it fetches is checked all the same.
        option("APT::Sandbox::User", "root");
        command
    }

    /// Fetches the lists of packages.
    pub(super) fn update(&self) -> Result<()> {
        let mut command = self.command("apt-get");
        command.args(["--quiet", "update"]);
        process::capture(&mut command, UPDATE_LIMIT)?.success()?;
        Ok(())
    }

    /// The versions on offer, as the archive lists them.
    pub(super) fn versions(&self, package: &str) -> Result<Vec<String>> {
        let mut command = self.command("apt-cache");
        command.args(["madison", package]);
        let table = process::capture(&mut command, ASK_LIMIT)?.success()?;
        let version = |line: &str| Some(line.split('|').nth(1)?.trim().to_owned());
        Ok(table.lines().filter_map(version).collect())
    }

    /// What `package` or `package=version` depends on: each name, with the version where it is exact.
    pub(super) fn dependencies(&self, package: &str) -> Result<Vec<String>> {
        let mut command = self.command("apt-cache");
        command.args(["--no-all-versions", "show", package]);
        let text = process::capture(&mut command, ASK_LIMIT)?.success()?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("Depends:"))
            .unwrap_or_default();
        Ok(parse_dependencies(line))
    }

    /// Downloads packages, each written `name` or `name=version`, and unpacks them.
    pub(super) fn unpack(&self, packages: &[String], into: &Path) -> Result<()> {
        let folder = self.folder.join("packages");
        fs::create_dir_all(&folder)?;
        fs::create_dir_all(into)?;
        let mut command = self.command("apt-get");
        command
            .current_dir(&folder)
            .args(["--quiet", "download"])
            .args(packages);
        process::capture(&mut command, DOWNLOAD_LIMIT)?.success()?;
        for entry in fs::read_dir(&folder)? {
            unpack_one(&entry?.path(), into)?;
        }
        // The sources alone are 45 MB packed.
        fs::remove_dir_all(&folder).context("cannot remove the downloaded packages")
    }
}

/// Unpacks a package; of one with sources, only those of the standard library, a twentieth of its files.
fn unpack_one(package: &Path, into: &Path) -> Result<()> {
    let name = package.file_name().unwrap_or_default().to_string_lossy();
    let mut command = if name.contains("-src_") {
        let mut shell = Command::new("sh");
        shell.args([
            "-c",
            "dpkg-deb --fsys-tarfile \"$0\" | tar -x -C \"$1\" --wildcards './usr/src/*/library'",
        ]);
        shell
    } else {
        let mut command = Command::new("dpkg-deb");
        command.arg("-x");
        command
    };
    command.arg(package).arg(into);
    process::capture(&mut command, DOWNLOAD_LIMIT)?
        .success()
        .with_context(|| format!("cannot unpack {name}"))?;
    Ok(())
}

/// Reads a `Depends:` line; of alternatives, the first.
fn parse_dependencies(line: &str) -> Vec<String> {
    let name = |item: &str| {
        let first = item.split('|').next().unwrap_or_default().trim();
        let (name, condition) = first.split_once(' ').unwrap_or((first, ""));
        let name = name.split(':').next().unwrap_or(name);
        match condition.trim().strip_prefix("(= ") {
            Some(version) => format!("{name}={}", version.trim_end_matches(')')),
            None => name.to_owned(),
        }
    };
    let items = line.split(',').filter(|item| !item.trim().is_empty());
    items.map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_keep_exact_versions_only() {
        let line =
            " libc6 (>= 2.34), libstd-rust-1.96 (= 1.96.0+dfsg1-1), gcc:any | clang, libz3-4";
        let expected = ["libc6", "libstd-rust-1.96=1.96.0+dfsg1-1", "gcc", "libz3-4"];
        assert_eq!(parse_dependencies(line), expected);
        assert!(parse_dependencies("").is_empty());
    }
}
