//! Storage in memory that does what a test tells it to.

use super::*;

/// Storage in memory that stops, panics, is slow or exaggerates when it is told to.
#[derive(Clone, Default)]
pub(crate) struct Scripted {
    pub(crate) memory: MemoryStorage,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
pub(crate) struct Script {
    stops: HashMap<&'static str, Stop>,
    panics: Option<&'static str>,
    slow: Option<Slow>,
    /// How many sessions or records to answer instead of what there is.
    exaggeration: usize,
}

#[derive(Clone, Copy)]
pub(crate) enum Slow {
    /// As an adapter does that waits for a database.
    Waits,
    /// As an adapter should not do.
    Blocks,
}

/// A call that stops before it reaches storage.
#[derive(Clone)]
pub(crate) struct Stop {
    entered: Arc<Semaphore>,
    leave: Arc<Semaphore>,
}

impl Stop {
    /// Waits until a call has stopped here.
    pub(crate) async fn entered(&self) {
        self.entered.acquire().await.unwrap().forget();
    }

    /// Lets one call go on.
    pub(crate) fn release(&self) {
        self.leave.add_permits(1);
    }

    /// Lets all calls pass from now on.
    pub(crate) fn open(&self) {
        self.leave.add_permits(1_000_000);
    }
}

impl Scripted {
    pub(crate) fn stop_at(&self, call: &'static str) -> Stop {
        let stop = Stop {
            entered: Arc::new(Semaphore::new(0)),
            leave: Arc::new(Semaphore::new(0)),
        };
        self.script().stops.insert(call, stop.clone());
        stop
    }

    pub(crate) fn panic_at(&self, call: Option<&'static str>) {
        self.script().panics = call;
    }

    pub(crate) fn slow_down(&self, slow: Option<Slow>) {
        self.script().slow = slow;
    }

    pub(crate) fn exaggerate(&self, answers: usize) {
        self.script().exaggeration = answers;
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn reach(&self, call: &'static str) {
        let (stop, panics, slow) = {
            let script = self.script();
            (
                script.stops.get(call).cloned(),
                script.panics == Some(call),
                script.slow,
            )
        };
        assert!(!panics, "told to panic");
        let long = Duration::from_millis(400);
        match slow {
            Some(Slow::Waits) => tokio::time::sleep(long).await,
            Some(Slow::Blocks) => std::thread::sleep(long),
            None => {}
        }
        if let Some(stop) = stop {
            stop.entered.add_permits(1);
            stop.leave.acquire().await.unwrap().forget();
        }
    }
}

macro_rules! scripted {
    ($($method:ident($argument:ty) -> $answer:ty;)*) => {
        $(fn $method(
            &self,
            argument: $argument,
        ) -> impl Future<Output = Result<$answer, StorageError>> + Send {
            async move {
                self.reach(stringify!($method)).await;
                self.memory.$method(argument).await
            }
        })*
    };
}

impl Storage for Scripted {
    scripted! {
        find(FindQuery) -> Found;
        find_many(Vec<FindQuery>) -> Vec<Found>;
        insert(Insertion) -> u64;
        revoke(Revocation) -> Revoked;
        consume(Consumption) -> Consumed;
        touch(Touch) -> ();
        undelivered(DeliveryClaim) -> Vec<Record>;
        delivered(Vec<RecordId>) -> ();
        delete_expired(ExpiryBatch) -> Deleted;
        raise_cut_off(CutOff) -> ();
    }

    async fn list(&self, query: ListQuery) -> Result<StoredSessions, StorageError> {
        self.reach("list").await;
        let mut answer = self.memory.list(query).await?;
        let session = Session {
            tenant: None,
            sid: "s".repeat(26),
            subject: "user?id=42".into(),
            device: Some("a device of some kind".into()),
            created_at: NOW,
            last_seen: NOW,
            ends_at: NOW + 1000,
            status: SessionStatus::Live,
        };
        let exaggeration = self.script().exaggeration;
        if exaggeration > 0 {
            answer.sessions = vec![session; exaggeration];
        }
        Ok(answer)
    }

    async fn revoke_matching(
        &self,
        revocation: MatchingRevocation,
    ) -> Result<MatchingRevoked, StorageError> {
        self.reach("revoke_matching").await;
        let mut answer = self.memory.revoke_matching(revocation).await?;
        let exaggeration = self.script().exaggeration;
        if exaggeration > 0 {
            let record = authkernel::record::Record {
                tenant: None,
                jti: "j".repeat(26),
                sid: "s".repeat(26),
                subject: "user?id=42".into(),
                purpose: "user".into(),
                act: None,
                kid: "k1".into(),
                issued_at: NOW,
                expires_at: NOW + 1000,
                epoch: 0,
                extra_data: None,
                created_at: NOW,
                status: authkernel::record::Status::Live,
                successors: Vec::new(),
                notify: authkernel::record::Notify::Nothing,
            };
            answer.pending = vec![record; exaggeration];
        }
        Ok(answer)
    }
}
