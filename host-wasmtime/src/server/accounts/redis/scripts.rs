//! The scripts: one for every call that is more than one command.

use std::sync::LazyLock;

use authkernel::ports::StorageError;
use redis::{FromRedisValue, RedisResult};

use crate::storage::redis::{RedisStorage, storage_error};

/// The beginning of all keys, with the hash tag of the tokens' keys, so that in a cluster all are on one node.
const PREFIX: &str = "{authkernel}-accounts:";

/// A script, and whether it may be run twice.
pub(super) struct Script {
    script: LazyLock<redis::Script>,
    reads: bool,
}

macro_rules! scripts {
    ($($constant:ident $name:literal $reads:literal)*) => {
        $(pub(super) static $constant: Script = Script {
            script: LazyLock::new(|| {
                let file = include_str!(concat!("../../../../scripts/redis-accounts/", $name, ".lua"));
                redis::Script::new(file)
            }),
            reads: $reads,
        };)*
    };
}

scripts! {
    BY_EMAIL "by_email" true
    BY_SUBJECT "by_subject" true
    CHANGE "change" false
    CREATE "create" false
    INTENTS_UNTIL "intents_until" true
    KEEP_TICKET "keep_ticket" false
    REMOVE_INTENT "remove_intent" false
    TAKE_TICKET "take_ticket" false
}

impl Script {
    /// Runs it with these arguments.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        storage: &RedisStorage,
        arguments: &[&[u8]],
    ) -> Result<T, StorageError> {
        let mut answer = self.ask(storage, arguments).await;
        if self.reads && matches!(&answer, Err(error) if error.is_connection_dropped()) {
            // The connection broke while nobody looked.
            answer = self.ask(storage, arguments).await;
        }
        answer.map_err(storage_error)
    }

    async fn ask<T: FromRedisValue>(
        &self,
        storage: &RedisStorage,
        arguments: &[&[u8]],
    ) -> RedisResult<T> {
        let mut connection = storage.connection();
        let mut call = self.script.key(PREFIX);
        for argument in arguments {
            call.arg(*argument);
        }
        call.invoke_async(&mut connection).await
    }
}
