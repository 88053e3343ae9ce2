//! `sessions`: the live sessions of a subject, page by page.

use alloc::format;
use alloc::string::String;

use super::Kernel;
use super::types::{SessionPage, Sessions};
use crate::error::{Code, Error};
use crate::limits;
use crate::ports::{Host, Storage};
use crate::record::{ListQuery, Session, SessionCursor};

impl<H: Host> Kernel<H> {
    /// The live sessions of a subject, newest first.
    pub async fn sessions(&self, request: Sessions) -> Result<SessionPage, Error> {
        limits::optional_identifier("the tenant", request.tenant.as_deref())?;
        limits::identifier("the subject", &request.subject)?;
        let limit = request.limit.unwrap_or(50);
        if !(1..=100).contains(&limit) {
            return Err(Error::with(
                Code::InputInvalid,
                "the limit must be 1 to 100",
            ));
        }
        let query = ListQuery {
            tenant: request.tenant,
            subject: request.subject,
            at: self.now(),
            with_record: self.policy.purposes.values().all(|purpose| purpose.store),
            after: request.after.as_deref().map(cursor).transpose()?,
            limit,
        };
        let stored = self.host.storage().list(query).await?;
        let next = stored.sessions.last().filter(|_| stored.more).map(text);
        Ok(SessionPage {
            sessions: stored.sessions,
            next,
        })
    }
}

fn text(last: &Session) -> String {
    format!("{}.{}", last.created_at, last.sid)
}

fn cursor(text: &str) -> Result<SessionCursor, Error> {
    let (created_at, sid) = text
        .split_once('.')
        .ok_or_else(|| Error::new(Code::CursorInvalid))?;
    limits::identifier("the cursor", sid).map_err(|_| Error::new(Code::CursorInvalid))?;
    Ok(SessionCursor {
        created_at: created_at
            .parse()
            .map_err(|_| Error::new(Code::CursorInvalid))?,
        sid: sid.into(),
    })
}
