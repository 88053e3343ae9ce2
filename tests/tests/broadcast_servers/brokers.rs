//! What the cases need of every broker, and of whoever listens.

use std::future::Future;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::DerefMut;
use std::time::Duration;

use authkernel::ports::{Broadcast, BroadcastError, Disconnect, Message};
use authkernel_tests::services::Service;
use authkernel_tests::services::nats::Nats;
use authkernel_tests::services::postgres::{FAST, Postgres};
use authkernel_tests::services::redis::Redis;
use authkernel_wasmtime::broadcast::nats::NatsBroadcast;
use authkernel_wasmtime::broadcast::postgres::PostgresBroadcast;
use authkernel_wasmtime::broadcast::redis::RedisBroadcast;
use authkernel_wasmtime::broadcast::{ConnectError, Event, Options, Subscription};
use tokio::time::{Instant, timeout};

/// How long anything may take before a test gives up. Never how long something should take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An adapter, whatever its broker.
pub(crate) trait Adapter:
    Broadcast + Clone + std::fmt::Debug + Send + Sync + 'static
{
    fn open(url: &str, options: Options)
    -> impl Future<Output = Result<Self, ConnectError>> + Send;
    fn listen(&self) -> impl Future<Output = Result<Subscription, ConnectError>> + Send;
    fn strangers(&self) -> u64;
}

macro_rules! adapter {
    ($($adapter:ident)+) => {
        $(
            impl Adapter for $adapter {
                async fn open(url: &str, options: Options) -> Result<Self, ConnectError> {
                    $adapter::connect_with(url, options).await
                }
                async fn listen(&self) -> Result<Subscription, ConnectError> {
                    self.subscribe().await
                }
                fn strangers(&self) -> u64 {
                    self.ignored()
                }
            }
        )+
    };
}

adapter!(RedisBroadcast NatsBroadcast PostgresBroadcast);

/// A broker that a case has for itself.
pub(crate) trait Broker: DerefMut<Target = Service> + Send + Sized + 'static {
    type Adapter: Adapter;

    /// Its name on the command line of another process.
    const NAME: &'static str;

    fn begin() -> Option<Self>;

    /// Its address, on this port: its own or that of a proxy before it.
    fn address_on(port: u16) -> String;

    /// Puts any text on the usual channel, as something else would that speaks there.
    fn say(&self, text: &str);

    fn open(&self, options: Options) -> impl Future<Output = Self::Adapter> + Send {
        let url = Self::address_on(self.port());
        async move {
            Self::Adapter::open(&url, options)
                .await
                .expect("a broker that answers")
        }
    }
}

impl Broker for Redis {
    type Adapter = RedisBroadcast;
    const NAME: &'static str = "redis";

    fn begin() -> Option<Self> {
        Self::start(&[])
    }

    fn address_on(port: u16) -> String {
        format!("redis://127.0.0.1:{port}")
    }

    fn say(&self, text: &str) {
        let mut stream = TcpStream::connect(self.address()).expect("a connection");
        let length = text.len();
        let channel = "$19\r\nauthkernel:messages";
        write!(
            stream,
            "*3\r\n$7\r\nPUBLISH\r\n{channel}\r\n${length}\r\n{text}\r\n"
        )
        .expect("sent");
        let mut answer = [0];
        stream.read_exact(&mut answer).expect("an answer");
        assert_eq!(&answer, b":");
    }
}

impl Broker for Nats {
    type Adapter = NatsBroadcast;
    const NAME: &'static str = "nats";

    fn begin() -> Option<Self> {
        Self::start(&[])
    }

    fn address_on(port: u16) -> String {
        format!("nats://127.0.0.1:{port}")
    }

    fn say(&self, text: &str) {
        let mut stream = TcpStream::connect(self.address()).expect("a connection");
        let length = text.len();
        let options = r#"{"verbose":false}"#;
        let publish = format!("PUB authkernel.messages {length}\r\n{text}\r\n");
        write!(stream, "CONNECT {options}\r\n{publish}PING\r\n").expect("sent");
        let mut answer = String::new();
        while !answer.ends_with("PONG\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("an answer");
            answer.push(byte[0].into());
        }
    }
}

impl Broker for Postgres {
    type Adapter = PostgresBroadcast;
    const NAME: &'static str = "postgres";

    fn begin() -> Option<Self> {
        Self::start(&FAST)
    }

    fn address_on(port: u16) -> String {
        format!("postgres://test@127.0.0.1:{port}/postgres")
    }

    fn say(&self, text: &str) {
        let text = text.replace('\'', "''");
        self.execute(&format!(
            "SELECT pg_notify('authkernel_messages', '{text}')"
        ));
    }
}

pub(crate) fn disconnect(topic: impl ToString) -> Message {
    Message::Disconnect(Disconnect {
        endpoint: "web".into(),
        topic: topic.to_string(),
    })
}

pub(crate) fn disconnects(count: usize) -> Vec<Message> {
    let topic = |number| disconnect(format!("users_sessions:{number}"));
    (0..count).map(topic).collect()
}

pub(crate) fn all_taken(answers: &[Result<(), BroadcastError>]) -> bool {
    answers.iter().all(Result::is_ok)
}

/// Short limits, so that a case need not wait long. Not for cases in which everything must be in time.
pub(crate) fn impatient() -> Options {
    Options::default()
        .timeout(Duration::from_millis(700))
        .heartbeat(Duration::from_millis(300))
}

/// For cases in which nothing is late, however busy the machine.
pub(crate) fn patient() -> Options {
    Options::default().timeout(PATIENCE).heartbeat(PATIENCE)
}

/// The next event.
pub(crate) async fn next(subscription: &mut Subscription) -> Event {
    let event = timeout(PATIENCE, subscription.recv());
    event.await.expect("an event in time")
}

/// The next messages, and nothing else between them.
pub(crate) async fn hear(subscription: &mut Subscription, count: usize) -> Vec<Message> {
    let mut heard = Vec::new();
    while heard.len() < count {
        match next(subscription).await {
            Event::Messages(batch) => heard.extend(batch.messages.iter().cloned()),
            other => panic!("{other:?} after {} of {count} messages", heard.len()),
        }
    }
    heard
}

/// Whatever comes before this change of the connection, which must come.
pub(crate) async fn until(subscription: &mut Subscription, wanted: &str) -> Vec<Event> {
    let mut before = Vec::new();
    loop {
        match (next(subscription).await, wanted) {
            (Event::Lost, "lost") | (Event::Restored, "restored") => return before,
            (event, _) => before.push(event),
        }
    }
}

/// Publishes until it is taken, as the kernel does.
pub(crate) async fn publish_at_last(adapter: &impl Adapter, message: Message) {
    let began = Instant::now();
    loop {
        let answers = adapter.publish(vec![message.clone()]).await;
        if all_taken(&answers) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{answers:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One `#[tokio::test]` for each broker: `each_broker!(case, …)` runs `case::<B>()`.
#[macro_export]
macro_rules! each_broker {
    ($($case:ident),+ $(,)?) => {
        $crate::each_broker!(@of redis Redis: $($case),+);
        $crate::each_broker!(@of nats Nats: $($case),+);
        $crate::each_broker!(@of postgres Postgres: $($case),+);
    };
    (@of $name:ident $server:ident: $($case:ident),+) => {
        mod $name {
            use authkernel_tests::services::$name::$server;
            use $crate::brokers::Broker;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    if let Some(server) = $server::begin() {
                        super::$case(server).await;
                    }
                }
            )+
        }
    };
}
