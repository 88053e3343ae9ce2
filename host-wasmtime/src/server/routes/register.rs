//! `POST /api/register`

use authkernel::ports::Random;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64ct::{Base64UrlUnpadded, Encoding};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::super::accounts::email::Email;
use super::super::accounts::password::Password;
use super::super::accounts::{Account, AccountStore};
use super::super::audit::Event;
use super::super::body::{JsonBody, Shape};
use super::super::client::Client;
use super::super::error::{Refusal, ServerCode};
use super::super::state::App;
use crate::SystemRandom;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Register {
    email: String,
    password: Password,
}

impl Shape for Register {
    const MEMBERS: &'static str = "email (text) and password (text)";
}

/// Adds an account. It does not sign in.
pub(super) async fn register(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
    JsonBody(request): JsonBody<Register>,
) -> Result<Response, Refusal> {
    app.require_same_origin(&headers)?;
    let event = Event {
        action: "register",
        address: Some(client.address),
        ..Event::default()
    };
    match add(&app, &client, request).await {
        Ok(subject) => {
            Event {
                actor: &subject,
                subject: &subject,
                ..event
            }
            .done();
            let body = json!({ "subject": subject });
            Ok((StatusCode::CREATED, axum::Json(body)).into_response())
        }
        Err(refusal) => {
            event.refused(&refusal);
            Err(refusal)
        }
    }
}

async fn add(app: &App, client: &Client, request: Register) -> Result<String, Refusal> {
    let email: Email = request.email.parse()?;
    request.password.check(&email)?;
    app.tries.address(client)?;
    let account = Account {
        subject: new_subject()?,
        email,
        password_hash: app.passwords.hash(&request.password).await?,
        version: 1,
    };
    let subject = account.subject.clone();
    match app.accounts.create(account, app.now()).await? {
        true => Ok(subject),
        false => Err(ServerCode::EmailTaken.into()),
    }
}

/// A name for the account that never changes and says nothing: 128 random bits.
fn new_subject() -> Result<String, Refusal> {
    let mut id = [0; 16];
    SystemRandom
        .fill(&mut id)
        .map_err(|_| Refusal::from(authkernel::Code::RandomUnavailable))?;
    Ok(format!("user?id={}", Base64UrlUnpadded::encode_string(&id)))
}
