//! What servers answer, in the port's words.

use authkernel::ports::{Guard, StorageError};
use authkernel::record::{
    Consumed, Deleted, Found, MatchingRevoked, Record, RevocationOutcome, Revoked, Session,
    StoredSessions,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::fields::{List, Number};
use super::rows::{StoredCutOff, StoredRecord, StoredSession};

/// Reads an answer. What cannot be read is never taken for "nothing there".
fn read<T: DeserializeOwned>(answer: &str) -> Result<T, StorageError> {
    serde_json::from_str(answer).map_err(|error| {
        // The place only: the message can quote what is stored.
        let (line, column) = (error.line(), error.column());
        StorageError::Other(format!(
            "an answer cannot be read: {:?} error at line {line}, column {column}",
            error.classify()
        ))
    })
}

fn records(rows: List<StoredRecord>) -> Result<Vec<Record>, StorageError> {
    rows.0.into_iter().map(StoredRecord::record).collect()
}

fn sessions(rows: List<StoredSession>) -> Vec<Session> {
    rows.0.into_iter().map(StoredSession::session).collect()
}

#[derive(Deserialize)]
struct FoundAnswer {
    record: Option<StoredRecord>,
    session: Option<StoredSession>,
    epoch: Option<Number>,
    #[serde(default)]
    cut_offs: List<StoredCutOff>,
}

impl FoundAnswer {
    fn found(self) -> Result<Found, StorageError> {
        let cut_offs = self.cut_offs.0.into_iter().map(StoredCutOff::cut_off);
        Ok(Found {
            record: self.record.map(StoredRecord::record).transpose()?,
            session: self.session.map(StoredSession::session),
            cut_offs: cut_offs.collect::<Result<_, _>>()?,
            epoch: self.epoch.unwrap_or_default().0,
        })
    }
}

/// The answer to one query.
#[cfg(feature = "postgres")]
pub(in crate::storage) fn found(answer: &str) -> Result<Found, StorageError> {
    read::<FoundAnswer>(answer)?.found()
}

/// The answers to `expected` queries.
pub(in crate::storage) fn found_many(
    answer: &str,
    expected: usize,
) -> Result<Vec<Found>, StorageError> {
    let List(answers) = read::<List<FoundAnswer>>(answer)?;
    if answers.len() != expected {
        return Err(StorageError::Other(format!(
            "{} of {expected} queries were answered",
            answers.len()
        )));
    }
    answers.into_iter().map(FoundAnswer::found).collect()
}

/// An epoch by itself.
#[cfg(feature = "postgres")]
pub(in crate::storage) fn epoch(answer: &str) -> Result<u64, StorageError> {
    Ok(read::<Number>(answer)?.0)
}

/// Why a script changed nothing.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Failed {
    Conflict,
    Epoch,
    Session,
}

impl From<Failed> for StorageError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Conflict => Self::Conflict,
            Failed::Epoch => Self::GuardFailed(Guard::Epoch),
            Failed::Session => Self::GuardFailed(Guard::Session),
        }
    }
}

#[cfg(feature = "redis")]
#[derive(Deserialize)]
struct InsertedAnswer {
    failed: Option<Failed>,
    epoch: Option<Number>,
}

/// An epoch, or why nothing was inserted.
#[cfg(feature = "redis")]
pub(in crate::storage) fn inserted(answer: &str) -> Result<u64, StorageError> {
    match read::<InsertedAnswer>(answer)? {
        InsertedAnswer {
            failed: Some(failed),
            ..
        } => Err(failed.into()),
        InsertedAnswer { epoch: None, .. } => {
            Err(StorageError::Other("an insertion answered no epoch".into()))
        }
        InsertedAnswer {
            epoch: Some(epoch), ..
        } => Ok(epoch.0),
    }
}

#[derive(Deserialize)]
struct RevokedAnswer {
    outcome: Outcome,
    records: Number,
    pending: List<StoredRecord>,
    more: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Revoked,
    Tombstoned,
    Already,
    NotFound,
}

