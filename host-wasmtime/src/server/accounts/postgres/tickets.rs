//! Tickets in PostgreSQL. The database's own clock says when they end.

use authkernel::ports::StorageError;
use tokio_postgres::types::Type;

use super::{Parameter, PostgresAccounts};
use crate::server::ticket::{Hash, LIFETIME, PER_SESSION, TicketStore};
use crate::storage::postgres::storage_error;

impl TicketStore for PostgresAccounts {
    async fn keep(&self, hash: Hash, sid: &str, sealed: Vec<u8>) -> Result<(), StorageError> {
        let insert = "WITH surplus AS (
                          SELECT hash FROM authkernel_accounts.tickets WHERE sid = $2
                          ORDER BY ends_at DESC OFFSET $5 FOR UPDATE SKIP LOCKED
                      ), gone AS (
                          DELETE FROM authkernel_accounts.tickets WHERE hash IN (SELECT hash FROM surplus)
                      )
                      INSERT INTO authkernel_accounts.tickets (hash, sid, sealed, ends_at)
                      VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))";
        let parameters: [Parameter<'_>; 5] = [
            (&hash.as_slice(), Type::BYTEA),
            (&sid, Type::TEXT),
            (&sealed, Type::BYTEA),
            (&LIFETIME.as_secs_f64(), Type::FLOAT8),
            (&i64::from(PER_SESSION - 1), Type::INT8),
        ];
        self.rows(insert, &parameters).await?;
        Ok(())
    }

    async fn take(&self, hash: Hash) -> Result<Option<Vec<u8>>, StorageError> {
        // Of two who take it at once one deletes the row, and the other finds it gone.
        let delete = "DELETE FROM authkernel_accounts.tickets WHERE hash = $1
                      RETURNING sealed, ends_at > clock_timestamp()";
        let rows = self
            .rows(delete, &[(&hash.as_slice(), Type::BYTEA)])
            .await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let good: bool = row.try_get(1).map_err(storage_error)?;
        let sealed: Vec<u8> = row.try_get(0).map_err(storage_error)?;
        Ok(good.then_some(sealed))
    }

    async fn forget_expired(&self) -> Result<(), StorageError> {
        // Rows that another server is at are left to it.
        let delete = "DELETE FROM authkernel_accounts.tickets WHERE hash IN (
                          SELECT hash FROM authkernel_accounts.tickets WHERE ends_at < clock_timestamp()
                          LIMIT 1000 FOR UPDATE SKIP LOCKED)";
        self.rows(delete, &[]).await?;
        Ok(())
    }
}
