//! Conversions between the kernel's types and those generated from `wit/`. Strings are moved, never copied;
//! nothing is decided here.

use authkernel::ports::{self, BroadcastError, Disconnect, Message, Recheck, StorageError};
use authkernel::types::{self as k, ExtraClaims};
use authkernel::{Code, Error, record};
use serde_json::Value;

use super::bindings::auth::kernel::{broadcast, storage, types};
use super::bindings::exports::auth::kernel::tokens;

/// `From` through options and lists.
pub(super) trait Convert<T> {
    fn convert(self) -> T;
}

impl<T, U> Convert<Option<U>> for Option<T>
where
    T: Convert<U>,
{
    fn convert(self) -> Option<U> {
        self.map(T::convert)
    }
}

impl<T, U> Convert<Vec<U>> for Vec<T>
where
    T: Convert<U>,
{
    fn convert(self) -> Vec<U> {
        self.into_iter().map(T::convert).collect()
    }
}

/// The same type on both sides.
macro_rules! same {
    ($($type:ty),*) => {
        $(impl Convert<$type> for $type {
            fn convert(self) -> $type {
                self
            }
        })*
    };
}
same!(String, u64, u32, bool, ());

/// A record with the same fields on both sides.
macro_rules! records {
    ($($from:path => $to:path { $($field:ident),* $(,)? })*) => {
        $(impl Convert<$to> for $from {
            fn convert(self) -> $to {
                $to { $($field: self.$field.convert()),* }
            }
        })*
    };
}

/// An enumeration with the same cases on both sides, none of them with a payload.
macro_rules! enums {
    ($($from:path => $to:path { $($case:ident),* $(,)? })*) => {
        $(impl Convert<$to> for $from {
            fn convert(self) -> $to {
                type To = $to;
                match self { $(Self::$case => To::$case),* }
            }
        })*
    };
}

// What operations take.

records! {
    k::BeginSignIn => tokens::BeginSignIn { tenant, subject }
    k::SignInGuard => tokens::SignInGuard { epoch }
    k::Issue => tokens::Issue {
        tenant, subject, purpose, host_claims, claims, sid, device, lifetime, act, guard,
    }
    k::Authenticate => tokens::Authenticate { token, purposes, tenant }
    k::Admit => tokens::Admit { token, purposes, tenant, socket }
    k::OpenSocket => tokens::OpenSocket { tenant, subject, sid }
    k::Revoke => tokens::Revoke { target, scope, tenant, reason }
    k::SignOutEverywhere => tokens::SignOutEverywhere {
        scope, include_purposes, exclude_purposes, keep, issued_before, acting_sid, disconnect_self, reason,
    }
    k::Sessions => tokens::Sessions { tenant, subject, after, limit }
    k::CredentialsChanged => tokens::CredentialsChanged {
        tenant, subject, trigger, acting_sid, changed_at, disconnect_self,
    }
    k::SocketState => tokens::SocketState {
        tenant, jti, sid, subject, purpose, kid, issued_at, expires_at, epoch, verified_at,
    }
}

enums! {
    k::RevokeScope => tokens::RevokeScope { Session, Token }
}

impl Convert<String> for ExtraClaims {
    fn convert(self) -> String {
        Value::Object(self).to_string()
    }
}

impl Convert<tokens::RevokeTarget> for k::RevokeTarget {
    fn convert(self) -> tokens::RevokeTarget {
        match self {
            Self::Token(token) => tokens::RevokeTarget::Token(token),
            Self::Jti(jti) => tokens::RevokeTarget::Jti(jti),
            Self::Sid { sid, subject } => {
                tokens::RevokeTarget::Sid(tokens::OwnedSid { sid, subject })
            }
        }
    }
}

impl Convert<tokens::SignOutScope> for k::SignOutScope {
    fn convert(self) -> tokens::SignOutScope {
        match self {
            Self::Subject { tenant, subject } => {
                tokens::SignOutScope::Subject(tokens::SubjectScope { tenant, subject })
            }
            Self::Tenant { tenant } => tokens::SignOutScope::Tenant(tenant),
            Self::Key { kid } => tokens::SignOutScope::Key(kid),
        }
    }
}

// What operations answer.

records! {
    tokens::SignInGuard => k::SignInGuard { epoch }
    tokens::Report => k::Report { revoked, disconnected, undelivered, already }
    tokens::Undelivered => k::Undelivered { endpoint, topic }
    tokens::SessionPage => k::SessionPage { sessions, next }
    tokens::SweepReport => k::SweepReport { verdicts, error }
    tokens::Redelivered => k::Redelivered { delivered, undelivered, more }
    tokens::Expunged => record::Deleted { records, sessions, cut_offs, more }
}

/// Fails only when the component answers something else than a JSON object for the claims.
pub(super) fn identity(identity: tokens::Identity) -> Result<k::Identity, Error> {
    Ok(k::Identity {
        claims: claims(&identity.claims)?,
        tenant: identity.tenant,
        subject: identity.subject,
        jti: identity.jti,
        sid: identity.sid,
        purpose: identity.purpose,
        act: identity.act,
        kid: identity.kid,
        issued_at: identity.issued_at,
        expires_at: identity.expires_at,
        deadline: identity.deadline,
        epoch: identity.epoch,
        socket_id: identity.socket_id,
    })
}

