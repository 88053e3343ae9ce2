//! `redeliver`: what was committed but not delivered.

use alloc::vec::Vec;

use super::Kernel;
use super::types::Redelivered;
use crate::error::Error;
use crate::ports::{Host, Storage};
use crate::record::DeliveryClaim;
use crate::rules::delivery::{self, LEASE, REDELIVER_BATCH};

impl<H: Host> Kernel<H> {
    /// Sends a batch of disconnects that are due and were not delivered: after a crash between commit and broadcast,
    /// after a broker was away, and when the acting session's delay is over. Call it at start and every second, and
    /// again at once while it answers `more`. Several processes may do so: a batch is claimed with a lease.
    pub async fn redeliver(&self) -> Result<Redelivered, Error> {
        let now = self.now();
        let claim = DeliveryClaim {
            at: delivery::due_until(now),
            lease_until: now.saturating_add(LEASE),
            limit: REDELIVER_BATCH,
            only: None,
        };
        let records = self.host.storage().undelivered(claim).await?;
        let full = records.len() >= REDELIVER_BATCH as usize;
        let done = self.deliver(&records, Vec::new()).await;
        let undelivered = u32::try_from(done.not_taken.len()).unwrap_or(u32::MAX);
        Ok(Redelivered {
            delivered: done.taken,
            undelivered,
            more: full && undelivered == 0,
        })
    }
}
