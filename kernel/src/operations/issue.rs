//! `issue`: a new token, its record stored first.

use alloc::string::String;

use super::Kernel;
use super::types::{Identity, Issue, Issued};
use crate::claims::Claims;
use crate::encoding;
use crate::error::{Code, Error};
use crate::limits;
use crate::policy::Purpose;
use crate::ports::{Guard, Host, Storage, StorageError};
use crate::record::{Insertion, Notify, Record, Session, SessionStatus, Status, Timestamp};
use crate::rules::socket_id::SocketIdInput;
use crate::rules::{self, extra_claims};
use crate::token::{self, MAX_TOKEN_BYTES};

impl<H: Host> Kernel<H> {
    /// Mints a token. Its record is stored before the token is answered, so no token is ever out that a
    /// revocation would not find.
    ///
    /// Fails with `sign_in_superseded` when the subject's epoch was raised since `begin_sign_in`, and with
    /// `session_ended` when the session to join is not live.
    pub async fn issue(&self, request: Issue) -> Result<Issued, Error> {
        self.check_issue(&request)?;
        let purpose = self
            .policy
            .purposes
            .get(&request.purpose)
            .ok_or_else(|| Error::new(Code::PurposeInvalid))?;
        let key = self
            .keys
            .signing_key()
            .ok_or_else(|| Error::new(Code::SigningKeyMissing))?;
        let extra = extra_claims::merge(
            &self.policy.extra_claims,
            request.host_claims,
            request.claims,
        )?;
        let now = self.now();
        let expires_at = now.saturating_add(lifetime(request.lifetime, purpose)?);
        let open = request.sid.is_none();
        let claims = Claims {
            issuer: self.policy.issuer.clone(),
            audience: self.policy.audience.clone(),
            subject: request.subject,
            jti: encoding::new_id(self.host.random())?,
            sid: match request.sid {
                Some(sid) => sid,
                None => encoding::new_id(self.host.random())?,
            },
            issued_at: now,
            not_before: now,
            expires_at,
            purpose: request.purpose,
            tenant: request.tenant,
            act: request.act,
            epoch: None,
            extra,
        };
        let socket_id = self.socket_id(&claims, purpose)?;
        let text = token::sign_compact(claims.write().as_bytes(), key)?;
        if text.len() > MAX_TOKEN_BYTES {
            return Err(Error::with(
                Code::ClaimsInvalid,
                "the token would be longer than 8192 bytes: use fewer claims",
            ));
        }
        let insertion = Insertion {
            session: session(&claims, request.device, now),
            record: record(&claims, key.id(), now),
            open,
            guard: request.guard.map(|guard| guard.epoch),
        };
        let epoch = self
            .host
            .storage()
            .insert(insertion)
            .await
            .map_err(refusal)?;
        Ok(Issued {
            token: text,
            identity: Identity {
                deadline: rules::claims::deadline(expires_at, &self.policy),
                kid: key.id().into(),
                epoch,
                socket_id,
                ..identity(claims)
            },
        })
    }

    fn check_issue(&self, request: &Issue) -> Result<(), Error> {
        limits::optional_identifier("the tenant", request.tenant.as_deref())?;
        limits::identifier("the subject", &request.subject)?;
        limits::optional_identifier("the sid", request.sid.as_deref())?;
        limits::optional_identifier("the device", request.device.as_deref())?;
        limits::optional_identifier("the act", request.act.as_deref())
    }

    /// The live socket id of a token, where its purpose opens connections.
    pub(super) fn socket_id(
        &self,
        claims: &Claims,
        purpose: &Purpose,
    ) -> Result<Option<String>, Error> {
        if !purpose.opens_sockets {
            return Ok(None);
        }
        let input = SocketIdInput {
            jti: &claims.jti,
            sid: &claims.sid,
            subject: &claims.subject,
            tenant: claims.tenant.as_deref(),
            purpose: &claims.purpose,
        };
        self.policy.template.render(&input).map(Some)
    }
}

/// What the claims say of their bearer; `deadline`, `kid`, `epoch` and `socket_id` are for the caller to fill in.
pub(super) fn identity(claims: Claims) -> Identity {
    Identity {
        tenant: claims.tenant,
        subject: claims.subject,
        jti: claims.jti,
        sid: claims.sid,
        purpose: claims.purpose,
        act: claims.act,
        kid: String::new(),
        issued_at: claims.issued_at,
        expires_at: claims.expires_at,
        deadline: claims.expires_at,
        epoch: 0,
        claims: claims.extra,
        socket_id: None,
    }
}

/// The record of a live token.
pub(super) fn record(claims: &Claims, kid: &str, now: Timestamp) -> Record {
    Record {
        tenant: claims.tenant.clone(),
        jti: claims.jti.clone(),
        sid: claims.sid.clone(),
        subject: claims.subject.clone(),
        purpose: claims.purpose.clone(),
        act: claims.act.clone(),
        kid: kid.into(),
        issued_at: claims.issued_at,
        expires_at: claims.expires_at,
        epoch: 0,
        extra_data: extra_claims::to_text(&claims.extra),
        created_at: now,
        status: Status::Live,
        successors: alloc::vec::Vec::new(),
        notify: Notify::Nothing,
    }
}

fn session(claims: &Claims, device: Option<String>, now: Timestamp) -> Session {
    Session {
        tenant: claims.tenant.clone(),
        sid: claims.sid.clone(),
        subject: claims.subject.clone(),
        device,
        created_at: now,
        last_seen: now,
        ends_at: claims.expires_at,
        status: SessionStatus::Live,
    }
}

/// Seconds: what was asked for, never more than the purpose allows.
fn lifetime(asked: Option<u64>, purpose: &Purpose) -> Result<u64, Error> {
    match asked {
        None => Ok(purpose.lifetime),
        Some(seconds) if (1..=purpose.lifetime).contains(&seconds) => Ok(seconds),
        Some(_) => Err(Error::new(Code::LifetimeInvalid)),
    }
}

fn refusal(error: StorageError) -> Error {
    match error {
        StorageError::GuardFailed(Guard::Epoch) => Error::new(Code::SignInSuperseded),
        StorageError::GuardFailed(Guard::Session) => Error::new(Code::SessionEnded),
        error => error.into(),
    }
}
