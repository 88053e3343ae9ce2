//! The key set of the reference server: read from a file, or made on the first start.

pub(crate) mod live;
pub(crate) mod public;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use authkernel::keys::{KeySet, KeyState};
use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::start::StartError;

/// Reads the operator's key file. It must be there: a key that is made silently would end every session.
pub(crate) fn load(file: &Path) -> Result<String, StartError> {
    let at = |problem: String| StartError::config(format!("keys {}: {problem}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| at(error.to_string()))?;
    KeySet::parse(&text).map_err(|error| at(error.to_string()))?;
    warn_if_readable_by_others(file);
    Ok(text)
}

/// Reads the key file of the data directory, and makes it when it is not there.
pub(crate) fn load_or_generate(file: &Path) -> Result<String, StartError> {
    if file.exists() {
        return load(file);
    }
    let text = save(file, &json!({ "keys": [new_key(NewKey::EdDsa)?] }))?;
    tracing::info!(file = %file.display(), "a new ed25519 signing key was made");
    Ok(text)
}

/// Which kind of key to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewKey {
    EdDsa,
    Hs256,
}

/// Writes a set that the kernel takes, whole or not at all; answers with its text.
pub(crate) fn save(file: &Path, set: &Value) -> Result<String, StartError> {
    let text = format!("{set:#}\n");
    KeySet::parse(&text).map_err(|error| StartError::config(error.to_string()))?;
    store(file, &text).map_err(|error| {
        StartError::other(format!(
            "cannot write the key file {}: {error}",
            file.display()
        ))
    })?;
    Ok(text)
}

/// Writes into each key of a set what the kernel takes its status for, where it says none.
pub(crate) fn state_each(text: &str, set: &mut Value) -> Result<(), StartError> {
    let keys = KeySet::parse(text).map_err(|error| StartError::config(error.to_string()))?;
    for entry in set["keys"].as_array_mut().into_iter().flatten() {
        let key = entry["kid"].as_str().and_then(|kid| keys.get(kid));
        if let Some(key) = key {
            let status = match key.state() {
                KeyState::Signing => "signing",
                KeyState::Verifying => "verifying",
                KeyState::Retired => "retired",
                KeyState::Revoked => "revoked",
            };
            entry["status"] = status.into();
            entry["alg"] = key.algorithm().name().into();
        }
    }
    Ok(())
}

/// A new key that signs. The id of one with a public half is its thumbprint (RFC 7638); that of a symmetric one says
/// nothing about it. No id begins with a hyphen: on a command line it would be taken for an option.
pub(crate) fn new_key(kind: NewKey) -> Result<Value, StartError> {
    loop {
        let key = any_key(kind)?;
        if !key["kid"].as_str().is_some_and(|kid| kid.starts_with('-')) {
            return Ok(key);
        }
    }
}

fn any_key(kind: NewKey) -> Result<Value, StartError> {
    let secret = random::<32>()?;
    if kind == NewKey::Hs256 {
        return Ok(json!({
            "kty": "oct",
            "alg": "HS256",
            "use": "sig",
            "kid": Base64UrlUnpadded::encode_string(&random::<16>()?),
            "status": "signing",
            "k": Base64UrlUnpadded::encode_string(&secret),
        }));
    }
    let key = SigningKey::from_bytes(&secret);
    let x = Base64UrlUnpadded::encode_string(key.verifying_key().as_bytes());
    let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
    Ok(json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
        "kid": Base64UrlUnpadded::encode_string(&thumbprint),
        "status": "signing",
        "x": x,
        "d": Base64UrlUnpadded::encode_string(&secret),
    }))
}

fn random<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| StartError::other("the source of randomness failed: no key could be made"))?;
    Ok(bytes)
}

/// Writes the file whole or not at all, readable by its owner only, and never over another.
fn store(file: &Path, text: &str) -> std::io::Result<()> {
    let draft = file.with_extension("json.new");
    if let Err(error) = std::fs::remove_file(&draft)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(&draft)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    std::fs::rename(&draft, file)?;
    let folder = file.parent().unwrap_or(Path::new("/"));
    // A name without a folder is in the one where the process is.
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    File::open(folder)?.sync_all()
}

#[cfg(unix)]
fn warn_if_readable_by_others(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let open = std::fs::metadata(file).is_ok_and(|data| data.permissions().mode() & 0o077 != 0);
    if open {
        tracing::warn!(file = %file.display(), "the key file can be read by others: set its mode to 0600");
    }
}

#[cfg(not(unix))]
fn warn_if_readable_by_others(_file: &Path) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_belongs_to_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        let first = load_or_generate(&file).unwrap();
        assert_eq!(load_or_generate(&file).unwrap(), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        KeySet::parse(&first).unwrap();
        for kind in [NewKey::EdDsa, NewKey::Hs256] {
            let key = new_key(kind).unwrap();
            assert_ne!(key, new_key(kind).unwrap());
            KeySet::parse(&json!({ "keys": [key] }).to_string()).unwrap();
        }
    }

    #[test]
    fn no_key_is_named_like_an_option() {
        for kind in [NewKey::EdDsa, NewKey::Hs256] {
            for _ in 0..1_000 {
                let key = new_key(kind).unwrap();
                let kid = key["kid"].as_str().unwrap();
                assert!(kid.len() > 20 && !kid.starts_with('-'), "{kid}");
            }
        }
    }

    #[test]
    fn a_wrong_key_file_is_named_and_its_secret_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.json");
        let text = format!("{:#}", json!({ "keys": [new_key(NewKey::EdDsa).unwrap()] }));
        let secret = text
            .split("\"d\": \"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        std::fs::write(&file, text.replace("Ed25519", "Ed448")).unwrap();
        let error = load_or_generate(&file).unwrap_err().to_string();
        assert!(error.contains("keys.json"), "{error}");
        assert!(!error.contains(&secret), "{error}");
        assert!(load(&folder.path().join("none.json")).is_err());
    }
}
