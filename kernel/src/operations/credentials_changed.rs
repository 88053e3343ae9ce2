//! `credentials-changed`: what the policy says for a trigger.

use super::Kernel;
use super::types::{CredentialsChanged, Report, SignOutEverywhere};
use crate::error::Error;
use crate::policy::Reaction;
use crate::ports::Host;

impl<H: Host> Kernel<H> {
    /// Signs out what the policy names for a trigger: nothing, the others, or everywhere.
    ///
    /// The application stores an intent in the transaction that changes the credential, calls this, and removes the
    /// intent. One that was left over is executed later with `changed_at`, which leaves alone the sessions begun
    /// after that second. Repeating it is harmless.
    pub async fn credentials_changed(&self, request: CredentialsChanged) -> Result<Report, Error> {
        let reaction = self.policy.reaction(&request.trigger)?;
        if reaction == Reaction::Nothing {
            return Ok(Report {
                already: true,
                ..Report::default()
            });
        }
        let now = self.now();
        let acting = request.acting_sid;
        let mut selector = SignOutEverywhere::subject(request.tenant, request.subject);
        selector.reason = Some(alloc::format!("{}_changed", request.trigger));
        // Times have whole seconds: a session begun in the same second may have used the old credential.
        selector.issued_before = request.changed_at.map(|at| at.saturating_add(1));
        match (reaction, acting) {
            (Reaction::Others, Some(sid)) => selector.keep.push(sid),
            (_, acting) => {
                selector.disconnect_self = request.disconnect_self || acting.is_none();
                selector.acting_sid = acting;
            }
        }
        let plan = self.matching(selector, now, false)?;
        self.sign_out_subject(plan, now).await
    }
}
