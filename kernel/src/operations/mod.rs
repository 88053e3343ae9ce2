//! The operations, one file each: rules in order, ports by name.
//!
//! Nothing is decided here that a rule does not say; an operation asks storage, and lets rules judge the answer.

mod admit;
mod authenticate;
mod begin_sign_in;
mod credentials_changed;
mod deliver;
mod expunge;
mod issue;
mod preview;
mod redeliver;
mod revoke;
mod sessions;
mod sign_out_everywhere;
mod sweep;
pub mod types;

use crate::claims::Claims;
use crate::error::Error;
use crate::keys::KeySet;
use crate::policy::Policy;
use crate::ports::{Clock, Host};
use crate::record::Timestamp;
use crate::rules;
use crate::rules::presence::Presented;
use crate::token;

/// Parsed policy and keys, and the host that they are applied to.
///
/// It keeps no decision between calls: two kernels with the same policy, keys and storage answer alike.
#[derive(Clone, Debug)]
pub struct Kernel<H> {
    policy: Policy,
    keys: KeySet,
    host: H,
}

impl<H: Host> Kernel<H> {
    /// A kernel for this host.
    pub fn new(policy: Policy, keys: KeySet, host: H) -> Self {
        Self { policy, keys, host }
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The keys.
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// The host.
    pub fn host(&self) -> &H {
        &self.host
    }

    fn now(&self) -> Timestamp {
        self.host.clock().now()
    }

    /// A token whose signature, header, issuer, audience and tenant are right. Nothing is said about time,
    /// purpose or revocation.
    fn open(&self, text: &str, tenant: Option<&str>) -> Result<Opened, Error> {
        let jws = token::verify_compact(text, &self.keys)?;
        rules::claims::is_claims(&jws)?;
        let claims = Claims::read(&jws.payload)?;
        rules::claims::origin(&claims, &self.policy, tenant)?;
        Ok(Opened {
            claims,
            kid: jws.kid,
        })
    }
}

/// A token that is what it says it is.
struct Opened {
    claims: Claims,
    kid: alloc::string::String,
}

impl Opened {
    fn presented(&self) -> Presented<'_> {
        Presented {
            tenant: self.claims.tenant.as_deref(),
            jti: &self.claims.jti,
            sid: &self.claims.sid,
            subject: &self.claims.subject,
            purpose: &self.claims.purpose,
            kid: &self.kid,
            issued_at: self.claims.issued_at,
            epoch: self.claims.epoch.unwrap_or(0),
        }
    }
}
