//! The kernel as an application uses it: one value, cheap to clone, with a method for every operation.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use authkernel::ports::Host;
use authkernel::record::Deleted;
use authkernel::types::{
    Admit, Authenticate, BeginSignIn, CredentialsChanged, Identity, Issue, Issued, Redelivered,
    Report, Revoke, SessionPage, Sessions, SignInGuard, SignOutEverywhere, SocketState,
    SweepReport,
};
use authkernel::{Code, Error};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::builder::Builder;
use crate::engine::Running;
use crate::error::BuildError;
use crate::guard;
use crate::observe::{Observe, observed};

/// Decides about tokens and sessions, with the application's storage and broadcast. Clones share everything.
///
/// Operations that only read run on the caller's task, and end when their future is dropped. Operations that write
/// (`issue`, `revoke`, `sign_out_everywhere`, `credentials_changed`, `redeliver`, `expunge`) run to their end on a
/// task of their own, whatever becomes of the caller. All must be called inside a tokio runtime with time enabled.
///
/// Every refusal is an [`Error`] with a stable [`Code`]; those that a host adds to the kernel's are `overloaded`,
/// `kernel_unavailable`, `outcome_unknown` and `authenticator_closed`.
pub struct Authenticator<H: 'static> {
    inner: Arc<Inner<H>>,
}

struct Inner<H: 'static> {
    engine: Running<H>,
    host: Arc<H>,
    /// The writes that run.
    writes: TaskTracker,
    closed: AtomicBool,
    observer: Option<Arc<dyn Observe>>,
}

