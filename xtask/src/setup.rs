//! `cargo xtask setup`: what the other steps need, and what to do where it is missing.

use std::cmp::Ordering;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::wasm_target::{self, Rustc, WasmToolchain};
use crate::workspace::{self, WASM};

/// The oldest Node that runs the page test.
const NODE: u32 = 20;

/// What the other steps build with.
pub(crate) struct Tools {
    pub(crate) wasm: WasmToolchain,
}

/// Checks everything and says what was found.
pub(crate) fn run() -> Result<Tools> {
    let tools = prepare()?;
    match &tools.wasm {
        WasmToolchain::Own => println!("{WASM}: in the toolchain"),
        WasmToolchain::Debian(_) => println!("{WASM}: compiled by Debian's compiler in target/"),
    }
    println!("ready");
    Ok(tools)
}

/// Checks everything and speaks only of what is missing.
pub(crate) fn prepare() -> Result<Tools> {
    let rustc = Rustc::ask()?;
    check_rustc(&rustc.version)?;
    check_c_compiler()?;
    if let Err(error) = check_node() {
        println!("note: {error:#}; the page test will be skipped");
    }
    let wasm = wasm_target::ensure(&rustc)?;
    Ok(Tools { wasm })
}

fn check_rustc(version: &str) -> Result<()> {
    let file = workspace::root().join("rust-toolchain.toml");
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let wanted = channel(&text).context("rust-toolchain.toml names no channel")?;
    match compare(version, wanted) {
        Ordering::Equal => Ok(()),
        Ordering::Greater => {
            println!("note: rustc {version} is in use; the project is tested with {wanted}");
            Ok(())
        }
        Ordering::Less => bail!(
            "rustc {version} is too old, {wanted} is needed. \
             With rustup: `rustup toolchain install {wanted}`"
        ),
    }
}

fn channel(text: &str) -> Option<&str> {
    let line = text.lines().find(|line| line.starts_with("channel"))?;
    Some(line.split_once('=')?.1.trim().trim_matches('"'))
}

fn compare(one: &str, other: &str) -> Ordering {
    let numbers = |version: &str| -> Vec<u32> {
        let head = version.split('-').next().unwrap_or_default();
        head.split('.')
            .map(|part| part.parse().unwrap_or(0))
            .collect()
    };
    numbers(one).cmp(&numbers(other))
}

/// SQLite is compiled from its source, which is C.
fn check_c_compiler() -> Result<()> {
    if cfg!(windows) || env::var_os("CC").is_some() {
        // The `cc` crate finds Visual Studio by itself, and takes CC as it is.
        return Ok(());
    }
    if ["cc", "gcc", "clang"]
        .into_iter()
        .any(|name| process::find(name).is_some())
    {
        return Ok(());
    }
    bail!(
        "no C compiler found; SQLite is compiled from source. \
         Debian and Ubuntu: `apt-get install gcc libc6-dev`; Fedora: `dnf install gcc`; \
         macOS: `xcode-select --install`"
    )
}

/// Node and its package manager run the page test, nothing else.
pub(crate) fn check_node() -> Result<()> {
    let node = process::find("node").context("node is not installed")?;
    let mut command = Command::new(node);
    let version = process::capture(command.arg("--version"), Duration::from_secs(20))?.success()?;
    let version = version.trim().trim_start_matches('v');
    if compare(version, &NODE.to_string()) == Ordering::Less {
        bail!("node {version} is too old, {NODE} or later is needed");
    }
    process::find("npm").context("npm is not installed")?;
    Ok(())
}

/// A Chromium for the page test: the one named by `CHROMIUM`, else the first of the usual names.
pub(crate) fn chromium() -> Option<std::path::PathBuf> {
    let named = env::var_os("CHROMIUM").filter(|path| Path::new(path).is_file());
    let usual = [
        "chromium",
        "chromium-browser",
        "google-chrome-stable",
        "google-chrome",
    ];
    named
        .map(Into::into)
        .or_else(|| usual.into_iter().find_map(process::find))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(compare("1.95.0", "1.95.0"), Ordering::Equal);
        assert_eq!(compare("1.100.0-nightly", "1.95.0"), Ordering::Greater);
        assert_eq!(compare("18.19.1", "20"), Ordering::Less);
        assert_eq!(compare("20.0.0", "20"), Ordering::Greater);
    }

    #[test]
    fn channel_of_the_toolchain_file() {
        let text = "# words\n[toolchain]\nchannel = \"1.95.0\"\ntargets = []\n";
        assert_eq!(channel(text), Some("1.95.0"));
        assert_eq!(channel("[toolchain]\n"), None);
    }
}
