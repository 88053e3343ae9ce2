//! What must hold however many ask at once.
//!
//! Each round has a subject of its own; its calls start together, in alternating order, while many other rounds are
//! under way. Afterwards nothing that was decided before a revocation may be left alive.

use std::boxed::Box;
use std::format;
use std::string::String;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::vec;
use std::vec::Vec;

use super::fixtures::*;
use super::{Spawn, Task};
use crate::ports::{Guard, Storage, StorageError};
use crate::record::{Consumed, Insertion, MatchingRevocation, Record, Status};

/// How often each race is run.
const ROUNDS: u32 = 1_000;
/// How many rounds are under way at once.
const AT_ONCE: u32 = 50;
/// How many ask for the same thing where only one may get it.
const CONTENDERS: u32 = 4;

/// A storage that tasks can share.
#[cfg(not(target_family = "wasm"))]
pub trait Shared: Storage + Send + Sync + 'static {}
#[cfg(not(target_family = "wasm"))]
impl<S: Storage + Send + Sync + 'static> Shared for S {}
/// A storage that tasks can share.
#[cfg(target_family = "wasm")]
pub trait Shared: Storage + 'static {}
#[cfg(target_family = "wasm")]
impl<S: Storage + 'static> Shared for S {}

fn refresh(round: u32, jti: &str) -> Record {
    Record {
        purpose: "refresh".into(),
        ..record(&subject(round), &sid(round), jti)
    }
}

fn subject(round: u32) -> String {
    format!("subject {round}")
}

fn sid(round: u32) -> String {
    format!("session {round}")
}

/// Starts two tasks, the first one first in every other round.
fn both(round: u32, spawn: Spawn, first: Task, second: Task) -> [Task; 2] {
    if round.is_multiple_of(2) {
        [spawn(first), spawn(second)]
    } else {
        let second = spawn(second);
        [spawn(first), second]
    }
}

async fn all(tasks: impl IntoIterator<Item = Task>) {
    for task in tasks {
        task.await;
    }
}

/// Opens a session with a refresh token for every round.
async fn sessions<S: Shared>(storage: &Arc<S>, spawn: Spawn) {
    for chunk in (0..ROUNDS).step_by(AT_ONCE as usize) {
        let tasks: Vec<Task> = (chunk..chunk + AT_ONCE)
            .map(|round| {
                let storage = Arc::clone(storage);
                spawn(Box::pin(async move {
                    open(&*storage, refresh(round, &format!("refresh {round}"))).await;
                }))
            })
            .collect();
        all(tasks).await;
    }
}

/// Runs every round; each makes its tasks.
async fn rounds<const N: usize>(make: impl Fn(u32) -> [Task; N]) {
    for chunk in (0..ROUNDS).step_by(AT_ONCE as usize) {
        let tasks: Vec<Task> = (chunk..chunk + AT_ONCE).flat_map(&make).collect();
        all(tasks).await;
    }
}

/// Nothing of the subject is alive: no record that was named, and nothing else that a sign-out would find.
async fn assert_dead<S: Shared>(storage: &S, round: u32, jtis: &[String]) {
    for jti in jtis {
        assert!(
            !is_live(storage, jti).await,
            "round {round}: {jti} is alive"
        );
    }
    let dry = MatchingRevocation {
        dry_run: true,
        ..everything(&subject(round))
    };
    let left = storage.revoke_matching(dry).await.expect("storage answers");
    assert_eq!((left.records, left.sessions), (0, 0), "round {round}");
}

fn rotation(round: u32) -> (Record, Vec<Record>) {
    let successors = vec![
        refresh(round, &format!("successor {round}")),
        record(&subject(round), &sid(round), &format!("user {round}")),
    ];
    (refresh(round, &format!("refresh {round}")), successors)
}

fn rotation_jtis(round: u32) -> Vec<String> {
    vec![
        format!("refresh {round}"),
        format!("successor {round}"),
        format!("user {round}"),
    ]
}

