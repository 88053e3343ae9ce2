//! `authkernel keys`: the key set in its file. A server that runs takes a change over within two seconds.

use std::fs::File;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::super::keys::{self, NewKey, public::PublicKeys};
use super::super::start::StartError;
use super::Format;

#[derive(Debug, Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    change: Change,

    /// Key file, a JWK Set; without it keys.json in the data directory
    #[arg(long, global = true, env = "AUTHKERNEL_KEYS", value_name = "FILE")]
    keys: Option<PathBuf>,

    /// Data directory of the server
    #[arg(
        long,
        global = true,
        env = "AUTHKERNEL_DATA",
        value_name = "DIR",
        default_value = "./authkernel-data"
    )]
    data: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Change {
    /// Make a key file with one new signing key; refuses to replace one that is there
    Generate {
        /// Which kind of key
        #[arg(long, value_enum, default_value_t = Algorithm::EdDsa)]
        algorithm: Algorithm,
    },
    /// Make a new signing key; the one that signed is retired: it verifies what it has signed, and signs no more
    Rotate {
        /// Which kind of key
        #[arg(long, value_enum, default_value_t = Algorithm::EdDsa)]
        algorithm: Algorithm,
    },
    /// Mark a verifying key as one that will go; it goes on verifying
    Retire {
        /// The key's id, as `authkernel keys list` shows it
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
    /// End a key at once: every token that it signed is refused, every connection opened with one is closed. If it is
    /// the one that signs, a new one is made
    Revoke {
        /// The key's id, as `authkernel keys list` shows it
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
    /// Print the public keys, as /.well-known/jwks.json has them
    Public,
    /// List the keys: id, algorithm, status
    List,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Algorithm {
    /// Ed25519: others can verify with the public key
    #[value(name = "EdDSA")]
    EdDsa,
    /// HMAC: whoever can verify can sign, too
    #[value(name = "HS256")]
    Hs256,
}

impl From<Algorithm> for NewKey {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::EdDsa => Self::EdDsa,
            Algorithm::Hs256 => Self::Hs256,
        }
    }
}

pub(super) fn run(command: Keys, format: Format) -> Result<(), StartError> {
    let file = command
        .keys
        .unwrap_or_else(|| command.data.join("keys.json"));
    let changed = match command.change {
        Change::Generate { algorithm } => {
            if file.exists() {
                return Err(StartError::config(format!(
                    "{} is there already: rotate its keys instead",
                    file.display()
                )));
            }
            let _lock = lock(&file)?;
            let set = json!({ "keys": [keys::new_key(algorithm.into())?] });
            keys::save(&file, &set)?;
            set
        }
        Change::Rotate { algorithm } => {
            let _lock = lock(&file)?;
            let mut set = read(&file)?;
            add_signing(&mut set, algorithm.into())?;
            keys::save(&file, &set)?;
            set
        }
        Change::Retire { kid } => {
            let _lock = lock(&file)?;
            let mut set = read(&file)?;
            let key = find(&mut set, &kid)?;
            match key["status"].as_str() {
                Some("signing") => {
                    return Err(StartError::config(
                        "this key signs: rotate instead, which retires it",
                    ));
                }
                Some("revoked") => return Err(StartError::config("this key is revoked already")),
                _ => key["status"] = "retired".into(),
            }
            keys::save(&file, &set)?;
            set
        }
        Change::Revoke { kid } => {
            let _lock = lock(&file)?;
            let mut set = read(&file)?;
            let key = find(&mut set, &kid)?;
            let signed = key["status"] == "signing";
            let algorithm = match key["kty"] == "oct" {
                true => NewKey::Hs256,
                false => NewKey::EdDsa,
            };
            key["status"] = "revoked".into();
            if let Some(members) = key.as_object_mut() {
                // A key that nobody may use needs no private part.
                members.remove("d");
            }
            if signed {
                add_signing(&mut set, algorithm)?;
            }
            keys::save(&file, &set)?;
            set
        }
        Change::Public => {
            let set = read(&file)?;
            let public = PublicKeys::of(&set.to_string());
            let public: Value = serde_json::from_str(&public.text).unwrap_or_default();
            return format.document(&public);
        }
        Change::List => read(&file)?,
    };
    list(&changed, format)
}

fn list(set: &Value, format: Format) -> Result<(), StartError> {
    let keys: Vec<Value> = entries(set)
        .map(|key| json!({ "kid": key["kid"], "alg": key["alg"], "status": key["status"] }))
        .collect();
    format.answer(&json!({ "keys": keys }), |line| {
        for key in &keys {
            let text = |name: &str| key[name].as_str().unwrap_or("-").to_owned();
            line(format!(
                "{:<10} {:<6} {}",
                text("status"),
                text("alg"),
                text("kid")
            ));
        }
    })
}

/// The set, if the kernel would take it; every key with its status.
fn read(file: &std::path::Path) -> Result<Value, StartError> {
    let text = keys::load(file)?;
    let mut set: Value =
        serde_json::from_str(&text).map_err(|error| StartError::config(error.to_string()))?;
    keys::state_each(&text, &mut set)?;
    Ok(set)
}

fn add_signing(set: &mut Value, algorithm: NewKey) -> Result<(), StartError> {
    let Some(entries) = set["keys"].as_array_mut() else {
        return Err(StartError::config("the key file has no keys"));
    };
    for key in entries.iter_mut() {
        if key["status"] == "signing" {
            key["status"] = "retired".into();
        }
    }
    entries.insert(0, keys::new_key(algorithm)?);
    Ok(())
}

fn find<'a>(set: &'a mut Value, kid: &str) -> Result<&'a mut Value, StartError> {
    let entries = set["keys"].as_array_mut();
    entries
        .and_then(|entries| entries.iter_mut().find(|key| key["kid"] == kid))
        .ok_or_else(|| {
            StartError::config(format!("there is no key {kid:?}: see authkernel keys list"))
        })
}

fn entries(set: &Value) -> impl Iterator<Item = &Value> {
    set["keys"].as_array().into_iter().flatten()
}

/// Two commands at once must not lose a change. Held until the value is dropped.
fn lock(file: &std::path::Path) -> Result<File, StartError> {
    let at = |error: std::io::Error| {
        StartError::other(format!("cannot lock the keys {}: {error}", file.display()))
    };
    if let Some(folder) = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(at)?;
    }
    let lock = File::create(file.with_extension("lock")).map_err(at)?;
    lock.lock().map_err(at)?;
    Ok(lock)
}
