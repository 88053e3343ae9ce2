//! `POST /api/sign-out-everywhere`

use authkernel::types::SignOutEverywhere;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::super::audit::Event;
use super::super::body::{JsonBody, Shape};
use super::super::client::Client;
use super::super::credential::Caller;
use super::super::error::Refusal;
use super::super::state::App;
use super::report;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    #[serde(default)]
    keep_current: bool,
    #[serde(default = "yes")]
    disconnect_self: bool,
    include_purposes: Option<Vec<String>>,
    exclude_purposes: Option<Vec<String>>,
    #[serde(default)]
    dry_run: bool,
}

impl Shape for Request {
    const MEMBERS: &'static str = "any of keep_current, disconnect_self, dry_run (true or false), \
include_purposes and exclude_purposes (lists of text)";
}

fn yes() -> bool {
    true
}

/// Signs out all sessions of the caller, or all others; or says what that would do.
pub(super) async fn sign_out_everywhere(
    State(app): State<App>,
    client: Client,
    caller: Caller,
    JsonBody(request): JsonBody<Request>,
) -> Result<Response, Refusal> {
    let identity = &caller.identity;
    let keep = request.keep_current.then(|| identity.sid.clone());
    let selection = SignOutEverywhere {
        include_purposes: request.include_purposes,
        exclude_purposes: request.exclude_purposes,
        keep: keep.into_iter().collect(),
        acting_sid: Some(identity.sid.clone()),
        disconnect_self: request.disconnect_self,
        ..SignOutEverywhere::subject(None, identity.subject.clone())
    };
    if request.dry_run {
        let report = app.auth.preview(selection).await?;
        return Ok(Json(report::counts(&report)).into_response());
    }
    let selector = selector(request.keep_current, &selection);
    let event = Event {
        action: "sign_out_everywhere",
        actor: &identity.subject,
        actor_sid: &identity.sid,
        subject: &identity.subject,
        selector: &selector,
        reason: "signed_out_everywhere",
        address: Some(client.address),
    };
    app.acts.begin(&identity.subject);
    match app.auth.sign_out_everywhere(selection).await {
        Ok(done) => {
            event.report(&done);
            app.tell(identity, event.action, &done);
            Ok(report::ended(&app, &caller, &done).await)
        }
        Err(error) => {
            let refusal = Refusal::from(error);
            event.refused(&refusal);
            Err(refusal)
        }
    }
}

/// The selection in words, for the audit log.
fn selector(keep_current: bool, selection: &SignOutEverywhere) -> String {
    let mut words = if keep_current { "others" } else { "all" }.to_owned();
    if let Some(purposes) = &selection.include_purposes {
        words.push_str(&format!(" including {purposes:?}"));
    }
    if let Some(purposes) = &selection.exclude_purposes {
        words.push_str(&format!(" excluding {purposes:?}"));
    }
    words
}
