//! A small service with everything that live connections need, each part of which a test can break.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authkernel::ports::{Broadcast, BroadcastError, Clock, Message as Told, Ports};
use authkernel::testing::{CallLog, MemoryStorage, Traced};
use authkernel::types::{
    Admit, Issue, Issued, Report, Revoke, RevokeScope, RevokeTarget, SignOutEverywhere,
};
use authkernel_wasmtime::broadcast::in_process::{InProcess, Subscription};
use authkernel_wasmtime::broadcast::{Event, Listen};
use authkernel_wasmtime::sockets::axum::{
    CutListener, Cutter, Limits, events, refusal, web_socket,
};
use authkernel_wasmtime::sockets::{Change, LiveSocket, LiveSockets, Settings, SocketEvent};
use authkernel_wasmtime::{Authenticator, Engine, SystemClock, SystemRandom};
use axum::Router;
use axum::extract::{Path, State, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// No test waits this long unless it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const POLICY: &str = r#"{
    "issuer": "https://tests.example",
    "audience": ["tests"],
    "leeway_seconds": 0,
    "purposes": {
        "user": { "lifetime": "1h", "store": true, "presence": "required", "opens_sockets": true },
        "api": { "lifetime": "1h", "store": true, "presence": "required" }
    },
    "live_socket_id_template": "TEMPLATE",
    "endpoints": ["web", "mobile"]
}"#;

const KEYS: &str = r#"{ "keys": [
    { "kty": "oct", "kid": "k1", "alg": "HS256", "k": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE" }
] }"#;

pub(crate) type Auth = Authenticator<Ports<Traced<MemoryStorage>, Broker, SystemClock, SystemRandom>>;

pub(crate) struct Service {
    pub(crate) auth: Auth,
    pub(crate) sockets: LiveSockets,
    /// What storage was asked; makes it fail.
    pub(crate) storage: CallLog,
    pub(crate) broker: Broker,
    pub(crate) wire: Wire,
    pub(crate) acted: Acted,
    /// What every connection is pushed.
    pub(crate) pushes: broadcast::Sender<String>,
    pub(crate) address: std::net::SocketAddr,
    events: Mutex<broadcast::Receiver<SocketEvent>>,
}

#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) template: &'static str,
    pub(crate) settings: Settings,
    pub(crate) limits: Limits,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            template: "users_sessions:{sid}",
            settings: Settings::default(),
            limits: Limits::default(),
        }
    }
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Parts)) -> Self {
        let mut parts = Parts::default();
        change(&mut parts);
        let storage = CallLog::new();
        let broker = Broker::default();
        let auth = Authenticator::builder()
            .policy(&POLICY.replace("TEMPLATE", parts.template))
            .keys(KEYS)
            .storage(Traced::new(MemoryStorage::new(), storage.clone()))
            .broadcast(broker.clone())
            .engine(Engine::Native)
            .build()
            .await
            .unwrap();
        let (wire, listen) = wire(broker.bus.subscribe());
        let sockets = LiveSockets::start(auth.clone(), listen, parts.settings);
        let acted = Acted::default();
        let pushes = broadcast::Sender::new(64);
        let server = Server {
            sockets: sockets.clone(),
            acted: acted.clone(),
            pushes: pushes.clone(),
            limits: parts.limits,
        };
        let app = Router::new()
            .route("/live/{endpoint}", get(live))
            .route("/events/{endpoint}", get(stream))
            .with_state(server);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = app.into_make_service_with_connect_info::<Cutter>();
        tokio::spawn(async move { axum::serve(CutListener::new(listener), app).await });
        Self {
            events: Mutex::new(sockets.events()),
            auth,
            sockets,
            storage,
            broker,
            wire,
            acted,
            pushes,
            address,
        }
    }

    pub(crate) async fn issue(&self, change: impl FnOnce(&mut Issue)) -> Issued {
        let mut issue = Issue {
            subject: "anna".into(),
            purpose: "user".into(),
            ..Issue::default()
        };
        change(&mut issue);
        self.auth.issue(issue).await.unwrap()
    }

    pub(crate) async fn token(&self) -> String {
        self.issue(|_| ()).await.token
    }

    pub(crate) async fn revoke(&self, token: &str) -> Report {
        self.auth.revoke(revoke(token)).await.unwrap()
    }

    pub(crate) async fn sign_out(&self, change: impl FnOnce(&mut SignOutEverywhere)) -> Report {
        let mut request = SignOutEverywhere::subject(None, "anna");
        change(&mut request);
        self.auth.sign_out_everywhere(request).await.unwrap()
    }

    pub(crate) async fn connect(&self, token: &str, endpoint: &str) -> Client {
        let request = self.upgrade(token, endpoint);
        let (stream, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut client = Client(stream);
        assert_eq!(client.text().await, "hello");
        client
    }

    /// The status and the code of a connection that is refused.
    pub(crate) async fn refused(&self, token: &str, endpoint: &str) -> (u16, String) {
        let request = self.upgrade(token, endpoint);
        match tokio_tungstenite::connect_async(request).await {
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                let body: serde_json::Value =
                    serde_json::from_slice(response.body().as_ref().unwrap()).unwrap();
                assert!(body["error"]["message"].is_string());
                let code = body["error"]["code"].as_str().unwrap().to_owned();
                (response.status().as_u16(), code)
            }
            other => panic!("the upgrade was not refused: {other:?}"),
        }
    }

    /// Waits for a change of any connection; those before it are passed over.
    pub(crate) async fn happens(&self, wanted: impl Fn(&Change) -> bool) -> SocketEvent {
        let mut events = self.events.lock().unwrap().resubscribe();
        std::mem::swap(&mut events, &mut self.events.lock().unwrap());
        let found = timeout(PATIENCE, async {
            loop {
                let event = events.recv().await.unwrap();
                if wanted(&event.change) {
                    return event;
                }
            }
        });
        let found = found.await.expect("it does not happen");
        *self.events.lock().unwrap() = events;
        found
    }

    fn upgrade(&self, token: &str, endpoint: &str) -> tokio_tungstenite::tungstenite::http::Request<()> {
        let url = format!("ws://{}/live/{endpoint}", self.address);
        let mut request = url.into_client_request().unwrap();
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        request
    }
}

