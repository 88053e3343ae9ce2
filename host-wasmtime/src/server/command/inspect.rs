//! `authkernel token inspect`: what a token claims, and the kernel's decision about it, with the data of a server or
//! without.
//!
//! Without data the kernel is given a storage that never answers. It asks storage last, after signature, times and
//! purpose: that it asks at all says that nothing before was wrong.

use std::io::Read;
use std::path::PathBuf;

use authkernel::policy::Policy;
use authkernel::ports::{Storage, StorageError};
use authkernel::record::{
    Consumed, Consumption, CutOff, Deleted, DeliveryClaim, ExpiryBatch, FindQuery, Found,
    Insertion, ListQuery, MatchingRevocation, MatchingRevoked, Record, RecordId, Revocation,
    Revoked, StoredSessions, Touch,
};
use authkernel::types::{Authenticate, Identity};
use authkernel::{Code, Error, Kind};
use base64ct::{Base64UrlUnpadded, Encoding};
use clap::Args;
use serde_json::{Value, json};

use super::super::start::StartError;
use super::super::{keys, policy};
use super::Format;
use super::store::{Store, Teller, failed};
use crate::Authenticator;

#[derive(Debug, Args)]
pub(super) struct Inspect {
    #[command(flatten)]
    store: Store,
    /// Public keys of the issuer, a JWK Set such as /.well-known/jwks.json has it: no data directory is needed then,
    /// and whether the token was revoked is not checked
    #[arg(long, value_name = "FILE", conflicts_with = "keys")]
    jwks: Option<PathBuf>,
    /// The token; `-` reads it from standard input, where it is seen in no list of processes
    token: String,
    /// The tenant that is served; without it a token of a tenant is refused
    #[arg(long)]
    tenant: Option<String>,
}

/// What is not known of a token when it is decided about without data, or without a policy.
const REVOCATION: &str = "revocation";
const OF_A_POLICY: [&str; 4] = ["issuer", "audience", "purpose", "lifetime"];

