//! One purpose per token, checked on every acceptance. There is no default that accepts any.

use alloc::string::String;

use crate::claims::Claims;
use crate::error::{Code, Error};
use crate::policy::{Policy, Purpose};

/// Whether a caller named purposes that can be accepted: at least one, all declared.
pub(crate) fn wanted(purposes: &[String], policy: &Policy) -> Result<(), Error> {
    let known = |name: &String| policy.purposes.contains_key(name);
    if purposes.is_empty() || !purposes.iter().all(known) {
        return Err(Error::new(Code::PurposeInvalid));
    }
    Ok(())
}

/// The token's purpose, if it is accepted here and is one that authenticates at all. Single-use, rotating and
/// act-bound tokens never do, even when their purpose is named.
pub(crate) fn accept<'p>(
    claims: &Claims,
    purposes: &[String],
    policy: &'p Policy,
) -> Result<&'p Purpose, Error> {
    let purpose = policy
        .purposes
        .get(&claims.purpose)
        .ok_or_else(|| Error::new(Code::PurposeUnknown))?;
    if !purposes.contains(&claims.purpose) || purpose.single_use || purpose.rotates {
        return Err(Error::new(Code::PurposeNotAllowed));
    }
    if claims.act.is_some() {
        return Err(Error::new(Code::ActBound));
    }
    Ok(purpose)
}
