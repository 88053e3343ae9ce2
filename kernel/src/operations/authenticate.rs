//! `authenticate`: whether a token may be used.

use super::Kernel;
use super::issue::identity;
use super::types::{Authenticate, Identity};
use crate::error::Error;
use crate::limits;
use crate::policy::Purpose;
use crate::ports::{Host, Storage};
use crate::record::{Found, Timestamp, Touch};
use crate::rules::{self, extra_claims};

use super::Opened;

impl<H: Host> Kernel<H> {
    /// Decides whether a token may be used for one of the named purposes.
    ///
    /// Storage is asked once, and only after signature, claims, time and purpose have passed. (A session that was
    /// not noted as used for five minutes is noted: a second call, whose failure changes nothing.)
    /// A storage error refuses, with `storage_unavailable` or `storage_failed`, never with `token_revoked`.
    pub async fn authenticate(&self, request: Authenticate) -> Result<Identity, Error> {
        rules::purpose::wanted(&request.purposes, &self.policy)?;
        limits::optional_identifier("the tenant", request.tenant.as_deref())?;
        let opened = self.open(&request.token, request.tenant.as_deref())?;
        let now = self.now();
        rules::claims::time(&opened.claims, &self.policy, now)?;
        let purpose = rules::purpose::accept(&opened.claims, &request.purposes, &self.policy)?;
        self.accept(opened, purpose, now).await
    }

    /// Asks storage about a token that has passed everything else.
    pub(super) async fn accept(
        &self,
        opened: Opened,
        purpose: &Purpose,
        now: Timestamp,
    ) -> Result<Identity, Error> {
        let presented = opened.presented();
        let found = self.host.storage().find(presented.query()).await?;
        rules::presence::accept(&presented, &found, purpose.presence, &self.policy)?;
        self.note_use(&found, now).await;
        let socket_id = self.socket_id(&opened.claims, purpose)?;
        let Opened { mut claims, kid } = opened;
        let mut epoch = claims.epoch.unwrap_or(0);
        if let Some(record) = found.record {
            claims.extra = extra_claims::from_text(record.extra_data.as_deref())?;
            epoch = record.epoch;
        }
        Ok(Identity {
            deadline: rules::claims::deadline(claims.expires_at, &self.policy),
            kid,
            epoch,
            socket_id,
            ..identity(claims)
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
