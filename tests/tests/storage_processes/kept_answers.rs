//! Answers that a process keeps in memory, against revocations of other processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use authkernel::testing::contract::fixtures::{is_live, open, record};
use authkernel_wasmtime::storage::sqlite::SqliteStorage;

use super::{AT_ONCE, Worker, database};

/// Each is one revocation that another process acknowledged.
const ROUNDS: u32 = 3_000;
/// Tasks that ask all the time, so that the answer is in memory when the revocation comes.
const ASKING: usize = 4;
/// Processes that revoke, in turns.
const PROCESSES: usize = 3;

/// How far it is.
#[derive(Default)]
struct Progress {
    /// The round whose token is asked for.
    round: AtomicU32,
    /// So many rounds were revoked and acknowledged.
    acknowledged: AtomicU32,
    /// Answers of each kind.
    live: AtomicU64,
    dead: AtomicU64,
}

/// No look-up that starts after the acknowledgement sees what was before, however hot the answer was.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn no_kept_answer_outlives_a_revocation_of_another_process() {
    let (_folder, path) = database();
    let here = SqliteStorage::open(&path).expect("a new database");
    for chunk in (0..ROUNDS).step_by(AT_ONCE as usize) {
        let opened = (chunk..chunk + AT_ONCE).map(|round| {
            let (subject, sid) = (format!("subject {round}"), format!("session {round}"));
            let here = &here;
            async move { open(here, record(&subject, &sid, &format!("first {round}"))).await }
        });
        futures_util::future::join_all(opened).await;
    }
    let mut there: Vec<_> = (0..PROCESSES)
        .map(|_| Worker::start(&path, "sign-out"))
        .collect();
    let progress = Arc::new(Progress::default());
    let asking: Vec<_> = (0..ASKING)
        .map(|_| tokio::spawn(ask(here.clone(), Arc::clone(&progress))))
        .collect();
    for round in 0..ROUNDS {
        progress.round.store(round, Ordering::SeqCst);
        let jti = format!("first {round}");
        // Read, and then kept.
        assert!(is_live(&here, &jti).await && is_live(&here, &jti).await);
        let revoking = &mut there[round as usize % PROCESSES];
        revoking.say(&format!("{round} {}", round + 1));
        // Off the runtime: its threads are for those who ask.
        let heard = tokio::task::block_in_place(|| revoking.hear());
        assert_eq!(heard, "1", "round {round}");
        progress.acknowledged.store(round + 1, Ordering::SeqCst);
        assert!(!is_live(&here, &jti).await, "round {round}");
    }
    progress.round.store(ROUNDS, Ordering::SeqCst);
    for task in asking {
        task.await.expect("no answer was too old");
    }
    let (live, dead) = (&progress.live, &progress.dead);
    let (live, dead) = (live.load(Ordering::Relaxed), dead.load(Ordering::Relaxed));
    println!("{ROUNDS} revocations, {live} answers before and {dead} after them");
    assert!(live > u64::from(ROUNDS), "nobody asked in time: {live}");
    there.into_iter().for_each(Worker::finish);
}

async fn ask(here: SqliteStorage, progress: Arc<Progress>) {
    loop {
        // In this order: what is revoked now was acknowledged before the look-up starts.
        let round = progress.round.load(Ordering::SeqCst);
        if round >= ROUNDS {
            return;
        }
        let revoked = progress.acknowledged.load(Ordering::SeqCst) > round;
        let live = is_live(&here, &format!("first {round}")).await;
        assert!(!(live && revoked), "round {round} is alive");
        let counted = if live { &progress.live } else { &progress.dead };
        counted.fetch_add(1, Ordering::Relaxed);
        // Answers from memory never wait, so that nobody else would run.
        tokio::task::yield_now().await;
    }
}

/// The log starts again from its beginning when it was written back: a kept answer must not be taken for a new one.
#[tokio::test(flavor = "multi_thread")]
async fn no_kept_answer_outlives_a_revocation_after_a_checkpoint() {
    let (_folder, path) = database();
    let here = SqliteStorage::open(&path).expect("a new database");
    let mut there = Worker::start(&path, "sign-out");
    for round in 0..200 {
        let (subject, sid) = (format!("subject {round}"), format!("session {round}"));
        let jti = format!("first {round}");
        open(&here, record(&subject, &sid, &jti)).await;
        assert!(is_live(&here, &jti).await && is_live(&here, &jti).await);
        checkpoint(&path);
        assert!(is_live(&here, &jti).await, "round {round}");
        there.say(&format!("{round} {}", round + 1));
        assert_eq!(there.hear(), "1");
        if round % 2 == 0 {
            checkpoint(&path);
        }
        assert!(!is_live(&here, &jti).await, "round {round}");
    }
    there.finish();
}

/// Writes the log back and empties it.
fn checkpoint(path: &std::path::Path) {
    let sql = rusqlite::Connection::open(path).expect("the database");
    sql.busy_timeout(Duration::from_secs(5)).expect("a timeout");
    let busy: i64 = sql
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .expect("a checkpoint");
    assert_eq!(busy, 0, "the log was not emptied");
}
