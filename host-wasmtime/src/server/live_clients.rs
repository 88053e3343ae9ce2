//! The clients that are in force, and how a change of their file reaches the running server.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::oauth_clients::OAuthClients;
use super::reload::Looks;
use super::start::StartError;
use super::state::App;

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// The clients of a running server.
#[derive(Debug)]
pub(crate) struct LiveClients {
    file: PathBuf,
    current: RwLock<Arc<OAuthClients>>,
}

impl LiveClients {
    /// Reads the operator's file.
    pub(crate) fn load(file: PathBuf) -> Result<Self, StartError> {
        let current = OAuthClients::load(&file)?;
        Ok(Self {
            file,
            current: RwLock::new(Arc::new(current)),
        })
    }

    /// Those that are in force now.
    pub(crate) fn current(&self) -> Arc<OAuthClients> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// Takes the file over if it says something else.
    fn reload(&self) -> Result<bool, StartError> {
        let clients = OAuthClients::load(&self.file)?;
        if clients == *self.current() {
            return Ok(false);
        }
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(clients);
        Ok(true)
    }
}

/// Puts each change of the file in force, until the server stops. A file that cannot be used changes nothing and is
/// logged once.
pub(crate) async fn watch(app: App) {
    let mut looks = Looks::every(EVERY, app.reload.subscribe(), app.stop.clone());
    let mut refused = String::new();
    while looks.next().await {
        let look = {
            let app = app.clone();
            move || app.clients.as_ref().map_or(Ok(false), LiveClients::reload)
        };
        match tokio::task::spawn_blocking(look).await {
            Ok(Ok(changed)) => {
                refused.clear();
                if changed {
                    tracing::info!("the clients were changed");
                }
            }
            Ok(Err(problem)) => {
                let problem = problem.to_string();
                if refused != problem {
                    tracing::error!(
                        problem,
                        "the file of clients was changed and is not used: those before stay in force"
                    );
                    refused = problem;
                }
            }
            Err(error) => tracing::error!(%error, "the file of clients cannot be looked at"),
        }
    }
}
