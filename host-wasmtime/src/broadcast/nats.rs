//! Broadcast over NATS: one subject, whatever the topics of the messages, which are data inside them.
//!
//! One connection publishes and listens. A message counts as taken when it has come back over that connection: then the
//! server has it, and nothing stood in its way. So whoever publishes must also be allowed to subscribe.

mod address;
mod echoes;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, Event, Subscriber};
use authkernel::ports::{Broadcast, BroadcastError, Message};
use futures_util::StreamExt;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::listeners::Listeners;
use super::packets::{MAX_PACKET_BYTES, Packet};
use super::publish::{publish_packets, within};
use super::task::{Task, delay};
use super::{ConnectError, Options, Subscription};
use address::Address;
use echoes::Echoes;

/// The subject, unless another one is named.
const SUBJECT: &str = "authkernel.messages";
/// How many packets may wait to be read, and to be written. Both are passed on at once.
const PACKETS: usize = 256;
/// The library gives a connection up when this many of its questions have no answer and it would ask again.
const QUESTIONS: u32 = 3;

/// Broadcast over NATS; cheap to clone, all clones share one connection. What this process publishes comes back to its
/// own subscriptions through NATS as well.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use authkernel_wasmtime::broadcast::nats::NatsBroadcast;
///
/// let broadcast = NatsBroadcast::connect("nats://127.0.0.1:4222").await?;
/// let mut subscription = broadcast.subscribe().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct NatsBroadcast {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    servers: String,
    subject: String,
    timeout: Duration,
    listeners: Arc<Listeners>,
    echoes: Arc<Echoes>,
    task: Arc<Task>,
}

impl NatsBroadcast {
    /// Connects to `nats://user:password@host:port` or `nats://token@host:port`; with `tls://` the certificate must be
    /// one that the system believes (or the file that `SSL_CERT_FILE` names). Several servers of a cluster are separated
    /// by commas.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`]. Also when the server does not let this user publish and subscribe to the subject.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::connect_with(url, Options::default()).await
    }

    /// [`NatsBroadcast::connect`] with other options.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub async fn connect_with(url: &str, options: Options) -> Result<Self, ConnectError> {
        let address = Address::parse(url)?;
        let subject = options.channel_or(SUBJECT);
        if subject.is_empty() || subject.contains(['*', '>', ' ', '\t', '\r', '\n']) {
            return Err(ConnectError::Channel(
                "a subject without wildcards and spaces",
            ));
        }
        super::tls::choose_provider();
        let (told, events) = unbounded_channel();
        let settings = ConnectOptions::new()
            .name("authkernel")
            .connection_timeout(options.timeout)
            .ping_interval((options.heartbeat + options.timeout) / QUESTIONS)
            .subscription_capacity(PACKETS)
            .client_capacity(PACKETS)
            // The first try of all is made at once.
            .reconnect_delay_callback(|tries| match tries {
                0 | 1 => Duration::ZERO,
                _ => delay(tries - 1),
            })
            .event_callback(move |event| {
                // Nobody is told once nobody listens.
                let _ = told.send(event);
                std::future::ready(())
            });
        let settings = address.authenticate(settings);
        let connecting = async {
            let client = settings.connect(address.servers()).await;
            let client = client.map_err(|error| unavailable(&error))?;
            let subscriber = client.subscribe(subject.clone()).await;
            Ok::<_, ConnectError>((client, subscriber.map_err(|error| unavailable(&error))?))
        };
        let connecting = within(options.timeout * 2, "connecting to nats", connecting);
        let (client, subscriber) = connecting.await?;
        let listeners = Arc::new(Listeners::new(options.capacity));
        let echoes = Arc::new(Echoes::new(client.new_inbox()));
        let listener = Listener {
            client: client.clone(),
            subject: subject.clone(),
            listeners: Arc::clone(&listeners),
            echoes: Arc::clone(&echoes),
            timeout: options.timeout,
        };
        let broadcast = Self {
            inner: Arc::new(Inner {
                client,
                servers: address.to_string(),
                subject,
                timeout: options.timeout,
                listeners,
                echoes,
                task: Arc::new(Task::spawn(listener.run(subscriber, events))),
            }),
        };
        // A packet without messages, to see that they come back.
        let sent = broadcast.inner.send(&["[]".to_owned()]).await;
        sent.map_err(ConnectError::Unavailable)?;
        Ok(broadcast)
    }

    /// Receives every message that is published from now on. When the server is away, the first event is
    /// [`Event::Lost`](super::Event::Lost).
    ///
    /// # Errors
    ///
    /// None at present: the connection listens already.
    pub async fn subscribe(&self) -> Result<Subscription, ConnectError> {
        Ok(self.inner.listeners.add(Arc::clone(&self.inner.task)))
    }

    /// How many entries were received that are no message: something else speaks on the subject, or a newer version.
    pub fn ignored(&self) -> u64 {
        self.inner.listeners.ignored()
    }
}

