//! Extra claims in three layers: policy, the host's claims function, the call; the later one wins.

use alloc::format;
use alloc::string::String;

use serde_json::Value;

use crate::claims::RESERVED;
use crate::error::{Code, Error};
use crate::json::{self, MAX_DEPTH};
use crate::limits::MAX_CLAIMS_BYTES;
use crate::operations::types::ExtraClaims;

/// The merged extra claims. A reserved name is an error, not an override.
pub(crate) fn merge(
    policy: &ExtraClaims,
    host: Option<ExtraClaims>,
    call: Option<ExtraClaims>,
) -> Result<ExtraClaims, Error> {
    let mut merged = policy.clone();
    for (name, value) in host.into_iter().chain(call).flatten() {
        if RESERVED.contains(&name.as_str()) {
            return Err(Error::with(
                Code::ClaimReserved,
                format!("the extra claim {name} has a reserved name: rename it"),
            ));
        }
        // One level less: the claim stands inside the payload's object.
        if !json::is_shallow(&value, MAX_DEPTH - 1) {
            return Err(Error::new(Code::ClaimsInvalid));
        }
        merged.insert(name, value);
    }
    if to_text(&merged).is_some_and(|text| text.len() > MAX_CLAIMS_BYTES) {
        return Err(Error::with(
            Code::ClaimsInvalid,
            "extra claims must have at most 4096 bytes as json",
        ));
    }
    Ok(merged)
}

/// What is stored: the text of a JSON object, nothing for an empty one.
pub(crate) fn to_text(claims: &ExtraClaims) -> Option<String> {
    if claims.is_empty() {
        return None;
    }
    Some(format!("{}", Value::Object(claims.clone())))
}

/// What was stored, read back.
pub(crate) fn from_text(text: Option<&str>) -> Result<ExtraClaims, Error> {
    text.map_or(Ok(ExtraClaims::new()), |text| {
        json::parse_object(text.as_bytes()).map_err(|_| not_an_object())
    })
}

/// Whether what was stored can be read back.
pub(crate) fn check_text(text: Option<&str>) -> Result<(), Error> {
    text.map_or(Ok(()), |text| {
        json::check_object(text.as_bytes()).map_err(|_| not_an_object())
    })
}

fn not_an_object() -> Error {
    Error::with(
        Code::StorageFailed,
        "storage answered extra data that is not a json object",
    )
}
