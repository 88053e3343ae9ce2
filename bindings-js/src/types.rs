//! The kernel's types on the wire: their fields, in an order that `js/wire/` shares. Nothing is decided here.

use alloc::string::{String, ToString};

use authkernel::ports::{BroadcastError, Disconnect, Guard, Message, Recheck, StorageError};
use authkernel::record::{self, CutOff, CutOffScope, RevocationTarget, SessionStatus, Status};
use authkernel::types::{self as k, ExtraClaims};
use authkernel::{Code, Error, Kind};

use crate::known::Slot;
use crate::wire::{Read, Reader, Write, Writer};

/// Structures that are read, field by field.
macro_rules! read {
    ($($type:path { $($field:ident),* $(,)? })*) => {
        $(impl Read for $type {
            fn read(from: &mut Reader<'_>) -> Option<Self> {
                $(let $field = Read::read(from)?;)*
                Some(Self { $($field),* })
            }
        })*
    };
}

/// Structures that are written, field by field.
macro_rules! write {
    ($($type:path { $($field:ident),* $(,)? })*) => {
        $(impl Write for $type {
            fn write(&self, to: &mut Writer<'_>) {
                $(self.$field.write(to);)*
            }
        })*
    };
}

// What operations take.

read! {
    k::BeginSignIn { tenant, subject }
    k::SignInGuard { epoch }
    k::Authenticate { token, purposes, tenant }
    k::Admit { token, purposes, tenant, socket }
    k::OpenSocket { tenant, subject, sid }
    k::Revoke { target, scope, tenant, reason }
    k::SignOutEverywhere {
        scope, include_purposes, exclude_purposes, keep, issued_before, acting_sid, disconnect_self, reason,
    }
    k::Sessions { tenant, subject, after, limit }
    k::CredentialsChanged { tenant, subject, trigger, acting_sid, changed_at, disconnect_self }
    k::SocketState {
        tenant, jti, sid, subject, purpose, kid, issued_at, expires_at, epoch, verified_at,
    }
}

/// What `issue` takes. Claims that are no JSON object are refused by the kernel, with its own code.
pub(crate) fn issue(from: &mut Reader<'_>) -> Option<Result<k::Issue, Error>> {
    let tenant = Read::read(from)?;
    let subject = Read::read(from)?;
    let purpose = Read::read(from)?;
    let host_claims = claims(from)?;
    let claims = claims(from)?;
    let issue = k::Issue {
        tenant,
        subject,
        purpose,
        host_claims: None,
        claims: None,
        sid: Read::read(from)?,
        device: Read::read(from)?,
        lifetime: Read::read(from)?,
        act: Read::read(from)?,
        guard: Read::read(from)?,
    };
    Some(host_claims.and_then(|host_claims| {
        Ok(k::Issue {
            host_claims,
            claims: claims?,
            ..issue
        })
    }))
}

fn claims(from: &mut Reader<'_>) -> Option<Result<Option<ExtraClaims>, Error>> {
    let text = Option::<String>::read(from)?;
    Some(text.map(|text| k::parse_claims(&text)).transpose())
}

impl Read for k::RevokeTarget {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.case()? {
            0 => Self::Token(Read::read(from)?),
            1 => Self::Jti(Read::read(from)?),
            _ => Self::Sid {
                sid: Read::read(from)?,
                subject: Read::read(from)?,
            },
        })
    }
}

impl Read for k::RevokeScope {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.case()? {
            0 => Self::Session,
            _ => Self::Token,
        })
    }
}

impl Read for k::SignOutScope {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.case()? {
            0 => Self::Subject {
                tenant: Read::read(from)?,
                subject: Read::read(from)?,
            },
            1 => Self::Tenant {
                tenant: Read::read(from)?,
            },
            _ => Self::Key {
                kid: Read::read(from)?,
            },
        })
    }
}

// What operations answer.

write! {
    k::SignInGuard { epoch }
    k::Issued { token, identity }
    k::Report { revoked, disconnected, undelivered, already }
    k::Undelivered { endpoint, topic }
    k::SessionPage { sessions, next }
    k::SweepReport { verdicts, error }
    k::Redelivered { delivered, undelivered, more }
    record::Deleted { records, sessions, cut_offs, more }
}

/// With the extra claims as text where they come from storage, read where the kernel has just made them: on the wire they are text.
impl<C: Write> Write for k::Identity<C> {
    fn write(&self, to: &mut Writer<'_>) {
        to.push(u8::from(self.tenant.is_some()));
        if let Some(tenant) = &self.tenant {
            to.probably(Slot::Tenant, tenant);
        }
        to.probably(Slot::Subject, &self.subject);
        to.probably(Slot::Jti, &self.jti);
        to.probably(Slot::Sid, &self.sid);
        to.probably(Slot::Purpose, &self.purpose);
        self.act.write(to);
        to.probably(Slot::Kid, &self.kid);
        self.issued_at.write(to);
        self.expires_at.write(to);
        self.deadline.write(to);
        self.epoch.write(to);
        self.claims.write(to);
        self.socket_id.write(to);
    }
}

