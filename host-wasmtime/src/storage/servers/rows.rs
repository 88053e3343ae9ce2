//! Rows and what they mean: the only place that knows the columns.

use authkernel::ports::StorageError;
use authkernel::record::{
    CutOff, KeyCutOff, Notify, Record, Session, SessionStatus, Status, SubjectCutOff, TenantCutOff,
};
use serde::{Deserialize, Serialize};

use super::fields::{List, Number};

/// `status`.
const LIVE: u64 = 0;
/// `status`.
const REVOKED: u64 = 1;
/// `status`.
const CONSUMED: u64 = 2;
/// `kind` of a cut-off.
const SUBJECT: u64 = 0;
/// `kind` of a cut-off.
const TENANT: u64 = 1;
/// `kind` of a cut-off.
const KEY: u64 = 2;

/// An absent tenant is stored as the empty text; a tenant with an empty name would be taken for it.
pub(super) fn tenant_key(tenant: &Option<String>) -> Result<&str, StorageError> {
    match tenant.as_deref() {
        None => Ok(""),
        Some("") => Err(other("a tenant is never empty: leave it out")),
        Some(tenant) => Ok(tenant),
    }
}

/// The empty purpose stands for all of them.
pub(super) fn named_purpose(purpose: &str) -> Result<&str, StorageError> {
    match purpose {
        "" => Err(other("a purpose is never empty: leave it out")),
        purpose => Ok(purpose),
    }
}

pub(super) fn other(text: &str) -> StorageError {
    StorageError::Other(text.to_owned())
}

/// A row of `records` to write.
#[derive(Serialize)]
pub(super) struct RecordRow<'a> {
    tenant: &'a str,
    jti: &'a str,
    sid: &'a str,
    subject: &'a str,
    purpose: &'a str,
    act: Option<&'a str>,
    kid: &'a str,
    issued_at: Number,
    expires_at: Number,
    epoch: Number,
    extra_data: Option<&'a str>,
    created_at: Number,
    status: u64,
    status_at: Option<Number>,
    status_text: Option<&'a str>,
    successors: Option<&'a [String]>,
    notify_due: Option<Number>,
}

impl<'a> RecordRow<'a> {
    pub(super) fn of(record: &'a Record) -> Result<Self, StorageError> {
        let (status, status_at, status_text) = match &record.status {
            Status::Live => (LIVE, None, None),
            Status::Revoked { at, reason } => (REVOKED, Some(Number(*at)), Some(reason.as_str())),
            Status::Consumed { at, request } => (CONSUMED, Some(Number(*at)), request.as_deref()),
        };
        Ok(Self {
            tenant: tenant_key(&record.tenant)?,
            jti: &record.jti,
            sid: &record.sid,
            subject: &record.subject,
            purpose: &record.purpose,
            act: record.act.as_deref(),
            kid: &record.kid,
            issued_at: Number(record.issued_at),
            expires_at: Number(record.expires_at),
            epoch: Number(record.epoch),
            extra_data: record.extra_data.as_deref(),
            created_at: Number(record.created_at),
            status,
            status_at,
            status_text,
            successors: some_list(&record.successors),
            notify_due: match record.notify {
                Notify::Nothing => None,
                Notify::Pending { due } => Some(Number(due)),
            },
        })
    }
}

/// A row of `sessions` to write.
#[derive(Serialize)]
pub(super) struct SessionRow<'a> {
    tenant: &'a str,
    sid: &'a str,
    subject: &'a str,
    device: Option<&'a str>,
    created_at: Number,
    last_seen: Number,
    ends_at: Number,
    ended_at: Option<Number>,
    ended_reason: Option<&'a str>,
}

impl<'a> SessionRow<'a> {
    pub(super) fn of(session: &'a Session) -> Result<Self, StorageError> {
        let (ended_at, ended_reason) = match &session.status {
            SessionStatus::Live => (None, None),
            SessionStatus::Ended { at, reason } => (Some(Number(*at)), Some(reason.as_str())),
        };
        Ok(Self {
            tenant: tenant_key(&session.tenant)?,
            sid: &session.sid,
            subject: &session.subject,
            device: session.device.as_deref(),
            created_at: Number(session.created_at),
            last_seen: Number(session.last_seen),
            ends_at: Number(session.ends_at),
            ended_at,
            ended_reason,
        })
    }

    /// The same with another key and owner.
    pub(super) fn in_place_of(mut self, tenant: &'a str, sid: &'a str, subject: &'a str) -> Self {
        (self.tenant, self.sid, self.subject) = (tenant, sid, subject);
        self
    }
}

/// A row of `cut_offs` to write.
#[derive(Serialize)]
pub(super) struct CutOffRow<'a> {
    kind: u64,
    tenant: &'a str,
    name: &'a str,
    purpose: &'a str,
    value: Number,
    spared: Option<&'a [String]>,
    forget_at: Number,
}

