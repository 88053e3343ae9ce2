//! Which storage and which broadcast the operator chose, before anything is connected.

use std::fmt;

use super::super::start::StartError;
use super::url::BackingUrl;

/// The flags for it, the same for every command that works on the data of a server.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Backends {
    /// Database that several servers share: postgres://… or redis://… (rediss://… with TLS). Without it this server is
    /// alone, with SQLite in the data directory. An address with a password does not belong on a command line, where
    /// everybody on the machine sees it: set the environment variable or the settings file instead
    #[arg(
        long,
        env = "AUTHKERNEL_STORAGE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub storage: Option<BackingUrl>,

    /// Broker that tells all servers: redis://…, rediss://…, nats://…, tls://… (NATS with TLS) or postgres://…. Without
    /// it --storage is the broker too, by NOTIFY or by its channels; without that nobody but this process is told
    #[arg(
        long,
        env = "AUTHKERNEL_BROADCAST",
        value_name = "URL",
        hide_env_values = true
    )]
    pub broadcast: Option<BackingUrl>,
}

/// Where tokens and accounts are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoragePlan {
    /// In the data directory.
    Sqlite,
    /// In PostgreSQL, shared.
    Postgres(BackingUrl),
    /// In Redis, shared.
    Redis(BackingUrl),
}

/// How live connections are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BroadcastPlan {
    /// Inside the process.
    InProcess,
    /// By the channels of Redis.
    Redis(BackingUrl),
    /// By NATS.
    Nats(BackingUrl),
    /// By the NOTIFY of PostgreSQL.
    Postgres(BackingUrl),
}

impl Backends {
    /// Where tokens and accounts are kept.
    pub(crate) fn storage_plan(&self) -> Result<StoragePlan, StartError> {
        let Some(url) = &self.storage else {
            return Ok(StoragePlan::Sqlite);
        };
        match url.scheme() {
            Some("postgres" | "postgresql") => Ok(StoragePlan::Postgres(url.clone())),
            Some("redis" | "rediss") => Ok(StoragePlan::Redis(url.clone())),
            // What is no address may be a password in the wrong place: nothing of it is repeated.
            _ => Err(StartError::config(
                "--storage must begin with postgres:// or redis:// (rediss:// with tls); without it the server keeps \
                 its data in sqlite, in the data directory",
            )),
        }
    }

    /// How live connections are told.
    pub(crate) fn broadcast_plan(&self) -> Result<BroadcastPlan, StartError> {
        let Some(url) = &self.broadcast else {
            return Ok(match self.storage_plan()? {
                StoragePlan::Sqlite => BroadcastPlan::InProcess,
                StoragePlan::Postgres(url) => BroadcastPlan::Postgres(url),
                StoragePlan::Redis(url) => BroadcastPlan::Redis(url),
            });
        };
        match url.scheme() {
            Some("redis" | "rediss") => Ok(BroadcastPlan::Redis(url.clone())),
            Some("nats" | "tls") => Ok(BroadcastPlan::Nats(url.clone())),
            Some("postgres" | "postgresql") => Ok(BroadcastPlan::Postgres(url.clone())),
            _ => Err(StartError::config(
                "--broadcast must begin with redis:// (rediss:// with tls), nats:// (tls:// with tls) or postgres://; \
                 without it a shared --storage is the broker too",
            )),
        }
    }
}

/// For people: where it is, without a password.
impl fmt::Display for StoragePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite => f.write_str("sqlite"),
            Self::Postgres(url) | Self::Redis(url) => url.fmt(f),
        }
    }
}

/// For people: where it is, without a password.
impl fmt::Display for BroadcastPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InProcess => f.write_str("in process"),
            Self::Redis(url) | Self::Nats(url) | Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl BroadcastPlan {
    /// The broker's address, where there is one.
    pub(crate) fn url(&self) -> Option<&BackingUrl> {
        match self {
            Self::InProcess => None,
            Self::Redis(url) | Self::Nats(url) | Self::Postgres(url) => Some(url),
        }
    }
}

impl StoragePlan {
    /// Whether several servers can work on it.
    pub(crate) fn is_shared(&self) -> bool {
        *self != Self::Sqlite
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backends(storage: Option<&str>, broadcast: Option<&str>) -> Backends {
        let url = |text: &str| BackingUrl::from(text.to_owned());
        Backends {
            storage: storage.map(url),
            broadcast: broadcast.map(url),
        }
    }

    #[test]
    fn a_shared_storage_is_the_broker_unless_there_is_another() {
        let kind = |storage, broadcast| {
            let backends = backends(storage, broadcast);
            let storage = format!("{:?}", backends.storage_plan().unwrap());
            (storage, format!("{:?}", backends.broadcast_plan().unwrap()))
        };
        let pair = |storage: &str, broadcast: &str| (storage.to_owned(), broadcast.to_owned());
        let (postgres, redis) = ("Postgres(BackingUrl(..))", "Redis(BackingUrl(..))");
        assert_eq!(kind(None, None), pair("Sqlite", "InProcess"));
        assert_eq!(kind(None, Some("redis://b")), pair("Sqlite", redis));
        assert_eq!(kind(Some("postgresql://a"), None), pair(postgres, postgres));
        assert_eq!(kind(Some("rediss://a"), None), pair(redis, redis));
        assert_eq!(
            kind(Some("postgres://a"), Some("nats://b")),
            pair(postgres, "Nats(BackingUrl(..))")
        );
    }

    #[test]
    fn what_is_none_is_refused_and_not_repeated() {
        for text in ["mysql://ada:s3cret@db", "s3cret", "nats://s3cret@b", ""] {
            let error = backends(Some(text), None).storage_plan().unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(!error.to_string().contains("cret"), "{error}");
        }
        let error = backends(None, Some("amqp://s3cret@b")).broadcast_plan();
        assert!(!error.unwrap_err().to_string().contains("cret"));
    }
}