pub(crate) fn revoke(token: &str) -> Revoke {
    Revoke {
        target: RevokeTarget::Token(token.into()),
        scope: RevokeScope::Session,
        tenant: None,
        reason: None,
    }
}

pub(crate) fn now() -> u64 {
    SystemClock.now()
}

pub(crate) fn admit(token: &str) -> Admit {
    Admit {
        token: token.into(),
        purposes: vec!["user".into(), "api".into()],
        ..Admit::default()
    }
}

/// The peer of a WebSocket.
pub(crate) struct Client(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub(crate) async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn ask(&mut self, text: &str) -> String {
        self.say(text).await;
        self.text().await
    }

    pub(crate) async fn text(&mut self) -> String {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("nothing comes") {
                Some(Ok(Message::Text(text))) => return text.to_string(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("expected text, got {other:?}"),
            }
        }
    }

    /// The close code and reason; answers the close.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("it is not closed") {
                Some(Ok(Message::Close(Some(frame)))) => {
                    // Sends the answer, and sees the end of the connection.
                    let _ = timeout(PATIENCE, self.0.next()).await.expect("it is not ended");
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(_)) => {}
                other => panic!("expected a close, got {other:?}"),
            }
        }
    }
}

/// A broadcast that can be away.
#[derive(Clone, Debug, Default)]
pub(crate) struct Broker {
    pub(crate) bus: InProcess,
    pub(crate) down: Arc<AtomicBool>,
}

impl Broadcast for Broker {
    async fn publish(&self, messages: Vec<Told>) -> Vec<Result<(), BroadcastError>> {
        if self.down.load(Ordering::SeqCst) {
            return vec![Err(BroadcastError::Unavailable("down".into())); messages.len()];
        }
        self.bus.publish(messages).await
    }
}

/// The connection between the broker and the process that holds the sockets, for a test to break.
#[derive(Clone)]
pub(crate) struct Wire {
    cut: Arc<AtomicBool>,
    say: mpsc::UnboundedSender<Event>,
}

impl Wire {
    /// Loses every message from now on, unnoticed.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }

    /// The process notices something.
    pub(crate) fn say(&self, event: Event) {
        self.say.send(event).unwrap();
    }
}

struct Wired {
    subscription: Subscription,
    cut: Arc<AtomicBool>,
    said: mpsc::UnboundedReceiver<Event>,
}

fn wire(subscription: Subscription) -> (Wire, impl Listen) {
    let (say, said) = mpsc::unbounded_channel();
    let cut = Arc::new(AtomicBool::new(false));
    let wired = Wired {
        subscription,
        cut: Arc::clone(&cut),
        said,
    };
    (Wire { cut, say }, wired)
}

impl Listen for Wired {
    async fn recv(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                event = self.subscription.recv() => {
                    if !self.cut.load(Ordering::SeqCst) {
                        return event;
                    }
                }
                event = self.said.recv() => return event,
            }
        }
    }
}

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
struct Server {
    sockets: LiveSockets,
    acted: Acted,
    pushes: broadcast::Sender<String>,
    limits: Limits,
}

impl Server {
    fn talk(&self) -> Talk {
        Talk {
            acted: self.acted.clone(),
            pushes: self.pushes.subscribe(),
        }
    }
}

async fn live(
    State(server): State<Server>,
    Path(endpoint): Path<String>,
    headers: axum::http::HeaderMap,
    cutter: Cutter,
    upgrade: WebSocketUpgrade,
) -> Response {
    match server.sockets.open(admit(bearer(&headers)), &endpoint).await {
        Ok(socket) => {
            web_socket::serve(socket, upgrade, cutter, server.limits.clone(), server.talk())
        }
        Err(error) => refusal(&error),
    }
}

async fn stream(
    State(server): State<Server>,
    Path(endpoint): Path<String>,
    headers: axum::http::HeaderMap,
    cutter: Cutter,
) -> Response {
    match server.sockets.open(admit(bearer(&headers)), &endpoint).await {
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
