//! From the document to the policy: everything that would be wrong at run time is refused here.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::document::{Document, Presence, PurposeDocument, Reaction};
use super::{Policy, Purpose, REVOCATION, TRIGGERS, invalid, not_supported};
use crate::claims::RESERVED;
use crate::error::Error;
use crate::json::{self, MAX_DEPTH};
use crate::limits::{self, MAX_CLAIMS_BYTES};
use crate::rules::socket_id::Template;

/// The longest name of a purpose or an endpoint, in bytes.
const MAX_NAME: usize = 64;
/// The most purposes, endpoints and audiences.
const MAX_ENTRIES: usize = 32;

pub(super) fn check(document: Document) -> Result<Policy, Error> {
    text("issuer", &document.issuer)?;
    audience(&document.audience)?;
    if document.leeway_seconds > 300 {
        return Err(invalid(
            "leeway_seconds",
            "must be 300 at most: mend the clocks instead",
        ));
    }
    let max_token_lifetime = document.max_token_lifetime.seconds();
    if max_token_lifetime == 0 {
        return Err(invalid("max_token_lifetime", "must be longer than zero"));
    }
    let purposes = purposes(document.purposes, max_token_lifetime)?;
    let notify_purposes: Vec<String> = purposes
        .iter()
        .filter(|(_, purpose)| purpose.opens_sockets)
        .map(|(name, _)| name.clone())
        .collect();
    extra_claims(&document.extra_claims)?;
    let template = Template::parse(&document.live_socket_id_template)
        .map_err(|message| invalid("live_socket_id_template", message))?;
    if purposes.values().any(|purpose| purpose.rotates) && !template.uses_sid() {
        return Err(invalid(
            "live_socket_id_template",
            "must contain {sid}, because a purpose rotates: a jti would change under an open connection",
        ));
    }
    names("endpoints", &document.endpoints)?;
    if document.endpoints.is_empty() && !notify_purposes.is_empty() {
        return Err(invalid(
            "endpoints",
            "must name an endpoint, because a purpose opens sockets",
        ));
    }
    let selection = document.sign_out_everywhere;
    let include = "sign_out_everywhere.include_purposes";
    known(
        include,
        selection.include_purposes.as_deref().unwrap_or_default(),
        &purposes,
        false,
    )?;
    let exclude = "sign_out_everywhere.exclude_purposes";
    known(exclude, &selection.exclude_purposes, &purposes, true)?;
    reactions(&document.on_credentials_changed)?;
    Ok(Policy {
        issuer: document.issuer,
        audience: document.audience,
        leeway: document.leeway_seconds,
        max_token_lifetime,
        retention: document.retention.seconds(),
        max_blind: document.max_blind.map(|duration| duration.seconds()),
        purposes,
        extra_claims: document.extra_claims,
        template,
        endpoints: document.endpoints,
        include_purposes: selection.include_purposes,
        exclude_purposes: selection.exclude_purposes,
        reactions: document.on_credentials_changed,
        notify_purposes,
    })
}

fn audience(audience: &[String]) -> Result<(), Error> {
    if audience.is_empty() || audience.len() > MAX_ENTRIES {
        return Err(invalid("audience", "must name 1 to 32 audiences"));
    }
    for (index, name) in audience.iter().enumerate() {
        text(&format!("audience[{index}]"), name)?;
    }
    Ok(())
}

fn purposes(
    documents: BTreeMap<String, PurposeDocument>,
    max_token_lifetime: u64,
) -> Result<BTreeMap<String, Purpose>, Error> {
    if documents.is_empty() || documents.len() > MAX_ENTRIES {
        return Err(invalid("purposes", "must declare 1 to 32 purposes"));
    }
    for (name, document) in &documents {
        let path = format!("purposes.{name}");
        self::name(&path, name)?;
        if name == REVOCATION {
            return Err(invalid(
                &path,
                "is a reserved name: it means \"already revoked\"",
            ));
        }
        for minted in &document.mints {
            if !documents.contains_key(minted) {
                return Err(invalid(
                    &format!("{path}.mints"),
                    &format!("{minted} is not a declared purpose"),
                ));
            }
        }
    }
    documents
        .into_iter()
        .map(|(name, document)| {
            let purpose = purpose(&format!("purposes.{name}"), &document, max_token_lifetime)?;
            Ok((name, purpose))
        })
        .collect()
}

