//! Broadcast over one pub/sub channel of Redis.
//!
//! A message counts as taken when Redis has answered. Redis keeps nothing for a subscriber that is away or too slow: it
//! is disconnected (`client-output-buffer-limit pubsub`), and hears [`Event::Lost`](super::Event::Lost) and
//! [`Event::Restored`](super::Event::Restored).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use authkernel::ports::{Broadcast, BroadcastError, Message};
use futures_util::StreamExt;
use redis::aio::{MultiplexedConnection, PubSubSink, PubSubStream};
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo,
    ProtocolVersion, RedisError, ServerErrorKind,
};
use tokio::sync::Mutex;

use super::link::{Failure, Link};
use super::listeners::Listeners;
use super::packets::{MAX_PACKET_BYTES, Packet};
use super::publish::{publish_packets, within};
use super::source::{Source, listen};
use super::task::Task;
use super::{ConnectError, Options, Subscription};

/// The channel, unless another one is named.
const CHANNEL: &str = "authkernel:messages";

/// Broadcast over Redis; cheap to clone, all clones share two connections: one publishes, the other, made with the first
/// subscription, listens. What this process publishes comes back to its own subscriptions through Redis as well.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use authkernel_wasmtime::broadcast::redis::RedisBroadcast;
///
/// let broadcast = RedisBroadcast::connect("redis://127.0.0.1").await?;
/// let mut subscription = broadcast.subscribe().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisBroadcast {
    inner: Arc<Inner>,
}

struct Inner {
    server: Arc<Server>,
    publisher: Link<MultiplexedConnection>,
    timeout: Duration,
    listeners: Arc<Listeners>,
    listening: Mutex<Option<Arc<Task>>>,
}

impl RedisBroadcast {
    /// Connects to `redis://user:password@host:port`, or `rediss://` for TLS with a certificate that the system
    /// believes (or the file that `SSL_CERT_FILE` names).
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::connect_with(url, Options::default()).await
    }

    /// [`RedisBroadcast::connect`] with other options.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub async fn connect_with(url: &str, options: Options) -> Result<Self, ConnectError> {
        let server = Arc::new(Server {
            client: client(url)?,
            channel: options.channel_or(CHANNEL),
            timeout: options.timeout,
            heartbeat: options.heartbeat,
        });
        let publisher = within(options.timeout, "connecting to redis", server.publisher()).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                server,
                publisher: Link::new(publisher),
                timeout: options.timeout,
                listeners: Arc::new(Listeners::new(options.capacity)),
                listening: Mutex::default(),
            }),
        })
    }

    /// Receives every message that is published once this has answered.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Unavailable`] when the first subscription cannot connect. Later ones share its connection, and
    /// hear [`Event::Lost`](super::Event::Lost) first when it is away.
    pub async fn subscribe(&self) -> Result<Subscription, ConnectError> {
        let inner = &self.inner;
        let mut listening = inner.listening.lock().await;
        let task = match &*listening {
            Some(task) => Arc::clone(task),
            None => {
                let server = Arc::clone(&inner.server);
                let listeners = Arc::clone(&inner.listeners);
                let task = Arc::new(listen(server, listeners, inner.timeout).await?);
                Arc::clone(listening.insert(task))
            }
        };
        Ok(inner.listeners.add(task))
    }

    /// How many entries were received that are no message: something else speaks on the channel, or a newer version.
    pub fn ignored(&self) -> u64 {
        self.inner.listeners.ignored()
    }
}

impl fmt::Debug for RedisBroadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the client, which knows the password.
        let server = &self.inner.server;
        let address = server.client.get_connection_info().addr();
        f.debug_struct("RedisBroadcast")
            .field("address", &address.to_string())
            .field("channel", &server.channel)
            .finish_non_exhaustive()
    }
}

impl Broadcast for RedisBroadcast {
    async fn publish(&self, messages: Vec<Message>) -> Vec<Result<(), BroadcastError>> {
        let inner = &*self.inner;
        publish_packets(&messages, MAX_PACKET_BYTES, async |packets| {
            let connect = || inner.server.publisher();
            let send = |connection| inner.server.publish(connection, &packets);
            let sent = inner.publisher.send(connect, send);
            let sent = tokio::time::timeout(inner.timeout, sent).await;
            sent.unwrap_or_else(|_| {
                inner.publisher.reset();
                Err(late(inner.timeout))
            })
        })
        .await
    }
}

fn late(limit: Duration) -> String {
    format!("redis: no answer within {} ms", limit.as_millis())
}

