//! What a host supplies: storage, broadcast, a clock and randomness.
//!
//! The traits mirror `wit/storage.wit` and `wit/broadcast.wit`; the promises written there hold here too.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;

use crate::record::{
    Consumed, Consumption, CutOff, Deleted, DeliveryClaim, ExpiryBatch, FindQuery, Found,
    Insertion, ListQuery, MatchingRevocation, MatchingRevoked, Record, RecordId, Revocation,
    Revoked, StoredSessions, Timestamp, Touch,
};

/// `Send` where threads exist; nothing on WebAssembly, where JavaScript promises are not `Send`.
#[cfg(not(target_family = "wasm"))]
pub trait MaybeSend: Send {}
#[cfg(not(target_family = "wasm"))]
impl<T: Send + ?Sized> MaybeSend for T {}
/// `Send` where threads exist; nothing on WebAssembly, where JavaScript promises are not `Send`.
#[cfg(target_family = "wasm")]
pub trait MaybeSend {}
#[cfg(target_family = "wasm")]
impl<T: ?Sized> MaybeSend for T {}

/// Everything the kernel needs from outside, in one value.
pub trait Host {
    /// Where token records live.
    type Storage: Storage;
    /// How live connections are told.
    type Broadcast: Broadcast;
    /// What time it is.
    type Clock: Clock;
    /// Where identifiers come from.
    type Random: Random;

    /// The storage port.
    fn storage(&self) -> &Self::Storage;
    /// The broadcast port.
    fn broadcast(&self) -> &Self::Broadcast;
    /// The clock port.
    fn clock(&self) -> &Self::Clock;
    /// The randomness port.
    fn random(&self) -> &Self::Random;
}

/// Four ports side by side: the usual [`Host`].
#[derive(Clone, Debug)]
pub struct Ports<S, B, C, R> {
    /// The storage port.
    pub storage: S,
    /// The broadcast port.
    pub broadcast: B,
    /// The clock port.
    pub clock: C,
    /// The randomness port.
    pub random: R,
}

impl<S: Storage, B: Broadcast, C: Clock, R: Random> Host for Ports<S, B, C, R> {
    type Storage = S;
    type Broadcast = B;
    type Clock = C;
    type Random = R;

    fn storage(&self) -> &S {
        &self.storage
    }
    fn broadcast(&self) -> &B {
        &self.broadcast
    }
    fn clock(&self) -> &C {
        &self.clock
    }
    fn random(&self) -> &R {
        &self.random
    }
}

/// Where token records, sessions and cut-offs live.
///
/// **Revocation is a promise to every process**: once a revoking call has returned, every look-up that
/// starts later, anywhere, sees it. **Writes for one subject are serialised**: the subject's row is taken
/// first, so that nothing that was decided before a revocation is written after it.
/// An error is never "not found" and never "not revoked".
pub trait Storage {
    /// Record, session, cut-offs and epoch that concern one token, in **one** round trip.
    fn find(
        &self,
        query: FindQuery,
    ) -> impl Future<Output = Result<Found, StorageError>> + MaybeSend;

    /// [`Storage::find`] for a batch; one answer per query, in order.
    fn find_many(
        &self,
        queries: Vec<FindQuery>,
    ) -> impl Future<Output = Result<Vec<Found>, StorageError>> + MaybeSend;

    /// Stores a record and opens or extends its session, in one transaction; answers the subject's epoch,
    /// which is also what the stored record carries. Never overwrites: a known `jti`, or a known `sid`
    /// when a session is opened, is [`StorageError::Conflict`].
    fn insert(
        &self,
        insertion: Insertion,
    ) -> impl Future<Output = Result<u64, StorageError>> + MaybeSend;

    /// Revokes one token or one session, leaving a tombstone where there was nothing.
    fn revoke(
        &self,
        revocation: Revocation,
    ) -> impl Future<Output = Result<Revoked, StorageError>> + MaybeSend;

    /// Revokes what matches among one subject's tokens, in one transaction, and raises its epoch.
    fn revoke_matching(
        &self,
        revocation: MatchingRevocation,
    ) -> impl Future<Output = Result<MatchingRevoked, StorageError>> + MaybeSend;

    /// Consumes a live record and inserts its successors; exactly one caller wins.
    fn consume(
        &self,
        consumption: Consumption,
    ) -> impl Future<Output = Result<Consumed, StorageError>> + MaybeSend;