impl Authenticator<()> {
    /// Where to begin: give it a policy, keys, storage and broadcast, then `build`.
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl<H: Host + Send + Sync + 'static> Authenticator<H> {
    pub(crate) fn new(
        engine: Running<H>,
        host: Arc<H>,
        observer: Option<Arc<dyn Observe>>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                engine,
                host,
                writes: TaskTracker::new(),
                closed: AtomicBool::new(false),
                observer,
            }),
        }
    }

    /// Reads the subject's epoch. Call it before the credential is checked, and give the answer to
    /// [`issue`](Self::issue): a sign-in that a sign-out or a change of the password has overtaken is then refused.
    pub async fn begin_sign_in(&self, request: BeginSignIn) -> Result<SignInGuard, Error> {
        self.open()?;
        let call = pin!(self.inner.engine.begin_sign_in(request));
        observed(self.inner.observer.as_ref(), "begin_sign_in", call).await
    }

    /// Mints a token, after its record is stored.
    pub async fn issue(&self, request: Issue) -> Result<Issued, Error> {
        let inner = Arc::clone(&self.inner);
        self.to_the_end(async move {
            let call = pin!(inner.engine.issue(request));
            observed(inner.observer.as_ref(), "issue", call).await
        })
        .await
    }

    /// Decides whether a token may be used. Asks storage once at most, and not at all for a token that fails before.
    pub async fn authenticate(&self, request: Authenticate) -> Result<Identity, Error> {
        self.open()?;
        let call = pin!(self.inner.engine.authenticate(request));
        observed(self.inner.observer.as_ref(), "authenticate", call).await
    }

    /// Decides for a live connection, on fresh storage. Call it after the connection has subscribed to its topic,
    /// so that no revocation can slip between the two.
    pub async fn admit(&self, request: Admit) -> Result<Identity, Error> {
        self.open()?;
        let call = pin!(self.inner.engine.admit(request));
        observed(self.inner.observer.as_ref(), "admit", call).await
    }

    /// Kills a token or its whole session, then tells its live connections.
    pub async fn revoke(&self, request: Revoke) -> Result<Report, Error> {
        let inner = Arc::clone(&self.inner);
        self.to_the_end(async move {
            let call = pin!(inner.engine.revoke(request));
            observed(inner.observer.as_ref(), "revoke", call).await
        })
        .await
    }

    /// Kills what a selector means, then tells the live connections.
    pub async fn sign_out_everywhere(&self, request: SignOutEverywhere) -> Result<Report, Error> {
        let inner = Arc::clone(&self.inner);
        self.to_the_end(async move {
            let call = pin!(inner.engine.sign_out_everywhere(request));
            observed(inner.observer.as_ref(), "sign_out_everywhere", call).await
        })
        .await
    }

    /// What [`sign_out_everywhere`](Self::sign_out_everywhere) would do; nothing is changed.
    pub async fn preview(&self, request: SignOutEverywhere) -> Result<Report, Error> {
        self.open()?;
        let call = pin!(self.inner.engine.preview(request));
        observed(self.inner.observer.as_ref(), "preview", call).await
    }

    /// The live sessions of a subject, newest first, one page.
    pub async fn sessions(&self, request: Sessions) -> Result<SessionPage, Error> {
        self.open()?;
        let call = pin!(self.inner.engine.sessions(request));
        observed(self.inner.observer.as_ref(), "sessions", call).await
    }

    /// Does what the policy says for a change of credentials. Repeating it is harmless.
    pub async fn credentials_changed(&self, request: CredentialsChanged) -> Result<Report, Error> {
        let inner = Arc::clone(&self.inner);
        self.to_the_end(async move {
            let call = pin!(inner.engine.credentials_changed(request));
            observed(inner.observer.as_ref(), "credentials_changed", call).await
        })
        .await
    }

    /// Which of these open connections to close: one verdict for each, in order.
    pub async fn sweep(&self, sockets: Vec<SocketState>) -> Result<SweepReport, Error> {
        self.open()?;
        let call = pin!(self.inner.engine.sweep(sockets));
        observed(self.inner.observer.as_ref(), "sweep", call).await
    }

    /// Sends the disconnects that were committed but not delivered. Call it at start and every second.
    pub async fn redeliver(&self) -> Result<Redelivered, Error> {
        let inner = Arc::clone(&self.inner);
        self.to_the_end(async move {
            let call = pin!(inner.engine.redeliver());
            observed(inner.observer.as_ref(), "redeliver", call).await
        })
        .await
    }

    /// Deletes at most `limit` each of the records, sessions and cut-offs that nobody needs any more.
    pub async fn expunge(&self, limit: u32) -> Result<Deleted, Error> {
        let inner = Arc::clone(&self.inner);
        self.to_the_end(async move {
            let call = pin!(inner.engine.expunge(limit));
            observed(inner.observer.as_ref(), "expunge", call).await
        })
        .await
    }

    /// Replaces policy and keys, for a rotated or revoked key, without a pause. Calls that begin after it has
    /// returned are decided by the new ones; when they are refused, the old ones stay in force.
    pub async fn replace(&self, policy: &str, keys: &str) -> Result<(), BuildError> {
        self.open().map_err(|_| BuildError::Closed)?;
        self.inner.engine.replace(policy, keys).await
    }

    /// Refuses new calls as `authenticator_closed` and returns when the last write has ended. For shutdown.
    pub async fn close(&self) {
        self.inner.closed.store(true, Ordering::SeqCst);
        self.inner.writes.close();
        self.inner.writes.wait().await;
        self.inner.engine.close();
    }

    /// The host that the authenticator was built with.
    pub fn host(&self) -> &H {
        &self.inner.host
    }

    /// How the instances of the component are used now, for metrics. All zero with the native engine.
    pub fn statistics(&self) -> Statistics {
        self.inner.engine.statistics()
    }

    fn open(&self) -> Result<(), Error> {
        match self.inner.closed.load(Ordering::SeqCst) {
            true => Err(Error::new(Code::AuthenticatorClosed)),
            false => Ok(()),
        }
    }

    /// Runs a call that writes on a task of its own: a dropped caller must not end it between the commit and the
    /// broadcast.
    async fn to_the_end<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        // Counted before the flag is read: `close` sees the call, or the call sees that it was closed.
        let running = self.inner.writes.token();
        self.open()?;
        let task = tokio::spawn(
            async move {
                let _running = running;
                guard::until_known(call).await
            }
            .in_current_span(),
        );
        task.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a call that writes did not run to its end");
            Err(Error::new(Code::OutcomeUnknown))
        })
    }
}

impl<H> Clone for Authenticator<H> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<H> std::fmt::Debug for Authenticator<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the host, which is the application's, and not the policy and keys.
        f.debug_struct("Authenticator")
            .field("closed", &self.inner.closed)
            .field("running_writes", &self.inner.writes.len())
            .finish_non_exhaustive()
    }
}

/// How the instances of the component are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Instances that exist, those being made included.
    pub instances: usize,
    /// Those that run a call, or are being made for one.
    pub in_use: usize,
    /// Calls that wait for one.
    pub waiting: usize,
    /// Instances made since the start: above the limit means that some were replaced.
    pub created: u64,
    /// Calls that were lost because the kernel trapped, since the start. Anything above zero is a defect.
    pub traps: u64,
    /// Calls refused as `overloaded`, since the start.
    pub overloaded: u64,
}
