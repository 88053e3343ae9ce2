//! What the host promises around the kernel: the pool of instances, limits, traps, callers that go away, writes that
//! run to their end, new policies and keys, shutdown.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use authkernel::ports::{Ports, Random, RandomError, Storage, StorageError};
use authkernel::record::{
    Consumed, Consumption, CutOff, Deleted, DeliveryClaim, ExpiryBatch, FindQuery, Found,
    Insertion, ListQuery, MatchingRevocation, MatchingRevoked, Record, RecordId, Revocation,
    Revoked, Session, SessionStatus, StoredSessions, Touch,
};
use authkernel::testing::{MemoryStorage, RecordingBroadcast, SeededRandom, TestClock};
use authkernel::types::{
    Authenticate, Identity, Issue, Issued, Revoke, RevokeScope, RevokeTarget, Sessions,
    SignOutEverywhere,
};
use authkernel::{Code, Error};
use authkernel_wasmtime::{Authenticator, BuildError, Builder, Engine, Limits};
use futures_util::poll;
use tokio::sync::Semaphore;

mod lifetime;
mod scripted;

use scripted::{Scripted, Slow};

const POLICY: &str = r#"{
    "issuer": "https://app.example",
    "audience": ["app"],
    "purposes": { "user": { "lifetime": "14d", "store": true, "presence": "required", "opens_sockets": true } },
    "live_socket_id_template": "users_sessions:{sid}",
    "endpoints": ["web"]
}"#;
const KEYS: &str = r#"{"keys": [
    {"kty": "oct", "kid": "k1", "alg": "HS256", "k": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldCE"}
]}"#;
const OTHER_KEYS: &str = r#"{"keys": [
    {"kty": "oct", "kid": "k2", "alg": "HS256", "k": "YW5vdGhlciBzZWNyZXQsIGFub3RoZXIgc2VjcmV0ISEhIQ"}
]}"#;
const NOW: u64 = 1_800_000_000;

type Host<R = SeededRandom> = Ports<Scripted, RecordingBroadcast, TestClock, R>;
type Auth = Authenticator<Host>;

// Instances and the queue.

#[tokio::test]
async fn calls_wait_in_order_and_the_queue_is_bounded() {
    let (auth, storage) = component(|limits| {
        limits.instances = 1;
        limits.queue = 2;
    })
    .await;
    let token = issue(&auth).await.token;
    let find = storage.stop_at("find");

    let mut calls: Vec<_> = (0..3)
        .map(|_| Box::pin(authenticate(&auth, &token)))
        .collect();
    for call in &mut calls {
        assert!(poll!(call.as_mut()).is_pending());
    }
    let statistics = auth.statistics();
    assert_eq!(
        (statistics.instances, statistics.in_use, statistics.waiting),
        (1, 1, 2)
    );

    let refused = authenticate(&auth, &token).await.unwrap_err();
    assert_eq!(refused.code(), Code::Overloaded);
    assert_eq!(auth.statistics().overloaded, 1);

    // Whoever came first is answered first, also when somebody else is polled.
    for index in 0..3 {
        for later in &mut calls[index + 1..] {
            assert!(poll!(later.as_mut()).is_pending());
        }
        find.release();
        calls[index].as_mut().await.unwrap();
    }
    let statistics = auth.statistics();
    assert_eq!(
        (statistics.instances, statistics.in_use, statistics.waiting),
        (1, 0, 0)
    );
    assert_eq!((statistics.created, statistics.traps), (1, 0));
}

#[tokio::test]
async fn a_newcomer_does_not_overtake_those_who_wait() {
    let (auth, storage) = component(|limits| limits.instances = 1).await;
    let token = issue(&auth).await.token;
    let find = storage.stop_at("find");
    let mut first = Box::pin(authenticate(&auth, &token));
    let mut second = Box::pin(authenticate(&auth, &token));
    assert!(poll!(first.as_mut()).is_pending());
    assert!(poll!(second.as_mut()).is_pending());

    find.release();
    first.await.unwrap();
    // The instance is free, but it is the second caller's.
    find.release();
    let mut third = Box::pin(authenticate(&auth, &token));
    assert!(poll!(third.as_mut()).is_pending());
    second.await.unwrap();
    find.release();
    third.await.unwrap();
}

