//! Storage that several servers share: whether it can be reached, is of this version, and keeps its promises.

use authkernel::ports::StorageError;
use redis::FromRedisValue;

use super::super::super::accounts::postgres;
use super::super::super::backing::{AnyStorage, BackingUrl, StoragePlan};
use super::report::Report;
use crate::storage::postgres::{PostgresStorage, SchemaVersion, storage_error};
use crate::storage::redis::{self as redis_storage, RedisStorage};

/// What a schema that can be used now, or not, means for the rest of the check.
enum Schema {
    Current,
    /// The next start makes or changes it: the kernel is tried with something else.
    ToCome,
    Unusable,
}

/// The storage, when it is as the server would use it now; `Ok(None)` when the next start makes its schema.
pub(super) async fn try_out(
    plan: &StoragePlan,
    report: &mut Report,
) -> Result<Option<AnyStorage>, ()> {
    match plan {
        StoragePlan::Sqlite => Ok(None),
        StoragePlan::Postgres(url) => of_postgres(url, report).await,
        StoragePlan::Redis(url) => of_redis(url, report).await.map(Some),
    }
}

fn cannot(url: &BackingUrl, error: &dyn std::fmt::Display, report: &mut Report) {
    let says = url.hide_in(&error.to_string());
    report.failed(
        "storage",
        format!("{url}: {says}"),
        "see that it runs and lets this machine and this user in, or give --storage another address",
    );
}

async fn of_postgres(url: &BackingUrl, report: &mut Report) -> Result<Option<AnyStorage>, ()> {
    let tokens = PostgresStorage::schema_version(url.reveal()).await;
    let tokens = tokens.map_err(|error| cannot(url, &error, report))?;
    if !tokens.is_current() {
        return match schema(tokens, tokens, report) {
            Schema::Unusable => Err(()),
            Schema::Current | Schema::ToCome => {
                report.ok("storage", format!("{url} can be reached"));
                Ok(None)
            }
        };
    }
    let storage = PostgresStorage::connect_without_migrating(url.reveal()).await;
    let storage = storage.map_err(|error| cannot(url, &error, report))?;
    let accounts = postgres::schema_version(&storage).await;
    let accounts = accounts.map_err(|error| cannot(url, &error, report))?;
    let usable = schema(tokens, accounts, report);
    let state = postgres_state(&storage).await;
    let state = state.map_err(|error| cannot(url, &error, report))?;
    let PostgresState {
        version,
        encrypted,
        isolation,
    } = state;
    reached(
        url,
        &format!("postgresql {version}"),
        encrypted,
        "?sslmode=verify-full",
        report,
    );
    match storage.durability().await {
        Ok(found) => durable(
            found.warnings(),
            "fsync and full_page_writes are on; every change is committed synchronously, whatever the server's default",
            "set it to on, and restart the server",
            report,
        ),
        Err(error) => cannot(url, &error, report),
    }
    if isolation != "read committed" {
        report.warning(
            "durability",
            format!(
                "default_transaction_isolation is {isolation}: each call takes two more round trips"
            ),
            "set it to 'read committed' for the role or the database",
        );
    }
    match usable {
        Schema::Current => Ok(Some(AnyStorage::Postgres(storage))),
        Schema::ToCome => Ok(None),
        Schema::Unusable => Err(()),
    }
}

struct PostgresState {
    version: String,
    encrypted: bool,
    isolation: String,
}

async fn postgres_state(storage: &PostgresStorage) -> Result<PostgresState, StorageError> {
    let client = storage.client().await?;
    let select = "SELECT current_setting('server_version'), current_setting('default_transaction_isolation'),
                  coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)";
    let rows = client
        .query_typed(select, &[])
        .await
        .map_err(storage_error)?;
    let missing = || StorageError::Other("postgresql: no settings".into());
    let row = rows.first().ok_or_else(missing)?;
    Ok(PostgresState {
        version: row.try_get(0).map_err(storage_error)?,
        isolation: row.try_get(1).map_err(storage_error)?,
        encrypted: row.try_get(2).map_err(storage_error)?,
    })
}

async fn of_redis(url: &BackingUrl, report: &mut Report) -> Result<AnyStorage, ()> {
    let storage = RedisStorage::connect(url.reveal()).await;
    let storage = storage.map_err(|error| cannot(url, &error, report))?;
    let version = redis_version(&storage).await;
    let version = version.map_err(|error| cannot(url, &error, report))?;
    let encrypted = url.scheme() == Some("rediss");
    reached(url, &version, encrypted, "rediss://", report);
    match storage.durability().await {
        Ok(found) => durable(
            found.warnings(),
            "appendonly is yes, appendfsync always, maxmemory-policy noeviction",
            "set it in redis.conf, or with CONFIG SET and CONFIG REWRITE",
            report,
        ),
        Err(error) => cannot(url, &error, report),
    }
    Ok(AnyStorage::Redis(storage))
}

async fn redis_version(storage: &RedisStorage) -> Result<String, StorageError> {
    let mut connection = storage.connection();
    let mut command = redis::cmd("INFO");
    command.arg("server");
    let answer: redis::Value = match command.query_async(&mut connection).await {
        Ok(answer) => answer,
        // Not everybody may ask.
        Err(error) if matches!(error.code(), Some("NOPERM" | "ERR")) => {
            return Ok("redis".to_owned());
        }
        Err(error) => return Err(redis_storage::storage_error(error)),
    };
    let text = String::from_redis_value(answer).unwrap_or_default();
    let version = text
        .lines()
        .find_map(|line| line.strip_prefix("redis_version:"));
    Ok(format!("redis {}", version.unwrap_or("of some version")))
}

fn reached(url: &BackingUrl, what: &str, encrypted: bool, way: &str, report: &mut Report) {
    if encrypted {
        return report.ok("storage", format!("{url}: {what}, over tls"));
    }
    if url.is_here() {
        return report.ok(
            "storage",
            format!("{url}: {what}, on this machine, without tls"),
        );
    }
    report.warning(
        "storage",
        format!(
            "{url}: {what}, without tls: sessions and password hashes cross the network in clear"
        ),
        format!("use tls: {way}"),
    );
}

fn durable(warnings: Vec<String>, good: &str, remedy: &str, report: &mut Report) {
    if warnings.is_empty() {
        report.ok("durability", good);
    }
    for warning in warnings {
        report.warning("durability", warning, remedy);
    }
}

fn schema(tokens: SchemaVersion, accounts: SchemaVersion, report: &mut Report) -> Schema {
    if tokens.is_newer() || accounts.is_newer() {
        report.failed(
            "migrations",
            "the database was written by a newer version",
            "use that version, or restore a backup",
        );
        return Schema::Unusable;
    }
    let both = format!(
        "schema {} of {}, accounts {} of {}",
        tokens.found, tokens.known, accounts.found, accounts.known
    );
    match (tokens.found, tokens.is_current() && accounts.is_current()) {
        (_, true) => {
            report.ok("migrations", both);
            Schema::Current
        }
        (0, _) => {
            report.ok("migrations", "no schema yet: the first start makes it");
            Schema::ToCome
        }
        _ => {
            report.warning(
                "migrations",
                format!("{both}: the next start migrates the database"),
                "back it up before: there is no way back",
            );
            Schema::ToCome
        }
    }
}
