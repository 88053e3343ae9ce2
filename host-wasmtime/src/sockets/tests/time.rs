//! Deadlines, and moving them.

use super::*;

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
    assert_eq!(
        (&*prolonged.jti, &*socket.identity().jti),
        ("later", "later")
    );
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
