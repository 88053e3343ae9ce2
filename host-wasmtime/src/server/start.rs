//! From settings to a server that answers, and to its end.

use std::fmt;
use std::future::Future;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use authkernel::policy::Policy;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::accounts::Accounts;
use super::accounts::password::{Passwords, RECOMMENDED_MEMORY_KIB};
use super::acts::Acts;
use super::data::DataDirectory;
use super::fault::Announcer;
use super::keys::live::LiveKeys;
use super::listener::Limits;
use super::metrics::{Metrics, TimedStorage};
use super::oauth_clients::OAuthClients;
use super::push::Pushes;
use super::settings::Settings;
use super::state::{App, Server};
use super::ticket::Tickets;
use super::tls::Tls;
use super::tries::Tries;
use super::{closes, keys, listener, policy, routes, upkeep};
use crate::broadcast::in_process::InProcess;
use crate::sockets::{self, LiveSockets};
use crate::storage::sqlite::SqliteStorage;
use crate::{Authenticator, BuildError};

/// Why the server did not start, or not end as it should.
#[derive(Debug)]
pub struct StartError {
    message: String,
    configuration: bool,
}

impl StartError {
    /// A flag, the policy or the keys are wrong.
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            configuration: true,
        }
    }

    /// Anything else: a port that is taken, a directory that cannot be written.
    pub fn other(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            configuration: false,
        }
    }

    /// All was said already: the command answered that something is refused.
    pub(crate) fn quiet() -> Self {
        Self::other("")
    }

    /// What the process should exit with: 2 for wrong use or configuration, 3 for a refusal that was the answer, 1 for
    /// everything else.
    pub fn exit_code(&self) -> u8 {
        match (self.configuration, self.message.is_empty()) {
            (true, _) => 2,
            (false, true) => 3,
            (false, false) => 1,
        }
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
    let address = settings.listen;
    let bound = TcpListener::bind(address).await;
    let bound =
        bound.map_err(|error| StartError::other(format!("cannot listen on {address}: {error}")))?;
    let address = bound
        .local_addr()
        .map_err(|error| StartError::other(format!("cannot listen on {address}: {error}")))?;
    // From here on a signal is ours to handle.
    let told = signals()?;
    let data = DataDirectory::open(&settings.data)?;
    let (app, storage) = build(settings, &data).await?;
    // What a crash left undone comes before the first request.
    upkeep::pay_intents(&app, u64::MAX).await;

    let connections = app.connections.clone();
    let limits = Limits {
        most: app.settings.max_connections as usize,
        idle: app.settings.idle_limit(),
    };
    let accepting = listener::serve(
        bound,
        routes::router(app.clone()),
        limits,
        app.tls.clone(),
        connections.clone(),
        app.stop.clone(),
    );
    let accepting = tokio::spawn(accepting);
    app.tasks.spawn(upkeep::run(app.clone()));
    app.tasks.spawn(closes::run(app.clone()));
    app.tasks.spawn(keys::live::watch(app.clone()));
    if let Some(tls) = &app.tls {
        app.tasks.spawn(Arc::clone(tls).watch(app.stop.clone()));
    }
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

async fn build(
    settings: Settings,
    data: &DataDirectory,
) -> Result<(App, SqliteStorage), StartError> {
    raise_open_files();
    warn(&settings);
    let tls = match (settings.tls_cert.clone(), settings.tls_key.clone()) {
        (Some(certificate), Some(key)) => Some(Arc::new(Tls::load(certificate, key)?)),
        _ => None,
    };
    let policy = policy::load(settings.policy.as_deref())?;
    let (key_file, keys) = match &settings.keys {
        Some(file) => (file.clone(), keys::load(file)?),
        None => (data.keys(), keys::load_or_generate(&data.keys())?),
    };
    let clients = settings.clients.as_deref().map(OAuthClients::load);
    let clients = clients.transpose()?;
    let file = data.database();
    let storage = tokio::task::spawn_blocking(move || SqliteStorage::open(file))
        .await
        .map_err(|error| StartError::other(error.to_string()))?
        .map_err(|error| StartError::other(error.to_string()))?;
    let accounts = Accounts::open(storage.clone())
        .await
        .map_err(|error| StartError::other(format!("cannot open the accounts: {error:?}")))?;
    let broadcast = InProcess::new();
    let messages = broadcast.subscribe();
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
    let passwords = Passwords::new(settings.password_memory_kib)
        .map_err(|error| StartError::config(format!("--password-memory-kib: {error}")))?;
    let tries = Tries::new(settings.tries_per_account, settings.tries_per_address);
    let server = Server {
        settings,
        auth,
        live,
        tls,
        keys: LiveKeys::new(key_file, keys, policy),
        metrics,
        storage: storage.clone(),
        connections: TaskTracker::new(),
        clients,
        issuer: known.issuer().to_owned(),
        purposes: known.purposes().map(str::to_owned).collect(),
        accounts,
        passwords,
        tries,
        tickets: Tickets::default(),
        pushes: Pushes::default(),
        acts: Acts::default(),
        tasks: TaskTracker::new(),
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

/// Completes when the process is told to stop. Told once more, it ends at once.
fn signals() -> Result<impl Future<Output = ()>, StartError> {
    let mut stop = Signals::listen()
        .map_err(|error| StartError::other(format!("cannot listen for signals: {error}")))?;
    Ok(async move {
        stop.next().await;
        tokio::spawn(async move {
            stop.next().await;
            tracing::warn!("told twice to stop: ending at once");
            std::process::exit(1);
        });
    })
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        // A console that cannot be listened to never tells.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
