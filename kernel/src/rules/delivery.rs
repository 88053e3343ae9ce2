//! Which disconnects a revocation sends: one per distinct (endpoint, topic).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use crate::policy::Policy;
use crate::ports::Disconnect;
use crate::record::{Record, RecordId, Timestamp};

/// How long the call that revoked has the delivery to itself before `redeliver` takes it over, in seconds.
pub(crate) const HEAD_START: u64 = 1;
/// How long a claimed batch is nobody else's, in seconds.
pub(crate) const LEASE: u64 = 10;
/// How many records the call that revoked delivers at once: as a rule all of them, in one call to the broker.
pub(crate) const BATCH: u32 = 10_000;
/// How many records one `redeliver` claims.
pub(crate) const REDELIVER_BATCH: u32 = 1_000;
/// How long the acting session's own connection may stay open after `disconnect_self: false`, in seconds.
pub(crate) const SELF_DELAY: u64 = 30;

/// The disconnects of some records, and which records each of them settles.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Distinct, in order.
    pub(crate) disconnects: Vec<Disconnect>,
    /// Records by topic.
    topics: BTreeMap<String, Vec<RecordId>>,
    /// Records without a topic: nobody can have subscribed to it.
    silent: Vec<RecordId>,
}

/// Plans the disconnects of revoked records. A record whose topic cannot be made (a tombstone of a token that was
/// never known) has no connections.
pub(crate) fn plan(records: &[Record], policy: &Policy) -> Plan {
    let mut plan = Plan::default();
    for record in records {
        match policy.template.render(&record.into()) {
            Ok(topic) => plan.topics.entry(topic).or_default().push(record.id()),
            Err(_) => plan.silent.push(record.id()),
        }
    }
    for topic in plan.topics.keys() {
        for endpoint in &policy.endpoints {
            plan.disconnects.push(Disconnect {
                endpoint: endpoint.clone(),
                topic: topic.clone(),
            });
        }
    }
    plan
}

impl Plan {
    /// The records that are settled when these topics could not be told everywhere.
    pub(crate) fn settled(self, failed: &BTreeSet<&str>) -> Vec<RecordId> {
        let told = self
            .topics
            .into_iter()
            .filter(|(topic, _)| !failed.contains(topic.as_str()))
            .flat_map(|(_, records)| records);
        told.chain(self.silent).collect()
    }
}

/// The latest `due` that `redeliver` takes.
pub(crate) fn due_until(now: Timestamp) -> Timestamp {
    now.saturating_sub(HEAD_START)
}
