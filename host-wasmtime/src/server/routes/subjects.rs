//! `POST /admin/subjects/{subject}/sign-out`

use authkernel::types::{SignOutEverywhere, SignOutScope};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::Deserialize;

use super::super::audit::Event;
use super::super::body::{JsonBody, Seconds, Shape};
use super::super::client::Client;
use super::super::error::{Refusal, ServerCode};
use super::super::form::Form;
use super::super::oauth_clients::Permission;
use super::super::oauth_error::OAuthError;
use super::super::push::Push;
use super::super::service;
use super::super::state::App;
use super::report;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    include_purposes: Option<Vec<String>>,
    exclude_purposes: Option<Vec<String>>,
    #[serde(default)]
    keep: Vec<String>,
    issued_before: Option<Seconds>,
    reason: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

impl Shape for Request {
    const MEMBERS: &'static str = "any of include_purposes, exclude_purposes and keep (lists of text), \
issued_before (seconds since 1970), reason (text), dry_run (true or false)";
}

/// Signs a subject out, for a service in any language; the tenant is the client's. Its answer is that of the subject's
/// own sign-out.
pub(super) async fn sign_out(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
    subject: Result<Path<String>, PathRejection>,
    body: Result<JsonBody<Request>, Refusal>,
) -> Result<Response, Response> {
    let refused = |refusal: Refusal| refusal.into_response();
    let (service, _) = service::of(
        &app,
        &client,
        &headers,
        Ok(Form::default()),
        Permission::SignOut,
    )
    .map_err(OAuthError::into_response)?;
    let Path(subject) = subject.map_err(|_| refused(Refusal::from(ServerCode::NotFound)))?;
    let JsonBody(request) = body.map_err(refused)?;
    let selection = SignOutEverywhere {
        scope: SignOutScope::Subject {
            tenant: service.tenant.clone(),
            subject: subject.clone(),
        },
        include_purposes: request.include_purposes,
        exclude_purposes: request.exclude_purposes,
        keep: request.keep,
        issued_before: request.issued_before.map(|Seconds(at)| at),
        reason: request.reason,
        ..SignOutEverywhere::subject(None, "")
    };
    if request.dry_run {
        let previewed = app.auth.preview(selection).await;
        let previewed = previewed.map_err(|error| refused(error.into()))?;
        return Ok(Json(report::counts(&previewed)).into_response());
    }
    let selector = selector(&selection);
    let reason = selection.reason.clone();
    let event = Event {
        action: "admin_sign_out",
        actor: &service.id,
        subject: &subject,
        selector: &selector,
        reason: reason.as_deref().unwrap_or("signed_out_everywhere"),
        address: Some(client.address),
        ..Event::default()
    };
    app.acts.begin(&subject);
    match app.auth.sign_out_everywhere(selection).await {
        Ok(done) => {
            event.report(&done);
            app.pushes.send(&subject, &Push::Sessions);
            Ok(Json(report::counts(&done)).into_response())
        }
        Err(error) => {
            let refusal = Refusal::from(error);
            event.refused(&refusal);
            Err(refused(refusal))
        }
    }
}

/// The selection in words, for the audit log.
fn selector(selection: &SignOutEverywhere) -> String {
    let mut words = "all".to_owned();
    let mut add = |name: &str, list: &[String]| words.push_str(&format!(" {name} {list:?}"));
    if let Some(purposes) = &selection.include_purposes {
        add("including", purposes);
    }
    if let Some(purposes) = &selection.exclude_purposes {
        add("excluding", purposes);
    }
    if !selection.keep.is_empty() {
        add("keeping", &selection.keep);
    }
    if let Some(before) = selection.issued_before {
        words.push_str(&format!(" issued before {before}"));
    }
    words
}
