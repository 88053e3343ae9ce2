//! What an operator can set: flags, each with an environment variable, each with a default that runs at once.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::accounts::password::RECOMMENDED_MEMORY_KIB;
use super::backing::Backends;
use super::origin::PublicUrl;
use super::places::PerAddress;
use super::start::StartError;

/// Why a shared storage is refused.
pub(crate) const NO_SHARED_KEYS: &str = "--storage needs --keys FILE: without it each server would sign with a key of \
its own, and refuse the tokens of the others; make one with `authkernel keys generate --keys FILE` and give it to all \
servers";

/// How `authkernel serve` runs.
#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// Settings file, TOML: these flags under their names in snake case, such as max_connections = 1000. A flag wins
    /// over an environment variable, that over the file
    #[arg(long, env = "AUTHKERNEL_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Address and port to listen on; port 0 takes a free one
    #[arg(
        long,
        env = "AUTHKERNEL_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:4000"
    )]
    pub listen: SocketAddr,

    /// Where everything is kept, and who tells whom.
    #[command(flatten)]
    pub backends: Backends,

    /// Directory for the database, the signing key and compiled code; made when it is not there
    #[arg(
        long,
        env = "AUTHKERNEL_DATA",
        value_name = "DIR",
        default_value = "./authkernel-data"
    )]
    pub data: PathBuf,

    /// Directory for compiled code alone, made with access for nobody else; without it one in the data directory
    #[arg(long, env = "AUTHKERNEL_CACHE", value_name = "DIR")]
    pub cache: Option<PathBuf>,

    /// Policy file; without it the policy that `authkernel policy` prints is enforced
    #[arg(long, env = "AUTHKERNEL_POLICY", value_name = "FILE")]
    pub policy: Option<PathBuf>,

    /// Key file, a JWK Set; without it keys.json in the data directory, made on the first start. With --storage it is
    /// needed: all servers sign with the same keys
    #[arg(long, env = "AUTHKERNEL_KEYS", value_name = "FILE")]
    pub keys: Option<PathBuf>,

    /// File of the services that may revoke, introspect and sign people out; `authkernel client` makes its entries.
    /// Without it there are no such routes
    #[arg(long, env = "AUTHKERNEL_CLIENTS", value_name = "FILE")]
    pub clients: Option<PathBuf>,

    /// What browsers call this server, such as <https://auth.example.com>. Behind a proxy it is needed; with https
    /// cookies become Secure
    #[arg(long, env = "AUTHKERNEL_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<PublicUrl>,

    /// Certificate chain, PEM; with it the server speaks TLS itself. A changed file is taken over without a restart
    #[arg(
        long,
        env = "AUTHKERNEL_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    pub tls_cert: Option<PathBuf>,

    /// Private key of the certificate, PEM
    #[arg(
        long,
        env = "AUTHKERNEL_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    pub tls_key: Option<PathBuf>,

    /// Header in which your proxy writes the client's address, such as x-forwarded-for; its last entry counts.
    /// Set it only when every request comes through that proxy
    #[arg(long, env = "AUTHKERNEL_CLIENT_ADDRESS_HEADER", value_name = "HEADER")]
    pub client_address_header: Option<http::HeaderName>,

    /// What to log: error, warn, info, debug, trace, or filters such as authkernel_wasmtime=debug
    #[arg(
        long,
        env = "AUTHKERNEL_LOG",
        value_name = "FILTER",
        default_value = "info"
    )]
    pub log: String,

    /// How log lines look
    #[arg(long, env = "AUTHKERNEL_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// File for the audit log, JSON lines, appended to; without it the audit log goes to standard error
    #[arg(long, env = "AUTHKERNEL_AUDIT_LOG", value_name = "FILE")]
    pub audit_log: Option<PathBuf>,

    /// Connections to hold open at most, live ones included
    #[arg(
        long,
        env = "AUTHKERNEL_MAX_CONNECTIONS",
        value_name = "N",
        default_value_t = 16_384
    )]
    pub max_connections: u32,

    /// Connections that one client address may hold open (an IPv6 network, /64, counts as one address). Without it a
    /// quarter of --max-connections, except from this machine itself, and no limit with --client-address-header: then
    /// all come from the proxy, which has to limit them
    #[arg(long, env = "AUTHKERNEL_MAX_CONNECTIONS_PER_ADDRESS", value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections_per_address: Option<u32>,

    /// Bytes that the body of a request may have; a larger one is refused (413)
    #[arg(long, env = "AUTHKERNEL_MAX_BODY_BYTES", value_name = "N", default_value_t = 16_384,
          value_parser = clap::value_parser!(u32).range(1_024..=1_048_576))]
    pub max_body_bytes: u32,

    /// Bytes that the head of a request may have, its first line and headers together (64 lines at most); a larger one
    /// is refused (431). The longest token takes 8192
    #[arg(long, env = "AUTHKERNEL_MAX_HEADER_BYTES", value_name = "N", default_value_t = 32_768,
          value_parser = clap::value_parser!(u32).range(10_240..=262_144))]
    pub max_header_bytes: u32,

    /// Failed tries per account, all addresses together, until its next try has to wait
    #[arg(long, env = "AUTHKERNEL_TRIES_PER_ACCOUNT", value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub tries_per_account: u32,

    /// Failed tries and registrations per client address until its next one has to wait
    #[arg(long, env = "AUTHKERNEL_TRIES_PER_ADDRESS", value_name = "N", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub tries_per_address: u32,

    /// Memory that one password hash takes (argon2id, 2 passes); less than the default is for tests only
    #[arg(long, env = "AUTHKERNEL_PASSWORD_MEMORY_KIB", value_name = "KIB",
          default_value_t = RECOMMENDED_MEMORY_KIB,
          value_parser = clap::value_parser!(u32).range(8..=1_048_576))]
    pub password_memory_kib: u32,

    /// Seconds that one request may take
    #[arg(long, env = "AUTHKERNEL_REQUEST_SECONDS", value_name = "S", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub request_seconds: u64,

    /// Seconds until a connection is cut whose client sends no request, or does not read its answer
    #[arg(long, env = "AUTHKERNEL_IDLE_SECONDS", value_name = "S", default_value_t = 15,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub idle_seconds: u64,

    /// Seconds that requests and live connections get to end when the server stops
    #[arg(long, env = "AUTHKERNEL_SHUTDOWN_SECONDS", value_name = "S", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(..=3600))]
    pub shutdown_seconds: u64,
}

impl Settings {
    /// Refuses what cannot work together.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        self.backends.broadcast_plan()?;
        if self.backends.storage_plan()?.is_shared() && self.keys.is_none() {
            return Err(StartError::config(NO_SHARED_KEYS));
        }
        Ok(())
    }

    /// How long one request may take.
    pub(crate) fn request_limit(&self) -> Duration {
        Duration::from_secs(self.request_seconds)
    }

    /// How long a client may be silent or deaf.
    pub(crate) fn idle_limit(&self) -> Duration {
        Duration::from_secs(self.idle_seconds)
    }

    /// How many connections one address may hold open.
    pub(crate) fn per_address(&self) -> PerAddress {
        let quarter = (self.max_connections / 4).max(1);
        match (
            self.max_connections_per_address,
            &self.client_address_header,
        ) {
            (Some(most), _) => PerAddress::Limited(most as usize),
            (None, Some(_)) => PerAddress::Unlimited,
            (None, None) => PerAddress::LimitedFromOutside(quarter as usize),
        }
    }

    /// How long the end may take.
    pub(crate) fn shutdown_limit(&self) -> Duration {
        Duration::from_secs(self.shutdown_seconds)
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One line of text per event.
    Text,
    /// One JSON object per event.
    Json,
}
