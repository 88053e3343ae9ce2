//! What the registry asks the kernel.

use authkernel::Error;
use authkernel::ports::{Clock, Host};
use authkernel::record::{Deleted, Timestamp};
use authkernel::types::{Admit, Authenticate, Identity, Redelivered, SocketState, SweepReport};
use futures_util::future::BoxFuture;

use crate::authenticator::Authenticator;

/// The operations that live connections need, whatever kernel is behind them. Implemented by every
/// [`Authenticator`]; implement it only to stand in for one.
pub trait Decide: Send + Sync + 'static {
    /// Decides whether a token may be used.
    fn authenticate(&self, request: Authenticate) -> BoxFuture<'_, Result<Identity, Error>>;
    /// Decides for a connection that has subscribed to its topic.
    fn admit(&self, request: Admit) -> BoxFuture<'_, Result<Identity, Error>>;
    /// Which of these open connections to close.
    fn sweep(&self, sockets: Vec<SocketState>) -> BoxFuture<'_, Result<SweepReport, Error>>;
    /// Sends what was committed but not delivered.
    fn redeliver(&self) -> BoxFuture<'_, Result<Redelivered, Error>>;
    /// Deletes a bounded batch of what nobody needs any more.
    fn expunge(&self, limit: u32) -> BoxFuture<'_, Result<Deleted, Error>>;
    /// What time the kernel thinks it is.
    fn now(&self) -> Timestamp;
}

impl<H: Host + Send + Sync + 'static> Decide for Authenticator<H> {
    fn authenticate(&self, request: Authenticate) -> BoxFuture<'_, Result<Identity, Error>> {
        Box::pin(Authenticator::authenticate(self, request))
    }

    fn admit(&self, request: Admit) -> BoxFuture<'_, Result<Identity, Error>> {
        Box::pin(Authenticator::admit(self, request))
    }

    fn sweep(&self, sockets: Vec<SocketState>) -> BoxFuture<'_, Result<SweepReport, Error>> {
        Box::pin(Authenticator::sweep(self, sockets))
    }

    fn redeliver(&self) -> BoxFuture<'_, Result<Redelivered, Error>> {
        Box::pin(Authenticator::redeliver(self))
    }

    fn expunge(&self, limit: u32) -> BoxFuture<'_, Result<Deleted, Error>> {
        Box::pin(Authenticator::expunge(self, limit))
    }

    fn now(&self) -> Timestamp {
        self.host().clock().now()
    }
}
