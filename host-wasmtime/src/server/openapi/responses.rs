//! Refusals as the document has them: one response per status, with every code that it may carry.

use std::collections::BTreeMap;

use authkernel::{Code, Kind};
use serde_json::{Value, json};

use super::super::error::{Refusal, ServerCode};
use super::operation::schema_ref;

/// What any request may be refused with.
pub(super) fn of_every_request() -> Vec<Refusal> {
    let mut refusals = vec![
        ServerCode::RequestTimeout.into(),
        ServerCode::Internal.into(),
        ServerCode::Stopping.into(),
        Code::Overloaded.into(),
    ];
    refusals.extend(of_kind(Kind::Internal));
    refusals.extend(of_kind(Kind::Unavailable));
    refusals
}

/// What a request that needs a session may be refused with.
pub(super) fn of_a_session() -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = [
        ServerCode::CredentialMissing,
        ServerCode::CredentialAmbiguous,
        ServerCode::AuthorizationInvalid,
        ServerCode::OriginRefused,
    ]
    .map(Refusal::from)
    .into();
    refusals.extend(of_kind(Kind::Denied));
    refusals
}

/// What a JSON body may be refused with.
pub(super) fn of_a_body() -> Vec<Refusal> {
    [
        ServerCode::BodyInvalid,
        ServerCode::BodyTooLarge,
        ServerCode::ContentTypeInvalid,
    ]
    .map(Refusal::from)
    .into()
}

fn of_kind(kind: Kind) -> impl Iterator<Item = Refusal> {
    let codes = Code::ALL.iter().copied();
    codes
        .filter(move |code| code.kind() == kind)
        .map(Refusal::from)
}

/// One response per status.
pub(super) fn by_status(refusals: Vec<Refusal>) -> BTreeMap<u16, Value> {
    let mut codes = BTreeMap::<u16, BTreeMap<&'static str, String>>::new();
    for refusal in refusals {
        let of_status = codes.entry(refusal.status().as_u16()).or_default();
        of_status.insert(refusal.code(), refusal.message().to_owned());
    }
    codes
        .into_iter()
        .map(|(status, codes)| (status, refused(status, &codes)))
        .collect()
}

fn refused(status: u16, codes: &BTreeMap<&'static str, String>) -> Value {
    let mut description = String::new();
    for (code, message) in codes {
        description.push_str(&format!("- `{code}`: {message}\n"));
    }
    let names: Vec<&str> = codes.keys().copied().collect();
    let example = codes
        .iter()
        .next()
        .map(|(code, message)| json!({ "error": { "code": code, "message": message } }));
    let schema = json!({
        "allOf": [
            schema_ref("Error"),
            { "properties": { "error": { "properties": { "code": { "enum": names } } } } },
        ],
    });
    let mut response = json!({
        "description": description,
        "content": { "application/json": { "schema": schema, "example": example } },
    });
    if let Some((name, required, text)) = header(status) {
        response["headers"][name] =
            json!({ "description": text, "required": required, "schema": { "type": "string" } });
    }
    response
}

/// The header that comes with a status.
fn header(status: u16) -> Option<(&'static str, bool, &'static str)> {
    match status {
        401 => Some(("WWW-Authenticate", false, "how to authenticate")),
        426 => Some(("Upgrade", true, "the protocol to upgrade to: websocket")),
        429 => Some(("Retry-After", true, "seconds to wait")),
        503 => Some(("Retry-After", false, "seconds to wait")),
        _ => None,
    }
}
