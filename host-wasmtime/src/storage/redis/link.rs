//! The connection: one, shared by all calls, made anew when it breaks.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, PushInfo, PushKind, RedisError,
    RedisFuture, RedisResult, ServerErrorKind, Value,
};
use tokio::sync::Mutex;

/// For so long after a connection was refused, others are told so without asking again.
const REFUSED: Duration = Duration::from_millis(50);

/// How many commands may wait to be written.
const QUEUE: usize = 1_024;

/// Whether a command may be asked twice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Reads,
    Writes,
}

/// A connection to the server that is made anew when it breaks; cheap to clone, all clones share it. Commands of one
/// clone run in order, and those of all clones go out together.
///
/// A command that fails because the connection breaks is not repeated: whether it was done, nobody knows. No command
/// takes longer than the timeout of the [`Settings`](super::Settings).
#[derive(Clone)]
pub struct Connection {
    link: Arc<Link>,
}

struct Link {
    client: Client,
    connect_timeout: Duration,
    timeout: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    refused: Option<(Instant, RedisError)>,
}

#[derive(Clone)]
struct Open {
    connection: MultiplexedConnection,
    /// Set as soon as anybody notices that it is broken.
    gone: Arc<AtomicBool>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the client, which knows the password.
        let address = self.link.client.get_connection_info().addr();
        f.debug_struct("Connection")
            .field("address", &address.to_string())
            .finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) fn new(client: Client, connect_timeout: Duration, timeout: Duration) -> Self {
        Self {
            link: Arc::new(Link {
                client,
                connect_timeout,
                timeout,
                state: Mutex::default(),
            }),
        }
    }

    /// Runs one command, again when it only reads and the connection turns out to be broken: reading twice does no
    /// harm, but whether a lost write was done, nobody knows.
    pub(super) async fn ask(&self, command: &Cmd, effect: Effect) -> RedisResult<Value> {
        match self.command(command).await {
            Err(error) if effect == Effect::Reads && error.is_connection_dropped() => {
                self.command(command).await
            }
            answer => answer,
        }
    }

    async fn command(&self, command: &Cmd) -> RedisResult<Value> {
        self.within(async |connection: &mut MultiplexedConnection| {
            // An error of the server comes as a value here.
            let answer = connection.send_packed_command(command).await;
            answer.and_then(Value::extract_error)
        })
        .await
    }

    /// Forgets the connection; the next command makes another.
    pub(super) async fn close(&self) {
        self.link.state.lock().await.open = None;
    }

    async fn within<T>(
        &self,
        commands: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let late = || RedisError::from(io::Error::from(io::ErrorKind::TimedOut));
        let began = Instant::now();
        let open = tokio::time::timeout(self.link.timeout, self.link.open());
        let Open {
            mut connection,
            gone,
        } = open.await.map_err(|_| late())??;
        let rest = self.link.timeout.saturating_sub(began.elapsed());
        let answer = match tokio::time::timeout(rest, commands(&mut connection)).await {
            Ok(answer) => answer,
            Err(_) => Err(late()),
        };
        if let Err(error) = &answer
            && is_broken(error)
        {
            gone.store(true, Ordering::Relaxed);
        }
        answer
    }
}

impl Link {
    /// The connection that is there, or a new one. One caller makes it, the others wait.
    async fn open(&self) -> RedisResult<Open> {
        let mut state = self.state.lock().await;
        if let Some(open) = &state.open
            && !open.gone.load(Ordering::Relaxed)
        {
            return Ok(open.clone());
        }
        state.open = None;
        if let Some((when, error)) = &state.refused
            && when.elapsed() < REFUSED
        {
            return Err(error.clone());
        }
        match self.connect().await {
            Ok(open) => {
                state.refused = None;
                state.open = Some(open.clone());
                Ok(open)
            }
            Err(error) => {
                state.refused = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn connect(&self) -> RedisResult<Open> {
        let gone = Arc::new(AtomicBool::new(false));
        let mut config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.timeout))
            .set_pipeline_buffer_size(QUEUE);
        if self.is_told() {
            // So that an idle connection that breaks is noticed before anybody uses it.
            let gone = Arc::clone(&gone);
            config = config.set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    gone.store(true, Ordering::Relaxed);
                }
                Ok::<(), redis::aio::SendError>(())
            });
        }
        let mut connection = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        refuse_replica(&mut connection).await?;
        Ok(Open { connection, gone })
    }

    /// Whether the protocol tells of a broken connection.
    fn is_told(&self) -> bool {
        let settings = self.client.get_connection_info().redis_settings();
        settings.protocol() != redis::ProtocolVersion::RESP2
    }
}

/// A replica may not have seen a revocation. Asked for every connection: names may point elsewhere after a fail-over.
async fn refuse_replica(connection: &mut MultiplexedConnection) -> RedisResult<()> {
    let role: RedisResult<String> = redis::cmd("INFO")
        .arg("replication")
        .query_async(connection)
        .await;
    match role {
        Ok(role) if role.lines().any(|line| line.starts_with("role:slave")) => {
            Err(RedisError::from(io::Error::other(
                "the server is a replica, which may not have seen a revocation: connect to the primary",
            )))
        }
        Err(error) if is_broken(&error) => Err(error),
        // Not everybody may ask.
        _ => Ok(()),
    }
}

/// Whether another connection is to be made: this one is lost, does not answer, or leads to a replica.
fn is_broken(error: &RedisError) -> bool {
    error.is_unrecoverable_error()
        || error.is_timeout()
        || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(self.command(command))
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(
            self.within(async move |connection: &mut MultiplexedConnection| {
                connection
                    .send_packed_commands(pipeline, offset, count)
                    .await
            }),
        )
    }

    fn get_db(&self) -> i64 {
        let info = self.link.client.get_connection_info();
        info.redis_settings().db()
    }
}
