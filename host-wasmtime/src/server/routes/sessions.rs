//! `GET /api/sessions` and `DELETE /api/sessions/{sid}`

use authkernel::Code;
use authkernel::record::Session;
use authkernel::types::{Revoke, RevokeScope, RevokeTarget, Sessions};
use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::audit::Event;
use super::super::client::Client;
use super::super::credential::Caller;
use super::super::error::{Refusal, ServerCode};
use super::super::state::App;
use super::report;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    after: Option<String>,
    limit: Option<u32>,
}

/// The caller's live sessions, newest first, the current one marked.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let Query(page) = page.map_err(|_| {
        Refusal::with(
            ServerCode::QueryInvalid,
            "the query may have after (text) and limit (1 to 100)",
        )
    })?;
    let request = Sessions {
        tenant: None,
        subject: caller.identity.subject.clone(),
        after: page.after,
        limit: page.limit,
    };
    let found = app.auth.sessions(request).await?;
    let current = &caller.identity.sid;
    let sessions: Vec<Value> = found
        .sessions
        .iter()
        .map(|session| describe(&app, session, current))
        .collect();
    Ok(Json(json!({ "sessions": sessions, "next": found.next })))
}

fn describe(app: &App, session: &Session, current: &str) -> Value {
    json!({
        "sid": session.sid,
        "device": session.device,
        "created_at": session.created_at,
        "last_seen": session.last_seen,
        "ends_at": session.ends_at,
        "current": session.sid == current,
        "connections": app.pushes.connections(&session.sid),
    })
}

/// Signs out one of the caller's sessions. Unknown ones and those of others are told apart by nothing.
pub(super) async fn end(
    State(app): State<App>,
    client: Client,
    caller: Caller,
    sid: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let Path(sid) = sid.map_err(|_| Refusal::from(Code::SessionNotFound))?;
    let identity = caller.identity.clone();
    let revoke = Revoke {
        target: RevokeTarget::Sid {
            sid: sid.clone(),
            subject: Some(identity.subject.clone()),
        },
        scope: RevokeScope::Session,
        tenant: None,
        reason: None,
    };
    let event = Event {
        action: "sign_out_session",
        actor: &identity.subject,
        actor_sid: &identity.sid,
        subject: &identity.subject,
        selector: &sid,
        reason: "signed_out",
        address: Some(client.address),
    };
    app.acts.begin(&identity.subject);
    match app.auth.revoke(revoke).await {
        Ok(done) => {
            event.report(&done);
            app.tell(&identity, event.action, &done);
            Ok(report::ended(&app, &caller, &done).await)
        }
        Err(error) => {
            // Whatever cannot name a session of the caller has one answer.
            let unknown = error.code() == Code::InputInvalid;
            let error = if unknown {
                Code::SessionNotFound.into()
            } else {
                error
            };
            let refusal = Refusal::from(error);
            event.refused(&refusal);
            Err(refusal)
        }
    }
}
