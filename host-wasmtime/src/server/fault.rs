//! Places where a test can stop the process for good, to kill it between two steps.
//!
//! A build with debug assertions stops at the place that the environment variable `AUTHKERNEL_FAULT` names: it says so
//! on standard error, and the task that got there never goes on. Release builds do not look at the variable.

use authkernel::ports::{Broadcast, BroadcastError, Message};

/// The new credential and its intent are committed; the sign-out has not begun.
pub(crate) const AFTER_CREDENTIAL_COMMIT: &str = "after-credential-commit";
/// A revocation is committed; nobody was told.
pub(crate) const AFTER_REVOKE_COMMIT: &str = "after-revoke-commit";

/// Goes on, unless a test wants the process to stop here.
pub(crate) async fn reach(place: &str) {
    if cfg!(debug_assertions)
        && std::env::var_os("AUTHKERNEL_FAULT").is_some_and(|wanted| wanted == place)
    {
        eprintln!("fault: stopped at {place}");
        std::future::pending::<()>().await;
    }
}

/// A broadcast adapter that can be stopped before it hands anything over.
#[derive(Clone, Debug)]
pub(crate) struct Announcer<B>(pub(crate) B);

impl<B: Broadcast + Sync> Broadcast for Announcer<B> {
    async fn publish(&self, messages: Vec<Message>) -> Vec<Result<(), BroadcastError>> {
        if !messages.is_empty() {
            reach(AFTER_REVOKE_COMMIT).await;
        }
        self.0.publish(messages).await
    }
}
