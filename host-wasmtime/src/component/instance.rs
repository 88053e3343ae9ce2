//! One instance of the component, with an `authenticator` made from one generation of policy and keys.

use std::sync::Arc;

use authkernel::ports::Host;
use wasmtime::Store;
use wasmtime::component::{HasSelf, Linker, ResourceAny};

use super::bindings::exports::auth::kernel::tokens::GuestAuthenticator;
use super::bindings::{Kernel, KernelPre};
use super::convert::Convert;
use super::runtime::Runtime;
use super::state::{Account, State};
use crate::error::BuildError;
use crate::limits::Limits;

/// The policy and keys that calls are decided by, until they are replaced.
pub(super) struct Generation {
    /// Counts up from 0.
    pub(super) number: u64,
    pub(super) policy: String,
    pub(super) keys: String,
}

/// Makes instances.
pub(super) struct Factory<H: 'static> {
    runtime: Arc<Runtime>,
    linked: KernelPre<State<H>>,
    host: Arc<H>,
    limits: Limits,
}

/// Serves one call at a time.
pub(super) struct Instance<H: 'static> {
    pub(super) store: Store<State<H>>,
    pub(super) authenticator: ResourceAny,
    /// The number of its [`Generation`].
    pub(super) generation: u64,
    kernel: Kernel,
    /// More memory than this, and it is not used again.
    memory_bound: usize,
}

impl<H: Host + Send + Sync + 'static> Factory<H> {
    pub(super) fn new(
        runtime: Arc<Runtime>,
        host: Arc<H>,
        limits: Limits,
    ) -> Result<Self, BuildError> {
        let link = || {
            let mut linker = Linker::new(&runtime.engine);
            Kernel::add_to_linker::<_, HasSelf<State<H>>>(&mut linker, |state| state)?;
            KernelPre::new(linker.instantiate_pre(&runtime.component)?)
        };
        let linked = link().map_err(failed)?;
        Ok(Self {
            runtime,
            linked,
            host,
            limits,
        })
    }

    /// A new instance. Refuses policy and keys as the kernel does.
    pub(super) async fn create(&self, generation: &Generation) -> Result<Instance<H>, BuildError> {
        let state = State {
            host: Arc::clone(&self.host),
            account: Account::new(&self.limits, Arc::clone(&self.runtime.ticks)),
        };
        let mut store = Store::new(&self.runtime.engine, state);
        store.limiter(|state| &mut state.account);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().account.on_tick()));
        begin(&mut store);

        let kernel = self
            .linked
            .instantiate_async(&mut store)
            .await
            .map_err(failed)?;
        let created = kernel
            .auth_kernel_tokens()
            .authenticator()
            .call_create(&mut store, &generation.policy, &generation.keys)
            .await
            .map_err(failed)?;
        let authenticator = created.map_err(|error| BuildError::Refused(error.convert()))?;

        let memory = store.data().account.memory;
        Ok(Instance {
            store,
            authenticator,
            generation: generation.number,
            kernel,
            memory_bound: memory.saturating_add(self.limits.memory_growth),
        })
    }
}

impl<H: 'static> Instance<H> {
    /// Gets ready for a call.
    pub(super) fn begin(&mut self) {
        begin(&mut self.store);
    }

    /// The operations, the store to run them in and what to run them on.
    pub(super) fn parts(&mut self) -> (GuestAuthenticator<'_>, &mut Store<State<H>>, ResourceAny) {
        let operations = self.kernel.auth_kernel_tokens().authenticator();
        (operations, &mut self.store, self.authenticator)
    }

    /// Whether it may serve another call.
    pub(super) fn is_lean(&self) -> bool {
        self.store.data().account.memory <= self.memory_bound
    }

    /// Whether the call that was lost may have changed something.
    pub(super) fn wrote(&self) -> bool {
        self.store.data().account.wrote
    }
}

/// Every call starts with its guest time unspent; the first tick that it sees is looked at.
fn begin<H>(store: &mut Store<State<H>>) {
    store.data_mut().account.begin();
    store.set_epoch_deadline(1);
}

fn failed(error: wasmtime::Error) -> BuildError {
    BuildError::Component(error.into())
}
