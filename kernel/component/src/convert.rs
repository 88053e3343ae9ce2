//! Conversions between the kernel's types and those generated from `wit/`. Strings are moved, never copied;
//! nothing is decided here.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use authkernel::ports::{self, BroadcastError, Disconnect, Message, Recheck, StorageError};
use authkernel::types::{self as k, ExtraClaims};
use authkernel::{Code, Error, record};
use serde_json::Value;

use super::bindings::auth::kernel::{broadcast, storage, types};
use super::bindings::exports::auth::kernel::tokens;

/// `From` through options and lists.
pub(crate) trait Convert<T> {
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

impl<T, U, E, F> Convert<Result<U, F>> for Result<T, E>
where
    T: Convert<U>,
    E: Convert<F>,
{
    fn convert(self) -> Result<U, F> {
        self.map(T::convert).map_err(E::convert)
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
    tokens::BeginSignIn => k::BeginSignIn { tenant, subject }
    tokens::SignInGuard => k::SignInGuard { epoch }
    tokens::Authenticate => k::Authenticate { token, purposes, tenant }
    tokens::Admit => k::Admit { token, purposes, tenant, socket }
    tokens::OpenSocket => k::OpenSocket { tenant, subject, sid }
    tokens::Revoke => k::Revoke { target, scope, tenant, reason }
    tokens::SignOutEverywhere => k::SignOutEverywhere {
        scope, include_purposes, exclude_purposes, keep, issued_before, acting_sid, disconnect_self, reason,
    }
    tokens::Sessions => k::Sessions { tenant, subject, after, limit }
    tokens::CredentialsChanged => k::CredentialsChanged {
        tenant, subject, trigger, acting_sid, changed_at, disconnect_self,
    }
    tokens::SocketState => k::SocketState {
        tenant, jti, sid, subject, purpose, kid, issued_at, expires_at, epoch, verified_at,
    }
}

enums! {
    tokens::RevokeScope => k::RevokeScope { Session, Token }
}

/// Refused by the kernel when the claims are not a JSON object.
pub(crate) fn issue(issue: tokens::Issue) -> Result<k::Issue, tokens::Error> {
    let claims = |text: Option<String>| -> Result<Option<ExtraClaims>, tokens::Error> {
        text.map(|text| k::parse_claims(&text))
            .transpose()
            .map_err(Error::convert)
    };
    Ok(k::Issue {
        host_claims: claims(issue.host_claims)?,
        claims: claims(issue.claims)?,
        tenant: issue.tenant,
        subject: issue.subject,
        purpose: issue.purpose,
        sid: issue.sid,
        device: issue.device,
        lifetime: issue.lifetime,
        act: issue.act,
        guard: issue.guard.convert(),
    })
}

impl Convert<k::RevokeTarget> for tokens::RevokeTarget {
    fn convert(self) -> k::RevokeTarget {
        match self {
            Self::Token(token) => k::RevokeTarget::Token(token),
            Self::Jti(jti) => k::RevokeTarget::Jti(jti),
            Self::Sid(tokens::OwnedSid { sid, subject }) => k::RevokeTarget::Sid { sid, subject },
        }
    }
}

impl Convert<k::SignOutScope> for tokens::SignOutScope {
    fn convert(self) -> k::SignOutScope {
        match self {
            Self::Subject(tokens::SubjectScope { tenant, subject }) => {
                k::SignOutScope::Subject { tenant, subject }
            }
            Self::Tenant(tenant) => k::SignOutScope::Tenant { tenant },
            Self::Key(kid) => k::SignOutScope::Key { kid },
        }
    }
}

// What operations answer.

records! {
    k::SignInGuard => tokens::SignInGuard { epoch }
    k::Issued => tokens::Issued { token, identity }
    k::Identity => tokens::Identity {
        tenant, subject, jti, sid, purpose, act, kid, issued_at, expires_at, deadline, epoch, claims, socket_id,
    }
    k::Identity<String> => tokens::Identity {
        tenant, subject, jti, sid, purpose, act, kid, issued_at, expires_at, deadline, epoch, claims, socket_id,
    }
    k::Report => tokens::Report { revoked, disconnected, undelivered, already }
    k::Undelivered => tokens::Undelivered { endpoint, topic }
    k::SessionPage => tokens::SessionPage { sessions, next }
    k::SweepReport => tokens::SweepReport { verdicts, error }
    k::Redelivered => tokens::Redelivered { delivered, undelivered, more }
    record::Deleted => tokens::Expunged { records, sessions, cut_offs, more }
}

impl Convert<String> for ExtraClaims {
    fn convert(self) -> String {
        match self.is_empty() {
            true => "{}".to_owned(),
            false => Value::Object(self).to_string(),
        }
    }
}

impl Convert<tokens::Error> for Error {
    fn convert(self) -> tokens::Error {
        tokens::Error {
            code: self.code().convert(),
            message: self.message().to_owned(),
        }
    }
}

impl Convert<tokens::Verdict> for k::Verdict {
    fn convert(self) -> tokens::Verdict {
        match self {
            Self::Keep => tokens::Verdict::Keep,
            Self::Mute => tokens::Verdict::Mute,
            Self::Unverified => tokens::Verdict::Unverified,
            Self::Close(code) => tokens::Verdict::Close(code.convert()),
        }
    }
}

enums! {
    Code => tokens::Code {
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
    record::FindQuery => storage::FindQuery { tenant, jti, sid, subject, purpose, kid }
    record::Insertion => storage::Insertion { record, session, open, guard }
    record::Revocation => storage::Revocation {
        tenant, target, subject, at, reason, tombstone, session_tombstone, notify_purposes, due, limit,
    }
    record::MatchingRevocation => storage::MatchingRevocation {
        tenant, subject, include_purposes, exclude_purposes, keep, issued_before, unexpired_after, end_sessions,
        cut_offs, forget_at, at, reason, notify_purposes, delay, limit, dry_run,
    }
    record::Delay => storage::Delay { sid, due }
    record::Consumption => storage::Consumption { tenant, jti, sid, subject, at, request, successors }
    record::ListQuery => storage::ListQuery { tenant, subject, at, with_record, after, limit }
    record::SessionCursor => storage::SessionCursor { created_at, sid }
    record::DeliveryClaim => storage::DeliveryClaim { at, lease_until, limit, only }
    record::SubjectId => storage::SubjectId { tenant, subject }
    record::RecordId => storage::RecordId { tenant, jti }
    record::SubjectCutOff => storage::SubjectCutOff { tenant, subject, purpose, below, spared, forget_at }
    record::TenantCutOff => storage::TenantCutOff { tenant, at, forget_at }
    record::KeyCutOff => storage::KeyCutOff { kid, at, forget_at }
    record::Session => types::Session { tenant, sid, subject, device, created_at, last_seen, ends_at, status }
    record::Record => types::TokenRecord {
        tenant, jti, sid, subject, purpose, act, kid, issued_at, expires_at, epoch, extra_data, created_at, status,
        successors, notify,
    }
    Disconnect => types::Disconnect { endpoint, topic }
    Recheck => types::Recheck { tenant, subject, purpose, sid, kid }
}

impl Convert<storage::RevocationTarget> for record::RevocationTarget {
    fn convert(self) -> storage::RevocationTarget {
        match self {
            Self::Token(jti) => storage::RevocationTarget::Token(jti),
            Self::Session(sid) => storage::RevocationTarget::Session(sid),
        }
    }
}

impl Convert<storage::CutOffScope> for record::CutOffScope {
    fn convert(self) -> storage::CutOffScope {
        match self {
            Self::Nothing => storage::CutOffScope::Nothing,
            Self::Subject => storage::CutOffScope::Subject,
            Self::Purposes(purposes) => storage::CutOffScope::Purposes(purposes),
        }
    }
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

impl Convert<types::Message> for Message {
    fn convert(self) -> types::Message {
        match self {
            Self::Disconnect(disconnect) => types::Message::Disconnect(disconnect.convert()),
            Self::Recheck(recheck) => types::Message::Recheck(recheck.convert()),
        }
    }
}

// What imports answer.

records! {
    storage::Found => record::Found { record, session, cut_offs, epoch }
    storage::SubjectCutOff => record::SubjectCutOff { tenant, subject, purpose, below, spared, forget_at }
    storage::TenantCutOff => record::TenantCutOff { tenant, at, forget_at }
    storage::KeyCutOff => record::KeyCutOff { kid, at, forget_at }
    types::Session => record::Session { tenant, sid, subject, device, created_at, last_seen, ends_at, status }
    types::TokenRecord => record::Record {
        tenant, jti, sid, subject, purpose, act, kid, issued_at, expires_at, epoch, extra_data, created_at, status,
        successors, notify,
    }
    storage::Revoked => record::Revoked { outcome, records, pending, more }
    storage::MatchingRevoked => record::MatchingRevoked {
        sessions, records, notify_records, notify_sessions, pending, more, epoch,
    }
    storage::StoredSessions => record::StoredSessions { sessions, more }
    storage::Deleted => record::Deleted { records, sessions, cut_offs, more }
}

enums! {
    storage::RevocationOutcome => record::RevocationOutcome { Revoked, Tombstoned, Already, NotFound }
    storage::Guard => ports::Guard { Epoch, Session }
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

impl Convert<record::Consumed> for storage::Consumed {
    fn convert(self) -> record::Consumed {
        match self {
            Self::Won(epoch) => record::Consumed::Won { epoch },
            Self::Lost(storage::Lost {
                record,
                session,
                newest,
            }) => record::Consumed::Lost {
                record: record.convert(),
                session: session.convert(),
                newest: newest.convert(),
            },
        }
    }
}

impl Convert<StorageError> for storage::Error {
    fn convert(self) -> StorageError {
        match self {
            Self::Unavailable(reason) => StorageError::Unavailable(reason),
            Self::Conflict => StorageError::Conflict,
            Self::GuardFailed(guard) => StorageError::GuardFailed(guard.convert()),
            Self::Other(reason) => StorageError::Other(reason),
        }
    }
}

impl Convert<BroadcastError> for broadcast::Error {
    fn convert(self) -> BroadcastError {
        match self {
            Self::Unavailable(reason) => BroadcastError::Unavailable(reason),
            Self::Other(reason) => BroadcastError::Other(reason),
        }
    }
}