pub(super) async fn run(command: Inspect, format: Format) -> Result<(), StartError> {
    let token = match command.token.as_str() {
        "-" => read_token()?,
        token => token.to_owned(),
    };
    let mut parts = token.split('.');
    let header = parts.next().and_then(decoded);
    let claims = parts.next().and_then(decoded);
    let (decision, unchecked) = decide(&command, token.clone(), claims.as_ref()).await?;
    let outcome = Outcome::of(&decision, &unchecked);
    let (code, message) = match &decision {
        Err(error) if outcome == Outcome::Refused => {
            (error.code().as_str(), error.message().to_owned())
        }
        Err(error) if outcome == Outcome::Undecided => {
            return Err(StartError::other(error.to_string()));
        }
        _ if unchecked.is_empty() => ("accepted", "the token may be used now".to_owned()),
        _ => (
            "not_refused",
            format!(
                "nothing that was checked refuses it; not checked: {}",
                unchecked.join(", ")
            ),
        ),
    };
    let accepted = match outcome {
        Outcome::NotRefused => Value::Null,
        outcome => (outcome == Outcome::Accepted).into(),
    };
    let document = json!({
        "header": header, "claims": claims, "accepted": accepted, "code": code, "message": message,
        "unchecked": unchecked,
    });
    format.answer(&document, |line| {
        for (name, part) in [("header", &header), ("claims", &claims)] {
            match part {
                Some(part) => line(format!("{name}: {part:#}")),
                None => line(format!("{name}: cannot be read")),
            }
        }
        line(match outcome {
            Outcome::Refused => format!("refused: {code}: {message}"),
            Outcome::Accepted => format!("accepted: {message}"),
            _ => format!("not refused: {message}"),
        });
        if outcome == Outcome::Refused && !unchecked.is_empty() {
            line(format!("not checked: {}", unchecked.join(", ")));
        }
    })?;
    match outcome {
        Outcome::Accepted => Ok(()),
        Outcome::NotRefused => Err(StartError::answered(4)),
        _ => Err(StartError::answered(3)),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Accepted,
    /// Nothing that was checked is wrong, and not everything was checked.
    NotRefused,
    Refused,
    Undecided,
}

impl Outcome {
    fn of(decision: &Result<Identity, Error>, unchecked: &[&str]) -> Self {
        match decision {
            Ok(_) if unchecked.is_empty() => Self::Accepted,
            Ok(_) => Self::NotRefused,
            Err(error)
                if error.code() == Code::StorageUnavailable && unchecked.contains(&REVOCATION) =>
            {
                Self::NotRefused
            }
            Err(error) if error.code().kind() == Kind::Denied => Self::Refused,
            Err(_) => Self::Undecided,
        }
    }
}

/// The kernel's decision, and what it could not look at.
async fn decide(
    command: &Inspect,
    token: String,
    claims: Option<&Value>,
) -> Result<(Result<Identity, Error>, Vec<&'static str>), StartError> {
    let file = command.jwks.as_ref().or(command.store.keys.as_ref());
    let file = file.filter(|_| command.jwks.is_some() || !command.store.is_there());
    let Some(file) = file else {
        let request = request(
            command,
            token,
            &policy::load(command.store.policy.as_deref())?,
        )?;
        let kernel = command.store.open().await?;
        return Ok((kernel.authenticate(request).await, Vec::new()));
    };
    let keys = keys::load(file)?;
    let mut unchecked = vec![REVOCATION];
    let policy = match &command.store.policy {
        Some(policy) => policy::read(policy)?,
        None => {
            unchecked.extend(OF_A_POLICY);
            that_agrees(claims)
        }
    };
    let request = request(command, token, &policy)?;
    let kernel = Authenticator::builder()
        .policy(&policy)
        .keys(&keys)
        .storage(Silent)
        .broadcast(Teller::Servers)
        .build()
        .await
        .map_err(|error| StartError::other(error.to_string()))?;
    Ok((kernel.authenticate(request).await, unchecked))
}

fn request(command: &Inspect, token: String, policy: &str) -> Result<Authenticate, StartError> {
    let known = Policy::parse(policy).map_err(failed)?;
    Ok(Authenticate {
        token,
        purposes: known.purposes().map(str::to_owned).collect(),
        tenant: command.tenant.clone(),
    })
}

/// A policy that has nothing against what the token says of itself, so that only signature and times are decided
/// about. Where the token says nothing that could be agreed with it is refused, whatever the policy.
fn that_agrees(claims: Option<&Value>) -> String {
    let claim = |name: &str| claims.and_then(|claims| claims.get(name));
    let text = |name: &str| claim(name).and_then(Value::as_str);
    let seconds = |name: &str| claim(name).and_then(Value::as_u64).unwrap_or_default();
    let audience = claim("aud").map(|audience| match audience {
        Value::Array(_) => audience.clone(),
        one => json!([one]),
    });
    let lifetime = seconds("exp").saturating_sub(seconds("iat")).max(1);
    let policy = json!({
        "issuer": text("iss").unwrap_or("unknown"),
        "audience": audience.unwrap_or_else(|| json!(["unknown"])),
        "purposes": { text("purpose").unwrap_or("unknown"): {
            "lifetime": format!("{lifetime}s"), "store": true, "presence": "required",
        } },
        "max_token_lifetime": format!("{lifetime}s"),
    })
    .to_string();
    match Policy::parse(&policy) {
        Ok(_) => policy,
        Err(_) => policy::DEFAULT_POLICY.to_owned(),
    }
}

/// One part of a token, unverified: for people.
fn decoded(part: &str) -> Option<Value> {
    let bytes = Base64UrlUnpadded::decode_vec(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn read_token() -> Result<String, StartError> {
    let mut text = String::new();
    std::io::stdin()
        .take(64 * 1024)
        .read_to_string(&mut text)
        .map_err(|error| StartError::other(format!("cannot read the token: {error}")))?;
    Ok(text.trim().to_owned())
}

/// Storage that is not there.
#[derive(Clone, Copy, Debug)]
struct Silent;

fn silent<T>() -> Result<T, StorageError> {
    Err(StorageError::Unavailable("there is no data".to_owned()))
}

impl Storage for Silent {
    async fn find(&self, _: FindQuery) -> Result<Found, StorageError> {
        silent()
    }

    async fn find_many(&self, _: Vec<FindQuery>) -> Result<Vec<Found>, StorageError> {
        silent()
    }

    async fn insert(&self, _: Insertion) -> Result<u64, StorageError> {
        silent()
    }

    async fn revoke(&self, _: Revocation) -> Result<Revoked, StorageError> {
        silent()
    }

    async fn revoke_matching(
        &self,
        _: MatchingRevocation,
    ) -> Result<MatchingRevoked, StorageError> {
        silent()
    }

    async fn consume(&self, _: Consumption) -> Result<Consumed, StorageError> {
        silent()
    }

    async fn touch(&self, _: Touch) -> Result<(), StorageError> {
        silent()
    }

    async fn list(&self, _: ListQuery) -> Result<StoredSessions, StorageError> {
        silent()
    }

    async fn undelivered(&self, _: DeliveryClaim) -> Result<Vec<Record>, StorageError> {
        silent()
    }

    async fn delivered(&self, _: Vec<RecordId>) -> Result<(), StorageError> {
        silent()
    }

    async fn delete_expired(&self, _: ExpiryBatch) -> Result<Deleted, StorageError> {
        silent()
    }

    async fn raise_cut_off(&self, _: CutOff) -> Result<(), StorageError> {
        silent()
    }
}
