//! What storage's answer means for a token: record, session and cut-offs.

use crate::error::{Code, Error};
use crate::policy::{Policy, Presence};
use crate::record::{CutOff, FindQuery, Found, Record, SessionStatus, Status, Timestamp};

/// What is checked against storage: a token that was presented, or one that a connection was opened with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presented<'t> {
    pub(crate) tenant: Option<&'t str>,
    pub(crate) jti: &'t str,
    pub(crate) sid: &'t str,
    pub(crate) subject: &'t str,
    pub(crate) purpose: &'t str,
    pub(crate) kid: &'t str,
    pub(crate) issued_at: Timestamp,
    pub(crate) epoch: u64,
}

impl Presented<'_> {
    /// The one question to storage.
    pub(crate) fn query(&self) -> FindQuery {
        FindQuery {
            tenant: self.tenant.map(Into::into),
            jti: Some(self.jti.into()),
            sid: Some(self.sid.into()),
            subject: Some(self.subject.into()),
            purpose: Some(self.purpose.into()),
            kid: Some(self.kid.into()),
        }
    }
}

/// Whether storage lets it pass. What was revoked or consumed is told apart from what is not known.
pub(crate) fn accept(
    presented: &Presented<'_>,
    found: &Found,
    presence: Presence,
    policy: &Policy,
) -> Result<(), Error> {
    if let Some(record) = &found.record {
        match record.status {
            Status::Live => {}
            Status::Revoked { .. } => return Err(Error::new(Code::TokenRevoked)),
            Status::Consumed { .. } => return Err(Error::new(Code::TokenConsumed)),
        }
    }
    if let Some(session) = &found.session
        && let SessionStatus::Ended { .. } = session.status
    {
        return Err(Error::new(Code::SessionEnded));
    }
    let whole = found.record.is_some() && found.session.is_some();
    if presence == Presence::Required && !whole {
        return Err(Error::new(Code::TokenNotFound));
    }
    agree(presented, found)?;
    let epoch = found
        .record
        .as_ref()
        .map_or(presented.epoch, |record| record.epoch);
    if found
        .cut_offs
        .iter()
        .any(|cut_off| kills(cut_off, presented, epoch, policy.leeway))
    {
        return Err(Error::new(Code::TokenCutOff));
    }
    Ok(())
}

/// Record, session and token must agree on subject, tenant, purpose and sid.
fn agree(presented: &Presented<'_>, found: &Found) -> Result<(), Error> {
    let same_record = |record: &Record| {
        record.jti == presented.jti
            && record.sid == presented.sid
            && record.subject == presented.subject
            && record.purpose == presented.purpose
            && record.tenant.as_deref() == presented.tenant
    };
    let record_agrees = found.record.as_ref().is_none_or(same_record);
    let session_agrees = found.session.as_ref().is_none_or(|session| {
        session.sid == presented.sid
            && session.subject == presented.subject
            && session.tenant.as_deref() == presented.tenant
    });
    if record_agrees && session_agrees {
        return Ok(());
    }
    Err(Error::new(Code::RecordMismatch))
}

/// Whether a cut-off kills it. By time it loses on doubt: `iat <= at + leeway`.
fn kills(cut_off: &CutOff, presented: &Presented<'_>, epoch: u64, leeway: u64) -> bool {
    let by_time = |at: Timestamp| presented.issued_at <= at.saturating_add(leeway);
    match cut_off {
        CutOff::Subject(cut) => {
            cut.tenant.as_deref() == presented.tenant
                && cut.subject == presented.subject
                && cut
                    .purpose
                    .as_deref()
                    .is_none_or(|purpose| purpose == presented.purpose)
                && epoch < cut.below
                && !cut.spared.iter().any(|sid| sid == presented.sid)
        }
        CutOff::Tenant(cut) => cut.tenant.as_deref() == presented.tenant && by_time(cut.at),
        CutOff::Key(cut) => cut.kid == presented.kid && by_time(cut.at),
    }
}
