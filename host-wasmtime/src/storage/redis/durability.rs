//! What a crash of the server may cost.

use authkernel::ports::StorageError;
use redis::{RedisResult, from_redis_value};

use super::error::{is_forbidden, storage_error};
use super::link::{Connection, Effect};

/// The settings of the server that decide what a crash or full memory may cost; `None` where it does not tell, as
/// servers that others run often do not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Durability {
    /// Whether what is written goes to a file at all: `yes`.
    pub appendonly: Option<String>,
    /// When the file is on disk: `always`, or what was written in the last second may be lost in a crash.
    pub appendfsync: Option<String>,
    /// What is deleted when memory is full: nothing, with `noeviction`.
    pub maxmemory_policy: Option<String>,
}

impl Durability {
    pub(super) async fn ask(connection: &Connection) -> Result<Self, StorageError> {
        Ok(Self {
            appendonly: setting(connection, "appendonly").await?,
            appendfsync: setting(connection, "appendfsync").await?,
            maxmemory_policy: setting(connection, "maxmemory-policy").await?,
        })
    }

    /// Whether a revocation that was answered survives a crash of the server, and is never evicted.
    pub fn is_safe(&self) -> bool {
        self.warnings().is_empty()
    }

    /// What to change, or to see to, one sentence each; nothing when the server keeps every revocation.
    pub fn warnings(&self) -> Vec<String> {
        let lost = "lose revocations with the process";
        let mut warnings = Vec::new();
        let mut expect = |name: &str, found: &Option<String>, wanted: &str, danger: &str| {
            match found
        {
            Some(found) if found == wanted => {}
            Some(found) => warnings.push(format!(
                "redis runs with {name} {found} instead of {wanted}: it could {danger}"
            )),
            None => warnings.push(format!(
                "redis does not tell its {name}: see to it that it is {wanted}, or it could {danger}"
            )),
        }
        };
        expect(
            "maxmemory-policy",
            &self.maxmemory_policy,
            "noeviction",
            "evict revocations",
        );
        expect("appendonly", &self.appendonly, "yes", lost);
        if self.appendonly.as_deref() != Some("no") {
            expect(
                "appendfsync",
                &self.appendfsync,
                "always",
                "lose revocations in a crash",
            );
        }
        warnings
    }
}

async fn setting(connection: &Connection, name: &str) -> Result<Option<String>, StorageError> {
    let mut command = redis::cmd("CONFIG");
    command.arg("GET").arg(name);
    let answer = match connection.ask(&command, Effect::Reads).await {
        Ok(answer) => answer,
        Err(error) if is_forbidden(&error) => return Ok(None),
        Err(error) => return Err(storage_error(error)),
    };
    let pairs: RedisResult<Vec<(String, String)>> =
        from_redis_value(answer).map_err(redis::RedisError::from);
    let pairs = pairs.map_err(storage_error)?;
    Ok(pairs.into_iter().next().map(|(_, value)| value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(appendonly: &str, appendfsync: &str, policy: &str) -> Durability {
        let told = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Durability {
            appendonly: told(appendonly),
            appendfsync: told(appendfsync),
            maxmemory_policy: told(policy),
        }
    }

    #[test]
    fn only_what_loses_nothing_is_safe() {
        assert!(of("yes", "always", "noeviction").is_safe());
        for (found, warnings) in [
            (of("yes", "everysec", "noeviction"), 1),
            (of("no", "everysec", "noeviction"), 1),
            (of("yes", "always", "allkeys-lru"), 1),
            (of("no", "no", "volatile-ttl"), 2),
            (of("", "", ""), 3),
        ] {
            assert_eq!(found.warnings().len(), warnings, "{:?}", found.warnings());
        }
    }
}
