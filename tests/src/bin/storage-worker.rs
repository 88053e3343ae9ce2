//! Another process on the same SQLite file, for tests of what holds between processes.
//!
//! It is told what to do by its arguments and when to do it by lines on standard input; it answers with lines on
//! standard output, each written only after storage has answered.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use authkernel::ports::{Guard, Storage, StorageError};
use authkernel::record::{Consumed, Insertion, Record};
use authkernel::testing::contract::fixtures::{
    consumption, everything, joining, opening, record, token,
};
use authkernel_wasmtime::storage::sqlite::SqliteStorage;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, role] = arguments.as_slice() else {
        bail!("give the database and the role");
    };
    // One thread: the order of what strace sees is the order of what happened.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(Path::new(path), role))
}

async fn run(path: &Path, role: &str) -> Result<()> {
    let storage = Arc::new(SqliteStorage::open(path)?);
    say("ready")?;
    let outcome = match role {
        "revoke" => revoke_for_ever(&storage).await,
        "insert-once" => insert_once(&storage).await,
        race => run_race(&storage, race).await,
    };
    storage.close().await;
    outcome
}

/// Runs its side of a race for every range of rounds that it is given, `from to`, until there is none.
async fn run_race(storage: &Arc<SqliteStorage>, race: &str) -> Result<()> {
    let side: Side = match race {
        "refresh" => Side::Refresh,
        "join" => Side::Join,
        "sign-in" => Side::SignIn,
        "sign-out" => Side::SignOut,
        other => bail!("no role {other}"),
    };
    while let Some(line) = hear()? {
        let (from, to) = line.split_once(' ').context("expected a range")?;
        let rounds = from.parse::<u32>()?..to.parse::<u32>()?;
        let tasks: Vec<_> = rounds
            .map(|round| {
                let storage = Arc::clone(storage);
                tokio::spawn(async move { side.act(&storage, round).await })
            })
            .collect();
        let mut effective = 0;
        for task in tasks {
            effective += u32::from(task.await??);
        }
        say(&effective.to_string())?;
    }
    Ok(())
}

/// What this process does in a race.
#[derive(Clone, Copy)]
enum Side {
    Refresh,
    Join,
    SignIn,
    SignOut,
}

impl Side {
    /// Answers whether it came in time to change anything.
    async fn act(self, storage: &SqliteStorage, round: u32) -> Result<bool> {
        let subject = format!("subject {round}");
        let sid = format!("session {round}");
        let process = std::process::id();
        let new = record(&subject, &sid, &format!("new {round} {process}"));
        match self {
            Self::Refresh => {
                let used = record(&subject, &sid, &format!("first {round}"));
                let answer = storage.consume(consumption(&used, vec![new])).await;
                match answer.map_err(failed)? {
                    Consumed::Won { .. } => Ok(true),
                    Consumed::Lost { .. } => Ok(false),
                }
            }
            Self::Join => in_time(storage.insert(joining(new)).await, Guard::Session),
            Self::SignIn => {
                let other = Record {
                    sid: format!("other {round}"),
                    ..new
                };
                let insertion = Insertion {
                    guard: Some(0),
                    ..opening(other)
                };
                in_time(storage.insert(insertion).await, Guard::Epoch)
            }
            Self::SignOut => {
                let done = storage.revoke_matching(everything(&subject)).await;
                Ok(done.map_err(failed)?.records > 0)
            }
        }
    }
}

fn in_time(answer: Result<u64, StorageError>, guard: Guard) -> Result<bool> {
    match answer {
        Ok(_) => Ok(true),
        Err(StorageError::GuardFailed(failed)) if failed == guard => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// Revokes one token after the other, many at a time, and names each once it is revoked; ends only when killed.
async fn revoke_for_ever(storage: &Arc<SqliteStorage>) -> Result<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0_u32.. {
        while tasks.len() >= 16 {
            tasks.join_next().await.context("there are tasks")???;
        }
        let storage = Arc::clone(storage);
        tasks.spawn(async move {
            let jti = format!("t{number}");
            storage
                .insert(opening(record("anna", &jti, &jti)))
                .await
                .map_err(failed)?;
            storage.revoke(token(&jti)).await.map_err(failed)?;
            say(&jti)
        });
    }
    Ok(())
}

/// Stores one record when it is told to.
async fn insert_once(storage: &SqliteStorage) -> Result<()> {
    hear()?;
    say("begin")?;
    storage
        .insert(opening(record("anna", "s1", "t1")))
        .await
        .map_err(failed)?;
    say("acknowledged")?;
    hear()?;
    Ok(())
}

fn failed(error: StorageError) -> anyhow::Error {
    anyhow::anyhow!("storage failed: {error:?}")
}

fn say(line: &str) -> Result<()> {
    // One write, so that a line is there wholly or not at all when the process is killed.
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes())?;
    out.flush()?;
    Ok(())
}

fn hear() -> Result<Option<String>> {
    let mut line = String::new();
    let length = std::io::stdin().lock().read_line(&mut line)?;
    Ok((length > 0).then(|| line.trim_end().to_owned()))
}
