//! The kernel with everything it is given: a session is opened, accepted, signed out and refused, and the live
//! connections' message about it arrives.

use std::time::{Duration, Instant};

use authkernel::ports::Message;
use authkernel::types::{Authenticate, Issue, Revoke, RevokeScope, RevokeTarget};
use authkernel::{Code, Error};

use super::super::super::backing::{AnyBroadcast, AnyListener, AnyStorage};
use super::super::super::policy::SESSION_PURPOSE;
use super::super::super::settings::Settings;
use super::super::super::start::StartError;
use super::report::Report;
use crate::Authenticator;
use crate::broadcast::{Event, Listen};

/// Whose session is opened and ended. No account has such a name.
const SUBJECT: &str = "authkernel check";
/// How long the message may take.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn try_out(
    settings: &Settings,
    policy: Option<String>,
    keys: Option<String>,
    storage: Option<AnyStorage>,
    report: &mut Report,
) {
    // On its own, so that a broker that is away is seen also where the rest cannot be tried.
    let (broadcast, messages) = match connected(settings).await {
        Ok((broadcast, messages)) => (broadcast, Some(messages)),
        Err(error) => {
            report.failed(
                "broadcast",
                error.to_string(),
                "see that the broker runs and lets this machine and this user in, or give --broadcast another address",
            );
            (AnyBroadcast::InProcess(Default::default()), None)
        }
    };
    let (Some(policy), Some(keys), Some(storage)) = (policy, keys, storage) else {
        return report.failed(
            "kernel",
            "not tried: it needs policy, keys and storage",
            "mend these first",
        );
    };
    let mut builder = Authenticator::builder().policy(&policy).keys(&keys);
    // A folder that is not there yet is the server's to make.
    let cache = settings
        .cache
        .clone()
        .unwrap_or_else(|| settings.data.join("cache"));
    if cache.exists() {
        builder = builder.cache_dir(cache);
    }
    let start = Instant::now();
    let kernel = builder
        .storage(storage.clone())
        .broadcast(broadcast)
        .build()
        .await;
    let kernel = match kernel {
        Ok(kernel) => kernel,
        Err(error) => {
            let mut says = error.to_string();
            if let Some(source) = std::error::Error::source(&error) {
                says.push_str(&format!(": {source}"));
            }
            return report.failed("kernel", says, "mend what the message names");
        }
    };
    report.ok(
        "kernel",
        format!(
            "the component is ready after {} ms",
            start.elapsed().as_millis()
        ),
    );
    match session(&kernel).await {
        Ok(topic) => {
            report.ok("round trip", "a token was stored, accepted, revoked and refused");
            if let Some(mut messages) = messages {
                heard(settings, &mut messages, topic.as_deref(), report).await;
            }
        }
        Err((step, error)) => report.failed(
            "round trip",
            format!("{step}: {error}"),
            "see SECURITY.md and the codes in the policy's documentation; a failing disk is the usual reason",
        ),
    }
    kernel.close().await;
    storage.close().await;
}

/// The broadcast that the server would use, and who hears it.
async fn connected(settings: &Settings) -> Result<(AnyBroadcast, AnyListener), StartError> {
    let plan = settings.backends.broadcast_plan()?;
    let broadcast = AnyBroadcast::connect(&plan).await?;
    let messages = broadcast.subscribe(&settings.backends).await?;
    Ok((broadcast, messages))
}

/// The topic that was told; or the step that failed.
async fn session<H: authkernel::ports::Host + Send + Sync + 'static>(
    kernel: &Authenticator<H>,
) -> Result<Option<String>, (&'static str, Error)> {
    let issue = Issue {
        subject: SUBJECT.to_owned(),
        purpose: SESSION_PURPOSE.to_owned(),
        lifetime: Some(60),
        ..Issue::default()
    };
    let issued = kernel
        .issue(issue)
        .await
        .map_err(|error| ("a token could not be stored", error))?;
    let authenticate = Authenticate {
        token: issued.token.clone(),
        purposes: vec![SESSION_PURPOSE.to_owned()],
        tenant: None,
    };
    let accepted = kernel.authenticate(authenticate.clone()).await;
    let identity = accepted.map_err(|error| ("a good token was refused", error))?;
    let revoke = Revoke {
        target: RevokeTarget::Token(issued.token),
        scope: RevokeScope::Session,
        tenant: None,
        reason: Some("check".to_owned()),
    };
    kernel
        .revoke(revoke)
        .await
        .map_err(|error| ("it could not be revoked", error))?;
    match kernel.authenticate(authenticate).await {
        Ok(_) => Err((
            "a revoked token was accepted",
            Error::new(Code::StorageFailed),
        )),
        Err(error) if error.code() == Code::TokenRevoked => Ok(identity.socket_id),
        Err(error) => Err(("a revoked token was not called revoked", error)),
    }
}

/// Waits for the disconnect of the session that was ended.
async fn heard(
    settings: &Settings,
    messages: &mut AnyListener,
    topic: Option<&str>,
    report: &mut Report,
) {
    let Ok(plan) = settings.backends.broadcast_plan() else {
        return;
    };
    let waiting = async {
        while let Some(event) = messages.recv().await {
            let Event::Messages(batch) = event else {
                continue;
            };
            let found = batch.messages.iter().any(|message| {
                matches!(message, Message::Disconnect(told) if Some(told.topic.as_str()) == topic)
            });
            if found {
                return true;
            }
        }
        false
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(true) => {
            let says = format!("{plan}: its disconnect was published and received");
            let open = plan.url().filter(|url| !url.is_here() && !url.asks_for_tls());
            match open {
                None => report.ok("broadcast", says),
                Some(_) => report.warning(
                    "broadcast",
                    format!("{says}, without tls: whoever can write there can close connections"),
                    "use tls: rediss://, tls:// or ?sslmode=verify-full",
                ),
            }
        }
        _ => report.failed(
            "broadcast",
            format!("{plan}: its disconnect did not arrive"),
            "see that the user may publish and subscribe there; in process it is a defect: report it",
        ),
    }
}
