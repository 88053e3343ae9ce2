//! Broadcast over `NOTIFY` and `LISTEN` of PostgreSQL, for a service that has a database and wants no broker.
//!
//! Messages are packed into payloads of less than 8,000 bytes, all of one call in one transaction. A message counts as
//! taken when that is committed. `NOTIFY` takes a lock of the whole database when it commits: beyond some hundred
//! sign-outs per second use Redis or NATS.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use authkernel::ports::{Broadcast, BroadcastError, Message};
use tokio::sync::Mutex;
use tokio_postgres::types::Type;
use tokio_postgres::{AsyncMessage, Client, Error};

use super::link::{Failure, Link};
use super::listeners::Listeners;
use super::packets::Packet;
use super::publish::{publish_packets, within};
use super::source::{Source, listen};
use super::task::Task;
use super::{ConnectError, Options, Subscription};
use crate::storage::postgres::target::Target;

/// The channel, unless another one is named.
const CHANNEL: &str = "authkernel_messages";
/// A payload of NOTIFY must be shorter than 8,000 bytes.
const MAX_PAYLOAD_BYTES: usize = 7_999;
/// The longest name of a channel, in bytes.
const MAX_CHANNEL_BYTES: usize = 63;
/// All packets of a call, in order, in one transaction.
const NOTIFY: &str = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) WITH ORDINALITY \
    AS packet (payload, number) ORDER BY number";

/// Broadcast over PostgreSQL; cheap to clone, all clones share two connections: one publishes, the other, made with the
/// first subscription, listens. Between it and the server there must be no pooler that shares connections between
/// transactions. What this process publishes comes back to its own subscriptions through PostgreSQL as well.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use authkernel_wasmtime::broadcast::postgres::PostgresBroadcast;
///
/// let broadcast = PostgresBroadcast::connect("postgres://app@127.0.0.1/app").await?;
/// let mut subscription = broadcast.subscribe().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresBroadcast {
    inner: Arc<Inner>,
}

struct Inner {
    server: Arc<Server>,
    publisher: Link<Arc<Publisher>>,
    timeout: Duration,
    listeners: Arc<Listeners>,
    listening: Mutex<Option<Arc<Task>>>,
}

impl PostgresBroadcast {
    /// Connects to `postgres://user:password@host:port/database`. Of the parameters, `sslmode` says how much TLS there
    /// must be, as for the storage: `require` and `verify-full` check the server's certificate.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::connect_with(url, Options::default()).await
    }

    /// [`PostgresBroadcast::connect`] with other options.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub async fn connect_with(url: &str, options: Options) -> Result<Self, ConnectError> {
        let mut target =
            Target::parse(url).map_err(|error| ConnectError::Address(error.to_string()))?;
        // So that of several hosts the last one is asked in time, when the others are silently gone.
        let config = &mut target.config;
        let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
        let hosts = u32::try_from(hosts.max(1)).unwrap_or(u32::MAX);
        config.connect_timeout(options.timeout / hosts);
        let channel = options.channel_or(CHANNEL);
        if channel.is_empty() || channel.len() > MAX_CHANNEL_BYTES || channel.contains('\0') {
            return Err(ConnectError::Channel("1 to 63 bytes, none of them zero"));
        }
        let server = Arc::new(Server {
            target,
            channel,
            timeout: options.timeout,
            heartbeat: options.heartbeat,
        });
        let connecting = within(
            options.timeout,
            "connecting to postgresql",
            server.publisher(),
        );
        let publisher = connecting.await?;
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

impl fmt::Debug for PostgresBroadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The library shows no password.
        let config = &self.inner.server.target.config;
        f.debug_struct("PostgresBroadcast")
            .field("hosts", &config.get_hosts())
            .field("ports", &config.get_ports())
            .field("database", &config.get_dbname())
            .field("channel", &self.inner.server.channel)
            .finish_non_exhaustive()
    }
}

impl Broadcast for PostgresBroadcast {
    async fn publish(&self, messages: Vec<Message>) -> Vec<Result<(), BroadcastError>> {
        let inner = &*self.inner;
        publish_packets(
            &messages,
            MAX_PAYLOAD_BYTES,
            async |packets: Vec<Packet>| {
                let texts: Vec<String> = packets.into_iter().map(|packet| packet.text).collect();
                let connect = || inner.server.publisher();
                let send = |connection| inner.server.publish(connection, &texts);
                let sent = inner.publisher.send(connect, send);
                let sent = tokio::time::timeout(inner.timeout, sent).await;
                sent.unwrap_or_else(|_| {
                    inner.publisher.reset();
                    Err(late(inner.timeout))
                })
            },
        )
        .await
    }
}

