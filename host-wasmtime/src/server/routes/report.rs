//! The answer of everything that signs out.

use authkernel::types::Report;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::super::cookie;
use super::super::credential::Caller;
use super::super::state::App;

/// The three counts.
pub(super) fn counts(report: &Report) -> Value {
    json!({
        "revoked": report.revoked,
        "disconnected": report.disconnected,
        "undelivered": report.undelivered.len(),
    })
}

/// The three counts and what became of the caller's own session: a browser whose session has ended forgets it.
pub(super) async fn ended(app: &App, caller: &Caller, report: &Report) -> Response {
    with_session(app, caller, counts(report)).await
}

/// The credential is changed, its sign-out is owed and will be done: 202, `pending` and no counts yet.
pub(super) async fn pending(app: &App, caller: &Caller) -> Response {
    let mut body = counts(&Report::default());
    body["pending"] = true.into();
    (StatusCode::ACCEPTED, with_session(app, caller, body).await).into_response()
}

async fn with_session(app: &App, caller: &Caller, mut body: Value) -> Response {
    let live = caller.is_live(app).await;
    body["current_session"] = if live { "live" } else { "ended" }.into();
    let mut response = Json(body).into_response();
    if !live && caller.credential.is_cookie() {
        response
            .headers_mut()
            .append(header::SET_COOKIE, cookie::clearing(app.is_secure()));
    }
    response
}
