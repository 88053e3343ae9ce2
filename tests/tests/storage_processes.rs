//! What holds between processes on one SQLite file, and when a process dies.

#[path = "storage_processes/kept_answers.rs"]
mod kept_answers;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use authkernel::ports::Storage;
use authkernel::record::{MatchingRevocation, Status};
use authkernel::testing::contract::fixtures::{everything, is_live, open, record, stored};
use authkernel_wasmtime::storage::sqlite::SqliteStorage;
use tempfile::TempDir;

const ROUNDS: u32 = 1_000;
/// How many records are stored at once before a race.
const AT_ONCE: u32 = 50;

/// A process that works on the same file.
struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Worker {
    fn start(database: &Path, role: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_storage-worker"));
        command.arg(database).arg(role);
        Self::run(command)
    }

    fn run(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the worker starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut worker = Self {
            child,
            input,
            output,
        };
        assert_eq!(worker.hear(), "ready");
        worker
    }

    fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("it is open");
        writeln!(input, "{line}").expect("the worker listens");
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output
            .read_line(&mut line)
            .expect("the worker answers");
        assert!(line.ends_with('\n'), "the worker ended: {line:?}");
        line.trim_end().to_owned()
    }

    /// Lets it come to its own end.
    fn finish(mut self) {
        drop(self.input.take());
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Only what a failed test leaves behind; a finished one is gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn database() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("auth.db");
    (folder, path)
}