/// One insertion of a jti is stored, the others are conflicts.
pub async fn a_jti_is_inserted_once_however_many_try<S: Shared>(storage: &Arc<S>, spawn: Spawn) {
    let stored_once: Arc<Vec<AtomicU32>> =
        Arc::new((0..ROUNDS).map(|_| AtomicU32::new(0)).collect());
    rounds::<{ CONTENDERS as usize }>(|round| {
        core::array::from_fn(|contender| {
            let (storage, count) = (Arc::clone(storage), Arc::clone(&stored_once));
            spawn(Box::pin(async move {
                let record = record(
                    &subject(round),
                    &format!("{round} {contender}"),
                    &format!("t {round}"),
                );
                match storage.insert(opening(record)).await {
                    Ok(_) => {
                        count[round as usize].fetch_add(1, Ordering::SeqCst);
                    }
                    Err(error) => assert_eq!(error, StorageError::Conflict),
                }
            }))
        })
    })
    .await;
    for (round, count) in stored_once.iter().enumerate() {
        assert_eq!(count.load(Ordering::SeqCst), 1, "round {round}");
    }
}

/// One consumption wins, and only its successor is stored.
pub async fn a_record_is_consumed_once_however_many_try<S: Shared>(storage: &Arc<S>, spawn: Spawn) {
    sessions(storage, spawn).await;
    let winners: Arc<Vec<AtomicU32>> = Arc::new((0..ROUNDS).map(|_| AtomicU32::new(0)).collect());
    rounds::<{ CONTENDERS as usize }>(|round| {
        core::array::from_fn(|contender| {
            let (storage, winners) = (Arc::clone(storage), Arc::clone(&winners));
            spawn(Box::pin(async move {
                let used = refresh(round, &format!("refresh {round}"));
                let successor = refresh(round, &format!("successor {round} {contender}"));
                match storage.consume(consumption(&used, vec![successor])).await {
                    Ok(Consumed::Won { .. }) => {
                        winners[round as usize].fetch_add(1, Ordering::SeqCst);
                    }
                    Ok(Consumed::Lost {
                        record: Some(record),
                        newest,
                        ..
                    }) => {
                        assert!(matches!(record.status, Status::Consumed { .. }));
                        assert_eq!(
                            jtis(&newest),
                            record.successors,
                            "the winner's is what losers are told"
                        );
                    }
                    other => panic!("round {round}: {other:?}"),
                }
            }))
        })
    })
    .await;
    for (round, count) in winners.iter().enumerate() {
        assert_eq!(count.load(Ordering::SeqCst), 1, "round {round}");
        let used = stored(&**storage, None, &format!("refresh {round}"))
            .await
            .expect("the record is there");
        assert_eq!(used.successors.len(), 1);
        for contender in 0..CONTENDERS {
            let jti = format!("successor {round} {contender}");
            let there = stored(&**storage, None, &jti).await.is_some();
            assert_eq!(
                there,
                used.successors.contains(&jti),
                "round {round}: {jti}"
            );
        }
    }
}

/// A token that is rotated while its subject signs out everywhere leaves no successor alive.
pub async fn nothing_survives_a_refresh_against_a_sign_out<S: Shared>(
    storage: &Arc<S>,
    spawn: Spawn,
) {
    sessions(storage, spawn).await;
    rounds(|round| {
        let (consuming, revoking) = (Arc::clone(storage), Arc::clone(storage));
        both(
            round,
            spawn,
            Box::pin(async move {
                let (used, successors) = rotation(round);
                consuming
                    .consume(consumption(&used, successors))
                    .await
                    .expect("storage answers");
            }),
            Box::pin(async move {
                revoking
                    .revoke_matching(everything(&subject(round)))
                    .await
                    .expect("storage answers");
            }),
        )
    })
    .await;
    for round in 0..ROUNDS {
        assert_dead(&**storage, round, &rotation_jtis(round)).await;
    }
}

/// The same against the revocation of the one session.
pub async fn nothing_survives_a_refresh_against_a_session_revocation<S: Shared>(
    storage: &Arc<S>,
    spawn: Spawn,
) {
    sessions(storage, spawn).await;
    rounds(|round| {
        let (consuming, revoking) = (Arc::clone(storage), Arc::clone(storage));
        both(
            round,
            spawn,
            Box::pin(async move {
                let (used, successors) = rotation(round);
                consuming
                    .consume(consumption(&used, successors))
                    .await
                    .expect("storage answers");
            }),
            Box::pin(async move {
                revoking
                    .revoke(whole_session(&sid(round)))
                    .await
                    .expect("storage answers");
            }),
        )
    })
    .await;
    for round in 0..ROUNDS {
        assert_dead(&**storage, round, &rotation_jtis(round)).await;
    }
}

