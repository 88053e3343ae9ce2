//! What is read from files: policy, keys, clients, certificate, audit log, data directory; and the clock.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use authkernel::keys::{KeySet, KeyState};
use authkernel::policy::Policy;
use authkernel::ports::Clock;

use super::super::super::data::DataDirectory;
use super::super::super::oauth_clients::OAuthClients;
use super::super::super::settings::{NO_SHARED_KEYS, Settings};
use super::super::super::tls::{self, Tls};
use super::super::super::{keys, policy};
use super::report::Report;
use crate::SystemClock;

/// The policy's text, when it is good.
pub(super) fn policy(settings: &Settings, report: &mut Report) -> Option<String> {
    let text = policy::load(settings.policy.as_deref());
    let known = text.as_deref().ok().map(Policy::parse);
    match (text, known) {
        (Ok(text), Some(Ok(known))) => {
            let names: Vec<_> = known.purposes().collect();
            let from = settings.policy.as_deref().map_or_else(
                || "the default policy".to_owned(),
                |file| file.display().to_string(),
            );
            report.ok("policy", format!("{from}: purposes {}", names.join(", ")));
            Some(text)
        }
        (Err(error), _) => {
            report.failed(
                "policy",
                error.to_string(),
                "mend it where the message says",
            );
            None
        }
        (Ok(_), _) => None,
    }
}

/// The key set's text, when it is good; one that was just made when the first start would make it.
pub(super) fn keys(settings: &Settings, report: &mut Report) -> Option<String> {
    let in_data = settings.data.join("keys.json");
    let file = settings.keys.as_ref().unwrap_or(&in_data);
    let shared = settings.backends.storage_plan();
    if settings.keys.is_none() && shared.is_ok_and(|plan| plan.is_shared()) {
        report.failed("keys", NO_SHARED_KEYS, "give it --keys");
        return None;
    }
    if settings.keys.is_none() && !file.exists() {
        report.ok("keys", "none yet: the first start makes a signing key");
        let key = keys::new_key(keys::NewKey::EdDsa).ok()?;
        return Some(serde_json::json!({ "keys": [key] }).to_string());
    }
    let text = match keys::load(file) {
        Ok(text) => text,
        Err(error) => {
            report.failed(
                "keys",
                error.to_string(),
                "mend it, or make one with `authkernel keys generate`",
            );
            return None;
        }
    };
    mode("key file", file, report);
    let set = KeySet::parse(&text).ok()?;
    let of = |state: KeyState| set.iter().filter(|key| key.state() == state).count();
    match set.signing_key() {
        Some(key) => report.ok(
            "keys",
            format!(
                "{} signs with {}; {} more verify, {} revoked",
                key.id(),
                key.algorithm().name(),
                of(KeyState::Verifying) + of(KeyState::Retired),
                of(KeyState::Revoked)
            ),
        ),
        None => report.failed(
            "keys",
            "no key signs: nobody could sign in",
            "run `authkernel keys rotate`",
        ),
    }
    Some(text)
}

pub(super) fn clients(settings: &Settings, report: &mut Report) {
    let Some(file) = &settings.clients else {
        return report.ok(
            "clients",
            "none are configured: the routes for services are off",
        );
    };
    match OAuthClients::load(file) {
        Ok(clients) => report.ok(
            "clients",
            format!("{} in {}", clients.len(), file.display()),
        ),
        Err(error) => report.failed(
            "clients",
            error.to_string(),
            "mend it; `authkernel client` makes entries",
        ),
    }
}

pub(super) fn certificate(settings: &Settings, report: &mut Report) {
    let (Some(certificate), Some(key)) = (&settings.tls_cert, &settings.tls_key) else {
        return report.ok("tls", "off: no --tls-cert");
    };
    mode("tls key", key, report);
    let tls = match Tls::load(certificate.clone(), key.clone()) {
        Ok(tls) => tls,
        Err(error) => {
            return report.failed(
                "tls",
                error.to_string(),
                "give it a certificate and its key",
            );
        }
    };
    let (now, ends) = (SystemClock.now(), tls.ends());
    let days = ends.saturating_sub(now) / (24 * 60 * 60);
    if ends <= now {
        report.failed("tls", "the certificate has expired", "renew it");
    } else if ends - now <= tls::WARN_BEFORE {
        report.warning(
            "tls",
            format!("the certificate ends in {days} days"),
            "renew it",
        );
    } else {
        report.ok("tls", format!("the certificate is good for {days} days"));
    }
}

