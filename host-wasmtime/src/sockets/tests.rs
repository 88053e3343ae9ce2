//! The registry, with a kernel that does as it is told and a clock that stands still.

use std::time::Duration;

use authkernel::Code;
use authkernel::ports::{Disconnect, Message, Recheck};
use authkernel::types::Verdict;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep, timeout};

use super::fixtures::{Script, admit, identity, told};
use super::{Change, LiveSocket, LiveSockets, Reason, Settings};
use crate::broadcast::{Batch, Event};

struct Fixture {
    script: Script,
    broker: UnboundedSender<Event>,
    sockets: LiveSockets,
}

impl Fixture {
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let script = Script::default();
        for sid in ["s1", "s2", "s3"] {
            script.token(&format!("t-{sid}"), identity("u", sid));
        }
        let (broker, listen) = told();
        let mut settings = Settings {
            // Off unless a test is about it: far beyond any deadline used here.
            sweep_every: Duration::from_secs(1_000_000),
            upkeep: None,
            ..Settings::default()
        };
        change(&mut settings);
        let sockets = LiveSockets::start(script.clone(), listen, settings);
        Self {
            script,
            broker,
            sockets,
        }
    }

    async fn open(&self, sid: &str) -> LiveSocket {
        let token = format!("t-{sid}");
        self.sockets.open(admit(&token), "web").await.unwrap()
    }

    fn tell(&self, messages: Vec<Message>) {
        self.broker.send(Event::Messages(Batch::now(messages))).unwrap();
    }

    fn recheck(&self, sid: &str) {
        self.tell(vec![Message::Recheck(Recheck {
            sid: Some(sid.into()),
            ..Recheck::default()
        })]);
    }
}

fn disconnect(endpoint: &str, sid: &str) -> Message {
    Message::Disconnect(Disconnect {
        endpoint: endpoint.into(),
        topic: format!("users_sessions:{sid}"),
    })
}

