//! What has to be done from time to time, whoever asks or not.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::accounts::AccountStore;
use super::accounts::intents::Intent;
use super::audit::Event;
use super::state::App;

/// How often intents that were left over are looked for.
const EVERY: Duration = Duration::from_secs(1);
/// How old an intent is, in seconds, before it counts as left over: the request that wrote it may be at it still.
const LEFT_OVER: u64 = 3;

/// Pays the sign-outs that are owed and forgets old tickets, until the server stops.
pub(crate) async fn run(app: App) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = app.stop.cancelled() => return,
        }
        app.tickets.forget_expired().await;
        pay_intents(&app, app.now().saturating_sub(LEFT_OVER)).await;
    }
}

/// Executes the intents that were committed until a moment. One that fails is tried again next time, and holds up no
/// other.
pub(crate) async fn pay_intents(app: &App, until: u64) {
    let mut after = 0;
    loop {
        let intents = match app.accounts.intents_until(until, after).await {
            Ok(intents) => intents,
            Err(error) => {
                tracing::error!(?error, "intents to sign out cannot be read: trying again");
                return;
            }
        };
        let Some((last, _)) = intents.last() else {
            return;
        };
        after = *last;
        for (id, intent) in intents {
            pay(app, id, &intent).await;
        }
    }
}

async fn pay(app: &App, id: i64, intent: &Intent) {
    let event = Event {
        action: "intent",
        actor: &intent.subject,
        actor_sid: &intent.acting_sid,
        subject: &intent.subject,
        selector: "policy",
        reason: &intent.trigger,
        address: None,
    };
    match app.auth.credentials_changed(intent.later()).await {
        Ok(done) => {
            app.forget_intent(id).await;
            event.report(&done);
        }
        Err(error) => {
            tracing::error!(%error, "a sign-out that is owed failed: trying again");
            event.pending(error.code().as_str());
        }
    }
}