pub(super) fn audit_log(settings: &Settings, report: &mut Report) {
    let Some(file) = &settings.audit_log else {
        return report.ok("audit log", "goes to standard error");
    };
    let opened = match file.exists() {
        true => fs::OpenOptions::new().append(true).open(file).map(drop),
        // It is not made here, but its folder has to be there.
        false => writable(match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }),
    };
    match opened {
        Ok(()) => report.ok("audit log", format!("{} can be written", file.display())),
        Err(error) => report.failed(
            "audit log",
            format!("{}: {error}", file.display()),
            "give --audit-log a file that can be written",
        ),
    }
}

/// What stands where the data directory should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Data {
    /// A directory, in use by a running server.
    InUse,
    /// A directory.
    There,
    /// Nothing yet.
    NotYet,
    /// Something that no server can use.
    Bad,
}

pub(super) fn data(settings: &Settings, report: &mut Report) -> Data {
    let folder = &settings.data;
    let at = folder.display();
    if !folder.exists() {
        return match writable(&existing(folder)) {
            Ok(()) => {
                report.ok(
                    "data",
                    format!("{at} is not there yet: the first start makes it"),
                );
                Data::NotYet
            }
            Err(error) => {
                let says = format!("{at} cannot be made: {error}");
                report.failed("data", says, "give --data another directory");
                Data::Bad
            }
        };
    }
    mode("data mode", folder, report);
    match DataDirectory::open(folder) {
        Ok(_) => {
            report.ok("data", format!("{at} can be used"));
            Data::There
        }
        Err(error) if error.to_string().contains("another authkernel uses it") => {
            report.ok("data", format!("{at} is in use by a running server"));
            Data::InUse
        }
        Err(error) => {
            report.failed(
                "data",
                error.to_string(),
                "give --data another directory, or its owner's rights",
            );
            Data::Bad
        }
    }
}

/// A clock that is wrong refuses good tokens, or accepts dead ones.
pub(super) fn clock(settings: &Settings, report: &mut Report) {
    /// 2025-01-01: before any release of this program.
    const EARLIEST: Duration = Duration::from_secs(1_735_689_600);
    /// 2100-01-01
    const LATEST: Duration = Duration::from_secs(4_102_444_800);
    /// Files of another machine's clock may be a little ahead.
    const AHEAD: Duration = Duration::from_secs(60);
    let now = SystemTime::now();
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    if !(EARLIEST..LATEST).contains(&since) {
        let says = format!("it says {} seconds since 1970", since.as_secs());
        return report.failed("clock", says, "set the clock, and keep it with ntp");
    }
    let names = ["authkernel.db", "authkernel.db-wal", "keys.json"];
    let ahead = names.iter().find(|name| {
        let written = fs::metadata(settings.data.join(name)).and_then(|data| data.modified());
        written.is_ok_and(|written| written > now + AHEAD)
    });
    match ahead {
        None => report.ok("clock", format!("{} seconds since 1970", since.as_secs())),
        Some(name) => report.warning(
            "clock",
            format!("{name} was written in the future: the clock was set back"),
            "keep the clock with ntp: tokens are judged by it",
        ),
    }
}

/// The nearest folder above a path that is there.
fn existing(path: &Path) -> PathBuf {
    let above = path.ancestors().skip(1);
    let found = above
        .map(|folder| match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        })
        .find(|folder| folder.exists());
    found.unwrap_or(Path::new("/")).to_owned()
}

/// Whether a file can be made in a folder; it is removed at once.
fn writable(folder: &Path) -> std::io::Result<()> {
    let file = folder.join(format!(".authkernel-check-{}", std::process::id()));
    let made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&file);
    made.and_then(|_| fs::remove_file(&file))
}

/// Warns of a file or directory that others than its owner may read.
#[cfg(unix)]
fn mode(part: &'static str, path: &Path, report: &mut Report) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(data) = fs::metadata(path) else {
        return;
    };
    let mode = data.permissions().mode() & 0o777;
    let wanted = if data.is_dir() { "0700" } else { "0600" };
    match mode & 0o077 {
        0 => report.ok(part, format!("{} is its owner's alone", path.display())),
        _ => report.warning(
            part,
            format!(
                "{} has the mode {mode:04o}: others may use it",
                path.display()
            ),
            format!("chmod {wanted} {}", path.display()),
        ),
    }
}

#[cfg(not(unix))]
fn mode(_part: &'static str, _path: &Path, _report: &mut Report) {}