/// As [`identity`].
pub(super) fn issued(issued: tokens::Issued) -> Result<k::Issued, Error> {
    Ok(k::Issued {
        token: issued.token,
        identity: identity(issued.identity)?,
    })
}

fn claims(text: &str) -> Result<ExtraClaims, Error> {
    if text == "{}" {
        return Ok(ExtraClaims::new());
    }
    serde_json::from_str(text).map_err(|error| {
        tracing::error!(%error, "the component answered claims that are not a json object");
        Error::new(Code::KernelUnavailable)
    })
}

impl Convert<Error> for tokens::Error {
    fn convert(self) -> Error {
        let code: Code = self.code.convert();
        // Most refusals say what their code says.
        match self.message == code.describe() {
            true => Error::new(code),
            false => Error::with(code, self.message),
        }
    }
}

impl Convert<k::Verdict> for tokens::Verdict {
    fn convert(self) -> k::Verdict {
        match self {
            Self::Keep => k::Verdict::Keep,
            Self::Mute => k::Verdict::Mute,
            Self::Unverified => k::Verdict::Unverified,
            Self::Close(code) => k::Verdict::Close(code.convert()),
        }
    }
}

enums! {
    tokens::Code => Code {
        TokenMalformed, TokenTooLarge, HeaderRefused, AlgorithmRefused, KeyUnknown, KeyRevoked, SignatureInvalid,
        ClaimMissing, ClaimType, IssuerMismatch, AudienceMismatch, TenantMismatch, TokenExpired, TokenNotYetValid,
        TokenIssuedInFuture, TokenLifetimeExceeded, PurposeUnknown, PurposeNotAllowed, ActBound, TokenNotFound,
        TokenRevoked, TokenConsumed, SessionEnded, TokenCutOff, RecordMismatch, SocketMismatch, SignInSuperseded,
        SessionNotFound, InputInvalid, PurposeInvalid, ClaimsInvalid, ClaimReserved, LifetimeInvalid,
        SocketIdInvalid, SelectorInvalid, TriggerUnknown, CursorInvalid, SigningKeyMissing, AuthenticatorClosed,
        PolicyInvalid, PolicyNotSupported, KeysInvalid, StorageUnavailable, StorageConflict, StorageFailed,
        RandomUnavailable, Overloaded, OutcomeUnknown, KernelUnavailable,
    }
}

// What imports are given.

records! {
    storage::FindQuery => record::FindQuery { tenant, jti, sid, subject, purpose, kid }
    storage::Insertion => record::Insertion { record, session, open, guard }
    storage::Revocation => record::Revocation {
        tenant, target, subject, at, reason, tombstone, session_tombstone, notify_purposes, due, limit,
    }
    storage::MatchingRevocation => record::MatchingRevocation {
        tenant, subject, include_purposes, exclude_purposes, keep, issued_before, unexpired_after, end_sessions,
        cut_offs, forget_at, at, reason, notify_purposes, delay, limit, dry_run,
    }
    storage::Delay => record::Delay { sid, due }
    storage::Consumption => record::Consumption { tenant, jti, sid, subject, at, request, successors }
    storage::ListQuery => record::ListQuery { tenant, subject, at, with_record, after, limit }
    storage::SessionCursor => record::SessionCursor { created_at, sid }
    storage::DeliveryClaim => record::DeliveryClaim { at, lease_until, limit, only }
    storage::SubjectId => record::SubjectId { tenant, subject }
    storage::RecordId => record::RecordId { tenant, jti }
    storage::SubjectCutOff => record::SubjectCutOff { tenant, subject, purpose, below, spared, forget_at }
    storage::TenantCutOff => record::TenantCutOff { tenant, at, forget_at }
    storage::KeyCutOff => record::KeyCutOff { kid, at, forget_at }
    types::Session => record::Session { tenant, sid, subject, device, created_at, last_seen, ends_at, status }
    types::TokenRecord => record::Record {
        tenant, jti, sid, subject, purpose, act, kid, issued_at, expires_at, epoch, extra_data, created_at, status,
        successors, notify,
    }
    types::Disconnect => Disconnect { endpoint, topic }
    types::Recheck => Recheck { tenant, subject, purpose, sid, kid }
}

impl Convert<record::RevocationTarget> for storage::RevocationTarget {
    fn convert(self) -> record::RevocationTarget {
        match self {
            Self::Token(jti) => record::RevocationTarget::Token(jti),
            Self::Session(sid) => record::RevocationTarget::Session(sid),
        }
    }
}

impl Convert<record::CutOffScope> for storage::CutOffScope {
    fn convert(self) -> record::CutOffScope {
        match self {
            Self::Nothing => record::CutOffScope::Nothing,
            Self::Subject => record::CutOffScope::Subject,
            Self::Purposes(purposes) => record::CutOffScope::Purposes(purposes),
        }
    }
}

