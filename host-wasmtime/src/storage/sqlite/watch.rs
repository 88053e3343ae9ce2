//! Whether anything was committed since, by this process or another, without a look into a table.

use std::sync::{Mutex, PoisonError, RwLock};

use rusqlite::Connection;

use super::wal_index::{Head, WalIndex};

/// A connection that only ever says whether the database is what it was.
///
/// Every commit of any connection changes the head of the log's index, in memory that all processes share, before it
/// is answered, so a question asked after the answer sees it: by the same comparison SQLite's readers know that their
/// page cache is stale. It costs no system call. Where that memory cannot be had, `PRAGMA data_version` makes SQLite
/// compare, in a reading transaction.
pub(super) struct Watch {
    state: RwLock<State>,
}

struct State {
    /// None once it was closed.
    source: Option<Source>,
    /// What it said last.
    seen: Head,
    /// Counts the changes that were seen.
    generation: u64,
}

enum Source {
    Index(WalIndex),
    Pragma(Mutex<Box<Connection>>),
}

impl Watch {
    /// Watches with a connection that nobody else uses.
    pub(super) fn new(sql: Connection) -> Self {
        let sql = Box::new(sql);
        // What it answers does not matter: having read, the connection has the log's index.
        let source = match data_version(&sql) {
            Ok(_) => WalIndex::of(sql).map_or_else(Source::pragma, Source::Index),
            Err(_) => Source::pragma(sql),
        };
        let state = State {
            source: Some(source),
            seen: Head::default(),
            generation: 0,
        };
        Self {
            state: RwLock::new(state),
        }
    }

    /// A number that stays the same for as long as nothing is committed: when two calls answer the same, nothing was
    /// committed from before the first returned until after the second began. `None` when SQLite does not say.
    pub(super) fn generation(&self) -> Option<u64> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.source.as_ref()?.now()? == state.seen {
            return Some(state.generation);
        }
        drop(state);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let now = state.source.as_ref()?.now()?;
        if now != state.seen {
            state.seen = now;
            state.generation += 1;
        }
        Some(state.generation)
    }

    /// Closes the connection.
    pub(super) fn close(&self) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        drop(state.source.take());
    }
}

impl Source {
    fn pragma(sql: Box<Connection>) -> Self {
        Self::Pragma(Mutex::new(sql))
    }

    fn now(&self) -> Option<Head> {
        match self {
            Self::Index(index) => index.head(),
            Self::Pragma(sql) => {
                let sql = sql.lock().unwrap_or_else(PoisonError::into_inner);
                let mut head = Head::default();
                head[0] = data_version(&sql).ok()?;
                Some(head)
            }
        }
    }
}

/// 32 bits, which SQLite shows with a sign.
fn data_version(sql: &Connection) -> rusqlite::Result<u32> {
    sql.prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get::<_, i32>(0).map(i32::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    fn open(file: &Path) -> Connection {
        let sql = Connection::open(file).unwrap();
        sql.pragma_update(None, "journal_mode", "wal").unwrap();
        sql
    }

    /// Both ways of asking, side by side.
    fn watches(file: &Path) -> [Watch; 2] {
        let pragma = Watch::new(open(file));
        let sql = match pragma.state.write().unwrap().source.take().unwrap() {
            Source::Index(_) => Box::new(open(file)),
            Source::Pragma(_) => panic!("the index of a log could not be mapped"),
        };
        pragma.state.write().unwrap().source = Some(Source::pragma(sql));
        [Watch::new(open(file)), pragma]
    }

    #[test]
    fn every_commit_of_another_connection_is_seen_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let writer = open(&file);
        writer
            .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1);")
            .unwrap();
        for watch in watches(&file) {
            let mut last = watch.generation().unwrap();
            assert_eq!(watch.generation(), Some(last));
            let same = |watch: &Watch, what: &str| {
                let now = watch.generation().unwrap();
                assert_eq!(now, watch.generation().unwrap(), "{what}");
                now
            };
            for x in 0..100 {
                writer.execute("UPDATE t SET x = ?1", [x]).unwrap();
                let now = same(&watch, "after a commit");
                assert!(now > last, "{x}");
                last = now;
            }
            // The same number of frames after the log began anew, and the same content every other time: another head
            // all the same.
            for x in 0..10 {
                writer
                    .query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))
                    .unwrap();
                last = same(&watch, "after a checkpoint");
                writer.execute("UPDATE t SET x = ?1", [x % 2]).unwrap();
                let now = same(&watch, "after a commit to a new log");
                assert!(now > last);
                last = now;
            }
            writer
                .execute_batch("BEGIN; UPDATE t SET x = 2; ROLLBACK;")
                .unwrap();
            writer
                .query_row("SELECT x FROM t", [], |row| row.get::<_, i64>(0))
                .unwrap();
            assert_eq!(watch.generation(), Some(last), "nothing was committed");
            watch.close();
            assert_eq!(watch.generation(), None);
        }
    }

    #[test]
    fn without_a_log_sqlite_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let writer = Connection::open(&file).unwrap();
        writer.execute_batch("CREATE TABLE t (x)").unwrap();
        let watch = Watch::new(Connection::open(&file).unwrap());
        let before = watch.generation().unwrap();
        assert_eq!(watch.generation(), Some(before));
        writer.execute("INSERT INTO t VALUES (1)", []).unwrap();
        assert!(watch.generation().unwrap() > before);
        assert!(!folder.path().join("test.db-shm").exists());
    }

    /// A commit that another thread was told of is seen, however the two are scheduled.
    #[test]
    fn what_was_answered_is_seen_in_every_thread() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let writer = open(&file);
        writer
            .execute_batch(
                "PRAGMA synchronous = OFF; CREATE TABLE t (x); INSERT INTO t VALUES (0);",
            )
            .unwrap();
        let watch = Watch::new(open(&file));
        let answered = AtomicI64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let reader = open(&file);
                    let read = || -> i64 {
                        let mut select = reader.prepare_cached("SELECT x FROM t").unwrap();
                        select.query_row([], |row| row.get(0)).unwrap()
                    };
                    let mut kept: Option<(u64, i64)> = None;
                    loop {
                        let floor = answered.load(Ordering::SeqCst);
                        if floor < 0 {
                            return;
                        }
                        let generation = watch.generation();
                        let answer = match (kept, generation) {
                            (Some((of, answer)), Some(now)) if of == now => answer,
                            _ => read(),
                        };
                        assert!(answer >= floor, "{answer} of {floor}");
                        kept = generation.map(|generation| (generation, answer));
                    }
                });
            }
            for x in 1..=5_000 {
                writer.execute("UPDATE t SET x = ?1", [x]).unwrap();
                answered.store(x, Ordering::SeqCst);
            }
            answered.store(-1, Ordering::SeqCst);
        });
    }
}
