//! `revoke`: one token, or the session that it belongs to.

use alloc::string::String;
use alloc::vec::Vec;

use super::Kernel;
use super::Opened;
use super::issue::record;
use super::types::{Report, Revoke, RevokeScope, RevokeTarget};
use crate::error::{Code, Error};
use crate::limits;
use crate::ports::{Host, Storage};
use crate::record::{
    FindQuery, Notify, Record, Revocation, RevocationOutcome, RevocationTarget, Session,
    SessionStatus, Status, SubjectId, Timestamp,
};
use crate::rules::delivery::BATCH;

impl<H: Host> Kernel<H> {
    /// Kills a token or its session, then tells its live connections.
    ///
    /// From a token only when its signature, issuer, audience and tenant verify (an expired one is fine): a forged
    /// token changes nothing. Repeating it is harmless and reports `already`. What the broker did not take is
    /// reported, kept, and sent again by `redeliver`.
    pub async fn revoke(&self, request: Revoke) -> Result<Report, Error> {
        limits::optional_identifier("the tenant", request.tenant.as_deref())?;
        limits::optional_identifier("the reason", request.reason.as_deref())?;
        let now = self.now();
        let reason = request.reason.unwrap_or_else(|| "signed_out".into());
        let revocation = match request.target {
            RevokeTarget::Token(text) => {
                let opened = self.open(&text, request.tenant.as_deref())?;
                self.of_token(&opened, request.scope, now, reason)
            }
            RevokeTarget::Jti(jti) => {
                limits::identifier("the jti", &jti)?;
                self.of_jti(jti, request.tenant, request.scope, now, reason)
                    .await?
            }
            RevokeTarget::Sid { sid, subject } => {
                limits::identifier("the sid", &sid)?;
                limits::optional_identifier("the subject", subject.as_deref())?;
                self.of_sid(sid, request.tenant, subject, now, reason)
            }
        };
        self.apply(revocation, now).await
    }

    async fn apply(&self, revocation: Revocation, now: Timestamp) -> Result<Report, Error> {
        let owned = revocation.subject.is_some();
        let storage = self.host.storage();
        let revoked = storage.revoke(revocation).await?;
        if owned && revoked.outcome == RevocationOutcome::NotFound {
            return Err(Error::new(Code::SessionNotFound));
        }
        let did = revoked.outcome == RevocationOutcome::Revoked;
        let mut report = Report {
            revoked: u32::from(did),
            already: !did && revoked.outcome != RevocationOutcome::Tombstoned,
            ..Report::default()
        };
        self.deliver(&revoked.pending, Vec::new())
            .await
            .report(&mut report);
        if let (true, Some(record)) = (revoked.more, revoked.pending.first()) {
            let subject = SubjectId {
                tenant: record.tenant.clone(),
                subject: record.subject.clone(),
            };
            // It is revoked: that the rest could not be read now only means that `redeliver` sends it.
            if let Ok(rest) = self.deliver_rest(subject, now).await {
                rest.report(&mut report);
            }
        }
        Ok(report)
    }

    fn of_token(
        &self,
        opened: &Opened,
        scope: RevokeScope,
        now: Timestamp,
        reason: String,
    ) -> Revocation {
        let claims = &opened.claims;
        let rotates = self
            .policy
            .purposes
            .get(&claims.purpose)
            .is_some_and(|purpose| purpose.rotates);
        let notify = if self.policy.notify_purposes.contains(&claims.purpose) {
            Notify::Pending { due: now }
        } else {
            Notify::Nothing
        };
        // What is dead for good by its own expiry needs no tombstone; nobody can fill storage by repeating it.
        let worth = self.remembered(claims.expires_at) > now;
        let tombstone = worth.then(|| Record {
            status: Status::Revoked {
                at: now,
                reason: reason.clone(),
            },
            extra_data: None,
            notify,
            ..record(claims, &opened.kid, now)
        });
        let (target, session_tombstone) = if scope == RevokeScope::Token && !rotates {
            (RevocationTarget::Token(claims.jti.clone()), None)
        } else {
            let session = worth.then(|| {
                self.ended_session(
                    claims.tenant.clone(),
                    &claims.sid,
                    &claims.subject,
                    now,
                    &reason,
                )
            });
            (RevocationTarget::Session(claims.sid.clone()), session)
        };
        Revocation {
            tombstone,
            session_tombstone,
            ..self.revocation(claims.tenant.clone(), target, now, reason)
        }
    }

    async fn of_jti(
        &self,
        jti: String,
        tenant: Option<String>,
        scope: RevokeScope,
        now: Timestamp,
        reason: String,
    ) -> Result<Revocation, Error> {
        let query = FindQuery {
            tenant: tenant.clone(),
            jti: Some(jti.clone()),
            ..FindQuery::default()
        };
        let known = match scope {
            RevokeScope::Session => self.host.storage().find(query).await?.record,
            RevokeScope::Token => None,
        };
        if let Some(record) = known.filter(|record| !record.sid.is_empty()) {
            let target = RevocationTarget::Session(record.sid);
            return Ok(self.revocation(tenant, target, now, reason));
        }
        // The token is not known, so neither is its expiry: none lives longer than this.
        let tombstone = Record {
            tenant: tenant.clone(),
            jti: jti.clone(),
            sid: String::new(),
            subject: String::new(),
            purpose: String::new(),
            act: None,
            kid: String::new(),
            issued_at: now,
            expires_at: now.saturating_add(self.policy.max_token_lifetime),
            epoch: 0,
            extra_data: None,
            created_at: now,
            status: Status::Revoked {
                at: now,
                reason: reason.clone(),
            },
            successors: Vec::new(),
            notify: Notify::Nothing,
        };
        Ok(Revocation {
            tombstone: Some(tombstone),
            ..self.revocation(tenant, RevocationTarget::Token(jti), now, reason)
        })
    }

    fn of_sid(
        &self,
        sid: String,
        tenant: Option<String>,
        subject: Option<String>,
        now: Timestamp,
        reason: String,
    ) -> Revocation {
        // An application that trusts a sid may end it before storage knows it; one that names the owner asks
        // about something that must be there.
        let session_tombstone = match subject {
            Some(_) => None,
            None => Some(self.ended_session(tenant.clone(), &sid, "", now, &reason)),
        };
        Revocation {
            subject,
            session_tombstone,
            ..self.revocation(tenant, RevocationTarget::Session(sid), now, reason)
        }
    }

    fn revocation(
        &self,
        tenant: Option<String>,
        target: RevocationTarget,
        now: Timestamp,
        reason: String,
    ) -> Revocation {
        Revocation {
            tenant,
            target,
            subject: None,
            at: now,
            reason,
            tombstone: None,
            session_tombstone: None,
            notify_purposes: self.policy.notify_purposes.clone(),
            due: now,
            limit: BATCH,
        }
    }

    fn ended_session(
        &self,
        tenant: Option<String>,
        sid: &str,
        subject: &str,
        now: Timestamp,
        reason: &str,
    ) -> Session {
        Session {
            tenant,
            sid: sid.into(),
            subject: subject.into(),
            device: None,
            created_at: now,
            last_seen: now,
            // Other tokens of the session may be out that nobody knows of.
            ends_at: now.saturating_add(self.policy.max_token_lifetime),
            status: SessionStatus::Ended {
                at: now,
                reason: reason.into(),
            },
        }
    }

    /// Until when a tombstone of a token with this `exp` is kept.
    fn remembered(&self, expires_at: Timestamp) -> Timestamp {
        expires_at
            .saturating_add(self.policy.leeway)
            .saturating_add(self.policy.retention)
    }
}
