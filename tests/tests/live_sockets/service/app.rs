//! The application: two routes, and a conversation that says everything back.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use authkernel_wasmtime::sockets::axum::{Cutter, Limits, events, refusal, web_socket};
use authkernel_wasmtime::sockets::{LiveSocket, LiveSockets};
use axum::Router;
use axum::extract::{Path, State, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use tokio::sync::{Notify, broadcast};
use tokio::time::timeout;

use super::{PATIENCE, admit};

/// What was received and acted on, by any connection.
#[derive(Clone, Default)]
pub(crate) struct Acted(Arc<(Mutex<HashSet<String>>, Notify)>);

impl Acted {
    fn note(&self, text: &str) {
        self.0.0.lock().unwrap().insert(text.into());
        self.0.1.notify_waiters();
    }

    pub(crate) fn on(&self, text: &str) -> bool {
        self.0.0.lock().unwrap().contains(text)
    }

    pub(crate) async fn wait(&self, text: &str) {
        let acted = async {
            loop {
                let mut noted = std::pin::pin!(self.0.1.notified());
                noted.as_mut().enable();
                if self.on(text) {
                    return;
                }
                noted.await;
            }
        };
        timeout(PATIENCE, acted).await.expect("it is not acted on");
    }
}

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) sockets: LiveSockets,
    pub(crate) acted: Acted,
    pub(crate) pushes: broadcast::Sender<String>,
    pub(crate) limits: Limits,
}

impl Server {
    fn talk(&self) -> Talk {
        Talk {
            acted: self.acted.clone(),
            pushes: self.pushes.subscribe(),
        }
    }
}

pub(crate) fn router(server: Server) -> Router {
    Router::new()
        .route("/live/{endpoint}", get(live))
        .route("/events/{endpoint}", get(stream))
        .with_state(server)
}

async fn live(
    State(server): State<Server>,
    Path(endpoint): Path<String>,
    headers: axum::http::HeaderMap,
    cutter: Cutter,
    upgrade: WebSocketUpgrade,
) -> Response {
    match server
        .sockets
        .open(admit(bearer(&headers)), &endpoint)
        .await
    {
        Ok(socket) => web_socket::serve(
            socket,
            upgrade,
            cutter,
            server.limits.clone(),
            server.talk(),
        ),
        Err(error) => refusal(&error),
    }
}

async fn stream(
    State(server): State<Server>,
    Path(endpoint): Path<String>,
    headers: axum::http::HeaderMap,
    cutter: Cutter,
) -> Response {
    match server
        .sockets
        .open(admit(bearer(&headers)), &endpoint)
        .await
    {
        Ok(socket) => events::serve(socket, cutter, server.limits.clone(), server.talk()),
        Err(error) => refusal(&error),
    }
}

fn bearer(headers: &axum::http::HeaderMap) -> &str {
    let value = headers.get("authorization").unwrap().to_str().unwrap();
    value.strip_prefix("Bearer ").unwrap()
}

/// Notes what it acts on and says it back. `prolong <token>` puts the connection on another token; `hang` never ends.
struct Talk {
    acted: Acted,
    pushes: broadcast::Receiver<String>,
}

impl Talk {
    async fn pushed(&mut self) -> String {
        loop {
            match self.pushes.recv().await {
                Ok(push) => return push,
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
            }
        }
    }
}

impl web_socket::Conversation for Talk {
    fn hello(&mut self, _: &LiveSocket) -> Option<web_socket::Message> {
        Some("hello".to_owned().into())
    }

    async fn next(&mut self) -> web_socket::Message {
        self.pushed().await.into()
    }

    async fn received(
        &mut self,
        message: web_socket::Message,
        socket: &LiveSocket,
    ) -> Result<Option<web_socket::Message>, web_socket::Stop> {
        let web_socket::Message::Text(text) = message else {
            return Err(web_socket::Stop {
                code: 4400,
                reason: "text only".into(),
            });
        };
        self.acted.note(&text);
        if text == "hang" {
            return std::future::pending().await;
        }
        let Some(token) = text.strip_prefix("prolong ") else {
            return Ok(Some(text.to_string().into()));
        };
        let answer = match socket.prolong(admit(token)).await {
            Ok(_) => "prolonged",
            Err(error) => error.code().as_str(),
        };
        Ok(Some(answer.to_owned().into()))
    }
}

impl events::Source for Talk {
    fn hello(&mut self, _: &LiveSocket) -> Option<events::Event> {
        Some(events::Event::new("hello", "{}"))
    }

    async fn next(&mut self) -> events::Event {
        events::Event::new("push", self.pushed().await)
    }
}
