//! What every request shares.

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use authkernel::ports::{Clock, Ports};
use authkernel::record::Timestamp;
use authkernel::types::{Identity, Report};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::accounts::password::Passwords;
use super::accounts::{AccountStore, Accounts};
use super::acts::Acts;
use super::backing::{AnyBroadcast, AnyStorage};
use super::error::{Refusal, ServerCode};
use super::fault::Announcer;
use super::keys::live::LiveKeys;
use super::live_clients::LiveClients;
use super::metrics::{Metrics, TimedStorage};
use super::origin::{self, PublicUrl};
use super::push::{Push, Pushes};
use super::reload::Reload;
use super::settings::Settings;
use super::ticket::Tickets;
use super::tls::Tls;
use super::tries::Tries;
use crate::sockets::LiveSockets;
use crate::{Authenticator, SystemClock, SystemRandom};

/// What the server gives the kernel.
pub(crate) type ServerHost =
    Ports<TimedStorage<AnyStorage>, Announcer<AnyBroadcast>, SystemClock, SystemRandom>;

/// Everything that requests share.
pub(crate) struct Server {
    pub(crate) settings: Settings,
    pub(crate) auth: Authenticator<ServerHost>,
    pub(crate) live: LiveSockets,
    pub(crate) keys: LiveKeys,
    /// There when the server speaks TLS itself.
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) metrics: Metrics,
    pub(crate) storage: AnyStorage,
    /// All connections, live or not.
    pub(crate) connections: TaskTracker,
    /// The services that were configured.
    pub(crate) clients: Option<LiveClients>,
    /// The policy's `issuer`.
    pub(crate) issuer: String,
    /// The OpenAPI document, as it is served.
    pub(crate) openapi: String,
    /// All purposes of the policy.
    pub(crate) purposes: Vec<String>,
    pub(crate) accounts: Accounts,
    pub(crate) passwords: Passwords,
    pub(crate) tries: Tries,
    pub(crate) tickets: Tickets,
    pub(crate) pushes: Pushes,
    pub(crate) acts: Acts,
    /// What runs to its end whatever becomes of the client.
    pub(crate) tasks: TaskTracker,
    /// Files are to be looked at.
    pub(crate) reload: Reload,
    /// The server is to stop.
    pub(crate) stop: CancellationToken,
}

/// A handle on it; cheap to clone.
#[derive(Clone)]
pub(crate) struct App(pub(crate) Arc<Server>);

impl Deref for App {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}

impl Server {
    /// What time it is, in seconds since 1970.
    pub(crate) fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// What browsers call this server, where it was told.
    pub(crate) fn public_url(&self) -> Option<&PublicUrl> {
        self.settings.public_url.as_ref()
    }

    /// Whether browsers reach it over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.public_url()
            .map_or(self.tls.is_some(), PublicUrl::is_secure)
    }

    /// Refuses what a browser sent from another origin.
    pub(crate) fn require_same_origin(&self, headers: &http::HeaderMap) -> Result<(), Refusal> {
        origin::require_same(headers, self.public_url(), self.tls.is_some())
    }

    /// Runs work on a task of its own that a client which goes away does not end, and the server's end waits for.
    pub(crate) async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
    ) -> Result<T, Refusal> {
        let done = self.tasks.spawn(work).await;
        done.unwrap_or_else(|error| {
            tracing::error!(%error, "a request failed half-way");
            Err(ServerCode::Internal.into())
        })
    }

    /// Tells the live connections of an account what one of its sessions did.
    pub(crate) fn tell(&self, actor: &Identity, action: &'static str, report: &Report) {
        let event = Push::Event {
            action,
            sid: actor.sid.clone(),
            revoked: report.revoked,
        };
        self.pushes.send(&actor.subject, &event);
        self.pushes.send(&actor.subject, &Push::Sessions);
    }

    /// Removes an intent that was executed. When that fails it is executed once more, which is harmless.
    pub(crate) async fn forget_intent(&self, id: i64) {
        if let Err(error) = self.accounts.remove_intent(id).await {
            tracing::warn!(?error, "an intent that was executed could not be removed");
        }
    }
}