impl Write for ExtraClaims {
    fn write(&self, to: &mut Writer<'_>) {
        // The usual case: no claims, no text to make.
        match self.is_empty() {
            true => "{}".write(to),
            false => serde_json::Value::Object(self.clone())
                .to_string()
                .write(to),
        }
    }
}

impl Write for k::Verdict {
    fn write(&self, to: &mut Writer<'_>) {
        match self {
            Self::Keep => to.push(0),
            Self::Mute => to.push(1),
            Self::Unverified => to.push(2),
            Self::Close(code) => {
                to.push(3);
                code.write(to);
            }
        }
    }
}

impl Write for Error {
    fn write(&self, to: &mut Writer<'_>) {
        self.code().write(to);
        to.push(match self.code().kind() {
            Kind::Denied => 0,
            Kind::Input => 1,
            Kind::NotFound => 2,
            Kind::Conflict => 3,
            Kind::Configuration => 4,
            Kind::Unavailable => 5,
            Kind::Internal => 6,
        });
        self.message().write(to);
    }
}

impl Write for Code {
    /// Its place in the list, which is the same in `js/errors.ts`.
    fn write(&self, to: &mut Writer<'_>) {
        to.push(*self as u8);
    }
}

// What ports are given.

write! {
    record::FindQuery { tenant, jti, sid, subject, purpose, kid }
    record::Insertion { record, session, open, guard }
    record::Revocation {
        tenant, target, subject, at, reason, tombstone, session_tombstone, notify_purposes, due, limit,
    }
    record::MatchingRevocation {
        tenant, subject, include_purposes, exclude_purposes, keep, issued_before, unexpired_after, end_sessions,
        cut_offs, forget_at, at, reason, notify_purposes, delay, limit, dry_run,
    }
    record::Delay { sid, due }
    record::Consumption { tenant, jti, sid, subject, at, request, successors }
    record::Touch { tenant, sid, at }
    record::ListQuery { tenant, subject, at, with_record, after, limit }
    record::SessionCursor { created_at, sid }
    record::DeliveryClaim { at, lease_until, limit, only }
    record::SubjectId { tenant, subject }
    record::RecordId { tenant, jti }
    record::ExpiryBatch { before, limit }
    record::SubjectCutOff { tenant, subject, purpose, below, spared, forget_at }
    record::TenantCutOff { tenant, at, forget_at }
    record::KeyCutOff { kid, at, forget_at }
    record::Session { tenant, sid, subject, device, created_at, last_seen, ends_at, status }
    record::Record {
        tenant, jti, sid, subject, purpose, act, kid, issued_at, expires_at, epoch, extra_data, created_at, status,
        successors, notify,
    }
    Disconnect { endpoint, topic }
    Recheck { tenant, subject, purpose, sid, kid }
}

/// The question of [`record::FindQuery`] alone, whose texts are known from then on.
pub(crate) struct Lookup(pub(crate) record::FindQuery);

impl Write for Lookup {
    fn write(&self, to: &mut Writer<'_>) {
        let Self(query) = self;
        to.begin_lookup();
        to.ask(Slot::Tenant, query.tenant.as_deref());
        to.ask(Slot::Jti, query.jti.as_deref());
        to.ask(Slot::Sid, query.sid.as_deref());
        to.ask(Slot::Subject, query.subject.as_deref());
        to.ask(Slot::Purpose, query.purpose.as_deref());
        to.ask(Slot::Kid, query.kid.as_deref());
    }
}

/// The answer to [`Lookup`].
pub(crate) struct LookedUp(pub(crate) record::Found);

impl Read for LookedUp {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.confirm()?;
        Read::read(from).map(Self)
    }
}

impl Write for RevocationTarget {
    fn write(&self, to: &mut Writer<'_>) {
        let (case, id) = match self {
            Self::Token(jti) => (0, jti),
            Self::Session(sid) => (1, sid),
        };
        to.push(case);
        id.write(to);
    }
}

impl Write for CutOffScope {
    fn write(&self, to: &mut Writer<'_>) {
        match self {
            Self::Nothing => to.push(0),
            Self::Subject => to.push(1),
            Self::Purposes(purposes) => {
                to.push(2);
                purposes.write(to);
            }
        }
    }
}

