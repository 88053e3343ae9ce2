//! Which configured client sends a request, and whether it may.

use std::sync::Arc;

use http::HeaderMap;

use super::client::Client;
use super::error::{Refusal, ServerCode};
use super::form::{self, Form};
use super::oauth_clients::{OAuthClient, Permission};
use super::oauth_error::OAuthError;
use super::state::App;

/// The client of an OAuth request. Without configured clients the route is not there; wrong secrets are counted as
/// wrong passwords are.
pub(crate) fn of(
    app: &App,
    client: &Client,
    headers: &HeaderMap,
    form: Result<Form, OAuthError>,
    permission: Permission,
) -> Result<(Arc<OAuthClient>, Form), OAuthError> {
    let Some(clients) = &app.clients else {
        return Err(Refusal::from(ServerCode::NotFound).into());
    };
    let form = form?;
    let presented = form::credentials(headers, &form)?;
    let taken = app
        .tries
        .sign_in(client, &format!("client {}", presented.id))?;
    let found = clients
        .current()
        .authenticate(&presented.id, &presented.secret)
        .ok_or(OAuthError::invalid_client(presented.by_header))?;
    taken.give_back();
    match found.may(permission) {
        true => Ok((found, form)),
        false => Err(OAuthError::unauthorized_client()),
    }
}
