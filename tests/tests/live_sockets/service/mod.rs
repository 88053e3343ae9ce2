//! A small service with everything that live connections need, each part of which a test can break.

mod app;
mod broker;
mod client;

use std::sync::Mutex;
use std::time::Duration;

use authkernel::ports::{Clock, Ports};
use authkernel::testing::{CallLog, MemoryStorage, Traced};
use authkernel::types::{
    Admit, Issue, Issued, Report, Revoke, RevokeScope, RevokeTarget, SignOutEverywhere,
};
use authkernel_wasmtime::sockets::axum::{CutListener, Cutter, Limits};
use authkernel_wasmtime::sockets::{Change, LiveSockets, Settings, SocketEvent};
use authkernel_wasmtime::{Authenticator, Engine, SystemClock, SystemRandom};
use tokio::sync::broadcast;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, http};

use self::app::{Acted, Server};
use self::broker::{Broker, Wire, wire};
use self::client::Client;

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

pub(crate) type Auth =
    Authenticator<Ports<Traced<MemoryStorage>, Broker, SystemClock, SystemRandom>>;

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
        let mut settings = Settings::default();
        // The regular sweep finds everything sooner or later; here nothing may depend on it, unless a test is about it.
        settings.sweep_every = PATIENCE * 1000;
        Self {
            template: "users_sessions:{sid}",
            settings,
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
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = app::router(server).into_make_service_with_connect_info::<Cutter>();
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
            Err(Error::Http(response)) => {
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

    fn upgrade(&self, token: &str, endpoint: &str) -> http::Request<()> {
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
