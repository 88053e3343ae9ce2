//! `preview`: what a sign-out would do, nothing changed.

use super::Kernel;
use super::types::{Report, SignOutEverywhere};
use crate::error::Error;
use crate::ports::{Host, Storage};

impl<H: Host> Kernel<H> {
    /// Answers what `sign_out_everywhere` with the same selector would: "3 devices will be signed out". Storage
    /// runs the same selection and changes nothing.
    pub async fn preview(&self, request: SignOutEverywhere) -> Result<Report, Error> {
        let plan = self.matching(request, self.now(), true)?;
        let found = self.host.storage().revoke_matching(plan).await?;
        let topics = if self.policy.template.uses_jti() {
            found.notify_records
        } else {
            found.notify_sessions
        };
        let endpoints = u32::try_from(self.policy.endpoints.len()).unwrap_or(u32::MAX);
        Ok(Report {
            revoked: found.sessions,
            disconnected: topics.saturating_mul(endpoints),
            undelivered: alloc::vec::Vec::new(),
            already: found.sessions == 0,
        })
    }
}
