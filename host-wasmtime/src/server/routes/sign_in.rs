//! `POST /api/sign-in`

use authkernel::Code;
use authkernel::types::{BeginSignIn, Issue, Issued, Revoke, RevokeScope, RevokeTarget};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::json;

use super::super::accounts::AccountStore;
use super::super::accounts::email::Email;
use super::super::accounts::password::Password;
use super::super::audit::Event;
use super::super::body::{JsonBody, Shape};
use super::super::client::Client;
use super::super::cookie;
use super::super::error::{Refusal, ServerCode};
use super::super::policy::SESSION_PURPOSE;
use super::super::push::Push;
use super::super::state::App;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    email: String,
    password: Password,
    device: Option<String>,
    cookie: Option<bool>,
}

impl Shape for SignIn {
    const MEMBERS: &'static str =
        "email (text), password (text), and perhaps device (text) and cookie (true or false)";
}

/// Checks e-mail address and password and opens a session. One answer for an unknown account and a wrong password,
/// and both take the time of one hash.
pub(super) async fn sign_in(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
    JsonBody(request): JsonBody<SignIn>,
) -> Result<Response, Refusal> {
    app.require_same_origin(&headers)?;
    let wants_cookie = request.cookie.unwrap_or(true);
    let task = {
        let app = app.clone();
        async move { open(&app, &client, request).await }
    };
    let Issued { token, identity } = app.to_the_end(task).await?;
    let body = json!({
        "token": token,
        "jti": identity.jti,
        "sid": identity.sid,
        "subject": identity.subject,
        "socket_id": identity.socket_id,
        "expires_at": identity.expires_at,
    });
    let mut response = axum::Json(body).into_response();
    if wants_cookie {
        let seconds = identity.expires_at.saturating_sub(app.now());
        let cookie = cookie::holding(&token, seconds, app.is_secure())
            .ok_or_else(|| Refusal::from(ServerCode::Internal))?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The session, with everything that is written and told about it.
async fn open(app: &App, client: &Client, request: SignIn) -> Result<Issued, Refusal> {
    let mut subject = String::new();
    let outcome = check_and_issue(app, client, request, &mut subject).await;
    let event = Event {
        action: "sign_in",
        subject: &subject,
        address: Some(client.address),
        ..Event::default()
    };
    match &outcome {
        Ok(Issued { identity, .. }) => {
            Event {
                actor: &subject,
                actor_sid: &identity.sid,
                selector: "this",
                ..event
            }
            .done();
            app.pushes.send(
                &subject,
                &Push::Event {
                    action: "sign_in",
                    sid: identity.sid.clone(),
                    revoked: 0,
                },
            );
            app.pushes.send(&subject, &Push::Sessions);
        }
        Err(refusal) => event.refused(refusal),
    }
    outcome
}

async fn check_and_issue(
    app: &App,
    client: &Client,
    request: SignIn,
    subject: &mut String,
) -> Result<Issued, Refusal> {
    let email: Option<Email> = request.email.parse().ok();
    let tries = app.tries.sign_in(client, &request.email)?;
    let account = match &email {
        Some(email) => app.accounts.by_email(email).await?,
        None => None,
    };
    let Some(account) = account else {
        app.passwords.verify(&request.password, None).await?;
        return Err(ServerCode::CredentialsInvalid.into());
    };
    *subject = account.subject.clone();
    // Before the password is checked: a sign-in that a change of it overtakes must fail.
    let begin = BeginSignIn {
        tenant: None,
        subject: account.subject.clone(),
    };
    let guard = app.auth.begin_sign_in(begin).await?;
    let hash = Some(account.password_hash.as_str());
    if !app.passwords.verify(&request.password, hash).await? {
        return Err(ServerCode::CredentialsInvalid.into());
    }
    tries.give_back();
    let issue = Issue {
        subject: account.subject.clone(),
        purpose: SESSION_PURPOSE.to_owned(),
        device: request.device,
        guard: Some(guard),
        ..Issue::default()
    };
    let issued = app.auth.issue(issue).await?;
    // A change may have been committed whose sign-out has not begun, so that the guard could not see it.
    let now = app.accounts.by_subject(&account.subject).await?;
    if now.is_none_or(|now| now.version != account.version) {
        end(app, &issued).await?;
        return Err(Code::SignInSuperseded.into());
    }
    Ok(issued)
}

/// Ends the session that should not have begun. Its token was given to nobody.
async fn end(app: &App, issued: &Issued) -> Result<(), Refusal> {
    let revoke = Revoke {
        target: RevokeTarget::Sid {
            sid: issued.identity.sid.clone(),
            subject: Some(issued.identity.subject.clone()),
        },
        scope: RevokeScope::Session,
        tenant: None,
        reason: Some("sign_in_superseded".to_owned()),
    };
    app.auth.revoke(revoke).await?;
    Ok(())
}
