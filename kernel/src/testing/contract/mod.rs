//! What every adapter must do: the promises of `wit/storage.wit` and `wit/broadcast.wit`, one case each.
//!
//! The cases belong to the ports. An adapter runs all of them with
//! [`storage_contract!`](crate::storage_contract) or [`broadcast_contract!`](crate::broadcast_contract), which expand
//! to one `#[tokio::test]` per case: the calling crate needs `tokio` with its runtime for several threads.

pub mod broadcast;
mod consume;
mod cut_offs;
mod delivery;
mod expiry;
mod find;
pub mod fixtures;
mod insert;
mod join;
mod list;
mod races;
mod revoke;
mod revoke_answers;
mod revoke_matching;
mod revoke_selection;
mod revoke_session;

use std::boxed::Box;
use std::future::Future;
use std::pin::Pin;

/// Every case of the storage suite, by name. Each takes an empty storage.
pub mod cases {
    pub use super::consume::*;
    pub use super::cut_offs::*;
    pub use super::delivery::*;
    pub use super::expiry::*;
    pub use super::find::*;
    pub use super::insert::*;
    pub use super::join::*;
    pub use super::list::*;
    pub use super::races::*;
    pub use super::revoke::*;
    pub use super::revoke_answers::*;
    pub use super::revoke_matching::*;
    pub use super::revoke_selection::*;
    pub use super::revoke_session::*;
}

/// Something to run at the same time as others.
#[cfg(not(target_family = "wasm"))]
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;
/// Something to run at the same time as others.
#[cfg(target_family = "wasm")]
pub type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Starts a task of its own for what it is given; the answer waits for its end and fails when it failed.
pub type Spawn = fn(Task) -> Task;

/// Runs every case of the storage suite against an adapter, each on a storage of its own.
///
/// `$make` is an `async fn() -> (S, G)`: an empty storage, and whatever must live as long as it, such as a
/// temporary folder (`()` when nothing must).
#[macro_export]
macro_rules! storage_contract {
    ($name:ident, $make:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $crate::storage_cases!($crate::__storage_contract! $make;);
        }
    };
}

/// Hands the names of all storage cases to a macro, behind what else it is given: `cases: …; races: …;`.
///
/// For runners of other kinds than [`storage_contract!`](crate::storage_contract), such as the one for JavaScript.
#[macro_export]
macro_rules! storage_cases {
    ($($then:tt)::+ ! $($given:tt)*) => {
        $($then)::+! {
            $($given)*
            cases:
            // find
            nothing_found_is_an_answer,
            everything_about_a_token_is_found_in_one_call,
            an_absent_field_finds_nothing_of_its_kind,
            another_tenants_token_is_not_found,
            an_absent_tenant_is_a_tenant_of_its_own,
            a_batch_is_answered_in_order,
            what_was_written_is_found_at_once,
            // insert
            inserting_answers_the_epoch_and_stores_it,
            a_record_is_stored_as_it_stands,
            any_text_is_stored_exactly,
            a_known_jti_is_a_conflict_whatever_its_status,
            a_known_sid_cannot_be_opened,
            a_conflict_changes_nothing,
            a_raised_epoch_fails_the_guard,
            only_a_live_session_of_the_same_subject_is_joined,
            joining_never_lowers_a_time,
            a_record_and_its_session_must_agree,
            touching_moves_last_seen_forward_only,
            touching_an_unknown_session_is_no_error,
            // revoke
            revoking_a_token_leaves_its_session_alone,
            revoking_twice_changes_nothing_and_answers_what_is_pending,
            revoking_an_unknown_token_leaves_a_tombstone,
            a_tombstone_is_never_overwritten,
            revoking_the_unknown_without_a_tombstone_is_not_found,
            revoking_a_consumed_record_changes_nothing,
            revoking_a_session_revokes_all_of_it,
            revoking_an_unknown_session_leaves_a_tombstone,
            revoking_an_ended_session_is_already_and_still_leaves_the_tokens_tombstone,
            another_subjects_token_is_not_found,
            another_subjects_session_is_not_found,
            only_notify_purposes_become_pending,
            pending_answers_are_limited_and_without_extra_data,
            a_disconnect_that_is_due_later_is_not_answered_now,
            // revoke-matching
            signing_out_revokes_everything_of_the_subject_only,
            signing_out_nobody_raises_the_epoch,
            signing_out_again_counts_nothing_and_answers_what_is_pending,
            kept_sessions_are_left_alone,
            later_tokens_and_sessions_are_left_alone,
            expired_records_are_left_alone,
            consumed_and_revoked_records_are_left_as_they_are,
            a_delayed_session_is_revoked_now_and_told_later,
            a_dry_run_counts_the_same_and_changes_nothing,
            counts_are_whole_where_answers_are_limited,
            cut_offs_are_written_below_the_raised_epoch,
            purposes_select_as_the_table_says,
            ended_sessions_lose_every_record_whatever_its_purpose,
            without_ending_sessions_only_the_selected_records_die,
            // consume
            consuming_stores_the_successors,
            a_consumed_record_is_lost_with_its_newest_successors,
            what_is_not_live_cannot_be_consumed,
            a_record_of_an_ended_session_cannot_be_consumed,
            another_session_or_subject_does_not_consume,
            a_known_successor_undoes_the_consumption,
            consuming_never_makes_a_disconnect_pending,
            // list
            sessions_are_listed_newest_first,
            pages_of_sessions_fit_together,
            ended_sessions_are_not_listed,
            sessions_without_a_live_record_can_be_left_out,
            an_unknown_subject_has_no_sessions,
            // undelivered, delivered
            claims_are_leased,
            claims_are_oldest_first_limited_and_without_extra_data,
            claims_of_one_subject_leave_others_alone,
            what_is_due_later_is_not_claimed,
            delivered_disconnects_are_not_claimed_again,
            delivering_the_unknown_is_no_error,
            // delete-expired
            only_what_is_over_is_deleted,
            deletion_is_bounded,
            epochs_are_never_deleted,
            // raise-cut-off
            each_kind_of_cut_off_concerns_its_own,
            cut_offs_are_never_lowered,
            a_subjects_cut_off_raises_its_epoch,
            a_time_beyond_all_others_is_kept;
            races:
            a_jti_is_inserted_once_however_many_try,
            a_record_is_consumed_once_however_many_try,
            nothing_survives_a_refresh_against_a_sign_out,
            nothing_survives_a_refresh_against_a_session_revocation,
            nothing_survives_a_sign_in_against_a_password_change,
            nothing_survives_joining_against_a_sign_out,
            a_disconnect_is_claimed_once_however_many_try;
        }
    };
}

