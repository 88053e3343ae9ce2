//! `authenticate`: whether a token may be used.

use super::Kernel;
use super::issue::identity;
use super::types::{Authenticate, ClaimsForm, Identity};
use crate::error::Error;
use crate::limits;
use crate::policy::Purpose;
use crate::ports::{Host, Storage};
use crate::record::{Found, Timestamp, Touch};
use crate::rules;

use super::Opened;

impl<H: Host> Kernel<H> {
    /// Decides whether a token may be used for one of the named purposes.
    ///
    /// Storage is asked once, and only after signature, claims, time and purpose have passed. (A session that was
    /// not noted as used for five minutes is noted: a second call, whose failure changes nothing.)
    /// A storage error refuses, with `storage_unavailable` or `storage_failed`, never with `token_revoked`.
    pub async fn authenticate(&self, request: Authenticate) -> Result<Identity, Error> {
        self.authenticate_as(request).await
    }

    /// [`Kernel::authenticate`] with the extra claims in the form that the caller needs.
    pub async fn authenticate_as<C: ClaimsForm>(
        &self,
        request: Authenticate,
    ) -> Result<Identity<C>, Error> {
        rules::purpose::wanted(&request.purposes, &self.policy)?;
        limits::optional_identifier("the tenant", request.tenant.as_deref())?;
        let opened = self.open(&request.token, request.tenant.as_deref())?;
        let now = self.now();
        rules::claims::time(&opened.claims, &self.policy, now)?;
        let purpose = rules::purpose::accept(&opened.claims, &request.purposes, &self.policy)?;
        self.accept(opened, purpose, now).await
    }

    /// Asks storage about a token that has passed everything else.
    pub(super) async fn accept<C: ClaimsForm>(
        &self,
        opened: Opened,
        purpose: &Purpose,
        now: Timestamp,
    ) -> Result<Identity<C>, Error> {
        let presented = opened.presented();
        let found = self.host.storage().find(presented.query()).await?;
        rules::presence::accept(&presented, &found, purpose.presence, &self.policy)?;
        self.note_use(&found, now).await;
        let socket_id = self.socket_id(&opened.claims, purpose)?;
        let Opened { claims, kid } = opened;
        let epoch = claims.epoch.unwrap_or(0);
        let identity = identity(claims);
        let (extra, epoch) = match found.record {
            Some(record) => (C::of_storage(record.extra_data)?, record.epoch),
            None => (C::of_token(identity.claims), epoch),
        };
        Ok(Identity {
            tenant: identity.tenant,
            subject: identity.subject,
            jti: identity.jti,
            sid: identity.sid,
            purpose: identity.purpose,
            act: identity.act,
            kid,
            issued_at: identity.issued_at,
            expires_at: identity.expires_at,
            deadline: rules::claims::deadline(identity.expires_at, &self.policy),
            epoch,
            claims: extra,
            socket_id,
        })
    }

    async fn note_use(&self, found: &Found, now: Timestamp) {
        let Some(session) = &found.session else {
            return;
        };
        if rules::session::touch_is_due(session, now) {
            let touch = Touch {
                tenant: session.tenant.clone(),
                sid: session.sid.clone(),
                at: now,
            };
            // The decision stands: when it was last seen is for people, not for rules.
            let _ = self.host.storage().touch(touch).await;
        }
    }
}
