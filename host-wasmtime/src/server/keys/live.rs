//! The key set that is in force, and how a change of its file reaches the running server.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::super::audit::Event;
use super::super::error::Refusal;
use super::super::reload::Looks;
use super::super::state::App;
use super::public::PublicKeys;
use authkernel::keys::{KeySet, KeyState};
use authkernel::types::{SignOutEverywhere, SignOutScope};

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// The keys of a running server.
#[derive(Debug)]
pub(crate) struct LiveKeys {
    file: PathBuf,
    policy: String,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    /// As it was read. Never logged.
    text: String,
    public: Arc<PublicKeys>,
}

impl LiveKeys {
    /// Of a file whose text the kernel has accepted, and the policy that is enforced with it.
    pub(crate) fn new(file: PathBuf, text: String, policy: String) -> Self {
        let public = Arc::new(PublicKeys::of(&text));
        Self {
            file,
            policy,
            current: RwLock::new(Current { text, public }),
        }
    }

    /// The public half, for everybody.
    pub(crate) fn public(&self) -> Arc<PublicKeys> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.public)
    }

    fn text(&self) -> String {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.text.clone()
    }

    fn put(&self, text: String) {
        let public = Arc::new(PublicKeys::of(&text));
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Current { text, public };
    }
}

/// Puts each change of the file in force, until the server stops.
///
/// A file that cannot be read, is no key set, or has lost a key, changes nothing and is logged once: by a file that was
/// written by half, or that is another one, nobody should be signed out.
pub(crate) async fn watch(app: App) {
    let mut looks = Looks::every(EVERY, app.reload.subscribe(), app.stop.clone());
    let mut refused = String::new();
    // Nothing is owed for keys that were revoked before the start: no connection of theirs could be opened since.
    let mut owed = BTreeSet::new();
    while looks.next().await {
        match changed(&app).await {
            Ok(None) => refused.clear(),
            Ok(Some(newly_revoked)) => {
                refused.clear();
                owed.extend(newly_revoked);
            }
            Err(problem) => {
                if refused != problem {
                    let file = app.keys.file.display();
                    tracing::error!(%file, problem, "the key file was changed and is not used: the keys before stay in force");
                    refused = problem;
                }
            }
        }
        cut_off(&app, &mut owed).await;
    }
}

/// Takes the file over if it has changed; answers with the keys that are revoked since.
async fn changed(app: &App) -> Result<Option<BTreeSet<String>>, String> {
    let file = app.keys.file.clone();
    let read = tokio::task::spawn_blocking(move || fs::read_to_string(file)).await;
    let text = read
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())?;
    let before = app.keys.text();
    if text == before {
        return Ok(None);
    }
    let keys = KeySet::parse(&text).map_err(|error| error.to_string())?;
    if let Some(lost) = lost(&before, &keys) {
        return Err(format!(
            "the key {lost} is not there any more: revoke it before it is removed"
        ));
    }
    app.auth
        .replace(&app.keys.policy, &text)
        .await
        .map_err(|error| error.to_string())?;
    let newly_revoked = &revoked(&text) - &revoked(&before);
    app.keys.put(text);
    let signing = keys.signing_key().map_or("none", |key| key.id());
    tracing::info!(
        keys = keys.iter().count(),
        signing,
        "the key set was changed"
    );
    Ok(Some(newly_revoked))
}

/// A key that verified before and that the new set does not know.
fn lost(before: &str, keys: &KeySet) -> Option<String> {
    let before = KeySet::parse(before).ok()?;
    let lost = before
        .iter()
        .find(|key| key.state() != KeyState::Revoked && keys.get(key.id()).is_none());
    lost.map(|key| key.id().to_owned())
}

fn revoked(text: &str) -> BTreeSet<String> {
    let keys = KeySet::parse(text);
    let revoked = keys
        .iter()
        .flat_map(KeySet::iter)
        .filter(|key| key.state() == KeyState::Revoked);
    revoked.map(|key| key.id().to_owned()).collect()
}

/// Cuts off what the keys have signed: every process then asks about its sockets, and closes them. What fails is owed
/// until it is done.
async fn cut_off(app: &App, owed: &mut BTreeSet<String>) {
    let mut left = BTreeSet::new();
    for kid in std::mem::take(owed) {
        let event = Event {
            action: "key_revoked",
            selector: &kid,
            reason: "key_revoked",
            ..Event::default()
        };
        let selection = SignOutEverywhere {
            scope: SignOutScope::Key { kid: kid.clone() },
            reason: Some("key_revoked".to_owned()),
            ..SignOutEverywhere::subject(None, "")
        };
        match app.auth.sign_out_everywhere(selection).await {
            Ok(done) => event.report(&done),
            Err(error) => {
                event.refused(&Refusal::from(error));
                left.insert(kid);
            }
        }
    }
    *owed = left;
}
