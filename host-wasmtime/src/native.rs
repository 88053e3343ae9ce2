//! The kernel in process, as native code: the same decisions and the same ports, without wasmtime.

use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use authkernel::Kernel;
use authkernel::keys::KeySet;
use authkernel::policy::Policy;
use authkernel::ports::{
    Broadcast, BroadcastError, Clock, Host, Message, Random, RandomError, Storage, StorageError,
};
use authkernel::record::{
    Consumed, Consumption, CutOff, Deleted, DeliveryClaim, ExpiryBatch, FindQuery, Found,
    Insertion, ListQuery, MatchingRevocation, MatchingRevoked, Record, RecordId, Revocation,
    Revoked, StoredSessions, Timestamp, Touch,
};

use crate::error::BuildError;
use crate::guard::{self, Effect};
use crate::limits::Limits;

/// The kernel of the newest policy and keys.
pub(crate) struct Native<H> {
    kernel: RwLock<Arc<Kernel<Guarded<H>>>>,
    host: Guarded<H>,
}

impl<H: Host + Send + Sync> Native<H> {
    pub(crate) fn new(
        policy: &str,
        keys: &str,
        host: Arc<H>,
        limits: &Limits,
    ) -> Result<Self, BuildError> {
        let host = Guarded {
            host,
            import_time: limits.import_time,
        };
        let kernel = parse(policy, keys, &host)?;
        Ok(Self {
            kernel: RwLock::new(kernel),
            host,
        })
    }

    /// The kernel to run a call with.
    pub(crate) fn kernel(&self) -> Arc<Kernel<Guarded<H>>> {
        let kernel = self.kernel.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&kernel)
    }

    /// Calls that begin from now on are decided by these; calls that run end as they began.
    pub(crate) fn replace(&self, policy: &str, keys: &str) -> Result<(), BuildError> {
        let next = parse(policy, keys, &self.host)?;
        *self.kernel.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

fn parse<H: Host + Send + Sync>(
    policy: &str,
    keys: &str,
    host: &Guarded<H>,
) -> Result<Arc<Kernel<Guarded<H>>>, BuildError> {
    let policy = Policy::parse(policy).map_err(BuildError::Refused)?;
    let keys = KeySet::parse(keys).map_err(BuildError::Refused)?;
    Ok(Arc::new(Kernel::new(policy, keys, host.clone())))
}

/// The application's host with a time limit on storage and broadcast.
pub(crate) struct Guarded<H> {
    host: Arc<H>,
    import_time: Duration,
}

impl<H> Clone for Guarded<H> {
    fn clone(&self) -> Self {
        Self {
            host: Arc::clone(&self.host),
            import_time: self.import_time,
        }
    }
}

impl<H: Host + Send + Sync> Host for Guarded<H> {
    type Storage = Self;
    type Broadcast = Self;
    type Clock = Self;
    type Random = Self;

    fn storage(&self) -> &Self {
        self
    }
    fn broadcast(&self) -> &Self {
        self
    }
    fn clock(&self) -> &Self {
        self
    }
    fn random(&self) -> &Self {
        self
    }
}

impl<H: Host> Clock for Guarded<H> {
    fn now(&self) -> Timestamp {
        self.host.clock().now()
    }
}

impl<H: Host> Random for Guarded<H> {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        self.host.random().fill(bytes)
    }
}

impl<H: Host + Send + Sync> Broadcast for Guarded<H> {
    async fn publish(&self, messages: Vec<Message>) -> Vec<Result<(), BroadcastError>> {
        let count = messages.len();
        let call = pin!(self.host.broadcast().publish(messages));
        guard::broadcast(self.import_time, count, call).await
    }
}

/// Each method asks the application's storage within the time limit.
macro_rules! storage_methods {
    ($($method:ident($argument:ty) -> $answer:ty, $effect:ident;)*) => {
        impl<H: Host + Send + Sync> Storage for Guarded<H> {
            $(async fn $method(&self, argument: $argument) -> Result<$answer, StorageError> {
                let call = pin!(self.host.storage().$method(argument));
                guard::storage(stringify!($method), self.import_time, Effect::$effect, call).await
            })*
        }
    };
}

storage_methods! {
    find(FindQuery) -> Found, Reads;
    find_many(Vec<FindQuery>) -> Vec<Found>, Reads;
    insert(Insertion) -> u64, Writes;
    revoke(Revocation) -> Revoked, Writes;
    revoke_matching(MatchingRevocation) -> MatchingRevoked, Writes;
    consume(Consumption) -> Consumed, Writes;
    touch(Touch) -> (), Reads;
    list(ListQuery) -> StoredSessions, Reads;
    undelivered(DeliveryClaim) -> Vec<Record>, Writes;
    delivered(Vec<RecordId>) -> (), Writes;
    delete_expired(ExpiryBatch) -> Deleted, Writes;
    raise_cut_off(CutOff) -> (), Writes;
}