fn purpose(
    path: &str,
    document: &PurposeDocument,
    max_token_lifetime: u64,
) -> Result<Purpose, Error> {
    let lifetime = document.lifetime.seconds();
    if lifetime == 0 {
        return Err(invalid(
            &format!("{path}.lifetime"),
            "must be longer than zero",
        ));
    }
    if lifetime > max_token_lifetime {
        return Err(invalid(
            &format!("{path}.lifetime"),
            "is longer than max_token_lifetime",
        ));
    }
    if document.presence == Presence::Required && !document.store {
        return Err(invalid(
            &format!("{path}.presence"),
            "required needs store: true, or no token of this purpose would ever be accepted",
        ));
    }
    if document.single_use && document.rotates {
        return Err(invalid(path, "single_use and rotates exclude each other"));
    }
    if document.opens_sockets && (document.single_use || document.rotates) {
        return Err(invalid(
            &format!("{path}.opens_sockets"),
            "a purpose that is single_use or rotates never opens a connection",
        ));
    }
    let refused = [
        (
            document.single_use,
            "single_use",
            "single-use purposes are not enforced by this version",
        ),
        (
            document.rotates,
            "rotates",
            "rotating purposes are not enforced by this version",
        ),
        (
            !document.store,
            "store",
            "purposes that are not stored are not enforced by this version",
        ),
        (
            document.reuse_grace.is_some(),
            "reuse_grace",
            "rotating purposes are not enforced by this version",
        ),
        (
            !document.mints.is_empty(),
            "mints",
            "exchanging tokens is not enforced by this version",
        ),
    ];
    if let Some((_, field, message)) = refused.iter().find(|(asked, ..)| *asked) {
        return Err(not_supported(&format!("{path}.{field}"), message));
    }
    Ok(Purpose {
        lifetime,
        store: document.store,
        presence: document.presence,
        opens_sockets: document.opens_sockets,
        single_use: document.single_use,
        rotates: document.rotates,
    })
}

fn extra_claims(claims: &serde_json::Map<String, serde_json::Value>) -> Result<(), Error> {
    for (name, value) in claims {
        let path = format!("extra_claims.{name}");
        if RESERVED.contains(&name.as_str()) {
            return Err(invalid(&path, "is a reserved name: rename the claim"));
        }
        // One level less: the claim stands inside the payload's object.
        if !json::is_shallow(value, MAX_DEPTH - 1) {
            return Err(invalid(&path, "is nested too deeply"));
        }
    }
    let text = format!("{}", serde_json::Value::Object(claims.clone()));
    if text.len() > MAX_CLAIMS_BYTES {
        return Err(invalid("extra_claims", "must have at most 4096 bytes"));
    }
    Ok(())
}

fn reactions(reactions: &BTreeMap<String, Reaction>) -> Result<(), Error> {
    for name in reactions.keys() {
        if !TRIGGERS.iter().any(|(known, _)| known == name) {
            return Err(invalid(
                &format!("on_credentials_changed.{name}"),
                "is not a trigger: use password, email, mfa, recovery, role, account_disabled or account_deleted",
            ));
        }
    }
    Ok(())
}

fn known(
    path: &str,
    names: &[String],
    purposes: &BTreeMap<String, Purpose>,
    revocation: bool,
) -> Result<(), Error> {
    for name in names {
        if !(purposes.contains_key(name) || (revocation && name == REVOCATION)) {
            return Err(invalid(path, &format!("{name} is not a declared purpose")));
        }
    }
    Ok(())
}

fn names(path: &str, names: &[String]) -> Result<(), Error> {
    if names.len() > MAX_ENTRIES {
        return Err(invalid(path, "must have at most 32 entries"));
    }
    for (index, name) in names.iter().enumerate() {
        let path = format!("{path}[{index}]");
        self::name(&path, name)?;
        if names.iter().take(index).any(|other| other == name) {
            return Err(invalid(&path, "stands there twice"));
        }
    }
    Ok(())
}

fn name(path: &str, name: &str) -> Result<(), Error> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(fits) {
        return Err(invalid(
            path,
            "a name has 1 to 64 of the characters A-Z a-z 0-9 _ - .",
        ));
    }
    Ok(())
}

fn text(path: &str, text: &str) -> Result<(), Error> {
    if limits::is_identifier(text) {
        return Ok(());
    }
    Err(invalid(
        path,
        "must have 1 to 255 bytes and no control characters",
    ))
}
