//! What ends connections: revocation, sign-out, expiry, shutdown.

use std::time::Duration;

use authkernel::types::{SignOutEverywhere, SignOutScope};
use authkernel_wasmtime::sockets::{Change, Reason};

use crate::service::{Service, now};

#[tokio::test]
async fn a_revoked_session_is_closed_and_refused_from_then_on() {
    let service = Service::start().await;
    let token = service.token().await;
    let mut web = service.connect(&token, "web").await;
    let mut other = service.connect(&service.token().await, "web").await;
    let report = service.revoke(&token).await;
    assert_eq!((report.disconnected, report.undelivered.len()), (2, 0));
    assert_eq!(web.closed().await, (4001, "revoked".into()));
    let event = service
        .happens(|change| matches!(change, Change::Closed(_)))
        .await;
    assert_eq!(event.change, Change::Closed(Some(Reason::Revoked)));
    assert!(event.latency.is_some());
    assert_eq!(
        service.refused(&token, "web").await,
        (401, "token_revoked".into())
    );
    // The subject's other device is left alone.
    assert_eq!(other.ask("still here").await, "still here");
}

#[tokio::test]
async fn signing_out_everywhere_closes_every_session_on_every_endpoint() {
    let service = Service::start().await;
    let (one, two) = (service.token().await, service.token().await);
    let bert = service.issue(|issue| issue.subject = "bert".into()).await;
    let mut clients = [
        service.connect(&one, "web").await,
        service.connect(&one, "mobile").await,
        service.connect(&two, "web").await,
        service.connect(&two, "web").await,
    ];
    let mut other = service.connect(&bert.token, "web").await;
    let report = service.sign_out(|_| ()).await;
    assert_eq!((report.revoked, report.disconnected), (2, 4));
    for client in &mut clients {
        assert_eq!(client.closed().await, (4001, "revoked".into()));
    }
    assert_eq!(other.ask("still here").await, "still here");
}

#[tokio::test]
async fn a_kept_session_stays_open() {
    let service = Service::start().await;
    let kept = service.issue(|_| ()).await;
    let mut stays = service.connect(&kept.token, "web").await;
    let mut goes = service.connect(&service.token().await, "web").await;
    service
        .sign_out(|request| request.keep = vec![kept.identity.sid.clone()])
        .await;
    assert_eq!(goes.closed().await, (4001, "revoked".into()));
    assert_eq!(stays.ask("still here").await, "still here");
}

#[tokio::test]
async fn what_is_cut_off_by_its_key_is_closed_by_a_recheck() {
    let service = Service::start().await;
    let mut client = service.connect(&service.token().await, "web").await;
    service
        .sign_out(|request| {
            *request = SignOutEverywhere {
                scope: SignOutScope::Key { kid: "k1".into() },
                ..SignOutEverywhere::subject(None, "anna")
            };
        })
        .await;
    assert_eq!(client.closed().await, (4001, "revoked".into()));
}

#[tokio::test]
async fn an_expired_token_closes_its_connections() {
    let service = Service::start().await;
    let issued = service.issue(|issue| issue.lifetime = Some(2)).await;
    let mut client = service.connect(&issued.token, "web").await;
    assert_eq!(client.ask("hi").await, "hi");
    assert_eq!(client.closed().await, (4001, "expired".into()));
    assert!(now() >= issued.identity.deadline);
    assert_eq!(
        service.refused(&issued.token, "web").await,
        (401, "token_expired".into())
    );
}

#[tokio::test]
async fn a_later_token_of_the_session_prolongs_the_connection() {
    for template in ["users_sessions:{sid}", "users_tokens:{jti}"] {
        let service = Service::with(|parts| parts.template = template).await;
        let first = service.issue(|issue| issue.lifetime = Some(2)).await;
        let later = service
            .issue(|issue| issue.sid = Some(first.identity.sid.clone()))
            .await;
        let mut prolonged = service.connect(&first.token, "web").await;
        let mut control = service.connect(&first.token, "web").await;
        let prolong = format!("prolong {}", later.token);
        assert_eq!(prolonged.ask(&prolong).await, "prolonged");
        assert_eq!(control.closed().await, (4001, "expired".into()));
        assert_eq!(prolonged.ask("still here").await, "still here");
        service.revoke(&later.token).await;
        assert_eq!(prolonged.closed().await, (4001, "revoked".into()));
    }
}

#[tokio::test]
async fn a_token_of_another_session_prolongs_nothing() {
    let service = Service::start().await;
    let first = service.issue(|issue| issue.lifetime = Some(2)).await;
    let bert = service.issue(|issue| issue.subject = "bert".into()).await;
    let mut client = service.connect(&first.token, "web").await;
    for token in [service.token().await, bert.token] {
        assert_eq!(
            client.ask(&format!("prolong {token}")).await,
            "socket_mismatch"
        );
    }
    assert_eq!(client.ask("prolong nonsense").await, "token_malformed");
    assert_eq!(client.closed().await, (4001, "expired".into()));
}

#[tokio::test]
async fn tokens_that_may_not_open_a_connection_are_refused_at_the_upgrade() {
    let service = Service::start().await;
    let api = service.issue(|issue| issue.purpose = "api".into()).await;
    let refused = service.refused(&api.token, "web").await;
    assert_eq!(refused, (401, "purpose_not_allowed".into()));
    assert_eq!(
        service.refused("nonsense", "web").await,
        (401, "token_malformed".into())
    );
    assert_eq!(service.sockets.counts().registered, 0);
}

#[tokio::test]
async fn the_acting_session_may_stay_open_but_acts_on_nothing() {
    let service = Service::with(|parts| parts.settings.mute_for = Duration::from_millis(300)).await;
    let acting = service.issue(|_| ()).await;
    let mut own = service.connect(&acting.token, "web").await;
    let mut other = service.connect(&service.token().await, "web").await;
    service
        .sign_out(|request| {
            request.acting_sid = Some(acting.identity.sid.clone());
            request.disconnect_self = false;
        })
        .await;
    assert_eq!(other.closed().await, (4001, "revoked".into()));
    service.happens(|change| *change == Change::Muted).await;
    own.say("too late").await;
    // It can still be told something, such as where to go.
    service.pushes.send("redirect".into()).unwrap();
    assert_eq!(own.text().await, "redirect");
    assert_eq!(own.closed().await, (4001, "revoked".into()));
    assert!(!service.acted.on("too late"));
}

#[tokio::test]
async fn a_shutdown_closes_with_its_own_code_and_waits() {
    let service = Service::start().await;
    let token = service.token().await;
    let mut client = service.connect(&token, "web").await;
    let sockets = service.sockets.clone();
    let shutdown = tokio::spawn(async move { sockets.shutdown().await });
    assert_eq!(client.closed().await, (1001, "shutdown".into()));
    shutdown.await.unwrap();
    assert_eq!(service.sockets.counts().registered, 0);
    assert_eq!(
        service.refused(&token, "web").await,
        (503, "kernel_unavailable".into())
    );
}