#[tokio::test]
async fn instances_are_made_on_demand_and_used_again() {
    let (auth, storage) = component(|limits| limits.instances = 3).await;
    let token = issue(&auth).await.token;
    for _ in 0..10 {
        authenticate(&auth, &token).await.unwrap();
    }
    assert_eq!(auth.statistics().created, 1);

    let find = storage.stop_at("find");
    let mut calls: Vec<_> = (0..5)
        .map(|_| Box::pin(authenticate(&auth, &token)))
        .collect();
    for call in &mut calls {
        assert!(poll!(call.as_mut()).is_pending());
    }
    let statistics = auth.statistics();
    assert_eq!((statistics.instances, statistics.waiting), (3, 2));
    find.open();
    for call in calls {
        call.await.unwrap();
    }
    let statistics = auth.statistics();
    assert_eq!(
        (statistics.instances, statistics.in_use, statistics.created),
        (3, 0, 3)
    );
}

#[tokio::test]
async fn fresh_and_used_instances_answer_alike() {
    let (used, storage) = component(|limits| limits.instances = 1).await;
    let issued = issue(&used).await;
    let dead = issue(&used).await;
    used.revoke(revoke(&dead.token)).await.unwrap();
    let tokens = [&issued.token, &dead.token, "junk", "", &issued.token[1..]];

    for _ in 0..3 {
        for token in tokens {
            let fresh = host(storage.clone()).build().await.unwrap();
            assert_eq!(
                authenticate(&used, token).await,
                authenticate(&fresh, token).await
            );
        }
        assert_eq!(
            used.sessions(sessions()).await,
            host(storage.clone())
                .build()
                .await
                .unwrap()
                .sessions(sessions())
                .await,
        );
    }
    assert_eq!(used.statistics().created, 1);
}

// Callers that go away.

#[tokio::test]
async fn a_caller_dropped_in_the_middle_costs_its_instance_and_no_place() {
    let (auth, storage) = component(|limits| limits.instances = 1).await;
    let token = issue(&auth).await.token;
    let find = storage.stop_at("find");
    {
        let mut dropped = pin!(authenticate(&auth, &token));
        assert!(poll!(dropped.as_mut()).is_pending());
    }
    let statistics = auth.statistics();
    assert_eq!((statistics.instances, statistics.in_use), (0, 0));
    find.open();
    authenticate(&auth, &token).await.unwrap();
    let statistics = auth.statistics();
    assert_eq!((statistics.created, statistics.traps), (2, 0));
}

#[tokio::test]
async fn a_caller_dropped_in_the_queue_makes_room() {
    let (auth, storage) = component(|limits| {
        limits.instances = 1;
        limits.queue = 1;
    })
    .await;
    let token = issue(&auth).await.token;
    let find = storage.stop_at("find");
    let mut first = Box::pin(authenticate(&auth, &token));
    assert!(poll!(first.as_mut()).is_pending());
    for _ in 0..3 {
        let mut waiting = Box::pin(authenticate(&auth, &token));
        assert!(poll!(waiting.as_mut()).is_pending());
        assert_eq!(auth.statistics().waiting, 1);
    }
    assert_eq!(auth.statistics().waiting, 0);
    assert_eq!(auth.statistics().overloaded, 0);
    find.open();
    first.await.unwrap();
}

