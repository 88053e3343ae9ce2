//! Disconnects that were committed: who sends them, and which were sent.

use std::string::String;
use std::vec::Vec;

use super::revoke::without_extra_data;
use super::state::{State, TenantName};
use crate::record::{DeliveryClaim, Notify, Record, RecordId, Timestamp};

impl State {
    pub(super) fn undelivered(&mut self, claim: &DeliveryClaim) -> Vec<Record> {
        let limit = usize::try_from(claim.limit).unwrap_or(usize::MAX);
        let due = |due: Timestamp| due <= claim.at;
        let claimed: Vec<(TenantName, String)> = match &claim.only {
            None => self
                .pending
                .iter()
                .take_while(|(moment, ..)| due(*moment))
                .filter(|(_, tenant, jti)| self.is_free(tenant, jti, claim.at))
                .map(|(_, tenant, jti)| (tenant.clone(), jti.clone()))
                .take(limit)
                .collect(),
            Some(only) => self
                .subject(&only.tenant, &only.subject)
                .into_iter()
                .flat_map(|subject| &subject.pending)
                .take_while(|(moment, _)| due(*moment))
                .filter(|(_, jti)| self.is_free(&only.tenant, jti, claim.at))
                .map(|(_, jti)| (only.tenant.clone(), jti.clone()))
                .take(limit)
                .collect(),
        };
        claimed
            .iter()
            .filter_map(|(tenant, jti)| {
                let stored = self.stored_mut(tenant, jti)?;
                stored.leased_until = claim.lease_until;
                Some(without_extra_data(&stored.record))
            })
            .collect()
    }

    pub(super) fn delivered(&mut self, records: &[RecordId]) {
        for id in records {
            self.change_record(&id.tenant, &id.jti, |record| {
                record.notify = Notify::Nothing
            });
        }
    }

    fn is_free(&self, tenant: &TenantName, jti: &str, at: Timestamp) -> bool {
        self.tenants
            .get(tenant)
            .and_then(|tenant| tenant.records.get(jti))
            .is_some_and(|stored| stored.leased_until <= at)
    }
}