/// A sign-in with the old password, however slow, leaves nothing alive after the change.
pub async fn nothing_survives_a_sign_in_against_a_password_change<S: Shared>(
    storage: &Arc<S>,
    spawn: Spawn,
) {
    rounds(|round| {
        let (issuing, revoking) = (Arc::clone(storage), Arc::clone(storage));
        both(
            round,
            spawn,
            Box::pin(async move {
                // Read before the change has begun in this round: it is the first ever of the subject.
                let record = record(&subject(round), &sid(round), &format!("t {round}"));
                let insertion = Insertion {
                    guard: Some(0),
                    ..opening(record)
                };
                match issuing.insert(insertion).await {
                    Ok(epoch) => assert_eq!(epoch, 0),
                    Err(error) => assert_eq!(error, StorageError::GuardFailed(Guard::Epoch)),
                }
            }),
            Box::pin(async move {
                revoking
                    .revoke_matching(everything(&subject(round)))
                    .await
                    .expect("storage answers");
            }),
        )
    })
    .await;
    for round in 0..ROUNDS {
        assert_dead(&**storage, round, &[format!("t {round}")]).await;
    }
}

/// A token issued into a session that is being ended does not outlive it.
pub async fn nothing_survives_joining_against_a_sign_out<S: Shared>(
    storage: &Arc<S>,
    spawn: Spawn,
) {
    sessions(storage, spawn).await;
    rounds(|round| {
        let (issuing, revoking) = (Arc::clone(storage), Arc::clone(storage));
        both(
            round,
            spawn,
            Box::pin(async move {
                let record = record(&subject(round), &sid(round), &format!("t {round}"));
                if let Err(error) = issuing.insert(joining(record)).await {
                    assert_eq!(error, StorageError::GuardFailed(Guard::Session));
                }
            }),
            Box::pin(async move {
                revoking
                    .revoke_matching(everything(&subject(round)))
                    .await
                    .expect("storage answers");
            }),
        )
    })
    .await;
    for round in 0..ROUNDS {
        assert_dead(
            &**storage,
            round,
            &[format!("refresh {round}"), format!("t {round}")],
        )
        .await;
    }
}

/// Processes that redeliver at the same time share the work, and nobody's is done twice.
pub async fn a_disconnect_is_claimed_once_however_many_try<S: Shared>(
    storage: &Arc<S>,
    spawn: Spawn,
) {
    sessions(storage, spawn).await;
    let told = |round: u32| MatchingRevocation {
        notify_purposes: vec!["refresh".into()],
        ..everything(&subject(round))
    };
    rounds(|round| {
        let storage = Arc::clone(storage);
        [spawn(Box::pin(async move {
            storage
                .revoke_matching(told(round))
                .await
                .expect("storage answers");
        }))]
    })
    .await;
    let claimed = Arc::new(std::sync::Mutex::new(Vec::new()));
    let tasks: Vec<Task> = (0..CONTENDERS * 2)
        .map(|_| {
            let (storage, claimed) = (Arc::clone(storage), Arc::clone(&claimed));
            spawn(Box::pin(async move {
                loop {
                    let mut batch = claim(NOW);
                    batch.limit = 37;
                    let batch = storage.undelivered(batch).await.expect("storage answers");
                    if batch.is_empty() {
                        return;
                    }
                    let mut claimed = claimed.lock().expect("no task failed");
                    claimed.extend(batch.into_iter().map(|record| record.jti));
                    assert!(claimed.len() <= ROUNDS as usize, "claimed twice");
                }
            }))
        })
        .collect();
    all(tasks).await;
    let mut claimed = claimed.lock().expect("no task failed").clone();
    claimed.sort();
    let mut expected: Vec<String> = (0..ROUNDS)
        .map(|round| format!("refresh {round}"))
        .collect();
    expected.sort();
    assert_eq!(claimed, expected);
}