/// Long enough for everything that is due now: the clock stands still while anything can run.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_closes_the_connections_of_its_topic_and_endpoint_only() {
    let fixture = Fixture::new();
    let mut events = fixture.sockets.events();
    let (one, two) = (fixture.open("s1").await, fixture.open("s1").await);
    let other = fixture.open("s2").await;
    assert_eq!(events.recv().await.unwrap().change, Change::Opened);
    fixture.tell(vec![disconnect("mobile", "s2"), disconnect("web", "s1")]);
    for socket in [&one, &two] {
        let closing = socket.closed().await;
        assert_eq!(closing.reason, Reason::Revoked);
        assert_eq!(closing.cut_at() - closing.asked_at, Duration::from_secs(1));
        assert!(closing.told_at.is_some());
        assert!(!socket.may_act());
    }
    settle().await;
    assert!(other.closing().is_none() && other.may_act());
    drop((one, two));
    let changes: Vec<_> = std::iter::from_fn(|| events.try_recv().ok()).collect();
    let closed = |event: &&super::SocketEvent| event.change == Change::Closed(Some(Reason::Revoked));
    assert_eq!(changes.iter().filter(closed).count(), 2);
    assert!(changes.iter().find(closed).unwrap().latency.is_some());
    let counts = fixture.sockets.counts();
    assert_eq!((counts.registered, counts.opened, counts.closed, counts.revoked), (1, 3, 2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_that_comes_during_the_admission_refuses() {
    let fixture = Fixture::new();
    let broker = fixture.broker.clone();
    fixture.script.on_admit(move || {
        let batch = Batch::now(vec![disconnect("web", "s1")]);
        broker.send(Event::Messages(batch)).unwrap();
    });
    let refused = fixture.sockets.open(admit("t-s1"), "web").await.unwrap_err();
    assert_eq!(refused.code(), Code::TokenRevoked);
    let counts = fixture.sockets.counts();
    assert_eq!((counts.registered, counts.opened, counts.refused), (0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_not_registered() {
    let fixture = Fixture::with(|settings| settings.max_sockets = 1);
    let mut no_sockets = identity("u", "s9");
    no_sockets.socket_id = None;
    fixture.script.token("t-none", no_sockets);
    for (token, code) in [("t-none", Code::PurposeNotAllowed), ("?", Code::TokenNotFound)] {
        let refused = fixture.sockets.open(admit(token), "web").await.unwrap_err();
        assert_eq!(refused.code(), code);
    }
    let script = fixture.script.clone();
    let dies = fixture.script.clone();
    script.on_admit(move || dies.kill("s1"));
    // It dies after this admission was answered: only the next one is refused.
    let socket = fixture.open("s1").await;
    let refused = fixture.sockets.open(admit("t-s1"), "web").await.unwrap_err();
    assert_eq!(refused.code(), Code::SessionEnded);
    let refused = fixture.sockets.open(admit("t-s2"), "web").await.unwrap_err();
    assert_eq!(refused.code(), Code::Overloaded);
    assert_eq!(fixture.sockets.counts().registered, 1);
    drop(socket);
    fixture.open("s2").await;
    assert_eq!(fixture.sockets.counts().registered, 0);
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_opening_leaves_nothing_behind() {
    let fixture = Fixture::new();
    let script = fixture.script.clone();
    let (reached, mut admission) = tokio::sync::mpsc::unbounded_channel();
    script.on_admit(move || reached.send(()).unwrap());
    let sockets = fixture.sockets.clone();
    tokio::select! {
        biased;
        _ = sockets.open(admit("t-s1"), "web") => panic!("the admission was to be abandoned"),
        _ = admission.recv() => {}
    }
    assert_eq!(fixture.sockets.counts().registered, 0);
}

#[tokio::test(start_paused = true)]
async fn connections_close_at_their_deadline_and_not_before() {
    let fixture = Fixture::new();
    let mut soon = identity("u", "s1");
    soon.deadline -= 3500;
    fixture.script.token("t-s1", soon);
    let start = Instant::now();
    let late = fixture.open("s2").await;
    let soon = fixture.open("s1").await;
    assert_eq!(soon.closed().await.reason, Reason::Expired);
    assert_eq!(start.elapsed().as_secs(), 100);
    assert!(late.may_act());
    assert_eq!(late.closed().await.reason, Reason::Expired);
    assert_eq!(start.elapsed().as_secs(), 3600);
}

#[tokio::test(start_paused = true)]
async fn a_later_token_of_the_session_moves_the_deadline() {
    let fixture = Fixture::new();
    let mut later = identity("u", "s1");
    later.jti = "later".into();
    later.deadline += 3600;
    fixture.script.token("later", later);
    let start = Instant::now();
    let socket = fixture.open("s1").await;
    let refused = socket.prolong(admit("t-s2")).await.unwrap_err();
    assert_eq!(refused.code(), Code::SocketMismatch);
    assert_eq!(socket.identity().jti, "jti-s1");
    let prolonged = socket.prolong(admit("later")).await.unwrap();
    assert_eq!((&*prolonged.jti, &*socket.identity().jti), ("later", "later"));
    assert_eq!(socket.closed().await.reason, Reason::Expired);
    assert_eq!(start.elapsed().as_secs(), 7200);
    let refused = socket.prolong(admit("later")).await.unwrap_err();
    assert_eq!(refused.code(), Code::TokenExpired);
}

#[tokio::test(start_paused = true)]
async fn a_token_with_another_topic_takes_the_connection_with_it() {
    let fixture = Fixture::new();
    let mut later = identity("u", "s1");
    later.socket_id = Some("users_sessions:other".into());
    fixture.script.token("later", later);
    let socket = fixture.open("s1").await;
    // Refused after it was subscribed to: nothing is left of it.
    let dies = fixture.script.clone();
    fixture.script.on_admit(move || dies.kill("s1"));
    assert!(socket.prolong(admit("later")).await.is_err());
    fixture.tell(vec![disconnect("web", "other")]);
    settle().await;
    assert!(socket.closing().is_none());

    let fixture = Fixture::new();
    let mut later = identity("u", "s1");
    later.socket_id = Some("users_sessions:other".into());
    fixture.script.token("later", later);
    let socket = fixture.open("s1").await;
    socket.prolong(admit("later")).await.unwrap();
    fixture.tell(vec![disconnect("web", "s1")]);
    settle().await;
    assert!(socket.closing().is_none());
    fixture.tell(vec![disconnect("web", "other")]);
    assert_eq!(socket.closed().await.reason, Reason::Revoked);
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_that_comes_while_it_is_prolonged_closes_it() {
    let fixture = Fixture::new();
    let mut later = identity("u", "s1");
    later.socket_id = Some("users_sessions:other".into());
    fixture.script.token("later", later);
    let socket = fixture.open("s1").await;
    let broker = fixture.broker.clone();
    fixture.script.on_admit(move || {
        let batch = Batch::now(vec![disconnect("web", "s1")]);
        broker.send(Event::Messages(batch)).unwrap();
    });
    let refused = socket.prolong(admit("later")).await.unwrap_err();
    assert_eq!(refused.code(), Code::TokenRevoked);
    assert_eq!(socket.closed().await.reason, Reason::Revoked);
}

#[tokio::test(start_paused = true)]
async fn a_recheck_asks_about_the_connections_that_it_means() {
    let fixture = Fixture::new();
    let (dead, alive) = (fixture.open("s1").await, fixture.open("s2").await);
    fixture.script.verdict("s1", Verdict::Close(Code::TokenCutOff));
    fixture.script.verdict("s2", Verdict::Close(Code::TokenCutOff));
    fixture.recheck("s1");
    let closing = dead.closed().await;
    assert_eq!((closing.reason, closing.code), (Reason::Revoked, Some(Code::TokenCutOff)));
    settle().await;
    assert_eq!(fixture.script.swept(1).await, [["s1"]]);
    assert!(alive.may_act());
}

#[tokio::test(start_paused = true)]
async fn a_muted_connection_stays_open_for_a_while_and_acts_on_nothing() {
    let fixture = Fixture::new();
    let (left, told) = (fixture.open("s1").await, fixture.open("s2").await);
    fixture.script.verdict("s1", Verdict::Mute);
    fixture.script.verdict("s2", Verdict::Mute);
    let start = Instant::now();
    fixture.recheck("s1");
    fixture.recheck("s2");
    settle().await;
    for socket in [&left, &told] {
        assert!(socket.closing().is_none() && !socket.may_act());
        assert_eq!(socket.prolong(admit("t-s1")).await.is_err(), true);
    }
    fixture.tell(vec![disconnect("web", "s2")]);
    assert_eq!(told.closed().await.reason, Reason::Revoked);
    // Asked again and again, it still ends 30 s after the first time.
    sleep(Duration::from_secs(20)).await;
    fixture.recheck("s1");
    assert_eq!(left.closed().await.reason, Reason::MutedTimeout);
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn while_the_broker_is_away_everything_is_verified_every_five_seconds() {
    let fixture = Fixture::new();
    let _socket = fixture.open("s1").await;
    let start = Instant::now();
    fixture.broker.send(Event::Lost).unwrap();
    fixture.script.swept(1).await;
    assert_eq!(start.elapsed().as_secs(), 0);
    assert!(!fixture.sockets.counts().connected);
    fixture.script.swept(3).await;
    assert_eq!(start.elapsed().as_secs(), 10);
    fixture.broker.send(Event::Restored).unwrap();
    fixture.script.swept(4).await;
    assert_eq!(start.elapsed().as_secs(), 10);
    assert!(fixture.sockets.counts().connected);
    sleep(Duration::from_secs(100)).await;
    assert_eq!(fixture.script.swept(4).await.len(), 4);
    fixture.broker.send(Event::Lagged { missed: 7 }).unwrap();
    fixture.script.swept(5).await;
    assert_eq!(fixture.sockets.counts().missed, 7);
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_that_was_lost_with_the_broker_is_found() {
    let fixture = Fixture::new();
    let (dead, alive) = (fixture.open("s1").await, fixture.open("s2").await);
    fixture.script.verdict("s1", Verdict::Close(Code::SessionEnded));
    let Fixture { broker, sockets, script } = fixture;
    // The broadcast ends for good.
    drop(broker);
    assert_eq!(dead.closed().await.reason, Reason::Revoked);
    assert!(alive.may_act());
    let swept = script.swept(1).await.len();
    script.swept(swept + 2).await;
    drop(sockets);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_storage_closes_nothing_and_is_tried_again() {
    let fixture = Fixture::new();
    let socket = fixture.open("s1").await;
    fixture.script.verdict("s1", Verdict::Close(Code::SessionEnded));
    fixture.script.sweeps_fail(Some(Code::StorageUnavailable));
    let start = Instant::now();
    fixture.recheck("s1");
    fixture.script.swept(2).await;
    assert_eq!(start.elapsed().as_secs(), 5);
    assert!(socket.closing().is_none() && socket.may_act());
    fixture.script.sweeps_fail(None);
    assert_eq!(socket.closed().await.code, Some(Code::SessionEnded));
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(fixture.sockets.counts().sweep_errors, 2);
}

#[tokio::test(start_paused = true)]
async fn every_connection_is_verified_in_its_turn() {
    let fixture = Fixture::with(|settings| {
        settings.sweep_every = Duration::from_secs(30);
        settings.sweep_batch = 1;
    });
    let _sockets = [fixture.open("s1").await, fixture.open("s2").await, fixture.open("s3").await];
    let start = Instant::now();
    assert_eq!(fixture.script.swept(1).await, [["s1"]]);
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!(fixture.script.swept(3).await, [["s1"], ["s2"], ["s3"]]);
    assert_eq!(start.elapsed().as_secs(), 50);
    fixture.script.swept(4).await;
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn what_was_decided_about_an_earlier_token_does_not_count() {
    let fixture = Fixture::new();
    let mut later = identity("u", "s1");
    later.jti = "later".into();
    fixture.script.token("later", later);
    let socket = fixture.open("s1").await;
    let registry = &fixture.sockets.registry;
    let entry = registry.entries(&registry.ids()).remove(0);
    let (before, _) = entry.state();
    socket.prolong(admit("later")).await.unwrap();
    registry.apply(&entry, &before, Verdict::Close(Code::TokenExpired), 0);
    assert!(socket.closing().is_none());
    // Instead it is asked about again.
    assert_eq!(fixture.script.swept(1).await, [["s1"]]);
}

#[tokio::test(start_paused = true)]
async fn the_shutdown_closes_everything_and_waits_for_it() {
    let fixture = Fixture::new();
    let socket = fixture.open("s1").await;
    let sockets = fixture.sockets.clone();
    let shutdown = tokio::spawn(async move { sockets.shutdown().await });
    assert_eq!(socket.closed().await.reason, Reason::Shutdown);
    let refused = fixture.sockets.open(admit("t-s2"), "web").await.unwrap_err();
    assert_eq!(refused.code(), Code::KernelUnavailable);
    assert!(!shutdown.is_finished());
    drop(socket);
    shutdown.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_does_not_end_holds_up_the_shutdown_for_so_long_only() {
    let fixture = Fixture::new();
    let _socket = fixture.open("s1").await;
    let start = Instant::now();
    fixture.sockets.shutdown().await;
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn without_a_registry_no_connection_stays_open() {
    let fixture = Fixture::new();
    let socket = fixture.open("s1").await;
    let Fixture { sockets, broker, .. } = fixture;
    drop(sockets);
    assert_eq!(socket.closed().await.reason, Reason::Shutdown);
    drop(broker);
}

#[tokio::test(start_paused = true)]
async fn chores_are_done_at_start_and_then_again_and_again() {
    let fixture = Fixture::with(|settings| settings.upkeep = Some(Default::default()));
    settle().await;
    // Repeated at once while there is more.
    assert_eq!(fixture.script.redelivered(), 3);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(fixture.script.redelivered(), 13);
    assert_eq!(fixture.script.expunged(), 0);
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(fixture.script.expunged(), 1);
}

#[tokio::test]
async fn a_close_wakes_every_task_that_waits() {
    let fixture = Fixture::new();
    let socket = std::sync::Arc::new(fixture.open("s1").await);
    let waiting: Vec<_> = (0..10)
        .map(|_| {
            let socket = socket.clone();
            tokio::spawn(async move { socket.closed().await.reason })
        })
        .collect();
    tokio::task::yield_now().await;
    fixture.tell(vec![disconnect("web", "s1")]);
    for task in waiting {
        let closed = timeout(Duration::from_secs(60), task).await.unwrap();
        assert_eq!(closed.unwrap(), Reason::Revoked);
    }
}
