//! `POST /api/socket-ticket`

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::super::credential::Caller;
use super::super::error::Refusal;
use super::super::state::App;
use super::super::ticket;

/// A ticket for one live connection of the caller.
pub(super) async fn give(State(app): State<App>, caller: Caller) -> Result<Json<Value>, Refusal> {
    let ticket = app
        .tickets
        .give(&caller.identity.sid, caller.credential.token())
        .await?;
    Ok(Json(
        json!({ "ticket": ticket, "expires_in": ticket::LIFETIME.as_secs() }),
    ))
}
