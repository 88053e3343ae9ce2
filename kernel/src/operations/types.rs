//! What the operations take and answer: plain data, the same in Rust, WIT and TypeScript.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value};

use crate::error::{Code, Error};
use crate::record::{Session, Timestamp};
use crate::rules::extra_claims;

/// Extra claims: a JSON object.
pub type ExtraClaims = Map<String, Value>;

/// Whose credential is about to be checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BeginSignIn {
    /// The tenant, if there is one.
    pub tenant: Option<String>,
    /// Who signs in.
    pub subject: String,
}

/// What [`BeginSignIn`] answers: give it to `issue` once the credential was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInGuard {
    /// The subject's epoch before the credential was checked.
    pub epoch: u64,
}

/// A token to mint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Issue {
    /// The tenant, if there is one.
    pub tenant: Option<String>,
    /// Whose token: the `sub`.
    pub subject: String,
    /// What it is for.
    pub purpose: String,
    /// What the host's own claims function answered; wins over the policy's extra claims.
    pub host_claims: Option<ExtraClaims>,
    /// Extra claims of this call; win over all others.
    pub claims: Option<ExtraClaims>,
    /// The session to join, from an identity that was authenticated; a new one when absent.
    pub sid: Option<String>,
    /// What to call the device of a new session, for people.
    pub device: Option<String>,
    /// Seconds; the purpose's lifetime when absent, and never more than it.
    pub lifetime: Option<u64>,
    /// The one action it may be used for. Such a token never authenticates.
    pub act: Option<String>,
    /// What `begin-sign-in` answered before the credential was checked.
    pub guard: Option<SignInGuard>,
}

/// A minted token.
#[derive(Clone, Debug, PartialEq)]
pub struct Issued {
    /// The token. Keep it out of logs.
    pub token: String,
    /// Who it says it is: what `authenticate` would answer.
    pub identity: Identity,
}

/// A token to decide about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authenticate {
    /// The token's text.
    pub token: String,
    /// Which purposes are accepted here; at least one.
    pub purposes: Vec<String>,
    /// The tenant that is served here; the token's must be equal, absent means absent.
    pub tenant: Option<String>,
}

/// A token to open a live connection with, or to prolong an open one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admit {
    /// The token's text.
    pub token: String,
    /// Which purposes are accepted here; at least one.
    pub purposes: Vec<String>,
    /// The tenant that is served here.
    pub tenant: Option<String>,
    /// The open connection that is to be prolonged; absent for a new one.
    pub socket: Option<OpenSocket>,
}

/// Whose connection is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenSocket {
    /// The tenant.
    pub tenant: Option<String>,
    /// The subject.
    pub subject: String,
    /// The session.
    pub sid: String,
}

/// Who a token says it is, after every check.
///
/// The extra claims are read, unless the caller of [`Kernel::authenticate_as`](crate::Kernel::authenticate_as) wants
/// their text.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity<C = ExtraClaims> {
    /// The tenant, if there is one.
    pub tenant: Option<String>,
    /// The subject.
    pub subject: String,
    /// The token's identifier.
    pub jti: String,
    /// The session.
    pub sid: String,
    /// What the token is for.
    pub purpose: String,
    /// The one action it is bound to. Always absent in what `authenticate` and `admit` answer.
    pub act: Option<String>,
    /// The key that signed it.
    pub kid: String,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// From this moment on the token is refused, and a connection opened with it is closed: `exp + leeway`.
    pub deadline: Timestamp,
    /// The subject's epoch when it was issued.
    pub epoch: u64,
    /// The extra claims, all three layers merged.
    pub claims: C,
    /// The topic of its live connections; absent where the purpose opens none.
    pub socket_id: Option<String>,
}

/// How extra claims are handed out: as [`ExtraClaims`], or as text that was checked as strictly and is written by
/// nobody once more, for callers that would do nothing else with them.
pub trait ClaimsForm: Sized {
    /// What a token says.
    fn of_token(claims: ExtraClaims) -> Self;
    /// What was stored with its record. Fails with `storage_failed` when that is not a JSON object.
    fn of_storage(text: Option<String>) -> Result<Self, Error>;
}

impl ClaimsForm for ExtraClaims {
    fn of_token(claims: ExtraClaims) -> Self {
        claims
    }
    fn of_storage(text: Option<String>) -> Result<Self, Error> {
        extra_claims::from_text(text.as_deref())
    }
}

/// The text of a JSON object.
impl ClaimsForm for String {
    fn of_token(claims: ExtraClaims) -> Self {
        Value::Object(claims).to_string()
    }
    fn of_storage(text: Option<String>) -> Result<Self, Error> {
        extra_claims::check_text(text.as_deref())?;
        Ok(text.unwrap_or_else(|| "{}".into()))
    }
}

/// What to revoke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoke {
    /// The token, or a trusted identifier.
    pub target: RevokeTarget,
    /// How much of it.
    pub scope: RevokeScope,
    /// The tenant that is served here.
    pub tenant: Option<String>,
    /// Why, for people and audit logs; `signed_out` when absent.
    pub reason: Option<String>,
}

/// What a [`Revoke`] names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevokeTarget {
    /// A token: its signature, issuer, audience and tenant must verify; time is ignored.
    Token(String),
    /// A `jti` that the application trusts.
    Jti(String),
    /// A `sid` that the application trusts, and whose it must be, if that is given.
    Sid {
        /// The session.
        sid: String,
        /// When given, another subject's session is `session_not_found`, as an unknown one is.
        subject: Option<String>,
    },
}