impl fmt::Debug for NatsBroadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsBroadcast")
            .field("servers", &self.inner.servers)
            .field("subject", &self.inner.subject)
            .finish_non_exhaustive()
    }
}

impl Broadcast for NatsBroadcast {
    async fn publish(&self, messages: Vec<Message>) -> Vec<Result<(), BroadcastError>> {
        let limit = MAX_PACKET_BYTES.min(self.inner.client.max_payload());
        publish_packets(&messages, limit, async |packets: Vec<Packet>| {
            let texts: Vec<String> = packets.into_iter().map(|packet| packet.text).collect();
            self.inner.send(&texts).await
        })
        .await
    }
}

impl Inner {
    /// Sends packets and waits until all have come back.
    async fn send(&self, texts: &[String]) -> Result<(), String> {
        // The library would keep them and send them whenever the server is back.
        if self.client.connection_state() != State::Connected {
            return Err("nats: the connection is lost".to_owned());
        }
        let send = async {
            let mut echoes = Vec::with_capacity(texts.len());
            for text in texts {
                let (reply, echo) = self.echoes.expect();
                let payload = text.clone().into();
                let sent = self
                    .client
                    .publish_with_reply(self.subject.clone(), reply, payload)
                    .await;
                sent.map_err(|error| format!("nats: {error}"))?;
                echoes.push(echo);
            }
            for echo in echoes {
                echo.come().await?;
            }
            Ok(())
        };
        within(self.timeout, "nats: publishing", send).await
    }
}

/// What the task of the connection needs.
struct Listener {
    client: Client,
    subject: String,
    listeners: Arc<Listeners>,
    echoes: Arc<Echoes>,
    timeout: Duration,
}

impl Listener {
    async fn run(self, mut subscriber: Subscriber, mut events: UnboundedReceiver<Event>) {
        // While the server is away or only just back: the packet whose coming back says that it hears.
        let mut probe: Option<String> = None;
        let mut away = false;
        loop {
            tokio::select! {
                message = subscriber.next() => {
                    let Some(message) = message else {
                        // The library has given up.
                        self.echoes.lost();
                        return self.listeners.lost();
                    };
                    if let Some(reply) = &message.reply {
                        if probe.as_deref() == Some(reply.as_str()) {
                            probe = None;
                            away = false;
                            self.listeners.restored();
                            tracing::info!(broker = "nats", "the broker is back");
                        }
                        self.echoes.came(reply);
                    }
                    self.listeners.receive(&message.payload);
                }
                Some(event) = events.recv() => match event {
                    Event::Disconnected | Event::Closed => {
                        away = true;
                        probe = None;
                        self.echoes.lost();
                        self.listeners.lost();
                        tracing::warn!(broker = "nats", "the broker is lost");
                    }
                    // The library has subscribed again before anything that is sent from now on.
                    Event::Connected if away => probe = self.probe().await,
                    Event::SlowConsumer(_) => self.listeners.missed(1),
                    Event::ServerError(error) => {
                        tracing::warn!(broker = "nats", %error, "the broker complains");
                    }
                    _ => {}
                },
                // The last one was lost somewhere.
                () = tokio::time::sleep(self.timeout), if away => probe = self.probe().await,
            }
        }
    }

    /// Sends a packet without messages.
    async fn probe(&self) -> Option<String> {
        if self.client.connection_state() != State::Connected {
            return None;
        }
        let reply = self.echoes.name();
        let sent = self
            .client
            .publish_with_reply(self.subject.clone(), reply.clone(), "[]".into());
        match tokio::time::timeout(self.timeout, sent).await {
            Ok(Ok(())) => Some(reply),
            _ => None,
        }
    }
}

fn unavailable(error: &dyn std::error::Error) -> ConnectError {
    let mut text = format!("nats: {error}");
    let mut source = error.source();
    while let Some(next) = source {
        // Some errors have their source in their own text.
        let next_text = next.to_string();
        if !text.contains(&next_text) {
            text = format!("{text}: {next_text}");
        }
        source = next.source();
    }
    ConnectError::Unavailable(text)
}
