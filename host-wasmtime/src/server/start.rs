//! From settings to a server that answers, and to its end.

use std::fmt;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use authkernel::policy::Policy;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::accounts::password::{Passwords, RECOMMENDED_MEMORY_KIB};
use super::acts::Acts;
use super::backing::{AnyStorage, Backing};
use super::body::BodyLimit;
use super::data::DataDirectory;
use super::fault::Announcer;
use super::keys::live::LiveKeys;
use super::listener::Limits;
use super::live_clients::LiveClients;
use super::metrics::{Metrics, TimedStorage};
use super::places::Places;
use super::push::Pushes;
use super::reload::{Looks, Reload};
use super::settings::Settings;
use super::signals::{self, HangUps};
use super::state::{App, Server};
use super::ticket::Tickets;
use super::tls::Tls;
use super::tries::Tries;
use super::{closes, keys, listener, live_clients, openapi, policy, routes, tls, upkeep};
use crate::sockets::{self, LiveSockets};
use crate::{Authenticator, BuildError};

/// Why the server did not start, or a command did not do what it was asked to.
#[derive(Debug)]
pub struct StartError {
    message: String,
    code: u8,
}

impl StartError {
    /// A flag, the policy or the keys are wrong.
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 2,
        }
    }

    /// Anything else: a port that is taken, a directory that cannot be written.
    pub fn other(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 1,
        }
    }

    /// All was said already: the command has answered, and the answer has this code.
    pub(crate) fn answered(code: u8) -> Self {
        Self {
            message: String::new(),
            code,
        }
    }

    /// What the process should exit with: 2 for wrong use or configuration, 1 for everything else that went wrong; an
    /// answer that is a refusal has a code of its own.
    pub fn exit_code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StartError {}

/// Runs the server until the process is told to stop (Ctrl-C, SIGTERM), then ends it in order: live connections are
/// closed, requests and writes finish. A second signal ends the process at once.
pub async fn serve(settings: Settings) -> Result<(), StartError> {
    settings.check()?;
    let address = settings.listen;
    let bound = TcpListener::bind(address).await;
    let bound =
        bound.map_err(|error| StartError::other(format!("cannot listen on {address}: {error}")))?;
    let address = bound
        .local_addr()
        .map_err(|error| StartError::other(format!("cannot listen on {address}: {error}")))?;
    // From here on a signal is ours to handle.
    let told = signals::stop()?;
    let told_to_reload = HangUps::listen()?;
    let data = DataDirectory::open(&settings.data)?;
    let (app, storage) = build(settings, &data).await?;
    // What a crash left undone comes before the first request.
    upkeep::pay_intents(&app, u64::MAX).await;

    let connections = app.connections.clone();
    let limits = Limits {
        places: Places::new(
            app.settings.max_connections as usize,
            app.settings.per_address(),
        ),
        idle: app.settings.idle_limit(),
        head: app.settings.max_header_bytes as usize,
        body: BodyLimit(app.settings.max_body_bytes as usize),
    };
    let accepting = listener::serve(
        bound,
        routes::router(app.clone()),
        limits,
        app.tls.clone(),
        connections.clone(),
        app.metrics.clone(),
        app.stop.clone(),
    );
    let accepting = tokio::spawn(accepting);
    app.tasks.spawn(upkeep::run(app.clone()));
    app.tasks.spawn(closes::run(app.clone()));
    app.tasks.spawn(keys::live::watch(app.clone()));
    if app.clients.is_some() {
        app.tasks.spawn(live_clients::watch(app.clone()));
    }
    if let Some(tls) = &app.tls {
        let looks = Looks::every(tls::EVERY, app.reload.subscribe(), app.stop.clone());
        app.tasks.spawn(Arc::clone(tls).watch(looks));
    }
    app.tasks
        .spawn(signals::reload(told_to_reload, app.clone()));
    announce(if app.tls.is_some() { "https" } else { "http" }, address);

    told.await;
    tracing::info!("stopping");
    app.stop.cancel();
    end(&app, connections).await;
    // Storage last: everything before may still write.
    storage.close().await;
    accepting
        .await
        .map_err(|error| StartError::other(error.to_string()))
}

