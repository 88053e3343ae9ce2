//! `sweep`: which open connections to close.

use alloc::vec::Vec;

use super::Kernel;
use super::types::{SocketState, SweepReport, Verdict};
use crate::error::{Code, Error};
use crate::limits::MAX_SWEEP;
use crate::ports::{Host, Storage};
use crate::rules::sweep;

impl<H: Host> Kernel<H> {
    /// Decides about open connections, all of them in one storage call: which are revoked, consumed, expired, cut
    /// off, or signed with a key that was revoked.
    ///
    /// A storage error closes nothing and is reported; what could not be verified for longer than the policy's
    /// `max_blind` is closed.
    pub async fn sweep(&self, sockets: Vec<SocketState>) -> Result<SweepReport, Error> {
        if sockets.len() > MAX_SWEEP {
            return Err(Error::with(
                Code::InputInvalid,
                "a sweep takes at most 10000 connections: send them in batches",
            ));
        }
        let now = self.now();
        let decided: Vec<Option<Verdict>> = sockets
            .iter()
            .map(|socket| sweep::alone(socket, &self.policy, &self.keys, now))
            .collect();
        let queries: Vec<_> = sockets
            .iter()
            .zip(&decided)
            .filter(|(_, decided)| decided.is_none())
            .map(|(socket, _)| sweep::presented(socket).query())
            .collect();
        let asked = queries.len();
        let (found, error) = if asked == 0 {
            (Vec::new(), None)
        } else {
            match self.host.storage().find_many(queries).await {
                Ok(found) if found.len() == asked => (found, None),
                Ok(_) => (Vec::new(), Some(Error::new(Code::StorageFailed))),
                Err(error) => (Vec::new(), Some(error.into())),
            }
        };
        let mut answers = found.iter();
        let verdicts = sockets
            .iter()
            .zip(decided)
            .map(|(socket, decided)| {
                decided.unwrap_or_else(|| match answers.next() {
                    Some(found) => sweep::with_storage(socket, found, &self.policy, now),
                    None => sweep::without_answer(socket, &self.policy, now),
                })
            })
            .collect();
        Ok(SweepReport { verdicts, error })
    }
}
