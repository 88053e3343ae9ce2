//! `expunge`: what nobody needs to remember any more.

use super::Kernel;
use crate::error::{Code, Error};
use crate::ports::{Host, Storage};
use crate::record::{Deleted, ExpiryBatch};

impl<H: Host> Kernel<H> {
    /// Deletes one batch of at most `limit` (1 to 100,000) records, sessions and cut-offs each, that have been
    /// expired for longer than leeway + retention. No revocation is forgotten while its token could be taken for
    /// valid by a clock that is wrong by less than the retention. It tells nobody: an expired connection was closed
    /// at its deadline.
    pub async fn expunge(&self, limit: u32) -> Result<Deleted, Error> {
        if !(1..=100_000).contains(&limit) {
            return Err(Error::with(
                Code::InputInvalid,
                "the limit must be 1 to 100000",
            ));
        }
        let kept = self.policy.leeway.saturating_add(self.policy.retention);
        let batch = ExpiryBatch {
            before: self.now().saturating_sub(kept),
            limit,
        };
        Ok(self.host.storage().delete_expired(batch).await?)
    }
}
