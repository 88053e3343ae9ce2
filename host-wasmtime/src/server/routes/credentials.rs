//! `POST /api/password` and `POST /api/email`

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::super::accounts::email::Email;
use super::super::accounts::intents::Intent;
use super::super::accounts::password::Password;
use super::super::accounts::{Account, AccountStore, Changed};
use super::super::audit::Event;
use super::super::body::{JsonBody, Shape};
use super::super::client::Client;
use super::super::credential::Caller;
use super::super::error::{Refusal, ServerCode};
use super::super::fault;
use super::super::state::App;
use super::report;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangePassword {
    current: Password,
    new: Password,
}

impl Shape for ChangePassword {
    const MEMBERS: &'static str = "current (text) and new (text)";
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeEmail {
    current: Password,
    email: String,
}

impl Shape for ChangeEmail {
    const MEMBERS: &'static str = "current (text) and email (text)";
}

/// What is to be changed.
enum Change {
    Password(Password),
    Email(Email),
}

impl Change {
    /// The kernel's trigger, and the name in the audit log.
    fn trigger(&self) -> &'static str {
        match self {
            Self::Password(_) => "password",
            Self::Email(_) => "email",
        }
    }
}

/// Changes the password and signs out whom the policy says.
pub(super) async fn password(
    State(app): State<App>,
    client: Client,
    caller: Caller,
    JsonBody(request): JsonBody<ChangePassword>,
) -> Result<Response, Refusal> {
    change(
        app,
        client,
        caller,
        request.current,
        Change::Password(request.new),
    )
    .await
}

/// Changes the e-mail address and signs out whom the policy says.
pub(super) async fn email(
    State(app): State<App>,
    client: Client,
    caller: Caller,
    JsonBody(request): JsonBody<ChangeEmail>,
) -> Result<Response, Refusal> {
    let email = request.email.parse()?;
    change(app, client, caller, request.current, Change::Email(email)).await
}

/// The whole change on a task of its own: a client that goes away must not leave it half done.
async fn change(
    app: App,
    client: Client,
    caller: Caller,
    current: Password,
    change: Change,
) -> Result<Response, Refusal> {
    let task = {
        let app = app.clone();
        async move { carry_out(&app, &client, &caller, &current, change).await }
    };
    app.to_the_end(task).await
}

async fn carry_out(
    app: &App,
    client: &Client,
    caller: &Caller,
    current: &Password,
    change: Change,
) -> Result<Response, Refusal> {
    let identity = &caller.identity;
    let trigger = change.trigger();
    let event = Event {
        action: trigger,
        actor: &identity.subject,
        actor_sid: &identity.sid,
        subject: &identity.subject,
        selector: "policy",
        reason: trigger,
        address: Some(client.address),
    };
    let committed = commit(app, client, caller, current, change).await;
    let (id, intent) = committed.inspect_err(|refusal| event.refused(refusal))?;
    fault::reach(fault::AFTER_CREDENTIAL_COMMIT).await;
    app.acts.begin(&identity.subject);
    match app.auth.credentials_changed(intent.now()).await {
        Ok(done) => {
            app.forget_intent(id).await;
            event.report(&done);
            app.tell(identity, trigger, &done);
            Ok(report::ended(app, caller, &done).await)
        }
        // The credential is changed, and the sign-out is owed: it is tried again until it is done.
        Err(error) => {
            event.pending(error.code().as_str());
            Ok(report::pending(app, caller).await)
        }
    }
}

/// Verifies the current password and commits the change together with the intent to sign out.
async fn commit(
    app: &App,
    client: &Client,
    caller: &Caller,
    current: &Password,
    change: Change,
) -> Result<(i64, Intent), Refusal> {
    let identity = &caller.identity;
    let account = verified(app, client, &identity.subject, current, &change).await?;
    let intent = |app: &App| Intent {
        subject: identity.subject.clone(),
        trigger: change.trigger().to_owned(),
        acting_sid: identity.sid.clone(),
        changed_at: app.now(),
    };
    let (intent, changed) = match &change {
        Change::Password(new) => {
            let hash = app.passwords.hash(new).await?;
            let intent = intent(app);
            let changed = app.accounts.change_password(&account, hash, intent.clone());
            (intent, changed.await?)
        }
        Change::Email(email) => {
            let intent = intent(app);
            let changed = app
                .accounts
                .change_email(&account, email.clone(), intent.clone());
            (intent, changed.await?)
        }
    };
    match changed {
        Changed::Done { intent: id } => Ok((id, intent)),
        Changed::Superseded => Err(ServerCode::AccountChanged.into()),
        Changed::EmailTaken => Err(ServerCode::EmailTaken.into()),
    }
}

/// The caller's account, after its current password was checked and what it asks for is possible.
async fn verified(
    app: &App,
    client: &Client,
    subject: &str,
    current: &Password,
    change: &Change,
) -> Result<Account, Refusal> {
    let account = app.accounts.by_subject(subject).await?;
    let account = account.ok_or_else(|| Refusal::from(ServerCode::AccountChanged))?;
    if let Change::Password(new) = change {
        new.check(&account.email)?;
    }
    let tries = app.tries.sign_in(client, account.email.as_str())?;
    if !app
        .passwords
        .verify(current, Some(&account.password_hash))
        .await?
    {
        return Err(ServerCode::PasswordWrong.into());
    }
    tries.give_back();
    Ok(account)
}
