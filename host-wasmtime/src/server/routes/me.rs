//! `GET /api/me`

use authkernel::record::Timestamp;
use authkernel::types::ExtraClaims;
use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::super::accounts::AccountStore;
use super::super::accounts::email::Email;
use super::super::credential::Caller;
use super::super::error::Refusal;
use super::super::state::App;

/// Who the caller is, as it is answered.
#[derive(Serialize)]
pub(super) struct Me {
    subject: String,
    email: Option<String>,
    sid: String,
    jti: String,
    purpose: String,
    socket_id: Option<String>,
    issued_at: Timestamp,
    expires_at: Timestamp,
    deadline: Timestamp,
    claims: ExtraClaims,
}

/// Who the caller is.
pub(super) async fn me(State(app): State<App>, caller: Caller) -> Result<Json<Me>, Refusal> {
    let identity = caller.identity;
    let email = app.accounts.email_of(&identity.subject).await?;
    Ok(Json(Me {
        subject: identity.subject,
        email: email.map(Email::into_text),
        sid: identity.sid,
        jti: identity.jti,
        purpose: identity.purpose,
        socket_id: identity.socket_id,
        issued_at: identity.issued_at,
        expires_at: identity.expires_at,
        deadline: identity.deadline,
        claims: identity.claims,
    }))
}
