//! Connections that open while their session is revoked, in every order that the steps of both can take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use authkernel::Error;
use authkernel::ports::{Broadcast, BroadcastError, Message, Ports};
use authkernel::record::{Deleted, Timestamp};
use authkernel::testing::MemoryStorage;
use authkernel::types::{
    Admit, Authenticate, Identity, Issue, Redelivered, SocketState, SweepReport,
};
use authkernel_wasmtime::broadcast::in_process::InProcess;
use authkernel_wasmtime::sockets::{Decide, LiveSockets, Reason, Settings};
use authkernel_wasmtime::{Authenticator, Engine, SystemClock, SystemRandom};
use tokio::time::timeout;

use crate::service::{PATIENCE, admit, revoke};

const POLICY: &str = r#"{
    "issuer": "https://tests.example",
    "audience": ["tests"],
    "purposes": {
        "user": { "lifetime": "1h", "store": true, "presence": "required", "opens_sockets": true },
        "api": { "lifetime": "1h", "store": true, "presence": "required" }
    }
}"#;

const KEYS: &str = r#"{ "keys": [
    { "kty": "oct", "kid": "k1", "alg": "HS256", "k": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE" }
] }"#;

/// How often each step lets others go first.
#[derive(Clone, Default)]
struct Pauses(Arc<[AtomicU32; 6]>);

const BEFORE_AUTHENTICATE: usize = 0;
const AFTER_AUTHENTICATE: usize = 1;
const BEFORE_ADMIT: usize = 2;
const AFTER_ADMIT: usize = 3;
const BEFORE_REVOKE: usize = 4;
const BEFORE_PUBLISH: usize = 5;

impl Pauses {
    async fn at(&self, step: usize) {
        for _ in 0..self.0[step].load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    }

    /// The digits of a number to the base `most`.
    fn set(&self, mut number: u32, most: u32) {
        for pause in self.0.iter() {
            pause.store(number % most, Ordering::SeqCst);
            number /= most;
        }
    }
}

type Auth = Authenticator<Ports<MemoryStorage, Paused, SystemClock, SystemRandom>>;

/// Pauses between the commit and the broadcast.
struct Paused {
    bus: InProcess,
    pauses: Pauses,
}

impl Broadcast for Paused {
    async fn publish(&self, messages: Vec<Message>) -> Vec<Result<(), BroadcastError>> {
        self.pauses.at(BEFORE_PUBLISH).await;
        self.bus.publish(messages).await
    }
}

/// Pauses before and after every decision.
struct Hesitant {
    auth: Auth,
    pauses: Pauses,
}

type Answer<'a, T> = futures_util::future::BoxFuture<'a, Result<T, Error>>;

impl Decide for Hesitant {
    fn authenticate(&self, request: Authenticate) -> Answer<'_, Identity> {
        Box::pin(async move {
            self.pauses.at(BEFORE_AUTHENTICATE).await;
            let answer = self.auth.authenticate(request).await;
            self.pauses.at(AFTER_AUTHENTICATE).await;
            answer
        })
    }

    fn admit(&self, request: Admit) -> Answer<'_, Identity> {
        Box::pin(async move {
            self.pauses.at(BEFORE_ADMIT).await;
            let answer = self.auth.admit(request).await;
            self.pauses.at(AFTER_ADMIT).await;
            answer
        })
    }

    fn sweep(&self, _: Vec<SocketState>) -> Answer<'_, SweepReport> {
        unreachable!("a sweep would hide what this test is about")
    }

    fn redeliver(&self) -> Answer<'_, Redelivered> {
        unreachable!("it is switched off")
    }

    fn expunge(&self, _: u32) -> Answer<'_, Deleted> {
        unreachable!("it is switched off")
    }

    fn now(&self) -> Timestamp {
        Decide::now(&self.auth)
    }
}

struct Race {
    auth: Auth,
    sockets: LiveSockets,
    pauses: Pauses,
}

impl Race {
    async fn new() -> Self {
        let bus = InProcess::new();
        let listen = bus.subscribe();
        let pauses = Pauses::default();
        let auth = Authenticator::builder()
            .policy(POLICY)
            .keys(KEYS)
            .storage(MemoryStorage::new())
            .broadcast(Paused {
                bus,
                pauses: pauses.clone(),
            })
            .engine(Engine::Native)
            .build()
            .await
            .unwrap();
        let hesitant = Hesitant {
            auth: auth.clone(),
            pauses: pauses.clone(),
        };
        let mut settings = Settings::default();
        settings.sweep_every = PATIENCE * 1000;
        settings.upkeep = None;
        let sockets = LiveSockets::start(hesitant, listen, settings);
        Self {
            auth,
            sockets,
            pauses,
        }
    }

    /// Whether the connection was opened. After everything has settled, it is closed either way.
    async fn run(&self) -> bool {
        let issue = Issue {
            subject: "anna".into(),
            purpose: "user".into(),
            ..Issue::default()
        };
        let token = self.auth.issue(issue).await.unwrap().token;
        let opening = self.sockets.open(admit(&token), "web");
        let revoking = async {
            self.pauses.at(BEFORE_REVOKE).await;
            self.auth.revoke(revoke(&token)).await.unwrap()
        };
        let (opened, _) = tokio::join!(opening, revoking);
        let Ok(socket) = opened else {
            return false;
        };
        let closed = timeout(PATIENCE, socket.closed());
        let closing = closed
            .await
            .expect("a connection of a revoked session is open");
        assert_eq!(closing.reason, Reason::Revoked);
        assert!(!socket.may_act());
        true
    }
}

/// On one thread every order is taken, and the same ones each time.
#[tokio::test]
async fn no_order_of_steps_leaves_a_connection_of_a_revoked_session() {
    const MOST: u32 = 4;
    let race = Race::new().await;
    let mut opened = 0;
    let rounds = MOST.pow(6);
    for round in 0..rounds {
        race.pauses.set(round, MOST);
        opened += u32::from(race.run().await);
    }
    // Both outcomes came about: the rounds did interleave.
    assert!(opened > 0 && opened < rounds, "{opened} of {rounds}");
    assert_eq!(race.sockets.counts().registered, 0);
}

/// On several threads the order is up to chance.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_parallel_run_leaves_a_connection_of_a_revoked_session() {
    let race = Arc::new(Race::new().await);
    let mut runs = tokio::task::JoinSet::new();
    for round in 0..2_000 {
        race.pauses.set(round * 7, 8);
        let race = Arc::clone(&race);
        runs.spawn(async move { race.run().await });
        if round % 16 == 15 {
            while let Some(run) = runs.join_next().await {
                run.unwrap();
            }
        }
    }
    while let Some(run) = runs.join_next().await {
        run.unwrap();
    }
    assert_eq!(race.sockets.counts().registered, 0);
}