impl<'a> CutOffRow<'a> {
    pub(super) fn of(cut_off: &'a CutOff) -> Result<Self, StorageError> {
        Ok(match cut_off {
            CutOff::Subject(of) => Self {
                kind: SUBJECT,
                tenant: tenant_key(&of.tenant)?,
                name: &of.subject,
                purpose: of.purpose.as_deref().map_or(Ok(""), named_purpose)?,
                value: Number(of.below),
                spared: some_list(&of.spared),
                forget_at: Number(of.forget_at),
            },
            CutOff::Tenant(of) => Self {
                kind: TENANT,
                tenant: tenant_key(&of.tenant)?,
                name: "",
                purpose: "",
                value: Number(of.at),
                spared: None,
                forget_at: Number(of.forget_at),
            },
            CutOff::Key(of) => Self {
                kind: KEY,
                tenant: "",
                name: &of.kid,
                purpose: "",
                value: Number(of.at),
                spared: None,
                forget_at: Number(of.forget_at),
            },
        })
    }
}

fn some_list(list: &[String]) -> Option<&[String]> {
    (!list.is_empty()).then_some(list)
}

/// A stored row of `records`; without `extra_data` in answers that leave it out.
#[derive(Deserialize)]
pub(super) struct StoredRecord {
    tenant: String,
    jti: String,
    sid: String,
    subject: String,
    purpose: String,
    act: Option<String>,
    kid: String,
    issued_at: Number,
    expires_at: Number,
    epoch: Number,
    extra_data: Option<String>,
    created_at: Number,
    status: Number,
    status_at: Option<Number>,
    status_text: Option<String>,
    #[serde(default)]
    successors: List<String>,
    notify_due: Option<Number>,
}

impl StoredRecord {
    pub(super) fn record(self) -> Result<Record, StorageError> {
        let status = match (self.status.0, self.status_at) {
            (LIVE, _) => Status::Live,
            (REVOKED, Some(Number(at))) => Status::Revoked {
                at,
                reason: self.status_text.unwrap_or_default(),
            },
            (CONSUMED, Some(Number(at))) => Status::Consumed {
                at,
                request: self.status_text,
            },
            // Never taken for a live one.
            (status, _) => {
                return Err(other(&format!("a record has the unknown status {status}")));
            }
        };
        Ok(Record {
            tenant: named(self.tenant),
            jti: self.jti,
            sid: self.sid,
            subject: self.subject,
            purpose: self.purpose,
            act: self.act,
            kid: self.kid,
            issued_at: self.issued_at.0,
            expires_at: self.expires_at.0,
            epoch: self.epoch.0,
            extra_data: self.extra_data,
            created_at: self.created_at.0,
            status,
            successors: self.successors.0,
            notify: match self.notify_due {
                None => Notify::Nothing,
                Some(Number(due)) => Notify::Pending { due },
            },
        })
    }
}

/// A stored row of `sessions`.
#[derive(Deserialize)]
pub(super) struct StoredSession {
    tenant: String,
    sid: String,
    subject: String,
    device: Option<String>,
    created_at: Number,
    last_seen: Number,
    ends_at: Number,
    ended_at: Option<Number>,
    ended_reason: Option<String>,
}

impl StoredSession {
    pub(super) fn session(self) -> Session {
        Session {
            tenant: named(self.tenant),
            sid: self.sid,
            subject: self.subject,
            device: self.device,
            created_at: self.created_at.0,
            last_seen: self.last_seen.0,
            ends_at: self.ends_at.0,
            status: match self.ended_at {
                None => SessionStatus::Live,
                Some(Number(at)) => SessionStatus::Ended {
                    at,
                    reason: self.ended_reason.unwrap_or_default(),
                },
            },
        }
    }
}

/// A stored row of `cut_offs`.
#[derive(Deserialize)]
pub(super) struct StoredCutOff {
    kind: Number,
    tenant: String,
    name: String,
    purpose: String,
    value: Number,
    #[serde(default)]
    spared: List<String>,
    forget_at: Number,
}

impl StoredCutOff {
    pub(super) fn cut_off(self) -> Result<CutOff, StorageError> {
        let forget_at = self.forget_at.0;
        Ok(match self.kind.0 {
            SUBJECT => CutOff::Subject(SubjectCutOff {
                tenant: named(self.tenant),
                subject: self.name,
                purpose: named(self.purpose),
                below: self.value.0,
                spared: self.spared.0,
                forget_at,
            }),
            TENANT => CutOff::Tenant(TenantCutOff {
                tenant: named(self.tenant),
                at: self.value.0,
                forget_at,
            }),
            KEY => CutOff::Key(KeyCutOff {
                kid: self.name,
                at: self.value.0,
                forget_at,
            }),
            // Never passed over: it kills something.
            kind => return Err(other(&format!("a cut-off has the unknown kind {kind}"))),
        })
    }
}

fn named(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
