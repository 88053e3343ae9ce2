//! The two ways to run the kernel, behind one set of operations.

use std::path::PathBuf;
use std::sync::Arc;

use authkernel::Error;
use authkernel::ports::Host;
use authkernel::record::Deleted;
use authkernel::types::{
    Admit, Authenticate, BeginSignIn, CredentialsChanged, Identity, Issue, Issued, Redelivered,
    Report, Revoke, SessionPage, Sessions, SignInGuard, SignOutEverywhere, SocketState,
    SweepReport,
};

use crate::authenticator::Statistics;
#[cfg(feature = "component")]
use crate::component::Pool;
use crate::error::BuildError;
use crate::limits::Limits;
#[cfg(any(feature = "native", not(feature = "component")))]
use crate::native::Native;

/// How the kernel is run. It decides the same either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// As a WebAssembly component in wasmtime: isolated, bounded in memory and time. Needs the feature `component`.
    Component,
    /// In process, as native code. Needs the feature `native`, or that `component` is off.
    Native,
}

impl Default for Engine {
    /// The component, where it is compiled in.
    fn default() -> Self {
        match cfg!(feature = "component") {
            true => Self::Component,
            false => Self::Native,
        }
    }
}

/// What an engine is started with.
pub(crate) struct Start {
    pub(crate) policy: String,
    pub(crate) keys: String,
    pub(crate) limits: Limits,
    /// Another component than the embedded one.
    pub(crate) component: Option<Vec<u8>>,
    pub(crate) cache_dir: Option<PathBuf>,
}

/// An engine that was started.
pub(crate) enum Running<H: 'static> {
    #[cfg(feature = "component")]
    Component(Box<Pool<H>>),
    #[cfg(any(feature = "native", not(feature = "component")))]
    Native(Native<H>),
}

impl<H: Host + Send + Sync + 'static> Running<H> {
    pub(crate) async fn start(
        engine: Engine,
        start: Start,
        host: Arc<H>,
    ) -> Result<Self, BuildError> {
        match engine {
            #[cfg(feature = "component")]
            Engine::Component => Ok(Self::Component(Box::new(Pool::start(start, host).await?))),
            #[cfg(not(feature = "component"))]
            Engine::Component => Err(BuildError::EngineMissing("component")),
            #[cfg(any(feature = "native", not(feature = "component")))]
            Engine::Native => {
                let native = Native::new(&start.policy, &start.keys, host, &start.limits)?;
                Ok(Self::Native(native))
            }
            #[cfg(all(feature = "component", not(feature = "native")))]
            Engine::Native => Err(BuildError::EngineMissing("native")),
        }
    }

    pub(crate) async fn replace(&self, policy: &str, keys: &str) -> Result<(), BuildError> {
        match self {
            #[cfg(feature = "component")]
            Self::Component(pool) => pool.replace(policy, keys).await,
            #[cfg(any(feature = "native", not(feature = "component")))]
            Self::Native(native) => native.replace(policy, keys),
        }
    }

    pub(crate) fn close(&self) {
        match self {
            #[cfg(feature = "component")]
            Self::Component(pool) => pool.close(),
            #[cfg(any(feature = "native", not(feature = "component")))]
            Self::Native(_) => {}
        }
    }

    pub(crate) fn statistics(&self) -> Statistics {
        match self {
            #[cfg(feature = "component")]
            Self::Component(pool) => pool.statistics(),
            #[cfg(any(feature = "native", not(feature = "component")))]
            Self::Native(_) => Statistics::default(),
        }
    }
}

/// Each operation goes to the engine that runs.
macro_rules! operations {
    ($($operation:ident($($argument:ident: $request:ty)?) -> $answer:ty;)*) => {
        impl<H: Host + Send + Sync + 'static> Running<H> {
            $(pub(crate) async fn $operation(
                &self,
                $($argument: $request)?
            ) -> Result<$answer, Error> {
                match self {
                    #[cfg(feature = "component")]
                    Self::Component(pool) => pool.$operation($($argument)?).await,
                    #[cfg(any(feature = "native", not(feature = "component")))]
                    Self::Native(native) => native.kernel().$operation($($argument)?).await,
                }
            })*
        }
    };
}

operations! {
    begin_sign_in(request: BeginSignIn) -> SignInGuard;
    issue(request: Issue) -> Issued;
    authenticate(request: Authenticate) -> Identity;
    admit(request: Admit) -> Identity;
    revoke(request: Revoke) -> Report;
    sign_out_everywhere(request: SignOutEverywhere) -> Report;
    preview(request: SignOutEverywhere) -> Report;
    sessions(request: Sessions) -> SessionPage;
    credentials_changed(request: CredentialsChanged) -> Report;
    sweep(sockets: Vec<SocketState>) -> SweepReport;
    redeliver() -> Redelivered;
    expunge(limit: u32) -> Deleted;
}
