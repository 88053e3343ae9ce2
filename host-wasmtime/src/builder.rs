//! How an authenticator is put together.

use std::path::PathBuf;
use std::sync::Arc;

use authkernel::ports::{Host, Ports};

use crate::authenticator::Authenticator;
use crate::clock::{SystemClock, SystemRandom};
use crate::engine::{Engine, Running, Start};
use crate::error::BuildError;
use crate::limits::Limits;
use crate::observe::Observe;

/// Puts an [`Authenticator`] together. Policy, keys, storage and broadcast are needed; the rest has defaults.
#[must_use = "call `build`"]
pub struct Builder<H = Ports<StorageMissing, BroadcastMissing, SystemClock, SystemRandom>> {
    host: H,
    settings: Settings,
}

/// Stands where [`Builder::storage`] was not called yet.
#[derive(Clone, Copy, Debug)]
pub struct StorageMissing;

/// Stands where [`Builder::broadcast`] was not called yet.
#[derive(Clone, Copy, Debug)]
pub struct BroadcastMissing;

#[derive(Default)]
struct Settings {
    policy: Option<String>,
    keys: Option<String>,
    engine: Engine,
    limits: Limits,
    component: Option<Vec<u8>>,
    cache_dir: Option<PathBuf>,
    observer: Option<Arc<dyn Observe>>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            host: Ports {
                storage: StorageMissing,
                broadcast: BroadcastMissing,
                clock: SystemClock,
                random: SystemRandom,
            },
            settings: Settings::default(),
        }
    }
}

impl<H> Builder<H> {
    /// The policy: a JSON document.
    pub fn policy(mut self, json: &str) -> Self {
        self.settings.policy = Some(json.to_owned());
        self
    }

    /// The keys: a JWK Set, private members included where this process signs.
    pub fn keys(mut self, jwk_set: &str) -> Self {
        self.settings.keys = Some(jwk_set.to_owned());
        self
    }

    /// All four ports in one value, instead of one by one.
    pub fn host<T: Host>(self, host: T) -> Builder<T> {
        self.with_host(|_| host)
    }

    /// How the kernel is run. Default: as a component.
    pub fn engine(mut self, engine: Engine) -> Self {
        self.settings.engine = engine;
        self
    }

    /// What calls may cost.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Another component than the one that is embedded in this crate: the bytes of its file.
    pub fn component(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.settings.component = Some(bytes.into());
        self
    }

    /// Where compiled code is kept, so that the next start is quick. Default: `authkernel` in the user's cache
    /// folder. It is made with access for nobody else, and not used when somebody else has access: it holds code
    /// that this process runs. A cache that cannot be used is logged, and everything works without it.
    pub fn cache_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.cache_dir = Some(path.into());
        self
    }

    /// Who is told of each call after it has ended, for metrics. Default: nobody.
    pub fn observer(mut self, observer: impl Observe) -> Self {
        self.settings.observer = Some(Arc::new(observer));
        self
    }

    fn with_host<T>(self, change: impl FnOnce(H) -> T) -> Builder<T> {
        Builder {
            host: change(self.host),
            settings: self.settings,
        }
    }
}

impl<S, B, C, R> Builder<Ports<S, B, C, R>> {
    /// Where token records live.
    pub fn storage<T>(self, storage: T) -> Builder<Ports<T, B, C, R>> {
        self.with_host(|ports| Ports {
            storage,
            broadcast: ports.broadcast,
            clock: ports.clock,
            random: ports.random,
        })
    }

    /// How live connections are told.
    pub fn broadcast<T>(self, broadcast: T) -> Builder<Ports<S, T, C, R>> {
        self.with_host(|ports| Ports {
            storage: ports.storage,
            broadcast,
            clock: ports.clock,
            random: ports.random,
        })
    }

    /// Another clock than the system's, for tests.
    pub fn clock<T>(self, clock: T) -> Builder<Ports<S, B, T, R>> {
        self.with_host(|ports| Ports {
            storage: ports.storage,
            broadcast: ports.broadcast,
            clock,
            random: ports.random,
        })
    }

    /// Another source of randomness than the system's. It must be cryptographically secure outside of tests.
    pub fn random<T>(self, random: T) -> Builder<Ports<S, B, C, T>> {
        self.with_host(|ports| Ports {
            storage: ports.storage,
            broadcast: ports.broadcast,
            clock: ports.clock,
            random,
        })
    }
}

impl<H: Host + Send + Sync + 'static> Builder<H> {
    /// Parses policy and keys and starts the engine. The first start compiles the component, which takes a second or
    /// more where no compiled code is cached; the authenticators of one process share it.
    pub async fn build(self) -> Result<Authenticator<H>, BuildError> {
        let Self { host, settings } = self;
        settings.limits.check()?;
        let start = Start {
            policy: settings.policy.ok_or(BuildError::PolicyMissing)?,
            keys: settings.keys.ok_or(BuildError::KeysMissing)?,
            limits: settings.limits,
            component: settings.component,
            cache_dir: settings.cache_dir,
        };
        let host = Arc::new(host);
        let engine = Running::start(settings.engine, start, Arc::clone(&host)).await?;
        Ok(Authenticator::new(engine, host, settings.observer))
    }
}

impl<H> std::fmt::Debug for Builder<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the keys.
        f.debug_struct("Builder")
            .field("engine", &self.settings.engine)
            .field("limits", &self.settings.limits)
            .field("cache_dir", &self.settings.cache_dir)
            .finish_non_exhaustive()
    }
}
