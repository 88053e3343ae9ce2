//! The engine, the compiled component and the clock that bounds guest time.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use wasmtime::component::Component;
use wasmtime::{Config, Engine, EngineWeak};

use super::cache;
use crate::error::BuildError;

/// The component that was built before this crate; empty when there was none.
static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/authkernel.component.wasm"));

/// How often guest time is looked at.
pub(super) const TICK: Duration = Duration::from_millis(50);

/// What all instances share.
pub(super) struct Runtime {
    pub(super) engine: Engine,
    pub(super) component: Component,
    /// Ticks since the start.
    pub(super) ticks: Arc<AtomicU64>,
}

impl Runtime {
    /// The embedded component. The authenticators of a process that exist at the same time share it.
    pub(super) fn embedded(cache_dir: Option<&Path>) -> Result<Arc<Self>, BuildError> {
        static SHARED: Mutex<Weak<Runtime>> = Mutex::new(Weak::new());

        if EMBEDDED.is_empty() {
            return Err(BuildError::ComponentMissing);
        }
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = shared.upgrade() {
            return Ok(runtime);
        }
        let runtime = Arc::new(Self::compile(EMBEDDED, cache_dir)?);
        *shared = Arc::downgrade(&runtime);
        Ok(runtime)
    }

    /// Compiles a component, or takes its compiled code from the cache.
    pub(super) fn compile(bytes: &[u8], cache_dir: Option<&Path>) -> Result<Self, BuildError> {
        let mut config = Config::new();
        config
            // A guest serves one call at a time: halves what a call costs.
            .concurrency_support(false)
            .epoch_interruption(true)
            // The embedded component is built with it.
            .wasm_wide_arithmetic(true)
            .cache(cache::open(cache_dir));
        let failed = |error: wasmtime::Error| BuildError::Component(error.into());
        let engine = Engine::new(&config).map_err(failed)?;
        let component = Component::new(&engine, bytes).map_err(failed)?;
        let ticks = Arc::new(AtomicU64::new(0));
        tick(engine.weak(), Arc::clone(&ticks))
            .map_err(|error| BuildError::Component(Box::new(error)))?;
        Ok(Self {
            engine,
            component,
            ticks,
        })
    }
}

/// Counts ticks until the engine is gone.
fn tick(engine: EngineWeak, ticks: Arc<AtomicU64>) -> std::io::Result<()> {
    let run = move || {
        while let Some(engine) = engine.upgrade() {
            ticks.fetch_add(1, Ordering::Relaxed);
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    };
    thread::Builder::new()
        .name("authkernel-ticks".into())
        .spawn(run)
        .map(drop)
}
