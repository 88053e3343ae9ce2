//! `DELETE /api/session`

use authkernel::Kind;
use authkernel::types::{Report, Revoke, RevokeScope, RevokeTarget};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};

use super::super::audit::Event;
use super::super::client::Client;
use super::super::cookie;
use super::super::credential::Credential;
use super::super::error::{Refusal, ServerCode};
use super::super::push::Push;
use super::super::state::App;
use super::report;

/// Signs out the session of the credential, and clears the cookie: whoever is done is told so, also with a token that
/// is dead. A forged token ends nothing. Only when it is not known whether the session was ended is it an error.
pub(super) async fn end(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let clearing = cookie::clearing(app.is_secure());
    let credential = match Credential::of(&headers, &app) {
        Ok(credential) => Some(credential),
        // Another site must not sign anybody out.
        Err(refusal) if refusal.code() == ServerCode::OriginRefused.as_str() => {
            return Err(refusal);
        }
        Err(_) => None,
    };
    let done = match &credential {
        Some(credential) => revoke(&app, &client, credential.token()).await?,
        None => Report::default(),
    };
    let mut response = Json(report::counts(&done)).into_response();
    response.headers_mut().append(header::SET_COOKIE, clearing);
    Ok(response)
}

async fn revoke(app: &App, client: &Client, token: &str) -> Result<Report, Refusal> {
    // Only for the log and the other connections: what is revoked the kernel reads from the token itself.
    let who = super::super::credential::authenticate(app, token)
        .await
        .ok();
    let (subject, sid) = who
        .as_ref()
        .map_or(("", ""), |who| (who.subject.as_str(), who.sid.as_str()));
    let event = Event {
        action: "sign_out",
        actor: subject,
        actor_sid: sid,
        subject,
        selector: "this",
        reason: "signed_out",
        address: Some(client.address),
    };
    if !subject.is_empty() {
        app.acts.begin(subject);
    }
    let revoke = Revoke {
        target: RevokeTarget::Token(token.to_owned()),
        scope: RevokeScope::Session,
        tenant: None,
        reason: None,
    };
    match app.auth.revoke(revoke).await {
        Ok(done) => {
            event.report(&done);
            if !subject.is_empty() {
                app.pushes.send(subject, &Push::Sessions);
            }
            Ok(done)
        }
        Err(error) => {
            let dead = matches!(error.code().kind(), Kind::Denied | Kind::NotFound);
            let refusal = Refusal::from(error);
            event.refused(&refusal);
            match dead {
                true => Ok(Report::default()),
                false => Err(refusal),
            }
        }
    }
}