#[tokio::test]
async fn an_instance_handed_to_a_caller_that_goes_away_is_handed_on() {
    let (auth, storage) = component(|limits| limits.instances = 1).await;
    let token = issue(&auth).await.token;
    let find = storage.stop_at("find");
    let mut first = Box::pin(authenticate(&auth, &token));
    let mut second = Box::pin(authenticate(&auth, &token));
    let mut third = Box::pin(authenticate(&auth, &token));
    for call in [&mut first, &mut second, &mut third] {
        assert!(poll!(call.as_mut()).is_pending());
    }
    find.open();
    first.await.unwrap();
    // It has been given the instance, and does not know it yet.
    drop(second);
    third.await.unwrap();
    let statistics = auth.statistics();
    assert_eq!(
        (statistics.created, statistics.instances, statistics.in_use),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn a_write_runs_to_its_end_when_its_caller_goes_away() {
    for engine in [Engine::Component, Engine::Native] {
        let storage = Scripted::default();
        let auth = host(storage.clone()).engine(engine).build().await.unwrap();
        let insert = storage.stop_at("insert");
        {
            let mut dropped = pin!(auth.issue(user()));
            assert!(poll!(dropped.as_mut()).is_pending());
            insert.entered().await;
        }
        insert.release();
        auth.close().await;
        let stored = storage.memory.list(everything()).await.unwrap();
        assert_eq!(stored.sessions.len(), 1, "{engine:?}");
    }
}

// Traps and limits.

#[tokio::test]
async fn a_trap_costs_one_call() {
    let (auth, storage) = component(|limits| limits.memory = 4 << 20).await;
    let token = issue(&auth).await.token;
    storage.exaggerate(100_000);
    for traps in 1..=3 {
        let lost = auth.sessions(sessions()).await.unwrap_err();
        assert_eq!(lost.code(), Code::KernelUnavailable);
        assert_eq!(auth.statistics().traps, traps);
        authenticate(&auth, &token).await.unwrap();
    }
    storage.exaggerate(0);
    assert_eq!(auth.sessions(sessions()).await.unwrap().sessions.len(), 1);
}

#[tokio::test]
async fn a_trap_after_a_write_leaves_the_outcome_unknown() {
    let (auth, storage) = component(|limits| limits.memory = 4 << 20).await;
    let token = issue(&auth).await.token;
    storage.exaggerate(100_000);
    let everywhere = SignOutEverywhere::subject(None, "user?id=42");

    // Nothing was changed, and a read says so.
    let lost = auth.preview(everywhere.clone()).await.unwrap_err();
    assert_eq!(lost.code(), Code::KernelUnavailable);
    authenticate(&auth, &token).await.unwrap();

    let lost = auth
        .sign_out_everywhere(everywhere.clone())
        .await
        .unwrap_err();
    assert_eq!(lost.code(), Code::OutcomeUnknown);
    // It was done, and repeating it is safe.
    storage.exaggerate(0);
    assert_eq!(
        code(authenticate(&auth, &token).await),
        Some(Code::TokenRevoked)
    );
    auth.sign_out_everywhere(everywhere).await.unwrap();
}

#[tokio::test]
async fn the_kernel_may_not_compute_for_ever() {
    let many = |limits: &mut Limits| limits.memory = 2 << 30;
    let (patient, storage) = component(|limits| {
        many(limits);
        limits.guest_time = Duration::from_secs(600);
    })
    .await;
    // Far more than a tenth of a second of work, and far less than ten minutes.
    storage.exaggerate(500_000);
    assert_eq!(
        patient.sessions(sessions()).await.unwrap().sessions.len(),
        500_000
    );

    let (hasty, storage) = component(|limits| {
        many(limits);
        limits.guest_time = Duration::from_millis(1);
    })
    .await;
    storage.exaggerate(500_000);
    assert_eq!(
        code(hasty.sessions(sessions()).await),
        Some(Code::KernelUnavailable)
    );
    assert_eq!(hasty.statistics().traps, 1);
    storage.exaggerate(0);
    hasty.sessions(sessions()).await.unwrap();
}

#[tokio::test]
async fn slow_storage_is_not_held_against_the_kernel() {
    let (auth, storage) = component(|limits| limits.guest_time = Duration::from_millis(1)).await;
    let token = issue(&auth).await.token;
    for slow in [Slow::Waits, Slow::Blocks] {
        storage.slow_down(Some(slow));
        // Many times the guest's time, in every call.
        authenticate(&auth, &token).await.unwrap();
        issue(&auth).await;
    }
    storage.slow_down(None);
    assert_eq!(auth.statistics().traps, 0);
}

#[tokio::test]
async fn storage_that_never_answers_is_unavailable() {
    for engine in [Engine::Component, Engine::Native] {
        let storage = Scripted::default();
        let mut limits = Limits::default();
        limits.import_time = Duration::from_millis(20);
        let builder = host(storage.clone()).engine(engine).limits(limits);
        let auth = builder.build().await.unwrap();
        let token = issue(&auth).await.token;

        let _find = storage.stop_at("find");
        let answer = authenticate(&auth, &token).await;
        assert_eq!(code(answer), Some(Code::StorageUnavailable), "{engine:?}");
        // The instance is as good as before.
        assert_eq!(auth.statistics().traps, 0);

        // Whether a write was done that nobody waited for any longer is not known.
        let _insert = storage.stop_at("insert");
        let answer = auth.issue(user()).await;
        assert_eq!(code(answer), Some(Code::OutcomeUnknown), "{engine:?}");
    }
}

#[tokio::test]
async fn an_instance_that_has_grown_is_replaced() {
    let (auth, storage) = component(|limits| limits.memory_growth = 64 << 10).await;
    issue(&auth).await;
    assert_eq!(auth.statistics().created, 1);
    storage.exaggerate(10_000);
    assert_eq!(
        auth.sessions(sessions()).await.unwrap().sessions.len(),
        10_000
    );
    let statistics = auth.statistics();
    assert_eq!((statistics.instances, statistics.traps), (0, 0));
    storage.exaggerate(0);
    auth.sessions(sessions()).await.unwrap();
    assert_eq!(auth.statistics().created, 2);
}

#[tokio::test]
async fn an_adapter_that_panics_costs_one_call() {
    for engine in [Engine::Component, Engine::Native] {
        let storage = Scripted::default();
        let auth = host(storage.clone()).engine(engine).build().await.unwrap();
        let token = issue(&auth).await.token;

        storage.panic_at(Some("find"));
        let caller = tokio::spawn({
            let (auth, token) = (auth.clone(), token.clone());
            async move { authenticate(&auth, &token).await }
        });
        assert!(caller.await.unwrap_err().is_panic(), "{engine:?}");

        storage.panic_at(Some("insert"));
        let answer = auth.issue(user()).await;
        assert_eq!(code(answer), Some(Code::OutcomeUnknown), "{engine:?}");

        storage.panic_at(None);
        authenticate(&auth, &token).await.unwrap();
        assert_eq!(auth.statistics().in_use, 0);
    }
}

#[tokio::test]
async fn a_failing_source_of_randomness_is_an_error_not_a_trap() {
    struct Broken;
    impl Random for Broken {
        fn fill(&self, _: &mut [u8]) -> Result<(), RandomError> {
            Err(RandomError)
        }
    }
    for engine in [Engine::Component, Engine::Native] {
        let builder = host(Scripted::default()).random(Broken).engine(engine);
        let auth = builder.build().await.unwrap();
        let answer = auth.issue(user()).await;
        assert_eq!(code(answer), Some(Code::RandomUnavailable), "{engine:?}");
        assert_eq!(auth.statistics().traps, 0);
    }
}

/// A host with one instance of everything, and the storage that it uses.
async fn component(change: impl FnOnce(&mut Limits)) -> (Auth, Scripted) {
    let storage = Scripted::default();
    let mut limits = Limits::default();
    change(&mut limits);
    let builder = host(storage.clone())
        .engine(Engine::Component)
        .limits(limits);
    (builder.build().await.unwrap(), storage)
}

fn host(storage: Scripted) -> Builder<Host> {
    Authenticator::builder()
        .host(ports(storage))
        .policy(POLICY)
        .keys(KEYS)
}

fn ports(storage: Scripted) -> Host {
    Ports {
        storage,
        broadcast: RecordingBroadcast::new(),
        clock: TestClock::new(NOW),
        random: SeededRandom::new(7),
    }
}

fn user() -> Issue {
    Issue {
        subject: "user?id=42".into(),
        purpose: "user".into(),
        ..Issue::default()
    }
}

async fn issue<R: Random + Send + Sync + 'static>(auth: &Authenticator<Host<R>>) -> Issued {
    auth.issue(user()).await.unwrap()
}

async fn authenticate(auth: &Auth, token: &str) -> Result<Identity, Error> {
    let request = Authenticate {
        token: token.into(),
        purposes: vec!["user".into()],
        tenant: None,
    };
    auth.authenticate(request).await
}

fn revoke(token: &str) -> Revoke {
    Revoke {
        target: RevokeTarget::Token(token.into()),
        scope: RevokeScope::Session,
        tenant: None,
        reason: None,
    }
}

fn sessions() -> Sessions {
    Sessions {
        subject: "user?id=42".into(),
        ..Sessions::default()
    }
}

fn everything() -> ListQuery {
    ListQuery {
        tenant: None,
        subject: "user?id=42".into(),
        at: NOW,
        with_record: false,
        after: None,
        limit: 100,
    }
}

fn code<T>(answer: Result<T, Error>) -> Option<Code> {
    answer.err().map(|error| error.code())
}