/// The other half of [`storage_contract!`](crate::storage_contract).
#[doc(hidden)]
#[macro_export]
macro_rules! __storage_contract {
    ($make:expr; cases: $($case:ident),+; races: $($race:ident),+;) => {
        $crate::__storage_contract!(@cases $make; $($case),+);
        $crate::__storage_contract!(@races $make; $($race),+);
    };
    (@cases $make:expr; $($case:ident),+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let (storage, _guard) = ($make)().await;
                $crate::testing::contract::cases::$case(&storage).await;
            }
        )+
    };
    (@races $make:expr; $($race:ident),+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $race() {
                let (storage, _guard) = ($make)().await;
                let storage = ::std::sync::Arc::new(storage);
                $crate::testing::contract::cases::$race(&storage, |task| {
                    let started = tokio::spawn(task);
                    ::std::boxed::Box::pin(async move { started.await.expect("a task failed") })
                })
                .await;
            }
        )+
    };
}

/// Runs every case of the broadcast suite against an adapter.
///
/// `$make` is an `async fn() -> H` with `H:` [`Bench`](crate::testing::contract::broadcast::Bench).
#[macro_export]
macro_rules! broadcast_contract {
    ($name:ident, $make:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $crate::broadcast_cases!($crate::__broadcast_contract! $make;);
        }
    };
}

/// Hands the names of all broadcast cases to a macro, behind what else it is given: `cases: …;`.
///
/// For runners of other kinds than [`broadcast_contract!`](crate::broadcast_contract), such as one whose broker may not
/// be there.
#[macro_export]
macro_rules! broadcast_cases {
    ($($then:tt)::+ ! $($given:tt)*) => {
        $($then)::+! {
            $($given)*
            cases:
            every_subscriber_gets_every_message_in_order,
            an_empty_list_does_nothing,
            there_is_one_answer_per_message,
            nobody_listening_is_no_error,
            repeating_a_message_is_harmless,
            every_part_of_a_message_arrives,
            ten_thousand_messages_go_in_one_call,
            a_subscriber_hears_what_is_published_after_it_subscribed,
            a_subscriber_that_lags_is_told_so,
            a_subscriber_that_lags_holds_up_nobody,
            a_subscriber_that_leaves_is_no_error;
        }
    };
}

/// The other half of [`broadcast_contract!`](crate::broadcast_contract).
#[doc(hidden)]
#[macro_export]
macro_rules! __broadcast_contract {
    ($make:expr; cases: $($case:ident),+;) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let bench = ($make)().await;
                $crate::testing::contract::broadcast::$case(&bench).await;
            }
        )+
    };
}
