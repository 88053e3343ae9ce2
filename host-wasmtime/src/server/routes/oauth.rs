//! `POST /oauth/revoke` (RFC 7009) and `POST /oauth/introspect` (RFC 7662)

use authkernel::Kind;
use authkernel::types::{Authenticate, Identity, Revoke, RevokeScope, RevokeTarget};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::super::audit::Event;
use super::super::client::Client;
use super::super::error::Refusal;
use super::super::form::Form;
use super::super::oauth_clients::Permission;
use super::super::oauth_error::OAuthError;
use super::super::service;
use super::super::state::App;

/// Ends the session of a token. A token that is unknown, dead or forged ends nothing, and is answered alike (RFC 7009
/// section 2.2). `token_type_hint` makes no difference.
pub(super) async fn revoke(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
    form: Result<Form, OAuthError>,
) -> Result<Response, OAuthError> {
    let (service, form) = service::of(&app, &client, &headers, form, Permission::Revoke)?;
    let token = token(&form)?;
    let revoke = Revoke {
        target: RevokeTarget::Token(token.to_owned()),
        scope: RevokeScope::Session,
        tenant: service.tenant.clone(),
        reason: None,
    };
    let event = Event {
        action: "oauth_revoke",
        actor: &service.id,
        selector: "this",
        reason: "signed_out",
        address: Some(client.address),
        ..Event::default()
    };
    match app.auth.revoke(revoke).await {
        Ok(done) => event.report(&done),
        Err(error) => {
            let dead = matches!(error.code().kind(), Kind::Denied | Kind::NotFound);
            let refusal = Refusal::from(error);
            event.refused(&refusal);
            if !dead {
                return Err(refusal.into());
            }
        }
    }
    Ok(Json(json!({})).into_response())
}

/// Says whether a token may be used now, by the same decision as everywhere else, and who it is. Whatever is not
/// active is exactly `{"active": false}`.
///
/// A token that is used up when it is used (single-use, rotating, bound to an act) is not active: nobody may act on
/// it by its looks.
pub(super) async fn introspect(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
    form: Result<Form, OAuthError>,
) -> Result<Response, OAuthError> {
    let (service, form) = service::of(&app, &client, &headers, form, Permission::Introspect)?;
    let request = Authenticate {
        token: token(&form)?.to_owned(),
        purposes: app.purposes.clone(),
        tenant: service.tenant.clone(),
    };
    match app.auth.authenticate(request).await {
        Ok(identity) => Ok(Json(describe(&app, identity)).into_response()),
        Err(error) if error.code().kind() == Kind::Denied => {
            Ok(Json(json!({ "active": false })).into_response())
        }
        Err(error) => Err(Refusal::from(error).into()),
    }
}

fn token(form: &Form) -> Result<&str, OAuthError> {
    form.get("token")
        .ok_or_else(|| OAuthError::invalid_request("the parameter token is missing"))
}

/// RFC 7662 section 2.2; extra claims beside them, under their own names where these are free.
fn describe(app: &App, identity: Identity) -> Value {
    let mut members: Map<String, Value> = identity.claims;
    let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
    set("active", true.into());
    set("token_type", "Bearer".into());
    set("iss", app.issuer.as_str().into());
    set("sub", identity.subject.into());
    set("jti", identity.jti.into());
    set("sid", identity.sid.into());
    set("purpose", identity.purpose.into());
    set("iat", identity.issued_at.into());
    set("exp", identity.expires_at.into());
    if let Some(tenant) = identity.tenant {
        set("tenant", tenant.into());
    }
    Value::Object(members)
}
