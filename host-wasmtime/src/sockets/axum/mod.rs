//! Live connections over axum: WebSocket and server-sent events.
//!
//! A client whose token is no good is refused at the upgrade, with an HTTP status and a code; one that was accepted
//! is closed with a reason when its token dies, and **cut** when it does not close by itself in time, even if it never
//! reads: see [`CutListener`], which makes that possible.
//!
//! ```no_run
//! # use authkernel::types::Admit;
//! # use authkernel_wasmtime::sockets::LiveSockets;
//! use authkernel_wasmtime::sockets::axum::{CutListener, Cutter, Limits, refusal, web_socket};
//! use axum::extract::{State, WebSocketUpgrade};
//! use axum::response::Response;
//! use axum::{Extension, Router, routing::get};
//!
//! async fn live(
//!     State(sockets): State<LiveSockets>,
//!     cutter: Cutter,
//!     upgrade: WebSocketUpgrade,
//! ) -> Response {
//! #   let token = String::new();
//!     let admit = Admit { token, purposes: vec!["user".into()], ..Admit::default() };
//!     match sockets.open(admit, "web").await {
//!         Ok(socket) => web_socket::serve(socket, upgrade, cutter, Limits::default(), Echo),
//!         Err(error) => refusal(&error),
//!     }
//! }
//!
//! struct Echo;
//!
//! impl web_socket::Conversation for Echo {
//!     async fn received(
//!         &mut self,
//!         message: web_socket::Message,
//!         _socket: &authkernel_wasmtime::sockets::LiveSocket,
//!     ) -> Result<Option<web_socket::Message>, web_socket::Stop> {
//!         Ok(Some(message))
//!     }
//! }
//!
//! # async fn run(sockets: LiveSockets) -> std::io::Result<()> {
//! let app = Router::new().route("/live", get(live)).with_state(sockets);
//! let listener = CutListener::new(tokio::net::TcpListener::bind("127.0.0.1:4000").await?);
//! axum::serve(listener, app.into_make_service_with_connect_info::<Cutter>()).await
//! # }
//! ```

mod cut;
pub mod events;
pub mod web_socket;

use std::time::Duration;

use authkernel::{Error, Kind};
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

pub use self::cut::{CutListener, CutStream, Cutter};

/// What one connection may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a message, received or sent. A longer one that is received ends the connection; one to be sent
    /// ends it too. Default: 64 KiB.
    pub max_message: usize,
    /// How often a WebSocket is pinged, or a stream of events is sent a comment. Default: 25 s.
    pub ping_every: Duration,
    /// How long nothing at all, not even the answer to a ping, may come from a WebSocket's peer before it is cut.
    /// Default: 60 s.
    pub idle: Duration,
    /// How long one write may wait for a peer that does not read before it is cut. Default: 10 s.
    pub write: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message: 64 * 1024,
            ping_every: Duration::from_secs(25),
            idle: Duration::from_secs(60),
            write: Duration::from_secs(10),
        }
    }
}

/// The answer to a request for a connection that may not be opened: the status that fits the error's kind (401 for
/// a credential that is no good) and `{"error": {"code", "message"}}`.
pub fn refusal(error: &Error) -> Response {
    let code = error.code();
    let status = match code.kind() {
        Kind::Denied => StatusCode::UNAUTHORIZED,
        Kind::Input => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Configuration | Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let body = json!({ "error": { "code": code.as_str(), "message": error.message() } });
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}