/// Runs `role` in one process against sign-outs in another.
async fn race(storage: &SqliteStorage, database: &Path, role: &str) {
    for chunk in (0..ROUNDS).step_by(AT_ONCE as usize) {
        let opened = (chunk..chunk + AT_ONCE).map(|round| {
            let (subject, sid) = (format!("subject {round}"), format!("session {round}"));
            async move { open(storage, record(&subject, &sid, &format!("first {round}"))).await }
        });
        futures_util::future::join_all(opened).await;
    }
    let mut first = Worker::start(database, role);
    let mut second = Worker::start(database, "sign-out");
    let mut in_time = 0_u32;
    for round in 0..ROUNDS {
        // Both at once, about the same subject; who is told first changes.
        let range = format!("{round} {}", round + 1);
        if round.is_multiple_of(2) {
            first.say(&range);
            second.say(&range);
        } else {
            second.say(&range);
            first.say(&range);
        }
        in_time += first.hear().parse::<u32>().expect("a number");
        second.hear();
    }
    let process = first.child.id();
    first.finish();
    second.finish();
    println!("{role}: {in_time} of {ROUNDS} came before the sign-out");
    for round in 0..ROUNDS {
        for jti in [format!("first {round}"), format!("new {round} {process}")] {
            assert!(
                !is_live(storage, &jti).await,
                "round {round}: {jti} is alive"
            );
        }
        let dry = MatchingRevocation {
            dry_run: true,
            ..everything(&format!("subject {round}"))
        };
        let left = storage.revoke_matching(dry).await.expect("storage answers");
        assert_eq!((left.records, left.sessions), (0, 0), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_survives_a_refresh_against_a_sign_out_of_another_process() {
    let (_folder, path) = database();
    let storage = SqliteStorage::open(&path).expect("a new database");
    race(&storage, &path, "refresh").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_survives_joining_against_a_sign_out_of_another_process() {
    let (_folder, path) = database();
    let storage = SqliteStorage::open(&path).expect("a new database");
    race(&storage, &path, "join").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_survives_a_sign_in_against_a_password_change_of_another_process() {
    let (_folder, path) = database();
    let storage = SqliteStorage::open(&path).expect("a new database");
    race(&storage, &path, "sign-in").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_consumed_once_however_many_processes_try() {
    let (_folder, path) = database();
    let storage = SqliteStorage::open(&path).expect("a new database");
    for round in 0..ROUNDS {
        let (subject, sid) = (format!("subject {round}"), format!("session {round}"));
        open(&storage, record(&subject, &sid, &format!("first {round}"))).await;
    }
    let mut workers: Vec<_> = (0..3).map(|_| Worker::start(&path, "refresh")).collect();
    for round in 0..ROUNDS {
        let range = format!("{round} {}", round + 1);
        workers.iter_mut().for_each(|worker| worker.say(&range));
        let won: Vec<_> = workers.iter_mut().map(Worker::hear).collect();
        assert_eq!(
            won.iter().filter(|won| *won == "1").count(),
            1,
            "round {round}: {won:?}"
        );
    }
    let processes: Vec<_> = workers.iter().map(|worker| worker.child.id()).collect();
    for round in 0..ROUNDS {
        let used = stored(&storage, None, &format!("first {round}"))
            .await
            .expect("the record is there");
        assert!(matches!(used.status, Status::Consumed { .. }));
        let mut there = Vec::new();
        for process in &processes {
            let jti = format!("new {round} {process}");
            if stored(&storage, None, &jti).await.is_some() {
                there.push(jti);
            }
        }
        assert_eq!(there, used.successors, "round {round}");
    }
    workers.into_iter().for_each(Worker::finish);
}

/// Another process sees a revocation as soon as the revoking call has returned in this one.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_seen_at_once_by_another_process() {
    let (_folder, path) = database();
    let here = SqliteStorage::open(&path).expect("a new database");
    let mut there = Worker::start(&path, "sign-out");
    for round in 0..100 {
        let jti = format!("first {round}");
        open(
            &here,
            record(
                &format!("subject {round}"),
                &format!("session {round}"),
                &jti,
            ),
        )
        .await;
        assert!(is_live(&here, &jti).await);
        there.say(&format!("{round} {}", round + 1));
        assert_eq!(there.hear(), "1", "it saw what was inserted here");
        assert!(!is_live(&here, &jti).await, "round {round}");
    }
    there.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_revocation_survives_sigkill() {
    let (_folder, path) = database();
    for round in 0..5 {
        let round_path = path.with_extension(round.to_string());
        let mut worker = Worker::start(&round_path, "revoke");
        let mut acknowledged: Vec<String> = (0..200 + round * 37).map(|_| worker.hear()).collect();
        worker.child.kill().expect("it runs");
        let mut rest = String::new();
        worker
            .output
            .read_to_string(&mut rest)
            .expect("what it said before");
        acknowledged.extend(rest.lines().map(str::to_owned));
        let storage = SqliteStorage::open(&round_path).expect("it is recovered");
        for jti in &acknowledged {
            let record = stored(&storage, None, jti)
                .await
                .expect("it was acknowledged");
            assert!(matches!(record.status, Status::Revoked { .. }), "{jti}");
        }
        let check = storage
            .read(|sql| sql.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)))
            .await;
        assert_eq!(check, Ok("ok".to_owned()));
        storage.close().await;
    }
}

/// Killing a process proves nothing about the disk: here the operating system's calls are watched.
#[test]
fn a_write_is_on_disk_before_it_is_acknowledged() {
    let (folder, path) = database();
    let trace = folder.path().join("trace");
    let strace_works = Command::new("strace")
        .args(["-f", "-o"])
        .arg(&trace)
        .arg("true")
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !strace_works {
        eprintln!(
            "SKIPPED a_write_is_on_disk_before_it_is_acknowledged: strace cannot trace here; install it"
        );
        return;
    }
    let mut command = Command::new("strace");
    command
        .args([
            "-f",
            "-y",
            "-s",
            "64",
            "-e",
            "trace=write,pwrite64,pwritev,fsync,fdatasync",
            "-o",
        ])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_storage-worker"))
        .arg(&path)
        .arg("insert-once");
    let mut worker = Worker::run(command);
    worker.say("go");
    assert_eq!(worker.hear(), "begin");
    assert_eq!(worker.hear(), "acknowledged");
    worker.say("end");
    worker.finish();
    let trace = std::fs::read_to_string(trace).expect("strace wrote it");
    let (written, synced) = between_begin_and_acknowledgement(&trace);
    assert!(written, "nothing was written to the log:\n{trace}");
    assert!(
        synced,
        "the log was not synchronised after it was written:\n{trace}"
    );
}

/// Whether the write-ahead log was written, and whether a sync of it, begun after the last write, had ended.
fn between_begin_and_acknowledgement(trace: &str) -> (bool, bool) {
    let (mut written, mut synced) = (false, false);
    // Threads whose sync of the log has begun but not ended.
    let mut syncing: Vec<&str> = Vec::new();
    let lines = trace
        .lines()
        .skip_while(|line| !line.contains(r#""begin\n""#))
        .take_while(|line| !line.contains(r#""acknowledged\n""#));
    for line in lines {
        let thread = line.split_whitespace().next().unwrap_or_default();
        let is_sync = line.contains("fsync") || line.contains("fdatasync");
        if line.contains("pwrite") && line.contains("-wal>") {
            (written, synced) = (true, false);
            syncing.clear();
        } else if is_sync && line.contains("-wal>") && line.contains("unfinished") {
            syncing.push(thread);
        } else if is_sync && line.trim_end().ends_with("= 0") {
            synced |=
                line.contains("-wal>") || (line.contains("resumed") && syncing.contains(&thread));
        }
    }
    (written, synced)
}

#[test]
fn the_reading_of_the_trace_can_say_no() {
    let wal = |call: &str| format!("7 {call}(5</x/auth.db-wal>, \"..\", 24, 0) = 24\n");
    let sync = "7 fdatasync(5</x/auth.db-wal>) = 0\n";
    let begin = "8 write(1<pipe:[1]>, \"begin\\n\", 6) = 6\n";
    let end = "8 write(1<pipe:[1]>, \"acknowledged\\n\", 13) = 13\n";
    let read = |parts: &[&str]| between_begin_and_acknowledgement(&parts.concat());
    let write = wal("pwrite64");
    assert_eq!(read(&[begin, &write, sync, end]), (true, true));
    assert_eq!(read(&[begin, &write, end, sync]), (true, false));
    assert_eq!(read(&[begin, sync, &write, end]), (true, false));
    assert_eq!(read(&[begin, &write, sync, &write, end]), (true, false));
    assert_eq!(read(&[&write, sync, begin, end]), (false, false));
    let begun = "7 fdatasync(5</x/auth.db-wal> <unfinished ...>\n";
    let ended = "7 <... fdatasync resumed>) = 0\n";
    assert_eq!(read(&[begin, &write, begun, ended, end]), (true, true));
    assert_eq!(read(&[begin, &write, begun, end, ended]), (true, false));
}
