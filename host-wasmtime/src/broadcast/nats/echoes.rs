//! Packets of ours that come back: what has, the server has taken.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Those that are waited for, by the reply subject that each was sent with. Nobody ever replies: it is the one part of
/// a packet that others pass over.
#[derive(Debug)]
pub(super) struct Echoes {
    prefix: String,
    sent: AtomicU64,
    expected: Mutex<HashMap<String, oneshot::Sender<()>>>,
}

/// One that is waited for. Dropping it forgets it.
pub(super) struct Echo {
    echoes: Arc<Echoes>,
    name: String,
    came: oneshot::Receiver<()>,
}

impl Echoes {
    /// `prefix` is unlike anybody else's.
    pub(super) fn new(prefix: String) -> Self {
        Self {
            prefix,
            sent: AtomicU64::new(0),
            expected: Mutex::default(),
        }
    }

    /// A reply subject that was not used before.
    pub(super) fn name(&self) -> String {
        format!(
            "{}.{}",
            self.prefix,
            self.sent.fetch_add(1, Ordering::Relaxed)
        )
    }

    /// A reply subject, and the coming back of what is sent with it.
    pub(super) fn expect(self: &Arc<Self>) -> (String, Echo) {
        let name = self.name();
        let (sender, came) = oneshot::channel();
        self.lock().insert(name.clone(), sender);
        let echo = Echo {
            echoes: Arc::clone(self),
            name: name.clone(),
            came,
        };
        (name, echo)
    }

    /// Something came with this reply subject.
    pub(super) fn came(&self, name: &str) {
        if let Some(expected) = self.lock().remove(name) {
            // Who no longer waits has forgotten it.
            let _ = expected.send(());
        }
    }

    /// Nothing that was sent before will come.
    pub(super) fn lost(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<()>>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Echo {
    /// Waits until it has come.
    pub(super) async fn come(mut self) -> Result<(), String> {
        let came = (&mut self.came).await;
        came.map_err(|_| "nats: the connection was lost meanwhile".to_owned())
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.echoes.lock().remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn each_comes_once_and_those_that_are_lost_say_so() {
        let echoes = Arc::new(Echoes::new("_INBOX.a".into()));
        let (first, echo) = echoes.expect();
        let (second, lost) = echoes.expect();
        let (_, forgotten) = echoes.expect();
        assert_ne!(first, second);
        echoes.came("_INBOX.b.0");
        echoes.came(&first);
        echoes.came(&first);
        assert_eq!(echo.come().now_or_never(), Some(Ok(())));
        drop(forgotten);
        assert_eq!(echoes.lock().len(), 1);
        echoes.lost();
        assert!(matches!(lost.come().now_or_never(), Some(Err(_))));
        assert!(echoes.lock().is_empty());
    }
}