    /// Notes that a session was used. Best effort: it may answer before it is written, and an unknown
    /// session is not an error.
    fn touch(&self, touch: Touch) -> impl Future<Output = Result<(), StorageError>> + MaybeSend;

    /// The live sessions of a subject, newest first, one page.
    fn list(
        &self,
        query: ListQuery,
    ) -> impl Future<Output = Result<StoredSessions, StorageError>> + MaybeSend;

    /// Claims records whose disconnect is due and not delivered; nobody else gets them until the lease ends.
    fn undelivered(
        &self,
        claim: DeliveryClaim,
    ) -> impl Future<Output = Result<Vec<Record>, StorageError>> + MaybeSend;

    /// Marks disconnects as delivered. Unknown records are not an error.
    fn delivered(
        &self,
        records: Vec<RecordId>,
    ) -> impl Future<Output = Result<(), StorageError>> + MaybeSend;

    /// Deletes a bounded batch of what expired before a moment. Epochs are never deleted.
    fn delete_expired(
        &self,
        batch: ExpiryBatch,
    ) -> impl Future<Output = Result<Deleted, StorageError>> + MaybeSend;

    /// Stores a cut-off, or raises the one that is there. Never lowers one.
    fn raise_cut_off(
        &self,
        cut_off: CutOff,
    ) -> impl Future<Output = Result<(), StorageError>> + MaybeSend;
}

/// Why storage could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageError {
    /// Not reachable, busy or full now; the same call may succeed later. The text is for logs.
    Unavailable(String),
    /// An identifier that must be new is known already. Nothing was changed.
    Conflict,
    /// A condition of the call no longer holds. Nothing was changed.
    GuardFailed(Guard),
    /// Anything else. The text is for logs; do not match on it.
    Other(String),
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(text) => write!(f, "storage is not available: {text}"),
            Self::Conflict => f.write_str("storage already knows this identifier"),
            Self::GuardFailed(Guard::Epoch) => f.write_str("the subject's epoch was raised"),
            Self::GuardFailed(Guard::Session) => f.write_str("the session cannot be joined"),
            Self::Other(text) => write!(f, "storage failed: {text}"),
        }
    }
}

impl core::error::Error for StorageError {}

/// Which condition of an insertion no longer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The subject's epoch was raised since it was read.
    Epoch,
    /// The session to join is unknown, ended, or somebody else's.
    Session,
}

/// How live connections are told.
pub trait Broadcast {
    /// Hands over all messages in one call, after what they tell of was committed; one answer per message,
    /// in order. An empty list does nothing. Repeating a message is harmless.
    fn publish(
        &self,
        messages: Vec<Message>,
    ) -> impl Future<Output = Vec<Result<(), BroadcastError>>> + MaybeSend;
}

/// Why a message was not taken. The text is for logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BroadcastError {
    /// Not reachable now; the same message may be taken later.
    Unavailable(String),
    /// Anything else.
    Other(String),
}

/// What is told to the processes that hold live connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Close every connection of this endpoint that subscribed to this topic.
    Disconnect(Disconnect),
    /// Ask storage at once about the connections that match; carries no authority.
    Recheck(Recheck),
}

/// The address of a `disconnect`: its event is always `disconnect`, its payload always `{}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Disconnect {
    /// The named group of live connections.
    pub endpoint: String,
    /// The live socket id. Data inside a message, never the name of a broker's channel.
    pub topic: String,
}

/// The event of every [`Disconnect`].
pub const DISCONNECT_EVENT: &str = "disconnect";

/// Which connections to ask about; an absent field matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Recheck {
    /// Connections of this tenant.
    pub tenant: Option<String>,
    /// Connections of this subject.
    pub subject: Option<String>,
    /// Connections whose token has this purpose.
    pub purpose: Option<String>,
    /// Connections of this session.
    pub sid: Option<String>,
    /// Connections whose token was signed with this key.
    pub kid: Option<String>,
}

/// What time it is.
pub trait Clock {
    /// Seconds since the Unix epoch, UTC.
    fn now(&self) -> Timestamp;
}

/// Where identifiers come from.
pub trait Random {
    /// Fills `bytes` from a cryptographically secure source.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError>;
}

/// The source of randomness failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomError;
