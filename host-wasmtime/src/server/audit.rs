//! The audit log: who did what to whom, and with what outcome. Never a token, password, ticket or e-mail address.

use std::net::IpAddr;

use authkernel::types::Report;

use super::error::Refusal;

/// The target of audit events, by which the log tells them from all others.
pub(crate) const TARGET: &str = "audit";

/// One security event. What is absent is left empty.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Event<'a> {
    /// What was done: the route's name in words, such as `sign_in`.
    pub(crate) action: &'static str,
    /// Who did it; empty when nobody is known.
    pub(crate) actor: &'a str,
    /// The session that did it.
    pub(crate) actor_sid: &'a str,
    /// To whom; empty when no account is known.
    pub(crate) subject: &'a str,
    /// Which sessions were meant: `this`, a sid, `all`, `others`, or what the policy says of a trigger.
    pub(crate) selector: &'a str,
    /// Why.
    pub(crate) reason: &'a str,
    /// From where.
    pub(crate) address: Option<IpAddr>,
}

impl Event<'_> {
    /// It was done.
    pub(crate) fn done(self) {
        self.write("done", "", Report::default());
    }

    /// It was done, and this is what it did.
    pub(crate) fn report(self, report: &Report) {
        let outcome = if report.undelivered.is_empty() {
            "done"
        } else {
            "done_undelivered"
        };
        self.write(outcome, "", report.clone());
    }

    /// It was committed, but not carried through; it will be.
    pub(crate) fn pending(self, code: &'static str) {
        self.write("pending", code, Report::default());
    }

    /// It was refused.
    pub(crate) fn refused(self, refusal: &Refusal) {
        let outcome = if refusal.status().is_server_error() {
            "failed"
        } else {
            "refused"
        };
        self.write(outcome, refusal.code(), Report::default());
    }

    fn write(self, outcome: &str, code: &str, report: Report) {
        tracing::info!(
            target: TARGET,
            action = self.action,
            actor = self.actor,
            actor_sid = self.actor_sid,
            subject = self.subject,
            selector = self.selector,
            reason = self.reason,
            address = self.address.map(tracing::field::display),
            outcome,
            code,
            revoked = report.revoked,
            disconnected = report.disconnected,
            undelivered = report.undelivered.len(),
        );
    }
}
