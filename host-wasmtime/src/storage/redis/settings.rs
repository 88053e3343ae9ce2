//! What can be set before connecting.

use std::sync::Arc;
use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};

use super::super::servers::Touches;
use super::error::{OpenError, is_forbidden, storage_error};
use super::link::{Connection, Effect};
use super::{Inner, RedisStorage};

/// How long sent bytes may stay without an answer of the other side's system.
#[cfg(target_os = "linux")]
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(15);

/// The oldest version that has all that the scripts use.
const OLDEST: u32 = 7;

/// What can be set before connecting; every setting has a default that fits a server.
#[derive(Clone, Debug)]
pub struct Settings {
    prefix: String,
    connect_timeout: Duration,
    timeout: Duration,
}

impl Default for Settings {
    /// The prefix `{authkernel}:`, 2 s to connect, 5 s for a call.
    fn default() -> Self {
        Self {
            prefix: "{authkernel}:".to_owned(),
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(5),
        }
    }
}

impl Settings {
    /// The beginning of all keys. It must have a hash tag, a part in braces, if the server is a cluster. All services
    /// that share a store must have the same.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long the server may take to take a connection.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a call may take, waiting for a connection included, before it is answered with `unavailable`.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Connects, and sees whether the server can be used.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub async fn connect(self, url: &str) -> Result<RedisStorage, OpenError> {
        let client = client(url)?;
        let connection = Connection::new(client, self.connect_timeout, self.timeout);
        check_version(&connection).await?;
        Ok(RedisStorage {
            inner: Arc::new(Inner {
                connection,
                prefix: self.prefix,
                touches: Touches::default(),
            }),
        })
    }
}

fn client(url: &str) -> Result<Client, OpenError> {
    // The library's text can quote what stands there, so it is left out.
    let info: ConnectionInfo = url.into_connection_info().map_err(|_| OpenError::Address)?;
    if matches!(info.addr(), ConnectionAddr::TcpTls { .. })
        && CryptoProvider::get_default().is_none()
    {
        // The library asks for the one of the process. Who wants another one installs it first.
        let _ = ring::default_provider().install_default();
    }
    #[allow(unused_mut, reason = "only where the system has this time-out")]
    let mut tcp = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    {
        tcp = tcp.set_user_timeout(TCP_USER_TIMEOUT);
    }
    let mut settings = info.redis_settings().clone();
    if !url.contains("protocol=") {
        // It tells of broken connections.
        settings = settings.set_protocol(ProtocolVersion::RESP3);
    }
    let info = info.set_tcp_settings(tcp).set_redis_settings(settings);
    Client::open(info).map_err(|_| OpenError::Address)
}

async fn check_version(connection: &Connection) -> Result<(), OpenError> {
    let mut command = redis::cmd("INFO");
    command.arg("server");
    let answer = match connection.ask(&command, Effect::Reads).await {
        Ok(answer) => answer,
        // Not everybody may ask. What is too old refuses the scripts.
        Err(error) if is_forbidden(&error) => return Ok(()),
        Err(error) => return Err(storage_error(error).into()),
    };
    let server: String = redis::from_redis_value(answer)
        .map_err(|_| OpenError::Connect("redis: its version is no text".to_owned()))?;
    let version = server
        .lines()
        .find_map(|line| line.strip_prefix("redis_version:"));
    match version {
        Some(found) if major(found).is_some_and(|major| major < OLDEST) => Err(OpenError::TooOld {
            found: found.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_shows_what_stands_in_the_address() {
        for url in [
            "http://anna:secret@h/1",
            "redis://anna:secret@h:port",
            "redis://anna:secret@h/secret",
            "redis://anna:secret@h/?protocol=secret",
            "secret",
        ] {
            let error = client(url).expect_err(url);
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}");
        }
    }

    #[test]
    fn a_connection_says_where_it_leads_without_the_password() {
        let client = client("redis://anna:secret@db.example:6380/2").expect("an address");
        let time = Duration::from_secs(1);
        let text = format!("{:?}", Connection::new(client, time, time));
        assert!(
            text.contains("db.example:6380") && !text.contains("secret"),
            "{text}"
        );
    }
}
