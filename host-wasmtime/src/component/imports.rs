//! The component's imports: each asks one port of the application's host.

use std::future::Future;
use std::pin::pin;

use authkernel::ports::{Broadcast, Clock, Host, Random, Storage, StorageError};
use authkernel::record::{ExpiryBatch, Touch};

use super::bindings::auth::kernel::{broadcast, storage, types};
use super::bindings::wasi::clocks::wall_clock;
use super::bindings::wasi::random::random;
use super::convert::Convert;
use super::state::{Account, State};
use crate::guard::{self, Effect};

/// The most randomness that one call is given: many times what the kernel asks for.
const RANDOM_LIMIT: u64 = 4096;

type Answer<T> = Result<T, storage::Error>;

impl Account {
    async fn storage<T: Convert<U>, U>(
        &mut self,
        name: &'static str,
        effect: Effect,
        call: impl Future<Output = Result<T, StorageError>>,
    ) -> Answer<U> {
        self.wrote |= effect == Effect::Writes;
        let since = self.importing();
        let answer = guard::storage(name, self.import_time, effect, call).await;
        self.imported(since);
        answer.map(T::convert).map_err(StorageError::convert)
    }
}

impl<H: Host + Send + Sync + 'static> storage::Host for State<H> {
    async fn find(&mut self, query: storage::FindQuery) -> Answer<storage::Found> {
        let call = pin!(self.host.storage().find(query.convert()));
        self.account.storage("find", Effect::Reads, call).await
    }

    async fn find_many(&mut self, queries: Vec<storage::FindQuery>) -> Answer<Vec<storage::Found>> {
        let call = pin!(self.host.storage().find_many(queries.convert()));
        self.account.storage("find_many", Effect::Reads, call).await
    }

    async fn insert(&mut self, insertion: storage::Insertion) -> Answer<u64> {
        let call = pin!(self.host.storage().insert(insertion.convert()));
        self.account.storage("insert", Effect::Writes, call).await
    }

    async fn revoke(&mut self, revocation: storage::Revocation) -> Answer<storage::Revoked> {
        let call = pin!(self.host.storage().revoke(revocation.convert()));
        self.account.storage("revoke", Effect::Writes, call).await
    }

    async fn revoke_matching(
        &mut self,
        revocation: storage::MatchingRevocation,
    ) -> Answer<storage::MatchingRevoked> {
        let effect = match revocation.dry_run {
            true => Effect::Reads,
            false => Effect::Writes,
        };
        let call = pin!(self.host.storage().revoke_matching(revocation.convert()));
        self.account.storage("revoke_matching", effect, call).await
    }

    async fn consume(&mut self, consumption: storage::Consumption) -> Answer<storage::Consumed> {
        let call = pin!(self.host.storage().consume(consumption.convert()));
        self.account.storage("consume", Effect::Writes, call).await
    }

    async fn touch(&mut self, tenant: Option<String>, sid: String, at: u64) -> Answer<()> {
        let call = pin!(self.host.storage().touch(Touch { tenant, sid, at }));
        // Best effort: nobody has to know whether it was done.
        self.account.storage("touch", Effect::Reads, call).await
    }

    async fn list(&mut self, query: storage::ListQuery) -> Answer<storage::StoredSessions> {
        let call = pin!(self.host.storage().list(query.convert()));
        self.account.storage("list", Effect::Reads, call).await
    }

    async fn undelivered(
        &mut self,
        claim: storage::DeliveryClaim,
    ) -> Answer<Vec<types::TokenRecord>> {
        let call = pin!(self.host.storage().undelivered(claim.convert()));
        self.account
            .storage("undelivered", Effect::Writes, call)
            .await
    }

    async fn delivered(&mut self, records: Vec<storage::RecordId>) -> Answer<()> {
        let call = pin!(self.host.storage().delivered(records.convert()));
        self.account
            .storage("delivered", Effect::Writes, call)
            .await
    }

    async fn delete_expired(&mut self, before: u64, limit: u32) -> Answer<storage::Deleted> {
        let batch = ExpiryBatch { before, limit };
        let call = pin!(self.host.storage().delete_expired(batch));
        self.account
            .storage("delete_expired", Effect::Writes, call)
            .await
    }

    async fn raise_cut_off(&mut self, cut_off: storage::CutOff) -> Answer<()> {
        let call = pin!(self.host.storage().raise_cut_off(cut_off.convert()));
        self.account
            .storage("raise_cut_off", Effect::Writes, call)
            .await
    }
}

impl<H: Host + Send + Sync + 'static> broadcast::Host for State<H> {
    async fn publish(
        &mut self,
        messages: Vec<types::Message>,
    ) -> Vec<Result<(), broadcast::Error>> {
        let count = messages.len();
        let call = pin!(self.host.broadcast().publish(messages.convert()));
        let since = self.account.importing();
        self.account.wrote = true;
        let answers = guard::broadcast(self.account.import_time, count, call).await;
        self.account.imported(since);
        let convert = |answer: Result<_, _>| answer.map_err(Convert::convert);
        answers.into_iter().map(convert).collect()
    }
}

/// It has no function.
impl<H: Send> types::Host for State<H> {}

impl<H: Host> wall_clock::Host for State<H> {
    fn now(&mut self) -> wall_clock::Datetime {
        wall_clock::Datetime {
            seconds: self.host.clock().now(),
            nanoseconds: 0,
        }
    }

    fn resolution(&mut self) -> wall_clock::Datetime {
        wall_clock::Datetime {
            seconds: 1,
            nanoseconds: 0,
        }
    }
}

impl<H: Host> random::Host for State<H> {
    /// Answers nothing when the source failed or too much was asked for. WASI has no error here; the kernel counts
    /// the bytes and refuses the operation.
    fn get_random_bytes(&mut self, len: u64) -> Vec<u8> {
        let len = match len {
            0..=RANDOM_LIMIT => len as usize,
            _ => return Vec::new(),
        };
        let mut bytes = vec![0; len];
        match self.host.random().fill(&mut bytes) {
            Ok(()) => bytes,
            Err(_) => {
                tracing::error!("the source of randomness failed");
                Vec::new()
            }
        }
    }

    /// Not called by the kernel. There is no way to answer less than asked for: a failure is a trap.
    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        let mut bytes = [0; 8];
        match self.host.random().fill(&mut bytes) {
            Ok(()) => Ok(u64::from_le_bytes(bytes)),
            Err(_) => Err(wasmtime::Error::msg("the source of randomness failed")),
        }
    }
}
