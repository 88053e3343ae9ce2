//! `sign-out-everywhere`: every token that a selector means, dead at once, and every live connection told.

use alloc::string::String;
use alloc::vec::Vec;

use super::Kernel;
use super::types::{Report, SignOutEverywhere, SignOutScope};
use crate::error::{Code, Error};
use crate::limits;
use crate::ports::{Broadcast, Host, Message, Recheck, Storage};
use crate::record::{
    CutOff, CutOffScope, Delay, KeyCutOff, MatchingRevocation, SubjectId, TenantCutOff, Timestamp,
};
use crate::rules::delivery::{BATCH, SELF_DELAY};
use crate::rules::selection;

impl<H: Host> Kernel<H> {
    /// Revokes what the selector means in one transaction, whatever its size, and then tells the live connections.
    ///
    /// When it has returned, no process accepts any of the tokens. What the broker did not take is reported, kept,
    /// and sent again by `redeliver`.
    pub async fn sign_out_everywhere(&self, request: SignOutEverywhere) -> Result<Report, Error> {
        let now = self.now();
        match request.scope {
            SignOutScope::Subject { .. } => {
                let plan = self.matching(request, now, false)?;
                self.sign_out_subject(plan, now).await
            }
            SignOutScope::Tenant { .. } | SignOutScope::Key { .. } => {
                self.cut_off_by_time(request, now).await
            }
        }
    }

    pub(super) async fn sign_out_subject(
        &self,
        plan: MatchingRevocation,
        now: Timestamp,
    ) -> Result<Report, Error> {
        let subject = SubjectId {
            tenant: plan.tenant.clone(),
            subject: plan.subject.clone(),
        };
        let rechecks = rechecks(&plan);
        let revoked = self.host.storage().revoke_matching(plan).await?;
        let mut report = Report {
            revoked: revoked.sessions,
            already: revoked.sessions == 0,
            ..Report::default()
        };
        self.deliver(&revoked.pending, rechecks)
            .await
            .report(&mut report);
        if revoked.more {
            // It is revoked: that the rest could not be read now only means that `redeliver` sends it.
            if let Ok(rest) = self.deliver_rest(subject, now).await {
                rest.report(&mut report);
            }
        }
        Ok(report)
    }

    /// The storage call for a selector about one subject.
    pub(super) fn matching(
        &self,
        request: SignOutEverywhere,
        now: Timestamp,
        dry_run: bool,
    ) -> Result<MatchingRevocation, Error> {
        let SignOutScope::Subject { tenant, subject } = request.scope else {
            return Err(Error::with(
                Code::SelectorInvalid,
                "a tenant or a key is cut off by time: what it would end cannot be counted",
            ));
        };
        limits::optional_identifier("the tenant", tenant.as_deref())?;
        limits::identifier("the subject", &subject)?;
        limits::optional_identifier("the acting session", request.acting_sid.as_deref())?;
        limits::optional_identifier("the reason", request.reason.as_deref())?;
        let chosen = selection::resolve(
            request.include_purposes,
            request.exclude_purposes,
            request.keep,
            &self.policy,
        )?;
        let delay = match (request.disconnect_self, request.acting_sid) {
            (true, _) => None,
            (false, Some(sid)) => Some(Delay {
                sid,
                due: now.saturating_add(SELF_DELAY),
            }),
            (false, None) => {
                return Err(Error::with(
                    Code::SelectorInvalid,
                    "disconnect_self: false needs the acting session: name it",
                ));
            }
        };
        // A cut-off is by epoch and cannot spare what was issued later in the same epoch.
        if request.issued_before.is_some() && chosen.cut_offs != CutOffScope::Nothing {
            return Err(Error::with(
                Code::SelectorInvalid,
                "issued_before cannot be applied to purposes that are not stored",
            ));
        }
        Ok(MatchingRevocation {
            tenant,
            subject,
            include_purposes: chosen.include,
            exclude_purposes: chosen.exclude,
            keep: chosen.keep,
            issued_before: request.issued_before,
            unexpired_after: now.saturating_sub(self.policy.leeway),
            end_sessions: chosen.end_sessions,
            cut_offs: chosen.cut_offs,
            forget_at: self.forget_at(now),
            at: now,
            reason: reason(request.reason),
            notify_purposes: self.policy.notify_purposes.clone(),
            delay,
            limit: BATCH,
            dry_run,
        })
    }

    /// Kills a whole tenant's tokens, or all that a key signed, by time, and has every process look again.
    async fn cut_off_by_time(
        &self,
        request: SignOutEverywhere,
        now: Timestamp,
    ) -> Result<Report, Error> {
        let narrowed = request.include_purposes.is_some()
            || request.exclude_purposes.is_some()
            || request.issued_before.is_some()
            || request.acting_sid.is_some()
            || !request.keep.is_empty()
            || !request.disconnect_self;
        if narrowed {
            return Err(Error::with(
                Code::SelectorInvalid,
                "a tenant or a key is cut off wholly: leave out purposes, kept sessions and times",
            ));
        }
        let forget_at = self.forget_at(now);
        let (cut_off, recheck) = match request.scope {
            SignOutScope::Key { kid } => {
                limits::identifier("the key id", &kid)?;
                let recheck = Recheck {
                    kid: Some(kid.clone()),
                    ..Recheck::default()
                };
                let cut = KeyCutOff {
                    kid,
                    at: now,
                    forget_at,
                };
                (CutOff::Key(cut), recheck)
            }
            SignOutScope::Tenant { tenant } | SignOutScope::Subject { tenant, .. } => {
                limits::optional_identifier("the tenant", tenant.as_deref())?;
                let recheck = Recheck {
                    tenant: tenant.clone(),
                    ..Recheck::default()
                };
                let cut = TenantCutOff {
                    tenant,
                    at: now,
                    forget_at,
                };
                (CutOff::Tenant(cut), recheck)
            }
        };
        self.host.storage().raise_cut_off(cut_off).await?;
        // Carries no authority and is not kept: a process that misses it finds out at its next sweep.
        let _ = self
            .host
            .broadcast()
            .publish(alloc::vec![Message::Recheck(recheck)])
            .await;
        Ok(Report::default())
    }

    fn forget_at(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.policy.max_token_lifetime)
            .saturating_add(self.policy.leeway)
    }
}

/// Connections that no disconnect reaches at once: those of tokens that are not stored, and the acting session's
/// own, which must stop acting.
fn rechecks(plan: &MatchingRevocation) -> Vec<Recheck> {
    let of_subject = |purpose: Option<String>| Recheck {
        tenant: plan.tenant.clone(),
        subject: Some(plan.subject.clone()),
        purpose,
        ..Recheck::default()
    };
    let mut rechecks: Vec<Recheck> = match &plan.cut_offs {
        CutOffScope::Nothing => Vec::new(),
        CutOffScope::Subject => alloc::vec![of_subject(None)],
        CutOffScope::Purposes(names) => names.iter().cloned().map(Some).map(of_subject).collect(),
    };
    if let Some(delay) = &plan.delay {
        rechecks.push(Recheck {
            sid: Some(delay.sid.clone()),
            ..of_subject(None)
        });
    }
    rechecks
}

fn reason(given: Option<String>) -> String {
    given.unwrap_or_else(|| "signed_out_everywhere".into())
}