impl Convert<record::CutOff> for storage::CutOff {
    fn convert(self) -> record::CutOff {
        match self {
            Self::Subject(cut_off) => record::CutOff::Subject(cut_off.convert()),
            Self::Tenant(cut_off) => record::CutOff::Tenant(cut_off.convert()),
            Self::Key(cut_off) => record::CutOff::Key(cut_off.convert()),
        }
    }
}

impl Convert<record::Status> for types::Status {
    fn convert(self) -> record::Status {
        match self {
            Self::Live => record::Status::Live,
            Self::Revoked(types::Ending { at, reason }) => record::Status::Revoked { at, reason },
            Self::Consumed(types::ConsumptionMark { at, request }) => {
                record::Status::Consumed { at, request }
            }
        }
    }
}

impl Convert<record::SessionStatus> for types::SessionStatus {
    fn convert(self) -> record::SessionStatus {
        match self {
            Self::Live => record::SessionStatus::Live,
            Self::Ended(types::Ending { at, reason }) => {
                record::SessionStatus::Ended { at, reason }
            }
        }
    }
}

impl Convert<record::Notify> for types::Notify {
    fn convert(self) -> record::Notify {
        match self {
            Self::Nothing => record::Notify::Nothing,
            Self::Pending(due) => record::Notify::Pending { due },
        }
    }
}

impl Convert<Message> for types::Message {
    fn convert(self) -> Message {
        match self {
            Self::Disconnect(disconnect) => Message::Disconnect(disconnect.convert()),
            Self::Recheck(recheck) => Message::Recheck(recheck.convert()),
        }
    }
}

// What imports answer.

records! {
    record::Found => storage::Found { record, session, cut_offs, epoch }
    record::SubjectCutOff => storage::SubjectCutOff { tenant, subject, purpose, below, spared, forget_at }
    record::TenantCutOff => storage::TenantCutOff { tenant, at, forget_at }
    record::KeyCutOff => storage::KeyCutOff { kid, at, forget_at }
    record::Session => types::Session { tenant, sid, subject, device, created_at, last_seen, ends_at, status }
    record::Record => types::TokenRecord {
        tenant, jti, sid, subject, purpose, act, kid, issued_at, expires_at, epoch, extra_data, created_at, status,
        successors, notify,
    }
    record::Revoked => storage::Revoked { outcome, records, pending, more }
    record::MatchingRevoked => storage::MatchingRevoked {
        sessions, records, notify_records, notify_sessions, pending, more, epoch,
    }
    record::StoredSessions => storage::StoredSessions { sessions, more }
    record::Deleted => storage::Deleted { records, sessions, cut_offs, more }
}

enums! {
    record::RevocationOutcome => storage::RevocationOutcome { Revoked, Tombstoned, Already, NotFound }
    ports::Guard => storage::Guard { Epoch, Session }
}

impl Convert<storage::CutOff> for record::CutOff {
    fn convert(self) -> storage::CutOff {
        match self {
            Self::Subject(cut_off) => storage::CutOff::Subject(cut_off.convert()),
            Self::Tenant(cut_off) => storage::CutOff::Tenant(cut_off.convert()),
            Self::Key(cut_off) => storage::CutOff::Key(cut_off.convert()),
        }
    }
}

impl Convert<types::Status> for record::Status {
    fn convert(self) -> types::Status {
        match self {
            Self::Live => types::Status::Live,
            Self::Revoked { at, reason } => types::Status::Revoked(types::Ending { at, reason }),
            Self::Consumed { at, request } => {
                types::Status::Consumed(types::ConsumptionMark { at, request })
            }
        }
    }
}

impl Convert<types::SessionStatus> for record::SessionStatus {
    fn convert(self) -> types::SessionStatus {
        match self {
            Self::Live => types::SessionStatus::Live,
            Self::Ended { at, reason } => types::SessionStatus::Ended(types::Ending { at, reason }),
        }
    }
}

impl Convert<types::Notify> for record::Notify {
    fn convert(self) -> types::Notify {
        match self {
            Self::Nothing => types::Notify::Nothing,
            Self::Pending { due } => types::Notify::Pending(due),
        }
    }
}

impl Convert<storage::Consumed> for record::Consumed {
    fn convert(self) -> storage::Consumed {
        match self {
            Self::Won { epoch } => storage::Consumed::Won(epoch),
            Self::Lost {
                record,
                session,
                newest,
            } => storage::Consumed::Lost(storage::Lost {
                record: record.convert(),
                session: session.convert(),
                newest: newest.convert(),
            }),
        }
    }
}

impl Convert<storage::Error> for StorageError {
    fn convert(self) -> storage::Error {
        match self {
            Self::Unavailable(reason) => storage::Error::Unavailable(reason),
            Self::Conflict => storage::Error::Conflict,
            Self::GuardFailed(guard) => storage::Error::GuardFailed(guard.convert()),
            Self::Other(reason) => storage::Error::Other(reason),
        }
    }
}

impl Convert<broadcast::Error> for BroadcastError {
    fn convert(self) -> broadcast::Error {
        match self {
            Self::Unavailable(reason) => broadcast::Error::Unavailable(reason),
            Self::Other(reason) => broadcast::Error::Other(reason),
        }
    }
}