impl Write for CutOff {
    fn write(&self, to: &mut Writer<'_>) {
        match self {
            Self::Subject(cut_off) => {
                to.push(0);
                cut_off.write(to);
            }
            Self::Tenant(cut_off) => {
                to.push(1);
                cut_off.write(to);
            }
            Self::Key(cut_off) => {
                to.push(2);
                cut_off.write(to);
            }
        }
    }
}

impl Write for Status {
    fn write(&self, to: &mut Writer<'_>) {
        match self {
            Self::Live => to.push(0),
            Self::Revoked { at, reason } => {
                to.push(1);
                at.write(to);
                reason.write(to);
            }
            Self::Consumed { at, request } => {
                to.push(2);
                at.write(to);
                request.write(to);
            }
        }
    }
}

impl Write for SessionStatus {
    fn write(&self, to: &mut Writer<'_>) {
        match self {
            Self::Live => to.push(0),
            Self::Ended { at, reason } => {
                to.push(1);
                at.write(to);
                reason.write(to);
            }
        }
    }
}

impl Write for record::Notify {
    fn write(&self, to: &mut Writer<'_>) {
        match self {
            Self::Nothing => to.push(0),
            Self::Pending { due } => {
                to.push(1);
                due.write(to);
            }
        }
    }
}

impl Write for Message {
    fn write(&self, to: &mut Writer<'_>) {
        match self {
            Self::Disconnect(disconnect) => {
                to.push(0);
                disconnect.write(to);
            }
            Self::Recheck(recheck) => {
                to.push(1);
                recheck.write(to);
            }
        }
    }
}

// What ports answer.

read! {
    record::Found { record, session, cut_offs, epoch }
    record::SubjectCutOff { tenant, subject, purpose, below, spared, forget_at }
    record::TenantCutOff { tenant, at, forget_at }
    record::KeyCutOff { kid, at, forget_at }
    record::Session { tenant, sid, subject, device, created_at, last_seen, ends_at, status }
    record::Record {
        tenant, jti, sid, subject, purpose, act, kid, issued_at, expires_at, epoch, extra_data, created_at, status,
        successors, notify,
    }
    record::Revoked { outcome, records, pending, more }
    record::MatchingRevoked {
        sessions, records, notify_records, notify_sessions, pending, more, epoch,
    }
    record::StoredSessions { sessions, more }
    record::Deleted { records, sessions, cut_offs, more }
}

impl Read for record::RevocationOutcome {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.case()? {
            0 => Self::Revoked,
            1 => Self::Tombstoned,
            2 => Self::Already,
            _ => Self::NotFound,
        })
    }
}

impl Read for CutOff {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.case()? {
            0 => Self::Subject(Read::read(from)?),
            1 => Self::Tenant(Read::read(from)?),
            _ => Self::Key(Read::read(from)?),
        })
    }
}

impl Read for Status {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.case()? {
            0 => Self::Live,
            1 => Self::Revoked {
                at: Read::read(from)?,
                reason: Read::read(from)?,
            },
            _ => Self::Consumed {
                at: Read::read(from)?,
                request: Read::read(from)?,
            },
        })
    }
}

impl Read for SessionStatus {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.case()? {
            0 => Self::Live,
            _ => Self::Ended {
                at: Read::read(from)?,
                reason: Read::read(from)?,
            },
        })
    }
}

impl Read for record::Notify {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.case()? {
            0 => Self::Nothing,
            _ => Self::Pending {
                due: Read::read(from)?,
            },
        })
    }
}

impl Read for record::Consumed {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.case()? {
            0 => Self::Won {
                epoch: Read::read(from)?,
            },
            _ => Self::Lost {
                record: Read::read(from)?,
                session: Read::read(from)?,
                newest: Read::read(from)?,
            },
        })
    }
}

/// What a storage port answered.
pub(crate) fn storage_answer<T: Read>(from: &mut Reader<'_>) -> Result<T, StorageError> {
    let text = |from: &mut Reader<'_>| String::read(from).unwrap_or_default();
    Err(match from.case() {
        Some(0) => return T::read(from).ok_or_else(nonsense),
        Some(1) => StorageError::Unavailable(text(from)),
        Some(2) => StorageError::Conflict,
        Some(3) => StorageError::GuardFailed(Guard::Epoch),
        Some(4) => StorageError::GuardFailed(Guard::Session),
        Some(5) => StorageError::Other(text(from)),
        _ => nonsense(),
    })
}

/// JavaScript says which field it was; this is for what it could not see.
fn nonsense() -> StorageError {
    StorageError::Other(String::from("the answer could not be read"))
}

impl Read for Result<(), BroadcastError> {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.case()? {
            0 => Ok(()),
            1 => Err(BroadcastError::Unavailable(Read::read(from)?)),
            _ => Err(BroadcastError::Other(Read::read(from)?)),
        })
    }
}
