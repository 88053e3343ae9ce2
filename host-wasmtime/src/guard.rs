//! One call to a port: bounded in time, its failures logged. Both engines ask storage and broadcast through here.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use authkernel::ports::{BroadcastError, StorageError};
use authkernel::{Code, Error};

/// What it means that an import was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It only reads: nothing was changed.
    Reads,
    /// It writes: whether it did is not known.
    Writes,
}

/// Asks storage. What it does not answer in time is unavailable.
pub(crate) async fn storage<T>(
    name: &'static str,
    limit: Duration,
    effect: Effect,
    call: impl Future<Output = Result<T, StorageError>>,
) -> Result<T, StorageError> {
    let Some(answer) = within(limit, effect, call).await else {
        tracing::warn!(call = name, ?limit, "storage did not answer in time");
        return Err(StorageError::Unavailable("no answer in time".into()));
    };
    match &answer {
        Err(StorageError::Unavailable(reason)) => {
            tracing::warn!(call = name, reason, "storage is unavailable");
        }
        Err(StorageError::Other(reason)) => tracing::error!(call = name, reason, "storage failed"),
        Err(StorageError::Conflict | StorageError::GuardFailed(_)) | Ok(_) => {}
    }
    answer
}

/// Hands over `count` messages. What is not taken in time is unavailable; it is sent again by `redeliver`.
pub(crate) async fn broadcast(
    limit: Duration,
    count: usize,
    call: impl Future<Output = Vec<Result<(), BroadcastError>>>,
) -> Vec<Result<(), BroadcastError>> {
    let Some(answers) = within(limit, Effect::Reads, call).await else {
        tracing::warn!(messages = count, ?limit, "broadcast did not answer in time");
        let late = || Err(BroadcastError::Unavailable("no answer in time".into()));
        return std::iter::repeat_with(late).take(count).collect();
    };
    let mut failed = answers.iter().filter_map(|answer| answer.as_ref().err());
    if let Some(BroadcastError::Unavailable(reason) | BroadcastError::Other(reason)) = failed.next()
    {
        let failed = failed.count() + 1;
        tracing::warn!(
            messages = count,
            failed,
            reason,
            "broadcast did not take all messages"
        );
    }
    answers
}

tokio::task_local! {
    /// Whether a write of the call that this task runs was given up.
    static WRITE_GIVEN_UP: Cell<bool>;
}

/// Runs a call that writes. When the kernel answers that storage is unavailable because a write was given up,
/// the caller must not read it as "nothing was done": the outcome is not known.
pub(crate) async fn until_known<T>(
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let call = async {
        match call.await {
            Err(error)
                if error.code() == Code::StorageUnavailable && WRITE_GIVEN_UP.with(Cell::get) =>
            {
                Err(Error::new(Code::OutcomeUnknown))
            }
            answer => answer,
        }
    };
    WRITE_GIVEN_UP.scope(Cell::new(false), call).await
}

/// Waits for an import for at most `limit`; `None` when it did not answer. Most imports are ready when they
/// are first asked: a timer is made, in a place of its own, only for those that are not.
async fn within<T>(limit: Duration, effect: Effect, import: impl Future<Output = T>) -> Option<T> {
    let mut import = pin!(import);
    let first = poll_fn(|context| Poll::Ready(import.as_mut().poll(context))).await;
    if let Poll::Ready(answer) = first {
        return Some(answer);
    }
    let answer = Box::pin(tokio::time::timeout(limit, import)).await.ok();
    if answer.is_none() && effect == Effect::Writes {
        // Outside of `until_known` there is nobody to tell.
        let _ = WRITE_GIVEN_UP.try_with(|given_up| given_up.set(true));
    }
    answer
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn an_import_that_answers_is_not_cut_short() {
        let later = async {
            tokio::task::yield_now().await;
            7
        };
        assert_eq!(within(LONG, Effect::Reads, later).await, Some(7));
        assert_eq!(within(SHORT, Effect::Reads, ready(7)).await, Some(7));
        assert_eq!(within::<u8>(SHORT, Effect::Reads, pending()).await, None);
    }

    #[tokio::test]
    async fn silent_storage_is_unavailable() {
        let answer = storage::<()>("find", SHORT, Effect::Reads, pending()).await;
        assert!(matches!(answer, Err(StorageError::Unavailable(_))));
    }

    #[tokio::test]
    async fn a_silent_broker_took_none_of_the_messages() {
        let answers = broadcast(SHORT, 3, pending()).await;
        assert_eq!(answers.len(), 3);
        assert!(answers.iter().all(Result::is_err));
    }

    #[tokio::test]
    async fn a_write_that_was_given_up_leaves_the_outcome_unknown() {
        for (effect, expected) in [
            (Effect::Reads, Code::StorageUnavailable),
            (Effect::Writes, Code::OutcomeUnknown),
        ] {
            let call = async {
                storage::<()>("insert", SHORT, effect, pending()).await?;
                Ok(())
            };
            assert_eq!(until_known(call).await.unwrap_err().code(), expected);
        }
    }
}
