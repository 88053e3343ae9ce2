//! A connection of the pool, for one call.

use std::time::Duration;

use deadpool_postgres::{Client, Object};
use tokio::runtime::Handle;

/// How long the rest of a call that was given up may take before its connection is closed.
const REST: Duration = Duration::from_secs(10);

/// A connection that goes back to the pool when nothing is under way on it any more. A caller may drop its call at any
/// moment: what was sent still runs, and the connection must not serve the next caller before that has ended, nor
/// ever if it does not end.
pub(super) struct Lease {
    client: Option<Client>,
    busy: bool,
}

impl Lease {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client: Some(client),
            busy: true,
        }
    }

    /// The connection, which only `close` gives away.
    pub(super) fn client(&mut self) -> Option<&mut Client> {
        self.client.as_mut()
    }

    /// Everything that was sent has been answered.
    pub(super) fn done(mut self) {
        self.busy = false;
    }

    /// The connection cannot be used again.
    pub(super) fn close(mut self) {
        self.busy = false;
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(client) = self.client.take().filter(|_| self.busy) else {
            return;
        };
        let Ok(runtime) = Handle::try_current() else {
            drop(Object::take(client));
            return;
        };
        runtime.spawn(async move {
            // Statements run in order: when this one has, so have those before it.
            let rest = tokio::time::timeout(REST, client.simple_query("")).await;
            if !matches!(rest, Ok(Ok(_))) {
                drop(Object::take(client));
            }
        });
    }
}
