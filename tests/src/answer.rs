//! The answers of operations, as JSON with the names of WIT and underscores.

use authkernel::record::Deleted;
use authkernel::types::{
    Identity, Issued, Redelivered, Report, SessionPage, SignInGuard, SweepReport, Verdict,
};
use serde_json::{Value, json};

use crate::port_json::PortJson;

/// What an operation answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Of `begin_sign_in`.
    Guard(SignInGuard),
    /// Of `issue`.
    Issued(Box<Issued>),
    /// Of `authenticate` and `admit`.
    Identity(Box<Identity>),
    /// Of `revoke`, `sign_out_everywhere`, `preview` and `credentials_changed`.
    Report(Report),
    /// Of `sessions`.
    Sessions(SessionPage),
    /// Of `sweep`.
    Swept(SweepReport),
    /// Of `redeliver`.
    Redelivered(Redelivered),
    /// Of `expunge`.
    Expunged(Deleted),
}

impl Answer {
    /// The answer as JSON.
    pub fn json(&self) -> Value {
        match self {
            Self::Guard(it) => json!({ "epoch": it.epoch }),
            Self::Issued(it) => json!({ "token": it.token, "identity": identity(&it.identity) }),
            Self::Identity(it) => identity(it),
            Self::Report(it) => json!({
                "revoked": it.revoked, "disconnected": it.disconnected, "already": it.already,
                "undelivered": it.undelivered.iter().map(|pair| json!({
                    "endpoint": pair.endpoint, "topic": pair.topic,
                })).collect::<Vec<_>>(),
            }),
            Self::Sessions(it) => json!({ "sessions": it.sessions.port_json(), "next": it.next }),
            Self::Swept(it) => json!({
                "verdicts": it.verdicts.iter().map(verdict).collect::<Vec<_>>(),
                "error": it.error.as_ref().map(|error| error.code().as_str()),
            }),
            Self::Redelivered(it) => json!({
                "delivered": it.delivered, "undelivered": it.undelivered, "more": it.more,
            }),
            Self::Expunged(it) => json!({
                "records": it.records, "sessions": it.sessions, "cut_offs": it.cut_offs,
                "more": it.more,
            }),
        }
    }
}

fn identity(it: &Identity) -> Value {
    json!({
        "tenant": it.tenant, "subject": it.subject, "jti": it.jti, "sid": it.sid,
        "purpose": it.purpose, "act": it.act, "kid": it.kid, "issued_at": it.issued_at,
        "expires_at": it.expires_at, "deadline": it.deadline, "epoch": it.epoch,
        "claims": it.claims, "socket_id": it.socket_id,
    })
}

fn verdict(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Keep => json!("keep"),
        Verdict::Mute => json!("mute"),
        Verdict::Unverified => json!("unverified"),
        Verdict::Close(code) => json!({ "close": code.as_str() }),
    }
}
