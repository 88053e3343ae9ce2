//! What can be set before connecting.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime,
};

use super::super::schema::SchemaVersion;
use super::super::servers::Touches;
use super::calls::Calls;
use super::error::OpenError;
use super::target::Target;
use super::{Inner, PostgresStorage, migrations};

/// How much longer than the server's own limit an answer is waited for.
const ON_THE_WAY: Duration = Duration::from_secs(2);

/// What can be set before connecting; every setting has a default that fits a server.
#[derive(Clone, Debug)]
pub struct Settings {
    connections: usize,
    connection_timeout: Duration,
    statement_timeout: Duration,
    prepare: bool,
}

impl Default for Settings {
    /// Four connections for each processor (8 to 32), made on demand; 5 s to get one; 5 s for a statement; prepared
    /// statements.
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(2, NonZeroUsize::get);
        Self {
            connections: (4 * processors).clamp(8, 32),
            connection_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(5),
            prepare: true,
        }
    }
}

impl Settings {
    /// How many connections there may be; at least 1. All processes together must stay below the server's
    /// `max_connections`.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// How long a call waits for a connection before it is answered with `unavailable`.
    #[must_use]
    pub fn connection_timeout(mut self, timeout: Duration) -> Self {
        self.connection_timeout = timeout;
        self
    }

    /// How long a statement may take before the server cancels it; the call is then answered with `unavailable`. A
    /// server that does not even do that is given up 2 s later.
    #[must_use]
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout.max(Duration::from_millis(1));
        self
    }

    /// Whether statements are prepared. Say `false` behind a pooler that cannot keep them.
    #[must_use]
    pub fn prepare(mut self, prepare: bool) -> Self {
        self.prepare = prepare;
        self
    }

    /// Connects, and creates or updates the schema.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub async fn connect(self, url: &str) -> Result<PostgresStorage, OpenError> {
        self.open(url, true).await
    }

    /// Connects to a database whose schema is up to date, and changes nothing.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]: [`OpenError::SchemaOlder`] when it is not.
    pub async fn connect_without_migrating(self, url: &str) -> Result<PostgresStorage, OpenError> {
        self.open(url, false).await
    }

    /// How far the schema of a database is migrated. Changes nothing.
    pub(super) async fn schema_version(self, url: &str) -> Result<SchemaVersion, OpenError> {
        let pool = self.connections(1).pool(Target::parse(url)?)?;
        let client = pool.get().await.map_err(OpenError::from_pool)?;
        migrations::version(&**client).await
    }

    async fn open(self, url: &str, migrate: bool) -> Result<PostgresStorage, OpenError> {
        let answer_timeout = self.statement_timeout + ON_THE_WAY;
        let prepare = self.prepare;
        let pool = self.pool(Target::parse(url)?)?;
        let mut client = pool.get().await.map_err(OpenError::from_pool)?;
        if migrate {
            migrations::run(&mut client).await?;
        } else {
            migrations::check(&**client).await?;
        }
        drop(client);
        Ok(PostgresStorage {
            inner: Arc::new(Inner {
                calls: Calls {
                    pool,
                    prepare,
                    answer_timeout,
                    explicit: AtomicBool::new(false),
                },
                touches: Touches::default(),
            }),
        })
    }

    fn pool(self, target: Target) -> Result<Pool, OpenError> {
        let config = ManagerConfig {
            // A connection that the server has closed is noticed without asking.
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(target.config, target.connector.0, config);
        let limit = format!(
            "SET statement_timeout = {}",
            self.statement_timeout.as_millis()
        );
        let with_limit = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            let limit = limit.clone();
            Box::pin(async move {
                client
                    .batch_execute(&limit)
                    .await
                    .map_err(HookError::Backend)
            })
        });
        Pool::builder(manager)
            .max_size(self.connections)
            .wait_timeout(Some(self.connection_timeout))
            .create_timeout(Some(self.connection_timeout))
            .recycle_timeout(Some(self.connection_timeout))
            .runtime(Runtime::Tokio1)
            .post_create(with_limit)
            .build()
            .map_err(|_| OpenError::from_pool(PoolError::NoRuntimeSpecified))
    }
}
