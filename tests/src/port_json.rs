//! What passes through the ports, as JSON: the names of WIT with underscores.

use authkernel::ports::{DISCONNECT_EVENT, Message};
use authkernel::record::{
    Consumption, CutOff, CutOffScope, DeliveryClaim, ExpiryBatch, FindQuery, Insertion, ListQuery,
    MatchingRevocation, Notify, Record, RecordId, Revocation, RevocationTarget, Session,
    SessionStatus, Status, Touch,
};
use serde_json::{Value, json};

/// A value that passes through a port.
pub trait PortJson {
    /// The value as JSON.
    fn port_json(&self) -> Value;
}

impl<T: PortJson> PortJson for Option<T> {
    fn port_json(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::port_json)
    }
}

impl<T: PortJson> PortJson for Vec<T> {
    fn port_json(&self) -> Value {
        self.iter().map(T::port_json).collect()
    }
}

impl PortJson for Record {
    fn port_json(&self) -> Value {
        // As an object: two hosts may order the members of the text differently.
        let extra_data = self
            .extra_data
            .as_ref()
            .map(|text| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())));
        json!({
            "tenant": self.tenant, "jti": self.jti, "sid": self.sid, "subject": self.subject,
            "purpose": self.purpose, "act": self.act, "kid": self.kid,
            "issued_at": self.issued_at, "expires_at": self.expires_at, "epoch": self.epoch,
            "extra_data": extra_data, "created_at": self.created_at,
            "status": status(&self.status), "successors": self.successors,
            "notify": match self.notify {
                Notify::Nothing => json!("nothing"),
                Notify::Pending { due } => json!({ "pending": due }),
            },
        })
    }
}

fn status(status: &Status) -> Value {
    match status {
        Status::Live => json!("live"),
        Status::Revoked { at, reason } => json!({ "revoked": { "at": at, "reason": reason } }),
        Status::Consumed { at, request } => json!({ "consumed": { "at": at, "request": request } }),
    }
}

impl PortJson for Session {
    fn port_json(&self) -> Value {
        json!({
            "tenant": self.tenant, "sid": self.sid, "subject": self.subject, "device": self.device,
            "created_at": self.created_at, "last_seen": self.last_seen, "ends_at": self.ends_at,
            "status": match &self.status {
                SessionStatus::Live => json!("live"),
                SessionStatus::Ended { at, reason } => json!({ "ended": { "at": at, "reason": reason } }),
            },
        })
    }
}

impl PortJson for FindQuery {
    fn port_json(&self) -> Value {
        json!({
            "tenant": self.tenant, "jti": self.jti, "sid": self.sid, "subject": self.subject,
            "purpose": self.purpose, "kid": self.kid,
        })
    }
}

impl PortJson for Insertion {
    fn port_json(&self) -> Value {
        json!({
            "record": self.record.port_json(), "session": self.session.port_json(),
            "open": self.open, "guard": self.guard,
        })
    }
}

impl PortJson for Revocation {
    fn port_json(&self) -> Value {
        json!({
            "tenant": self.tenant,
            "target": match &self.target {
                RevocationTarget::Token(jti) => json!({ "token": jti }),
                RevocationTarget::Session(sid) => json!({ "session": sid }),
            },
            "subject": self.subject, "at": self.at, "reason": self.reason,
            "tombstone": self.tombstone.port_json(),
            "session_tombstone": self.session_tombstone.port_json(),
            "notify_purposes": self.notify_purposes, "due": self.due, "limit": self.limit,
        })
    }
}

impl PortJson for MatchingRevocation {
    fn port_json(&self) -> Value {
        json!({
            "tenant": self.tenant, "subject": self.subject,
            "include_purposes": self.include_purposes, "exclude_purposes": self.exclude_purposes,
            "keep": self.keep, "issued_before": self.issued_before,
            "unexpired_after": self.unexpired_after, "end_sessions": self.end_sessions,
            "cut_offs": match &self.cut_offs {
                CutOffScope::Nothing => json!("nothing"),
                CutOffScope::Subject => json!("subject"),
                CutOffScope::Purposes(purposes) => json!({ "purposes": purposes }),
            },
            "forget_at": self.forget_at, "at": self.at, "reason": self.reason,
            "notify_purposes": self.notify_purposes,
            "delay": self.delay.as_ref().map(|delay| json!({ "sid": delay.sid, "due": delay.due })),
            "limit": self.limit, "dry_run": self.dry_run,
        })
    }
}

impl PortJson for Consumption {
    fn port_json(&self) -> Value {
        json!({
            "tenant": self.tenant, "jti": self.jti, "sid": self.sid, "subject": self.subject,
            "at": self.at, "request": self.request, "successors": self.successors.port_json(),
        })
    }
}

impl PortJson for Touch {
    fn port_json(&self) -> Value {
        json!({ "tenant": self.tenant, "sid": self.sid, "at": self.at })
    }
}

impl PortJson for ListQuery {
    fn port_json(&self) -> Value {
        json!({
            "tenant": self.tenant, "subject": self.subject, "at": self.at,
            "with_record": self.with_record,
            "after": self.after.as_ref().map(|after| json!({
                "created_at": after.created_at, "sid": after.sid,
            })),
            "limit": self.limit,
        })
    }
}

impl PortJson for DeliveryClaim {
    fn port_json(&self) -> Value {
        json!({
            "at": self.at, "lease_until": self.lease_until, "limit": self.limit,
            "only": self.only.as_ref().map(|only| json!({
                "tenant": only.tenant, "subject": only.subject,
            })),
        })
    }
}

impl PortJson for RecordId {
    fn port_json(&self) -> Value {
        json!({ "tenant": self.tenant, "jti": self.jti })
    }
}

impl PortJson for ExpiryBatch {
    fn port_json(&self) -> Value {
        json!({ "before": self.before, "limit": self.limit })
    }
}

impl PortJson for CutOff {
    fn port_json(&self) -> Value {
        match self {
            Self::Subject(it) => json!({ "subject": {
                "tenant": it.tenant, "subject": it.subject, "purpose": it.purpose,
                "below": it.below, "spared": it.spared, "forget_at": it.forget_at,
            } }),
            Self::Tenant(it) => json!({ "tenant": {
                "tenant": it.tenant, "at": it.at, "forget_at": it.forget_at,
            } }),
            Self::Key(it) => json!({ "key": {
                "kid": it.kid, "at": it.at, "forget_at": it.forget_at,
            } }),
        }
    }
}

impl PortJson for Message {
    fn port_json(&self) -> Value {
        match self {
            Self::Disconnect(it) => json!({
                "kind": "disconnect", "endpoint": it.endpoint, "topic": it.topic,
                "event": DISCONNECT_EVENT, "payload": {},
            }),
            Self::Recheck(it) => {
                let mut message = json!({
                    "kind": "recheck", "tenant": it.tenant, "subject": it.subject,
                    "purpose": it.purpose, "sid": it.sid, "kid": it.kid,
                });
                if let Some(members) = message.as_object_mut() {
                    members.retain(|_, value| !value.is_null());
                }
                message
            }
        }
    }
}
