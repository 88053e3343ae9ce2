//! The schema, in numbered steps. A released step never changes; a change is a new step.

use std::time::Duration;

use deadpool_postgres::Client;
use tokio_postgres::{Error, GenericClient, IsolationLevel, Row};

use super::super::schema::SchemaVersion;
use super::error::OpenError;

/// Taken by whoever migrates, in any language; the number means nothing else.
const ADVISORY_LOCK: i64 = 7_022_352_937_417_843_057;

/// Step `n` leads to schema version `n + 1`.
const STEPS: &[&str] = &[
    include_str!("../../../migrations/postgres/001_token_records.sql"),
    include_str!("../../../migrations/postgres/002_operations.sql"),
    include_str!("../../../migrations/postgres/003_operations.sql"),
    include_str!("../../../migrations/postgres/004_look_ups.sql"),
];

/// A row for every step that was applied.
const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS authkernel.migrations (
    version    INTEGER PRIMARY KEY,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
)";

/// What the server says of itself.
const SETTINGS: &str = "SELECT current_setting('server_encoding'),
    EXISTS (SELECT FROM pg_tables WHERE schemaname = 'authkernel' AND tablename = 'migrations')";

/// How long the migrations may take, waiting for others included.
const PATIENCE: Duration = Duration::from_secs(60);

/// Brings the schema up to date, in one transaction; whoever comes second waits and finds it done.
pub(super) async fn run(client: &mut Client) -> Result<(), OpenError> {
    let answer = tokio::time::timeout(PATIENCE, steps(client)).await;
    answer.unwrap_or(Err(OpenError::Slow))
}

async fn steps(client: &mut Client) -> Result<(), OpenError> {
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::ReadCommitted)
        .start()
        .await
        .map_err(OpenError::from_sql)?;
    let lock = format!(
        "SET LOCAL statement_timeout = {}; SELECT pg_advisory_xact_lock({ADVISORY_LOCK})",
        PATIENCE.as_millis()
    );
    transaction
        .batch_execute(&lock)
        .await
        .map_err(OpenError::from_sql)?;
    let SchemaVersion { found, known } = version(&*transaction).await?;
    if found > known {
        return Err(OpenError::SchemaNewer { found, known });
    }
    if found < known {
        apply(&*transaction, found)
            .await
            .map_err(OpenError::from_sql)?;
    }
    transaction.commit().await.map_err(OpenError::from_sql)
}

async fn apply(client: &impl GenericClient, found: u32) -> Result<(), Error> {
    for (version, step) in (1_u32..).zip(STEPS) {
        if version > found {
            client.batch_execute(step).await?;
        }
    }
    if found == 0 {
        client.batch_execute(VERSIONS).await?;
    }
    for version in found + 1..=known() {
        let applied = format!("INSERT INTO authkernel.migrations (version) VALUES ({version})");
        client.batch_execute(&applied).await?;
    }
    Ok(())
}

/// Refuses a schema that is not the one that this program knows.
pub(super) async fn check(client: &impl GenericClient) -> Result<(), OpenError> {
    let version = version(client).await?;
    let SchemaVersion { found, known } = version;
    if version.is_current() {
        Ok(())
    } else if version.is_newer() {
        Err(OpenError::SchemaNewer { found, known })
    } else {
        Err(OpenError::SchemaOlder { found, known })
    }
}

/// How far the database is migrated.
pub(super) async fn version(client: &impl GenericClient) -> Result<SchemaVersion, OpenError> {
    let known = known();
    if !settings(client).await?.get::<_, bool>(1) {
        return Ok(SchemaVersion { found: 0, known });
    }
    let newest = "SELECT coalesce(max(version), 0) FROM authkernel.migrations";
    let row = client
        .query_typed(newest, &[])
        .await
        .map_err(OpenError::from_sql)?;
    let found = row.first().map_or(0, |row| row.get::<_, i32>(0));
    Ok(SchemaVersion {
        found: u32::try_from(found).unwrap_or(0),
        known,
    })
}

async fn settings(client: &impl GenericClient) -> Result<Row, OpenError> {
    let rows = client
        .query_typed(SETTINGS, &[])
        .await
        .map_err(OpenError::from_sql)?;
    let Some(settings) = rows.into_iter().next() else {
        return Err(OpenError::Sql("postgresql: no settings".to_owned()));
    };
    let found: String = settings.get(0);
    if found == "UTF8" {
        Ok(settings)
    } else {
        Err(OpenError::Encoding { found })
    }
}

fn known() -> u32 {
    u32::try_from(STEPS.len()).unwrap_or(u32::MAX)
}
