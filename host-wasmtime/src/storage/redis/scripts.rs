//! The scripts: one for every storage call.

use std::sync::LazyLock;

use authkernel::ports::StorageError;
use redis::{Script, from_redis_value};

use super::error::{is_unknown_script, storage_error};
use super::link::{Connection, Effect};

/// A script, as the server knows it.
pub(super) struct Stored {
    text: String,
    sha1: String,
    effect: Effect,
}

impl Stored {
    fn new(file: &str, effect: Effect) -> Self {
        let text = included(file);
        let sha1 = Script::new(&text).get_hash().to_owned();
        Self { text, sha1, effect }
    }
}

/// What a line `-- include NAME` stands for.
const INCLUDES: &[(&str, &str)] = &[
    (
        "-- include keys",
        include_str!("../../../scripts/redis/include/keys.lua"),
    ),
    (
        "-- include writes",
        include_str!("../../../scripts/redis/include/writes.lua"),
    ),
];

fn included(file: &str) -> String {
    let mut text = String::with_capacity(file.len() + 16_384);
    for line in file.lines() {
        let found = INCLUDES.iter().find(|(name, _)| *name == line);
        text.push_str(found.map_or(line, |(_, part)| part.trim_end_matches('\n')));
        text.push('\n');
    }
    text
}

macro_rules! scripts {
    ($($constant:ident $name:literal $effect:ident)*) => {
        $(pub(super) static $constant: LazyLock<Stored> = LazyLock::new(|| {
            let file = include_str!(concat!("../../../scripts/redis/", $name, ".lua"));
            Stored::new(file, Effect::$effect)
        });)*

        #[cfg(test)]
        const ALL: &[(&str, &LazyLock<Stored>)] = &[$(($name, &$constant)),*];
    };
}

scripts! {
    CONSUME "consume" Writes
    DELETE_EXPIRED "delete_expired" Writes
    DELIVERED "delivered" Writes
    FIND "find" Reads
    INSERT "insert" Writes
    LIST "list" Reads
    RAISE_CUT_OFF "raise_cut_off" Writes
    REVOKE "revoke" Writes
    REVOKE_MATCHING "revoke_matching" Writes
    TOUCH "touch" Writes
    UNDELIVERED "undelivered" Writes
}

/// Runs a script with a call; answers its JSON document.
pub(super) async fn run(
    connection: &Connection,
    prefix: &str,
    script: &Stored,
    document: &str,
) -> Result<String, StorageError> {
    let of = |command: &str, argument: &str| {
        let mut command = redis::cmd(command);
        command.arg(argument).arg(1).arg(prefix).arg(document);
        command
    };
    let mut answer = connection
        .ask(&of("EVALSHA", &script.sha1), script.effect)
        .await;
    if answer.as_ref().is_err_and(is_unknown_script) {
        // This also makes the server remember it.
        answer = connection
            .ask(&of("EVAL", &script.text), script.effect)
            .await;
    }
    let answer = answer.map_err(storage_error)?;
    from_redis_value(answer)
        .map_err(|_| StorageError::Other("redis: a script did not answer a text".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_that_includes_is_replaced() {
        for (name, script) in ALL {
            assert!(script.text.starts_with("#!lua"), "{name}");
            assert!(!script.text.contains("-- include"), "{name}");
            assert!(
                script.text.contains("local call = cjson.decode(ARGV[1])"),
                "{name}"
            );
            assert_eq!(script.sha1.len(), 40, "{name}");
        }
    }

    #[test]
    fn what_only_reads_says_so_to_the_server() {
        for (name, script) in ALL {
            let flagged = script.text.lines().next() == Some("#!lua flags=no-writes");
            assert_eq!(flagged, script.effect == Effect::Reads, "{name}");
        }
    }
}
