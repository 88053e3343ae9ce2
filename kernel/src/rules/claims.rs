//! Who issued a token, for whom, and when it is valid.

use crate::claims::Claims;
use crate::error::{Code, Error};
use crate::policy::Policy;
use crate::record::Timestamp;
use crate::token::VerifiedJws;

/// Whether the header says that the payload is claims: `typ` is absent, `JWT` or `at+jwt` in any case, and
/// nothing is nested inside (RFC 7519 section 5, RFC 9068 section 2.1).
pub(crate) fn is_claims(jws: &VerifiedJws) -> Result<(), Error> {
    let types = ["jwt", "at+jwt", "application/at+jwt", "application/jwt"];
    let typ = jws.typ.as_deref().unwrap_or("JWT");
    if jws.cty.is_some() || !types.iter().any(|name| typ.eq_ignore_ascii_case(name)) {
        return Err(Error::new(Code::HeaderRefused));
    }
    Ok(())
}

/// Issuer, audience and tenant: what must hold even when a token is revoked.
pub(crate) fn origin(claims: &Claims, policy: &Policy, tenant: Option<&str>) -> Result<(), Error> {
    if claims.issuer != policy.issuer {
        return Err(Error::new(Code::IssuerMismatch));
    }
    if !claims
        .audience
        .iter()
        .any(|name| policy.audience.contains(name))
    {
        return Err(Error::new(Code::AudienceMismatch));
    }
    if claims.tenant.as_deref() != tenant {
        return Err(Error::new(Code::TenantMismatch));
    }
    Ok(())
}

/// The time window: `nbf − leeway <= now < exp + leeway`, `iat` not in the future, `exp − iat` not too long.
pub(crate) fn time(claims: &Claims, policy: &Policy, now: Timestamp) -> Result<(), Error> {
    if now >= deadline(claims.expires_at, policy) {
        return Err(Error::new(Code::TokenExpired));
    }
    let soon = now.saturating_add(policy.leeway);
    if claims.not_before > soon {
        return Err(Error::new(Code::TokenNotYetValid));
    }
    if claims.issued_at > soon {
        return Err(Error::new(Code::TokenIssuedInFuture));
    }
    if claims.expires_at.saturating_sub(claims.issued_at) > policy.max_token_lifetime {
        return Err(Error::new(Code::TokenLifetimeExceeded));
    }
    Ok(())
}

/// The moment from which on a token with this `exp` is refused.
pub(crate) fn deadline(expires_at: Timestamp, policy: &Policy) -> Timestamp {
    expires_at.saturating_add(policy.leeway)
}
