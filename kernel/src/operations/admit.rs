//! `admit`: whether a token may open a live connection, or prolong an open one.

use super::Kernel;
use super::types::{Admit, ClaimsForm, Identity, OpenSocket};
use crate::claims::Claims;
use crate::error::{Code, Error};
use crate::limits;
use crate::ports::Host;
use crate::rules;

impl<H: Host> Kernel<H> {
    /// Decides for a live connection. Call it **after** the connection has subscribed to its topic: whatever is
    /// revoked from then on reaches it, and whatever was revoked before is seen here, on fresh storage. So no
    /// revocation slips between look-up and subscription.
    ///
    /// With the identity of an open connection, a later token of the same subject, tenant and session moves its
    /// deadline; any other token is `socket_mismatch`.
    pub async fn admit(&self, request: Admit) -> Result<Identity, Error> {
        self.admit_as(request).await
    }

    /// [`Kernel::admit`] with the extra claims in the form that the caller needs.
    pub async fn admit_as<C: ClaimsForm>(&self, request: Admit) -> Result<Identity<C>, Error> {
        rules::purpose::wanted(&request.purposes, &self.policy)?;
        limits::optional_identifier("the tenant", request.tenant.as_deref())?;
        let opened = self.open(&request.token, request.tenant.as_deref())?;
        let now = self.now();
        rules::claims::time(&opened.claims, &self.policy, now)?;
        let purpose = rules::purpose::accept(&opened.claims, &request.purposes, &self.policy)?;
        if !purpose.opens_sockets {
            return Err(Error::new(Code::PurposeNotAllowed));
        }
        if let Some(socket) = &request.socket {
            same_session(&opened.claims, socket)?;
        }
        self.accept(opened, purpose, now).await
    }
}

fn same_session(claims: &Claims, socket: &OpenSocket) -> Result<(), Error> {
    let same = claims.tenant == socket.tenant
        && claims.subject == socket.subject
        && claims.sid == socket.sid;
    if same {
        return Ok(());
    }
    Err(Error::new(Code::SocketMismatch))
}
