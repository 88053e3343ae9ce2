//! `begin-sign-in`: what the subject's epoch is before the credential is checked.

use super::Kernel;
use super::types::{BeginSignIn, SignInGuard};
use crate::error::Error;
use crate::limits;
use crate::ports::{Host, Storage};
use crate::record::FindQuery;

impl<H: Host> Kernel<H> {
    /// Reads the subject's epoch. Call it **before** the credential is checked: a sign-in with the old password
    /// that is still on its way when the password changes then fails at `issue`, with `sign_in_superseded`.
    pub async fn begin_sign_in(&self, request: BeginSignIn) -> Result<SignInGuard, Error> {
        limits::optional_identifier("the tenant", request.tenant.as_deref())?;
        limits::identifier("the subject", &request.subject)?;
        let query = FindQuery {
            tenant: request.tenant,
            subject: Some(request.subject),
            ..FindQuery::default()
        };
        let found = self.host.storage().find(query).await?;
        Ok(SignInGuard { epoch: found.epoch })
    }
}