fn late(limit: Duration) -> String {
    format!("postgresql: no answer within {} ms", limit.as_millis())
}

struct Server {
    target: Target,
    channel: String,
    timeout: Duration,
    heartbeat: Duration,
}

/// A connection that publishes. Its other half is a task, which ends with it.
struct Publisher {
    client: Client,
    _task: Task,
}

impl Server {
    async fn publisher(&self) -> Result<Arc<Publisher>, ConnectError> {
        let tls = self.target.connector.0.clone();
        let connecting = self.target.config.connect(tls);
        let (client, connection) = connecting.await.map_err(unavailable)?;
        let task = Task::spawn(async move {
            // Whoever uses the client next is told.
            let _ = connection.await;
        });
        Ok(Arc::new(Publisher {
            client,
            _task: task,
        }))
    }

    async fn publish(&self, publisher: Arc<Publisher>, texts: &[String]) -> Result<(), Failure> {
        let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
            [(&self.channel, Type::TEXT), (&texts, Type::TEXT_ARRAY)];
        let sent = publisher.client.query_typed(NOTIFY, &parameters).await;
        sent.map(drop).map_err(|error| match error.as_db_error() {
            // Shut down, or a standby by now: another connection may lead elsewhere.
            Some(answer) if answer.code().code().starts_with("57P") => Failure::Lost(text(&error)),
            Some(answer) if answer.code().code() == "25006" => Failure::Lost(text(&error)),
            Some(_) => Failure::Refused(text(&error)),
            None => Failure::Lost(text(&error)),
        })
    }

    fn listen(&self) -> String {
        format!("LISTEN \"{}\"", self.channel.replace('"', "\"\""))
    }
}

/// A connection that does nothing but listen.
struct Listener {
    client: Client,
    /// Hands over what comes until the connection is lost, and answers why.
    hearing: Pin<Box<dyn Future<Output = String> + Send>>,
}

impl Source for Server {
    type Connection = Listener;

    const NAME: &'static str = "postgresql";

    async fn connect(&self, listeners: &Arc<Listeners>) -> Result<Listener, ConnectError> {
        let tls = self.target.connector.0.clone();
        let connecting = self.target.config.connect(tls);
        let (client, mut connection) = connecting.await.map_err(unavailable)?;
        let listeners = Arc::clone(listeners);
        let channel = self.channel.clone();
        let mut hearing: Pin<Box<dyn Future<Output = String> + Send>> = Box::pin(async move {
            loop {
                match poll_fn(|context| connection.poll_message(context)).await {
                    Some(Ok(AsyncMessage::Notification(note))) if note.channel() == channel => {
                        listeners.receive(note.payload().as_bytes());
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return text(&error),
                    None => return "postgresql: the connection was closed".to_owned(),
                }
            }
        });
        let listen = self.listen();
        tokio::select! {
            listening = client.batch_execute(&listen) => listening.map_err(unavailable)?,
            reason = &mut hearing => return Err(ConnectError::Unavailable(reason)),
        }
        Ok(Listener { client, hearing })
    }

    async fn hear(&self, connection: &mut Listener, _: &Listeners) -> String {
        let Listener { client, hearing } = connection;
        let watch = async {
            loop {
                tokio::time::sleep(self.heartbeat).await;
                let asked = tokio::time::timeout(self.timeout, client.batch_execute("SELECT 1"));
                match asked.await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return text(&error),
                    Err(_) => return late(self.timeout),
                }
            }
        };
        tokio::select! {
            reason = hearing => reason,
            reason = watch => reason,
        }
    }
}

fn unavailable(error: Error) -> ConnectError {
    ConnectError::Unavailable(text(&error))
}

fn text(error: &Error) -> String {
    use std::error::Error as _;

    if let Some(answer) = error.as_db_error() {
        return format!(
            "postgresql: {} ({})",
            answer.message(),
            answer.code().code()
        );
    }
    match error.source() {
        Some(source) => format!("postgresql: {error}: {source}"),
        None => format!("postgresql: {error}"),
    }
}