/// The one line on standard output. Whoever started the server may have stopped listening.
fn announce(scheme: &str, address: SocketAddr) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "authkernel is ready on {scheme}://{address}").and_then(|()| out.flush());
}

async fn build(settings: Settings, data: &DataDirectory) -> Result<(App, AnyStorage), StartError> {
    raise_open_files();
    warn(&settings);
    let certificate = match (settings.tls_cert.clone(), settings.tls_key.clone()) {
        (Some(certificate), Some(key)) => Some(Arc::new(Tls::load(certificate, key)?)),
        _ => None,
    };
    let policy = policy::load(settings.policy.as_deref())?;
    let (key_file, keys) = match &settings.keys {
        Some(file) => (file.clone(), keys::load(file)?),
        None => (data.keys(), keys::load_or_generate(&data.keys())?),
    };
    let clients = settings.clients.clone().map(LiveClients::load);
    let clients = clients.transpose()?;
    let Backing {
        storage,
        accounts,
        broadcast,
        messages,
    } = Backing::open(&settings.backends, &data.database()).await?;
    let cache = settings.cache.clone().unwrap_or_else(|| data.cache());
    if !cache.exists() {
        tracing::info!("compiling the kernel for this machine: only the first start takes seconds");
    }
    let metrics = Metrics::new();
    let auth = Authenticator::builder()
        .policy(&policy)
        .keys(&keys)
        .storage(TimedStorage::new(storage.clone(), metrics.clone()))
        .observer(metrics.clone())
        .broadcast(Announcer(broadcast))
        .cache_dir(cache)
        .build()
        .await
        .map_err(cannot_build)?;
    let live = LiveSockets::start(auth.clone(), messages, sockets::Settings::default());
    let known = Policy::parse(&policy).map_err(|error| StartError::config(error.to_string()))?;
    let purposes: Vec<String> = known.purposes().map(str::to_owned).collect();
    let passwords = Passwords::new(settings.password_memory_kib)
        .map_err(|error| StartError::config(format!("--password-memory-kib: {error}")))?;
    let tries = Tries::new(settings.tries_per_account, settings.tries_per_address);
    let server = Server {
        settings,
        auth,
        live,
        tls: certificate,
        keys: LiveKeys::new(key_file, keys, policy),
        metrics,
        storage: storage.clone(),
        connections: TaskTracker::new(),
        clients,
        issuer: known.issuer().to_owned(),
        openapi: openapi::document(&purposes).to_string(),
        purposes,
        tickets: Tickets::beside(&accounts),
        accounts,
        passwords,
        tries,
        pushes: Pushes::default(),
        acts: Acts::default(),
        tasks: TaskTracker::new(),
        reload: Reload::new(),
        stop: CancellationToken::new(),
    };
    Ok((App(Arc::new(server)), storage))
}

/// Ends live connections, requests and writes, each within the limit.
async fn end(app: &App, connections: TaskTracker) {
    let limit = app.settings.shutdown_limit();
    let work = async {
        app.live.shutdown().await;
        connections.close();
        connections.wait().await;
        app.tasks.close();
        app.tasks.wait().await;
    };
    if tokio::time::timeout(limit, work).await.is_err() {
        tracing::warn!(
            open = connections.len(),
            "connections were cut: they did not end in time"
        );
    }
    // A write that has begun is finished, however long that takes.
    app.auth.close().await;
}

fn cannot_build(error: BuildError) -> StartError {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    match error.code() {
        Some(_) => StartError::config(text),
        None => StartError::other(text),
    }
}

fn warn(settings: &Settings) {
    if settings.password_memory_kib < RECOMMENDED_MEMORY_KIB {
        tracing::warn!("passwords are hashed with less memory than is recommended: for tests only");
    }
    let secure = settings
        .public_url
        .as_ref()
        .is_some_and(super::PublicUrl::is_secure);
    if !settings.listen.ip().is_loopback() && !secure && settings.tls_cert.is_none() {
        tracing::warn!(
            "tokens and passwords cross the network in clear: give it --tls-cert and --tls-key, or put a tls proxy in front and set --public-url"
        );
    }
}

/// As many open files as the system allows: each live connection is one.
#[cfg(unix)]
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: now.maximum,
        maximum: now.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, most) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

#[cfg(not(unix))]
fn raise_open_files() {}