struct Server {
    client: Client,
    channel: String,
    timeout: Duration,
    heartbeat: Duration,
}

impl Server {
    async fn publisher(&self) -> Result<MultiplexedConnection, ConnectError> {
        // The library's own limits are shorter, and are not what was asked for.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout));
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let mut connection = connecting.await.map_err(unavailable)?;
        refuse_replica(&mut connection).await?;
        Ok(connection)
    }

    async fn publish(
        &self,
        mut connection: MultiplexedConnection,
        packets: &[Packet],
    ) -> Result<(), Failure> {
        // Sent one after the other on one connection, so that they keep their order, and waited for together.
        let mut pipeline = redis::pipe();
        for packet in packets {
            pipeline
                .cmd("PUBLISH")
                .arg(&self.channel)
                .arg(&packet.text)
                .ignore();
        }
        let sent: Result<(), RedisError> = pipeline.query_async(&mut connection).await;
        sent.map_err(|error| {
            if is_broken(&error) {
                Failure::Lost(text(&error))
            } else {
                Failure::Refused(text(&error))
            }
        })
    }
}

/// What is published on a replica stays there: the others would never hear of it. Asked for every connection, because
/// names may point elsewhere after a fail-over. A subscription on a replica hears everything.
async fn refuse_replica(connection: &mut MultiplexedConnection) -> Result<(), ConnectError> {
    let mut info = redis::cmd("INFO");
    let role: Result<String, RedisError> = info.arg("replication").query_async(connection).await;
    match role {
        Ok(role) if role.lines().any(|line| line.starts_with("role:slave")) => {
            Err(ConnectError::Unavailable(
                "redis: the server is a replica, which keeps what is published to itself"
                    .to_owned(),
            ))
        }
        Err(error) if is_broken(&error) => Err(unavailable(error)),
        // Not everybody may ask.
        _ => Ok(()),
    }
}

/// A connection that does nothing but listen.
struct Listener {
    sink: PubSubSink,
    stream: PubSubStream,
}

impl Source for Server {
    type Connection = Listener;

    const NAME: &'static str = "redis";

    async fn connect(&self, _: &Arc<Listeners>) -> Result<Listener, ConnectError> {
        let listener = self.client.get_async_pubsub().await.map_err(unavailable)?;
        let (mut sink, stream) = listener.split();
        sink.subscribe(&self.channel).await.map_err(unavailable)?;
        Ok(Listener { sink, stream })
    }

    async fn hear(&self, connection: &mut Listener, listeners: &Listeners) -> String {
        let Listener { sink, stream } = connection;
        let hear = async {
            while let Some(message) = stream.next().await {
                listeners.receive(message.get_payload_bytes());
            }
            "redis: the connection was closed".to_owned()
        };
        let watch = async {
            loop {
                tokio::time::sleep(self.heartbeat).await;
                let asked = tokio::time::timeout(self.timeout, sink.ping::<redis::Value>());
                match asked.await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => return text(&error),
                    Err(_) => return late(self.timeout),
                }
            }
        };
        tokio::select! {
            reason = hear => reason,
            reason = watch => reason,
        }
    }
}

fn client(url: &str) -> Result<Client, ConnectError> {
    // The library's text can quote what stands there, so it is left out.
    let unreadable = || {
        let expected = "redis://user:password@host:port, or rediss:// for tls";
        ConnectError::Address(format!("expected {expected}"))
    };
    let info: ConnectionInfo = url.into_connection_info().map_err(|_| unreadable())?;
    if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        super::tls::choose_provider();
    }
    // Subscriptions of this library want the older protocol, whatever the address says.
    let settings = info.redis_settings().clone();
    let settings = settings.set_protocol(ProtocolVersion::RESP2);
    let tcp = TcpSettings::default().set_nodelay(true);
    let info = info.set_tcp_settings(tcp).set_redis_settings(settings);
    Client::open(info).map_err(|_| unreadable())
}

/// Whether another connection may do: this one is lost, does not answer, or leads to a server that has no say.
fn is_broken(error: &RedisError) -> bool {
    error.is_unrecoverable_error()
        || error.is_timeout()
        || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

fn unavailable(error: RedisError) -> ConnectError {
    ConnectError::Unavailable(text(&error))
}

fn text(error: &RedisError) -> String {
    format!("redis: {error}")
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
            "secret",
        ] {
            let error = client(url).expect_err(url);
            assert!(!format!("{error} {error:?}").contains("secret"), "{url}");
        }
    }
}
