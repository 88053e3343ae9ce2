//! The calls of the storage over the pool: one statement each.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use authkernel::ports::StorageError;
use deadpool_postgres::{Client, Pool};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, IsolationLevel, Row};

use super::error::{is_isolation, is_lost, is_transient, pool_error, storage_error, unavailable};
use super::lease::Lease;
use super::text::{read_document, stored, stored_document};

/// How often a call is tried that was rolled back because of another.
const TRIES: u32 = 6;

/// Whether a call may be asked twice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Reads,
    Writes,
}

/// A function of the schema.
#[derive(Clone, Copy)]
pub(super) struct Function {
    text: &'static str,
    effect: Effect,
}

macro_rules! functions {
    ($($constant:ident $name:literal $effect:ident)*) => {
        $(pub(super) const $constant: Function = Function {
            text: concat!("SELECT authkernel.", $name, "($1::jsonb)::text"),
            effect: Effect::$effect,
        };)*
    };
}

functions! {
    FIND_MANY "find_many" Reads
    INSERT "insert" Writes
    REVOKE "revoke" Writes
    REVOKE_MATCHING "revoke_matching" Writes
    CONSUME "consume" Writes
    TOUCH "touch" Writes
    LIST "list" Reads
    UNDELIVERED "undelivered" Writes
    DELIVERED "delivered" Writes
    DELETE_EXPIRED "delete_expired" Writes
    RAISE_CUT_OFF "raise_cut_off" Writes
}

/// The look-up of the hot path.
const FIND: Function = Function {
    text: "SELECT authkernel.find($1, $2, $3, $4, $5, $6)::text",
    effect: Effect::Reads,
};

const PING: Function = Function {
    text: "SELECT ''",
    effect: Effect::Reads,
};

const SETTING: Function = Function {
    text: "SELECT current_setting($1)",
    effect: Effect::Reads,
};

const PENDING: Function = Function {
    text: "SELECT count(*)::text FROM authkernel.records WHERE notify_due IS NOT NULL",
    effect: Effect::Reads,
};

/// Why one attempt failed.
enum Failure {
    /// PostgreSQL, or the connection to it; and whether the statement had a transaction of its own.
    Sql { error: Error, explicit: bool },
    /// Nothing was asked, or nothing was answered.
    Storage(StorageError),
}

/// Runs calls on connections of the pool.
pub(super) struct Calls {
    pub(super) pool: Pool,
    /// Whether statements are prepared, once per connection.
    pub(super) prepare: bool,
    /// How long the server may take to answer; it gives up its statement earlier.
    pub(super) answer_timeout: Duration,
    /// Transactions are at another level by default, so each is begun with its own.
    pub(super) explicit: AtomicBool,
}

impl Calls {
    pub(super) async fn find(&self, query: [Option<&str>; 6]) -> Result<String, StorageError> {
        let query = query.map(|text| text.map(stored));
        let values = query.each_ref().map(|text| text.as_deref());
        let values = values.each_ref().map(|text| text as &(dyn ToSql + Sync));
        self.run(FIND, &values).await
    }

    /// Calls a function; answers its JSON text, or nothing where it answers nothing.
    pub(super) async fn call(
        &self,
        function: Function,
        document: String,
    ) -> Result<String, StorageError> {
        let document = stored_document(document);
        self.run(function, &[&document]).await
    }

    /// Asks the server whether it is there.
    pub(super) async fn ping(&self) -> Result<(), StorageError> {
        let answer = self.run(PING, &[]).await;
        answer.map(drop)
    }

    /// A setting of the server.
    pub(super) async fn setting(&self, name: &str) -> Result<String, StorageError> {
        self.run(SETTING, &[&name]).await
    }

    /// How many disconnects are not delivered.
    pub(super) async fn pending(&self) -> Result<u64, StorageError> {
        let answer = self.run(PENDING, &[]).await?;
        let unread = |_| StorageError::Other("postgresql: a count cannot be read".into());
        answer.parse().map_err(unread)
    }

