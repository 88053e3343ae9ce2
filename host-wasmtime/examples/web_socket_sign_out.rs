//! A chat of one: sign in, open a WebSocket, sign out elsewhere, and see the connection close at once.
//!
//! ```text
//! cargo run --example web_socket_sign_out
//! TOKEN=$(curl -s -X POST localhost:4001/sign-in)
//! websocat -H "Authorization: Bearer $TOKEN" ws://localhost:4001/live     # in another terminal
//! curl -X POST localhost:4001/sign-out-everywhere
//! ```

use authkernel_wasmtime::Authenticator;
use authkernel_wasmtime::broadcast::in_process::InProcess;
use authkernel_wasmtime::kernel::Error;
use authkernel_wasmtime::kernel::ports::Ports;
use authkernel_wasmtime::kernel::types::{Admit, Issue, SignOutEverywhere};
use authkernel_wasmtime::sockets::axum::{CutListener, Cutter, Limits, refusal, web_socket};
use authkernel_wasmtime::sockets::{LiveSocket, LiveSockets, Settings};
use authkernel_wasmtime::storage::memory::MemoryStorage;
use authkernel_wasmtime::{SystemClock, SystemRandom};
use axum::Router;
use axum::extract::{State, WebSocketUpgrade};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

const POLICY: &str = r#"{
    "issuer": "https://app.example",
    "audience": ["app"],
    "purposes": {
        "user": { "lifetime": "14d", "store": true, "presence": "required", "opens_sockets": true }
    },
    "live_socket_id_template": "users_sessions:{sid}",
    "endpoints": ["web"]
}"#;
const KEYS: &str = r#"{"keys": [
    {"kty": "oct", "kid": "k1", "alg": "HS256", "k": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldCE"}
]}"#;
/// Whoever signs in. A real application checks a credential first, between `begin_sign_in` and `issue`.
const SUBJECT: &str = "user?id=42";

type Auth = Authenticator<Ports<MemoryStorage, InProcess, SystemClock, SystemRandom>>;

#[derive(Clone)]
struct App {
    auth: Auth,
    sockets: LiveSockets,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let broadcast = InProcess::new();
    let subscription = broadcast.subscribe();
    let auth = Authenticator::builder()
        .policy(POLICY)
        .keys(KEYS)
        .storage(MemoryStorage::new())
        .broadcast(broadcast)
        .build()
        .await?;
    let sockets = LiveSockets::start(auth.clone(), subscription, Settings::default());

    let app = Router::new()
        .route("/sign-in", post(sign_in))
        .route("/sign-out-everywhere", post(sign_out_everywhere))
        .route("/live", get(live))
        .with_state(App { auth, sockets });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:4001").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let service = app.into_make_service_with_connect_info::<Cutter>();
    axum::serve(CutListener::new(listener), service).await?;
    Ok(())
}

async fn sign_in(State(app): State<App>) -> Response {
    let issue = Issue {
        subject: SUBJECT.into(),
        purpose: "user".into(),
        ..Issue::default()
    };
    answer(app.auth.issue(issue).await.map(|issued| issued.token))
}

async fn sign_out_everywhere(State(app): State<App>) -> Response {
    let request = SignOutEverywhere::subject(None, SUBJECT);
    let report = app.auth.sign_out_everywhere(request).await;
    answer(report.map(|report| format!("{} sessions ended\n", report.revoked)))
}

async fn live(
    State(app): State<App>,
    cutter: Cutter,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let credential = headers.get(header::AUTHORIZATION);
    let token = credential
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    let admit = Admit {
        token: token.into(),
        purposes: vec!["user".into()],
        ..Admit::default()
    };
    // Refused here, a client gets an HTTP status and no connection.
    match app.sockets.open(admit, "web").await {
        Ok(socket) => web_socket::serve(socket, upgrade, cutter, Limits::default(), Echo),
        Err(error) => refusal(&error),
    }
}

struct Echo;

impl web_socket::Conversation for Echo {
    async fn received(
        &mut self,
        message: web_socket::Message,
        _socket: &LiveSocket,
    ) -> Result<Option<web_socket::Message>, web_socket::Stop> {
        Ok(Some(message))
    }
}

fn answer(result: Result<String, Error>) -> Response {
    match result {
        Ok(text) => text.into_response(),
        Err(error) => refusal(&error),
    }
}
