//! Telling live connections, after the commit and never before.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::Kernel;
use super::types::{Report, Undelivered};
use crate::error::Error;
use crate::ports::{Broadcast, Host, Message, Recheck, Storage};
use crate::record::{DeliveryClaim, Record, SubjectId, Timestamp};
use crate::rules::delivery::{self, BATCH, LEASE};

/// What was handed to the broker.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    pub(super) taken: u32,
    pub(super) not_taken: Vec<Undelivered>,
}

impl Delivery {
    /// Adds what was delivered to a report.
    pub(super) fn report(self, report: &mut Report) {
        report.disconnected = report.disconnected.saturating_add(self.taken);
        report.undelivered.extend(self.not_taken);
    }
}

impl<H: Host> Kernel<H> {
    /// Sends the disconnects of these records and the rechecks in one call, and notes what was delivered. What was
    /// not taken stays pending. That storage cannot note it is no failure: it will be sent again, harmlessly.
    pub(super) async fn deliver(&self, records: &[Record], rechecks: Vec<Recheck>) -> Delivery {
        let plan = delivery::plan(records, &self.policy);
        let messages: Vec<Message> = plan
            .disconnects
            .iter()
            .cloned()
            .map(Message::Disconnect)
            .chain(rechecks.into_iter().map(Message::Recheck))
            .collect();
        let mut answers = if messages.is_empty() {
            Vec::new()
        } else {
            self.host.broadcast().publish(messages).await
        }
        .into_iter();
        let disconnects = plan.disconnects.clone();
        let mut delivery = Delivery::default();
        let mut failed = BTreeSet::new();
        for disconnect in &disconnects {
            // A message without an answer was not taken.
            if answers.next().is_some_and(|answer| answer.is_ok()) {
                delivery.taken = delivery.taken.saturating_add(1);
            } else {
                failed.insert(disconnect.topic.as_str());
                delivery.not_taken.push(Undelivered {
                    endpoint: disconnect.endpoint.clone(),
                    topic: disconnect.topic.clone(),
                });
            }
        }
        let settled = plan.settled(&failed);
        if !settled.is_empty() {
            let _ = self.host.storage().delivered(settled).await;
        }
        delivery
    }

    /// Delivers what more a subject has pending, batch by batch, until none is left or the broker takes nothing.
    pub(super) async fn deliver_rest(
        &self,
        subject: SubjectId,
        now: Timestamp,
    ) -> Result<Delivery, Error> {
        let mut total = Delivery::default();
        loop {
            let claim = DeliveryClaim {
                at: now,
                lease_until: now.saturating_add(LEASE),
                limit: BATCH,
                only: Some(subject.clone()),
            };
            let records = self.host.storage().undelivered(claim).await?;
            let done = self.deliver(&records, Vec::new()).await;
            let stuck = done.taken == 0;
            total.taken = total.taken.saturating_add(done.taken);
            total.not_taken.extend(done.not_taken);
            if stuck {
                return Ok(total);
            }
        }
    }
}
