//! `revoke-matching`: which records a selection of purposes means.

use std::string::String;
use std::vec;
use std::vec::Vec;

use super::fixtures::*;
use crate::ports::Storage;
use crate::record::{MatchingRevocation, Record};

const PURPOSES: [&str; 4] = ["user", "refresh", "password_reset", "revocation"];

/// One session of a subject, with one token per purpose; the purpose is the jti's end.
async fn one_of_each<S: Storage>(storage: &S, subject: &str) {
    for (number, purpose) in PURPOSES.iter().enumerate() {
        let record = Record {
            purpose: String::from(*purpose),
            ..record(subject, subject, &std::format!("{subject} {purpose}"))
        };
        if number == 0 {
            open(storage, record).await;
        } else {
            join(storage, record).await;
        }
    }
}

async fn dead<S: Storage>(storage: &S, subject: &str) -> Vec<&'static str> {
    let mut dead = Vec::new();
    for purpose in PURPOSES {
        if !is_live(storage, &std::format!("{subject} {purpose}")).await {
            dead.push(purpose);
        }
    }
    dead
}

fn names(purposes: &[&str]) -> Vec<String> {
    purposes
        .iter()
        .map(|purpose| String::from(*purpose))
        .collect()
}

/// Absent includes all, empty includes none, exclusion wins; unknown names select nothing.
pub async fn purposes_select_as_the_table_says<S: Storage>(storage: &S) {
    type Row<'a> = (Option<&'a [&'a str]>, &'a [&'a str], &'a [&'a str]);
    let table: [Row<'_>; 12] = [
        (None, &[], &PURPOSES),
        (
            None,
            &["revocation"],
            &["user", "refresh", "password_reset"],
        ),
        (
            None,
            &["user", "refresh", "password_reset", "revocation"],
            &[],
        ),
        (None, &["unknown"], &PURPOSES),
        (Some(&[]), &[], &[]),
        (Some(&[]), &["user"], &[]),
        (Some(&["user"]), &[], &["user"]),
        (Some(&["user", "refresh"]), &[], &["user", "refresh"]),
        (Some(&["user", "refresh"]), &["refresh"], &["user"]),
        (Some(&["user"]), &["user"], &[]),
        (Some(&["unknown"]), &[], &[]),
        (Some(&["user", "user"]), &["USER", "use", ""], &["user"]),
    ];
    for (number, (include, exclude, expected)) in table.into_iter().enumerate() {
        let subject = std::format!("anna {number}");
        one_of_each(storage, &subject).await;
        let selection = MatchingRevocation {
            include_purposes: include.map(names),
            exclude_purposes: names(exclude),
            end_sessions: false,
            notify_purposes: names(&["user", "refresh"]),
            ..everything(&subject)
        };
        let dry = MatchingRevocation {
            dry_run: true,
            ..selection.clone()
        };
        let preview = storage.revoke_matching(dry).await.expect("storage answers");
        let done = storage
            .revoke_matching(selection)
            .await
            .expect("storage answers");
        assert_eq!(
            dead(storage, &subject).await,
            expected,
            "{include:?} without {exclude:?}"
        );
        let told = expected
            .iter()
            .filter(|purpose| ["user", "refresh"].contains(*purpose))
            .count();
        let sessions = u32::from(!expected.is_empty());
        let counts = (
            done.sessions,
            done.records as usize,
            done.notify_records as usize,
            done.pending.len(),
        );
        assert_eq!(
            counts,
            (sessions, expected.len(), told, told),
            "{include:?} without {exclude:?}"
        );
        assert_eq!(preview.records, done.records);
        assert!(
            goes_on(storage, &subject).await,
            "sessions are not ended unless asked"
        );
    }
}

/// An ended session has no living token, whatever was excluded.
pub async fn ended_sessions_lose_every_record_whatever_its_purpose<S: Storage>(storage: &S) {
    one_of_each(storage, "anna").await;
    let selection = MatchingRevocation {
        include_purposes: Some(names(&["user"])),
        exclude_purposes: names(&["password_reset"]),
        ..everything("anna")
    };
    let done = storage
        .revoke_matching(selection)
        .await
        .expect("storage answers");
    assert_eq!((done.sessions, done.records), (1, 4));
    assert_eq!(dead(storage, "anna").await, PURPOSES);
    assert!(!goes_on(storage, "anna").await);
}

/// The sessions are counted by what they lost, and go on; kept ones lose nothing.
pub async fn without_ending_sessions_only_the_selected_records_die<S: Storage>(storage: &S) {
    one_of_each(storage, "anna").await;
    open(storage, record("anna", "kept", "t1")).await;
    open(
        storage,
        Record {
            purpose: "refresh".into(),
            ..record("anna", "other", "r1")
        },
    )
    .await;
    let selection = MatchingRevocation {
        include_purposes: Some(names(&["user", "password_reset"])),
        keep: vec!["kept".into()],
        end_sessions: false,
        ..everything("anna")
    };
    let done = storage
        .revoke_matching(selection)
        .await
        .expect("storage answers");
    assert_eq!(
        (done.sessions, done.records, done.notify_sessions),
        (1, 2, 1)
    );
    assert_eq!(dead(storage, "anna").await, ["user", "password_reset"]);
    assert!(is_live(storage, "t1").await && is_live(storage, "r1").await);
    for sid in ["anna", "kept", "other"] {
        assert!(goes_on(storage, sid).await, "{sid}");
    }
}