pub(in crate::storage) fn revoked(answer: &str) -> Result<Revoked, StorageError> {
    let answer: RevokedAnswer = read(answer)?;
    Ok(Revoked {
        outcome: match answer.outcome {
            Outcome::Revoked => RevocationOutcome::Revoked,
            Outcome::Tombstoned => RevocationOutcome::Tombstoned,
            Outcome::Already => RevocationOutcome::Already,
            Outcome::NotFound => RevocationOutcome::NotFound,
        },
        records: answer.records.count(),
        pending: records(answer.pending)?,
        more: answer.more,
    })
}

#[derive(Deserialize)]
struct MatchingAnswer {
    sessions: Number,
    records: Number,
    notify_records: Number,
    notify_sessions: Number,
    pending: List<StoredRecord>,
    more: bool,
    epoch: Number,
}

pub(in crate::storage) fn matching_revoked(answer: &str) -> Result<MatchingRevoked, StorageError> {
    let answer: MatchingAnswer = read(answer)?;
    Ok(MatchingRevoked {
        sessions: answer.sessions.count(),
        records: answer.records.count(),
        notify_records: answer.notify_records.count(),
        notify_sessions: answer.notify_sessions.count(),
        pending: records(answer.pending)?,
        more: answer.more,
        epoch: answer.epoch.0,
    })
}

#[derive(Deserialize)]
struct ConsumedAnswer {
    failed: Option<Failed>,
    won: Option<Number>,
    record: Option<StoredRecord>,
    session: Option<StoredSession>,
    // Not optional when it was lost, so that no other answer is taken for that.
    newest: Option<List<StoredRecord>>,
}

pub(in crate::storage) fn consumed(answer: &str) -> Result<Consumed, StorageError> {
    let answer: ConsumedAnswer = read(answer)?;
    if let Some(failed) = answer.failed {
        return Err(failed.into());
    }
    if let Some(Number(epoch)) = answer.won {
        return Ok(Consumed::Won { epoch });
    }
    let Some(newest) = answer.newest else {
        return Err(StorageError::Other(
            "a consumption was neither won nor lost".into(),
        ));
    };
    Ok(Consumed::Lost {
        record: answer.record.map(StoredRecord::record).transpose()?,
        session: answer.session.map(StoredSession::session),
        newest: records(newest)?,
    })
}

/// A page with one session more than the limit when there are more.
#[cfg(feature = "postgres")]
pub(in crate::storage) fn page(answer: &str, limit: u32) -> Result<StoredSessions, StorageError> {
    let mut sessions = sessions(read(answer)?);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = sessions.len() > limit;
    sessions.truncate(limit);
    Ok(StoredSessions { sessions, more })
}

#[cfg(feature = "redis")]
#[derive(Deserialize)]
struct ListedAnswer {
    sessions: List<StoredSession>,
    more: bool,
}

/// A page that says itself whether there are more.
#[cfg(feature = "redis")]
pub(in crate::storage) fn listed(answer: &str) -> Result<StoredSessions, StorageError> {
    let answer: ListedAnswer = read(answer)?;
    Ok(StoredSessions {
        sessions: sessions(answer.sessions),
        more: answer.more,
    })
}

pub(in crate::storage) fn claimed(answer: &str) -> Result<Vec<Record>, StorageError> {
    records(read(answer)?)
}

#[derive(Deserialize)]
struct DeletedAnswer {
    records: Number,
    sessions: Number,
    cut_offs: Number,
    more: bool,
}

pub(in crate::storage) fn deleted(answer: &str) -> Result<Deleted, StorageError> {
    let answer: DeletedAnswer = read(answer)?;
    Ok(Deleted {
        records: answer.records.count(),
        sessions: answer.sessions.count(),
        cut_offs: answer.cut_offs.count(),
        more: answer.more,
    })
}