/// How much a [`Revoke`] revokes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevokeScope {
    /// Every token of the session, stored or not. Always so for a purpose that rotates.
    #[default]
    Session,
    /// This one token.
    Token,
}

/// Which tokens to revoke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOutEverywhere {
    /// Whose, or which.
    pub scope: SignOutScope,
    /// Only these purposes; the policy's when absent; `[]` means none.
    pub include_purposes: Option<Vec<String>>,
    /// Not these purposes; the policy's when absent. Wins over the inclusion.
    pub exclude_purposes: Option<Vec<String>>,
    /// Sessions to keep, 8 at most.
    pub keep: Vec<String>,
    /// Only tokens issued, and sessions begun, before this moment.
    pub issued_before: Option<Timestamp>,
    /// The session that acts, if one does.
    pub acting_sid: Option<String>,
    /// `false`: the acting session is ended as well, but its own connection is left open, unable to act, for
    /// at most 30 s, so that a page can redirect.
    pub disconnect_self: bool,
    /// Why, for people and audit logs; `signed_out_everywhere` when absent.
    pub reason: Option<String>,
}

/// Whose tokens a [`SignOutEverywhere`] means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignOutScope {
    /// One subject's.
    Subject {
        /// The tenant, if there is one.
        tenant: Option<String>,
        /// The subject.
        subject: String,
    },
    /// A whole tenant's: by time, all purposes, no session kept.
    Tenant {
        /// The tenant; `None` means the tokens without one.
        tenant: Option<String>,
    },
    /// All that one key signed: by time, all purposes, no session kept.
    Key {
        /// The key's id.
        kid: String,
    },
}

impl SignOutEverywhere {
    /// Everything of one subject, as the policy says.
    pub fn subject(tenant: Option<String>, subject: impl Into<String>) -> Self {
        Self {
            scope: SignOutScope::Subject {
                tenant,
                subject: subject.into(),
            },
            include_purposes: None,
            exclude_purposes: None,
            keep: Vec::new(),
            issued_before: None,
            acting_sid: None,
            disconnect_self: true,
            reason: None,
        }
    }
}

/// What a revocation did, or what a preview says it would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Sessions that were ended or lost a token.
    pub revoked: u32,
    /// (endpoint, topic) pairs that the broker took; in a preview, those that it would be given.
    pub disconnected: u32,
    /// Pairs that it did not take. They are kept, and sent again by `redeliver`.
    pub undelivered: Vec<Undelivered>,
    /// Nothing was there to revoke: the token or session was dead already.
    pub already: bool,
}

/// A disconnect that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undelivered {
    /// The endpoint.
    pub endpoint: String,
    /// The topic.
    pub topic: String,
}

/// A page of sessions to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    /// The tenant, if there is one.
    pub tenant: Option<String>,
    /// Whose sessions.
    pub subject: String,
    /// What the page before gave as `next`.
    pub after: Option<String>,
    /// How many at most: 1 to 100; 50 when absent.
    pub limit: Option<u32>,
}

/// One page of live sessions, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<Session>,
    /// Give this as `after` for the next page; absent on the last.
    pub next: Option<String>,
}

/// Something about a subject's credentials changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CredentialsChanged {
    /// The tenant, if there is one.
    pub tenant: Option<String>,
    /// Whose.
    pub subject: String,
    /// What changed: one of [`crate::policy::TRIGGERS`].
    pub trigger: String,
    /// The session that made the change, if one did.
    pub acting_sid: Option<String>,
    /// When it changed, if the call comes later (an intent that was left over): sessions begun since are
    /// left alone.
    pub changed_at: Option<Timestamp>,
    /// As in [`SignOutEverywhere`].
    pub disconnect_self: bool,
}

/// An open connection to look after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketState {
    /// The tenant.
    pub tenant: Option<String>,
    /// The token's identifier.
    pub jti: String,
    /// The session.
    pub sid: String,
    /// The subject.
    pub subject: String,
    /// What the token is for.
    pub purpose: String,
    /// The key that signed it.
    pub kid: String,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// The subject's epoch when it was issued.
    pub epoch: u64,
    /// When storage was last asked about it with success.
    pub verified_at: Timestamp,
}

/// What to do with an open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Leave it open; it was verified now.
    Keep,
    /// Leave it open, but act on nothing it sends: its session is ended, its disconnect comes later.
    Mute,
    /// Leave it open; storage could not be asked.
    Unverified,
    /// Close it, for this reason.
    Close(Code),
}

/// What a sweep decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepReport {
    /// One verdict per socket, in order.
    pub verdicts: Vec<Verdict>,
    /// Why storage could not be asked, when it could not.
    pub error: Option<Error>,
}

/// What a redelivery did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redelivered {
    /// Pairs that the broker took now.
    pub delivered: u32,
    /// Pairs that it still does not take.
    pub undelivered: u32,
    /// There may be more to send.
    pub more: bool,
}

/// Extra claims from the text of a JSON object, read as strictly as a token's payload: for bindings, which get
/// them as text.
pub fn parse_claims(text: &str) -> Result<ExtraClaims, Error> {
    crate::json::parse_object(text.as_bytes()).map_err(|_| Error::new(Code::ClaimsInvalid))
}
