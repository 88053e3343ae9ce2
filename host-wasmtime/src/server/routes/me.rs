//! `GET /api/me`

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::super::accounts::email::Email;
use super::super::credential::Caller;
use super::super::error::Refusal;
use super::super::state::App;

/// Who the caller is.
pub(super) async fn me(State(app): State<App>, caller: Caller) -> Result<Json<Value>, Refusal> {
    let identity = caller.identity;
    let email = app.accounts.email_of(&identity.subject).await?;
    Ok(Json(json!({
        "subject": identity.subject,
        "email": email.as_ref().map(Email::as_str),
        "sid": identity.sid,
        "jti": identity.jti,
        "purpose": identity.purpose,
        "socket_id": identity.socket_id,
        "issued_at": identity.issued_at,
        "expires_at": identity.expires_at,
        "deadline": identity.deadline,
        "claims": identity.claims,
    })))
}
