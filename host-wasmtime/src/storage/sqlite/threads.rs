//! The threads behind a storage: one writer, some readers, and how calls reach them.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use authkernel::ports::StorageError;
use authkernel::record::Touch;
use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::answers::Answers;
use super::error::{Failure, unavailable};
use super::queue::{Queue, Rejected};
use super::reader;
use super::touches::Touches;
use super::watch::Watch;
use super::writer;

/// What a look-up does inside the snapshot, or when it is told why it cannot; the place for its answer is inside.
type Reads = Box<dyn FnOnce(Result<&Connection, StorageError>) + Send>;

/// A look-up.
pub(super) struct ReadJob {
    /// It reads a few rows by their keys, so that it may share a snapshot, and the time until its answer, with others.
    pub(super) short: bool,
    pub(super) run: Reads,
}

/// A write: runs inside its savepoint, or is told why it cannot.
pub(super) type WriteJob = Box<dyn FnOnce(Result<&Connection, StorageError>) -> Written + Send>;

/// Answers the caller of a write, given the fate of the commit.
pub(super) type Answer = Box<dyn FnOnce(Result<(), StorageError>) + Send>;

/// What a write did.
pub(super) struct Written {
    /// False: what it did is to be undone.
    pub(super) keep: bool,
    /// To be called after the commit.
    pub(super) answer: Answer,
}

/// An answer that a thread will send.
pub(super) type Pending<T> = Result<oneshot::Receiver<Result<T, StorageError>>, StorageError>;

/// Waits for an answer.
pub(super) async fn answer<T>(pending: Pending<T>) -> Result<T, StorageError> {
    pending?
        .await
        .unwrap_or_else(|_| Err(unavailable("the storage thread ended before it answered")))
}

/// The threads' queues. Dropping it lets them finish what is queued and end.
pub(super) struct Threads {
    reads: Arc<Queue<ReadJob>>,
    writes: Arc<Queue<WriteJob>>,
    touches: Arc<Touches>,
    /// Absent when reads are served by the writer: a database in memory has one connection.
    kept: Option<Arc<KeptAnswers>>,
    /// Every thread holds the sender's only clones; closed means that all have ended.
    running: watch::Receiver<()>,
}

/// Answers, and what says whether they still hold.
struct KeptAnswers {
    watch: Watch,
    answers: Answers,
}

/// The connections that read.
pub(super) struct Reading {
    /// One for each thread.
    pub(super) readers: Vec<Connection>,
    /// One that only watches.
    pub(super) watch: Connection,
}

impl Threads {
    /// Without connections that read, the writing one reads too.
    pub(super) fn start(
        writer: Connection,
        reading: Option<Reading>,
        queue_limit: usize,
    ) -> io::Result<Self> {
        let (alive, running) = watch::channel(());
        let alive = Arc::new(alive);
        let (readers, watch) = match reading {
            Some(Reading { readers, watch }) => (readers, Some(Watch::new(watch))),
            None => (Vec::new(), None),
        };
        let kept = |watch| {
            Arc::new(KeptAnswers {
                watch,
                answers: Answers::default(),
            })
        };
        let threads = Self {
            reads: Arc::new(Queue::new(queue_limit)),
            writes: Arc::new(Queue::new(queue_limit)),
            touches: Arc::default(),
            kept: watch.map(kept),
            running,
        };
        for (number, connection) in readers.into_iter().enumerate() {
            let (queue, alive) = (Arc::clone(&threads.reads), Arc::clone(&alive));
            spawn(format!("sqlite-read-{number}"), move || {
                reader::run(connection, &queue);
                drop(alive);
            })?;
        }
        let (queue, touches) = (Arc::clone(&threads.writes), Arc::clone(&threads.touches));
        spawn("sqlite-write".to_owned(), move || {
            writer::run(writer, &queue, &touches);
            drop(alive);
        })?;
        Ok(threads)
    }

    /// Queues a write.
    pub(super) fn send_write<T, F>(&self, job: F) -> Pending<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job: WriteJob = Box::new(move |sql| {
            let outcome = sql.and_then(|sql| guarded(sql, job));
            Written {
                keep: outcome.is_ok(),
                // Even a refusal may rest on what another write of the same commit did.
                answer: Box::new(move |committed| drop(sender.send(committed.and(outcome)))),
            }
        });
        self.writes.push(job).map_err(rejected)?;
        Ok(receiver)
    }

    /// Queues a look-up.
    pub(super) fn send_read<T, F>(&self, short: bool, job: F) -> Pending<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        if self.kept.is_none() {
            return self.send_write(job);
        }
        let (sender, receiver) = oneshot::channel();
        let run = move |sql: Result<&Connection, StorageError>| {
            if !sender.is_closed() {
                drop(sender.send(sql.and_then(|sql| guarded(sql, job))));
            }
        };
        let run = Box::new(run);
        self.reads.push(ReadJob { short, run }).map_err(rejected)?;
        Ok(receiver)
    }

    /// Answers a short look-up from memory while nothing was committed since its answer was read; otherwise a thread
    /// reads it, and it is kept if it is `small`.
    pub(super) async fn look_up<T, F>(
        &self,
        question: impl FnOnce() -> String,
        small: fn(&T) -> bool,
        job: F,
    ) -> Result<T, StorageError>
    where
        T: Clone + Send + Sync + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        // Asked anew for every look-up, before anything else: that is what makes a kept answer as good as a read one.
        let generation = self.kept.as_ref().and_then(|kept| kept.watch.generation());
        let (Some(kept), Some(generation)) = (&self.kept, generation) else {
            return answer(self.send_read(true, job)).await;
        };
        let question = question();
        if let Some(answer) = kept.answers.get(generation, &question) {
            return Ok(answer);
        }
        let kept = Arc::clone(kept);
        let job = move |sql: &Connection| {
            let answer = job(sql)?;
            if small(&answer) {
                kept.answers.keep(generation, question, answer.clone());
            }
            Ok(answer)
        };
        answer(self.send_read(true, job)).await
    }

    /// Notes a session as used, without waiting.
    pub(super) fn touch(&self, touch: Touch) -> Result<(), StorageError> {
        if self.touches.add(touch) {
            self.writes.nudge();
        }
        Ok(())
    }

    /// Refuses new calls and waits for the threads' end.
    pub(super) async fn close(&self) {
        self.end();
        let mut running = self.running.clone();
        // Only the end of all senders ends this loop: nothing is ever sent.
        while running.changed().await.is_ok() {}
    }

    fn end(&self) {
        // Before the writer, whose end writes the log back and removes it if it is the last connection.
        if let Some(kept) = &self.kept {
            kept.watch.close();
        }
        self.reads.close();
        self.writes.close();
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads")
            .field("readers", &self.kept.is_some())
            .finish_non_exhaustive()
    }
}

/// An application's job may panic; that must not take the thread, and everybody's storage, with it.
fn guarded<T, F>(sql: &Connection, job: F) -> Result<T, StorageError>
where
    F: FnOnce(&Connection) -> Result<T, Failure>,
{
    match catch_unwind(AssertUnwindSafe(|| job(sql))) {
        Ok(outcome) => outcome.map_err(StorageError::from),
        Err(_) => Err(StorageError::Other("a storage job panicked".to_owned())),
    }
}

fn rejected(reason: Rejected) -> StorageError {
    unavailable(match reason {
        Rejected::Full => "too many storage calls are waiting",
        Rejected::Closed => "the storage was closed",
    })
}

fn spawn(name: String, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name).spawn(body).map(drop)
}
