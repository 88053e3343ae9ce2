//! Opening a connection.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_disconnect_that_comes_during_the_admission_refuses() {
    let fixture = Fixture::new();
    let broker = fixture.broker.clone();
    fixture.script.on_admit(move || {
        let batch = Batch::now(vec![disconnect("web", "s1")]);
        broker.send(Event::Messages(batch)).unwrap();
    });
    let refused = fixture
        .sockets
        .open(admit("t-s1"), "web")
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::TokenRevoked);
    let counts = fixture.sockets.counts();
    assert_eq!(
        (counts.registered, counts.opened, counts.refused),
        (0, 0, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_not_registered() {
    let fixture = Fixture::with(|settings| settings.max_sockets = 1);
    let mut no_sockets = identity("u", "s9");
    no_sockets.socket_id = None;
    fixture.script.token("t-none", no_sockets);
    for (token, code) in [
        ("t-none", Code::PurposeNotAllowed),
        ("?", Code::TokenNotFound),
    ] {
        let refused = fixture.sockets.open(admit(token), "web").await.unwrap_err();
        assert_eq!(refused.code(), code);
    }
    let script = fixture.script.clone();
    let dies = fixture.script.clone();
    script.on_admit(move || dies.kill("s1"));
    // It dies after this admission was answered: only the next one is refused.
    let socket = fixture.open("s1").await;
    let refused = fixture
        .sockets
        .open(admit("t-s1"), "web")
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::SessionEnded);
    let refused = fixture
        .sockets
        .open(admit("t-s2"), "web")
        .await
        .unwrap_err();
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
