//! `GET /live` (WebSocket) and `GET /live/events` (server-sent events)

use std::sync::Arc;

use authkernel::types::Admit;
use axum::extract::rejection::QueryRejection;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Query, State, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;

use super::super::audit::Event as AuditEvent;
use super::super::client::Client;
use super::super::credential::Credential;
use super::super::error::{Refusal, ServerCode};
use super::super::policy::{ENDPOINT, SESSION_PURPOSE};
use super::super::push::{Push, PushReceiver};
use super::super::state::App;
use crate::sockets::axum::events::{self, Event, Source};
use crate::sockets::axum::web_socket::{self, Conversation, Message};
use crate::sockets::axum::{Cutter, Limits};
use crate::sockets::{Closing, LiveSocket};

#[derive(Deserialize)]
pub(super) struct Presented {
    ticket: Option<String>,
}

/// Opens a WebSocket, or refuses the upgrade.
pub(super) async fn socket(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
    cutter: Cutter,
    presented: Result<Query<Presented>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    // First, so that a plain request does not use up a ticket.
    let Ok(upgrade) = upgrade else {
        let mut response = Refusal::from(ServerCode::UpgradeRequired).into_response();
        let protocol = HeaderValue::from_static("websocket");
        response.headers_mut().insert(header::UPGRADE, protocol);
        return response;
    };
    match admit(&app, &client, &headers, presented).await {
        Ok((socket, account)) => {
            web_socket::serve(socket, upgrade, cutter, Limits::default(), account)
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Opens a stream of events, or refuses it.
pub(super) async fn events(
    State(app): State<App>,
    client: Client,
    headers: HeaderMap,
    cutter: Cutter,
    presented: Result<Query<Presented>, QueryRejection>,
) -> Response {
    match admit(&app, &client, &headers, presented).await {
        Ok((socket, account)) => events::serve(socket, cutter, Limits::default(), account),
        Err(refusal) => refusal.into_response(),
    }
}

/// The connection of whoever presents a token or a ticket for one, after the kernel admitted it.
async fn admit(
    app: &App,
    client: &Client,
    headers: &HeaderMap,
    presented: Result<Query<Presented>, QueryRejection>,
) -> Result<(LiveSocket, Account), Refusal> {
    let opened = open(app, headers, presented).await;
    let (socket, account) = opened.inspect_err(|refusal| {
        let event = AuditEvent {
            action: "connect",
            address: Some(client.address),
            ..AuditEvent::default()
        };
        event.refused(refusal);
    })?;
    Ok((socket, account))
}

async fn open(
    app: &App,
    headers: &HeaderMap,
    presented: Result<Query<Presented>, QueryRejection>,
) -> Result<(LiveSocket, Account), Refusal> {
    let Query(presented) = presented
        .map_err(|_| Refusal::with(ServerCode::QueryInvalid, "the query may have one ticket"))?;
    let token = match presented.ticket {
        // A header wins over a ticket, and a ticket over a cookie; what is bad is replaced by nothing.
        Some(ticket) if !headers.contains_key(header::AUTHORIZATION) => {
            app.tickets.redeem(&ticket).await?
        }
        _ => Credential::of(headers, app)?.token().to_owned(),
    };
    let admit = Admit {
        token,
        purposes: vec![SESSION_PURPOSE.to_owned()],
        tenant: None,
        socket: None,
    };
    let socket = app.live.open(admit, ENDPOINT).await?;
    let identity = socket.identity();
    let pushes = app.pushes.subscribe(&identity.subject, &identity.sid);
    Ok((socket, Account { pushes }))
}

/// What a connection hears: of its own account. What it says is not acted on.
struct Account {
    pushes: PushReceiver,
}

impl Account {
    fn hello(socket: &LiveSocket) -> String {
        let identity = socket.identity();
        let hello = Push::Hello {
            socket_id: identity.socket_id.clone().unwrap_or_default(),
            sid: identity.sid.clone(),
            deadline: identity.deadline,
        };
        hello.text()
    }
}

impl Conversation for Account {
    fn hello(&mut self, socket: &LiveSocket) -> Option<Message> {
        Some(Self::hello(socket).into())
    }

    async fn next(&mut self) -> Message {
        let text: Arc<str> = self.pushes.recv().await;
        Message::Text((&*text).into())
    }
}

impl Source for Account {
    fn hello(&mut self, socket: &LiveSocket) -> Option<Event> {
        Some(unnamed(Self::hello(socket)))
    }

    async fn next(&mut self) -> Event {
        unnamed(self.pushes.recv().await.to_string())
    }

    fn farewell(&self, closing: &Closing) -> Event {
        let close = Push::Close {
            code: closing.reason.close_code(),
            reason: closing.reason.as_str(),
        };
        unnamed(close.text())
    }
}

/// An event as a browser's `onmessage` gets it: its kind is in the data, as on a WebSocket.
fn unnamed(data: String) -> Event {
    Event { name: None, data }
}