    async fn run(
        &self,
        function: Function,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<String, StorageError> {
        let mut tried = 1;
        let mut asked_again = false;
        loop {
            let (error, explicit) = match self.attempt(function, values).await {
                Ok(rows) => return answer(&rows),
                Err(Failure::Storage(error)) => return Err(error),
                Err(Failure::Sql { error, explicit }) => (error, explicit),
            };
            if is_isolation(&error) && !explicit {
                self.explicit.store(true, Ordering::Relaxed);
            } else if is_transient(&error) && tried < TRIES {
                // Apart from each other, or the same ones meet again.
                tokio::time::sleep(pause(tried)).await;
                tried += 1;
            } else if is_lost(&error) && function.effect == Effect::Reads && !asked_again {
                // The connection broke while nobody looked. Reading twice does no harm; whether a lost write was
                // done, nobody knows.
                asked_again = true;
            } else {
                return Err(storage_error(error));
            }
        }
    }

    async fn attempt(
        &self,
        function: Function,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Failure> {
        let client = self.pool.get().await;
        let mut lease = Lease::new(client.map_err(|error| Failure::Storage(pool_error(error)))?);
        let explicit = function.effect == Effect::Writes && self.explicit.load(Ordering::Relaxed);
        let Some(client) = lease.client() else {
            return Err(Failure::Storage(unavailable("postgresql: no connection")));
        };
        let asked = async {
            if explicit {
                in_transaction(client, function.text, values, self.prepare).await
            } else {
                statement(client, function.text, values, self.prepare).await
            }
        };
        match tokio::time::timeout(self.answer_timeout, asked).await {
            Ok(Ok(rows)) => {
                lease.done();
                Ok(rows)
            }
            Ok(Err(error)) => {
                if is_lost(&error) {
                    lease.close();
                } else {
                    lease.done();
                }
                Err(Failure::Sql { error, explicit })
            }
            Err(_) => {
                // Whether it was done, nobody knows; whoever waits behind it would not be answered either.
                lease.close();
                let error = unavailable("postgresql: no answer in time");
                Err(Failure::Storage(error))
            }
        }
    }
}

async fn statement(
    client: &Client,
    text: &str,
    values: &[&(dyn ToSql + Sync)],
    prepare: bool,
) -> Result<Vec<Row>, Error> {
    if prepare {
        let types = vec![Type::TEXT; values.len()];
        let statement = client.prepare_typed_cached(text, &types).await?;
        client.query(&statement, values).await
    } else {
        let typed: Vec<_> = values.iter().map(|value| (*value, Type::TEXT)).collect();
        client.query_typed(text, &typed).await
    }
}

async fn in_transaction(
    client: &mut Client,
    text: &str,
    values: &[&(dyn ToSql + Sync)],
    prepare: bool,
) -> Result<Vec<Row>, Error> {
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::ReadCommitted)
        .start()
        .await?;
    let asked = if prepare {
        let types = vec![Type::TEXT; values.len()];
        let statement = transaction.prepare_typed_cached(text, &types).await?;
        transaction.query(&statement, values).await
    } else {
        let typed: Vec<_> = values.iter().map(|value| (*value, Type::TEXT)).collect();
        transaction.query_typed(text, &typed).await
    };
    match asked {
        Ok(rows) => {
            transaction.commit().await?;
            Ok(rows)
        }
        Err(error) => {
            // A connection that cannot even roll back is lost, and its transaction with it.
            let _ = transaction.rollback().await;
            Err(error)
        }
    }
}

fn answer(rows: &[Row]) -> Result<String, StorageError> {
    let Some(row) = rows.first() else {
        return Err(StorageError::Other(
            "postgresql: a call was not answered".into(),
        ));
    };
    let answer: Option<&str> = row.try_get(0).map_err(storage_error)?;
    // NULL is what an aggregate makes of no rows.
    let answer = answer.filter(|text| !text.is_empty()).unwrap_or("null");
    Ok(match read_document(answer) {
        Cow::Borrowed(same) => same.to_owned(),
        Cow::Owned(read) => read,
    })
}

fn pause(tried: u32) -> Duration {
    let most = 5_000_u64 << tried;
    let random = getrandom::u64().unwrap_or(most / 2);
    Duration::from_micros(random % most)
}
