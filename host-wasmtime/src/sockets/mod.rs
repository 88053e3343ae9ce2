//! The live connections of a process: WebSockets, server-sent events, any response that lives long.
//!
//! A revoked token must not keep a connection that it opened. So every connection is registered under the topic of
//! its token **before** the kernel is asked whether it may open: whatever is revoked from then on reaches it, and
//! whatever was revoked before is seen by the kernel. It closes when a disconnect names its topic, when its token
//! expires, and when a sweep finds it dead whose disconnect was lost.
//!
//! The registry is independent of the protocol. [`LiveSockets::open`] admits a connection and answers a
//! [`LiveSocket`], which the task that serves the connection keeps:
//!
//! ```no_run
//! # use authkernel::types::Admit;
//! # use authkernel_wasmtime::sockets::LiveSockets;
//! # async fn next_message() -> String { String::new() }
//! # async fn act_on(_: String) {}
//! # async fn close_with(_: u16, _: &str) {}
//! # async fn serve(sockets: LiveSockets, token: String) -> Result<(), authkernel::Error> {
//! let admit = Admit { token, purposes: vec!["user".into()], ..Admit::default() };
//! let socket = sockets.open(admit, "web").await?; // refused: answer 401, accept nothing
//! loop {
//!     tokio::select! {
//!         biased;
//!         closing = socket.closed() => {
//!             // The peer has until then to answer the close; after that, cut the connection.
//!             let said = close_with(closing.reason.close_code(), closing.reason.as_str());
//!             let _ = tokio::time::timeout_at(closing.cut_at(), said).await;
//!             return Ok(());
//!         }
//!         message = next_message() => if socket.may_act() { act_on(message).await },
//!     }
//! }
//! # }
//! ```

#[cfg(feature = "axum")]
pub mod axum;
mod closing;
mod decide;
mod entry;
mod farewells;
#[cfg(test)]
mod fixtures;
mod live_socket;
mod observe;
mod registry;
mod settings;
mod sweep_queue;
mod table;
mod tasks;
#[cfg(test)]
mod tests;
mod upkeep;

use std::sync::Arc;

use authkernel::Error;
use authkernel::types::Admit;
use tokio::sync::broadcast;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub use self::closing::{Closing, Reason};
pub use self::decide::Decide;
pub use self::live_socket::LiveSocket;
pub use self::observe::{Change, Counts, SocketEvent};
pub use self::settings::{Settings, UpkeepSettings};
pub use self::upkeep::Upkeep;

use self::registry::Registry;
use crate::broadcast::Listen;

/// The live connections that this process holds. Clones share everything; when the last one is dropped, all
/// connections are closed.
#[derive(Clone)]
pub struct LiveSockets {
    registry: Arc<Registry>,
    running: Arc<Running>,
}

struct Running {
    tasks: TaskTracker,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl LiveSockets {
    /// Starts to look after connections: `kernel` decides (an [`Authenticator`](crate::Authenticator)), `listen` is
    /// the process's own subscription to what is broadcast. Must be called inside a tokio runtime.
    pub fn start(kernel: impl Decide, listen: impl Listen, settings: Settings) -> Self {
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        let registry = Arc::new(Registry::new(Arc::new(kernel), settings));
        tasks::start(&registry, listen, &tasks, &stop);
        if let Some(settings) = &registry.settings.upkeep {
            upkeep::spawn(&registry.decide, settings, &tasks, &stop);
        }
        Self {
            registry,
            running: Arc::new(Running {
                tasks,
                _stop_on_drop: stop.clone().drop_guard(),
                stop,
            }),
        }
    }

    /// Admits a connection on one of the policy's endpoints: authenticates, subscribes to the token's topic, decides
    /// again on fresh storage. Only what this has answered may be accepted.
    ///
    /// A disconnect that arrives in between refuses it. `admit.socket` is ignored: this is a new connection. An
    /// endpoint that the policy does not name is never told of a disconnect, and is closed by sweeps only.
    pub async fn open(&self, admit: Admit, endpoint: &str) -> Result<LiveSocket, Error> {
        let opened = LiveSocket::open(&self.registry, admit, endpoint).await;
        if opened.is_err() {
            self.registry.observer.refused();
        }
        opened
    }

    /// Has all connections verified against storage at once. Call it after policy or keys were replaced. Returns
    /// before it is done.
    pub fn verify_all(&self) {
        self.registry.sweeps.ask_all();
    }

    /// What happens to connections from now on. A receiver that falls behind misses events; nobody waits for it.
    pub fn events(&self) -> broadcast::Receiver<SocketEvent> {
        self.registry.observer.subscribe()
    }

    /// How many connections there are and were.
    pub fn counts(&self) -> Counts {
        self.registry.observer.counts(self.registry.len())
    }

    /// Refuses new connections, closes all that are open, waits until they are gone (at most the settings' grace),
    /// and ends every task of the registry.
    pub async fn shutdown(&self) {
        self.registry.shut();
        let empty = async {
            loop {
                let mut emptied = std::pin::pin!(self.registry.emptied.notified());
                emptied.as_mut().enable();
                if self.registry.len() == 0 {
                    return;
                }
                emptied.await;
            }
        };
        if tokio::time::timeout(self.registry.settings.shutdown_grace, empty)
            .await
            .is_err()
        {
            let open = self.registry.len();
            tracing::warn!(
                open,
                "live connections were still open at the end of the shutdown"
            );
        }
        self.running.stop.cancel();
        self.running.tasks.close();
        self.running.tasks.wait().await;
    }
}

impl std::fmt::Debug for LiveSockets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveSockets")
            .field("registered", &self.registry.len())
            .field("settings", &self.registry.settings)
            .finish_non_exhaustive()
    }
}
