//! Tickets in Redis. Its own clock says when they end.

use authkernel::ports::StorageError;
use base64ct::{Base64UrlUnpadded, Encoding};

use super::{RedisAccounts, scripts};
use crate::server::ticket::{Hash, LIFETIME, PER_SESSION, TicketStore};

impl TicketStore for RedisAccounts {
    async fn keep(&self, hash: Hash, sid: &str, sealed: Vec<u8>) -> Result<(), StorageError> {
        let hash = Base64UrlUnpadded::encode_string(&hash);
        let (lifetime, most) = (LIFETIME.as_millis().to_string(), PER_SESSION.to_string());
        let arguments = [
            hash.as_bytes(),
            sid.as_bytes(),
            &sealed,
            lifetime.as_bytes(),
            most.as_bytes(),
        ];
        let _: i64 = self.run(&scripts::KEEP_TICKET, &arguments).await?;
        Ok(())
    }

    async fn take(&self, hash: Hash) -> Result<Option<Vec<u8>>, StorageError> {
        let hash = Base64UrlUnpadded::encode_string(&hash);
        self.run(&scripts::TAKE_TICKET, &[hash.as_bytes()]).await
    }

    async fn forget_expired(&self) -> Result<(), StorageError> {
        // Redis forgets them by itself.
        Ok(())
    }
}
