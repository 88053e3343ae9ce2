//! What storage keeps, and what it is asked: plain data, never a token, never a secret.

use alloc::string::String;
use alloc::vec::Vec;

/// Seconds since the Unix epoch, UTC.
pub type Timestamp = u64;

/// What storage keeps of a token. Its key is `(tenant, jti)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The tenant, if the token has one. Never empty.
    pub tenant: Option<String>,
    /// The token's identifier: 128 random bits, 26 characters of lower-case base32.
    pub jti: String,
    /// The session it belongs to. Empty only in the tombstone of a token that was never known.
    pub sid: String,
    /// Whose token it is. Empty only in the tombstone of a token that was never known.
    pub subject: String,
    /// What it is for. Empty only in the tombstone of a token that was never known.
    pub purpose: String,
    /// The one action it may be used for, if it is bound to one.
    pub act: Option<String>,
    /// The key that signed it.
    pub kid: String,
    /// The token's `iat`.
    pub issued_at: Timestamp,
    /// The token's `exp`.
    pub expires_at: Timestamp,
    /// The subject's epoch when it was inserted. Set by storage.
    pub epoch: u64,
    /// The extra claims, as the text of a JSON object; `None` when there are none, and in answers that
    /// say "without extra data".
    pub extra_data: Option<String>,
    /// When it was inserted.
    pub created_at: Timestamp,
    /// Whether it may be used. A revoked or consumed record never becomes live again.
    pub status: Status,
    /// The `jti`s of the records that a consumption inserted in its place.
    pub successors: Vec<String>,
    /// Whether live connections still have to be told.
    pub notify: Notify,
}

impl Record {
    /// The record's key.
    pub fn id(&self) -> RecordId {
        RecordId {
            tenant: self.tenant.clone(),
            jti: self.jti.clone(),
        }
    }
}

/// The key of a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId {
    /// The tenant, if the token has one.
    pub tenant: Option<String>,
    /// The token's identifier.
    pub jti: String,
}

/// Whether a record may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It may.
    Live,
    /// It was revoked.
    Revoked {
        /// When.
        at: Timestamp,
        /// Why, as the caller put it; for people and audit logs.
        reason: String,
    },
    /// It was used up: a single-use token that was exchanged, a refresh token that was rotated.
    Consumed {
        /// When.
        at: Timestamp,
        /// Hash of the request id of the caller that used it, if it sent one.
        request: Option<String>,
    },
}

/// Whether live connections still have to be told of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    /// Nothing to tell, or told.
    Nothing,
    /// To be told, not before `due`.
    Pending {
        /// The moment from which on it may be sent.
        due: Timestamp,
    },
}

/// The state of the family of tokens that began with one sign-in. Its key is `(tenant, sid)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The tenant, if its tokens have one.
    pub tenant: Option<String>,
    /// The session's identifier: 128 random bits, 26 characters of lower-case base32.
    pub sid: String,
    /// Whose session it is.
    pub subject: String,
    /// What the application calls the device, for people.
    pub device: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last noted as used.
    pub last_seen: Timestamp,
    /// When the last of its tokens expires.
    pub ends_at: Timestamp,
    /// Whether it goes on.
    pub status: SessionStatus,
}

/// Whether a session goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionStatus {
    /// It does.
    Live,
    /// It was ended: every token of it is dead, stored or not.
    Ended {
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

/// A stored statement that kills tokens without naming them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CutOff {
    /// A subject's tokens below an epoch.
    Subject(SubjectCutOff),
    /// A whole tenant's tokens, by time.
    Tenant(TenantCutOff),
    /// All tokens that one key signed, by time.
    Key(KeyCutOff),
}

/// Kills the tokens of a subject, or of one purpose of it, whose epoch is below `below`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectCutOff {
    /// The tenant, if there is one.
    pub tenant: Option<String>,
    /// Whose tokens.
    pub subject: String,
    /// Only tokens of this purpose; all when absent.
    pub purpose: Option<String>,
    /// Tokens with a lower epoch are dead. Storing it raises the subject's epoch to at least this.
    pub below: u64,
    /// Sessions that are spared, 8 at most.
    pub spared: Vec<String>,
    /// When it may be forgotten: every token that it kills has expired by then.
    pub forget_at: Timestamp,
}

/// Kills every token of a tenant that was issued until `at` (plus the leeway).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantCutOff {
    /// Which tenant; `None` means the tokens without one.
    pub tenant: Option<String>,
    /// Tokens are dead when `iat <= at + leeway`.
    pub at: Timestamp,
    /// When it may be forgotten.
    pub forget_at: Timestamp,
}

/// Kills every token that a key signed until `at` (plus the leeway).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCutOff {
    /// Which key.
    pub kid: String,
    /// Tokens are dead when `iat <= at + leeway`.
    pub at: Timestamp,
    /// When it may be forgotten.
    pub forget_at: Timestamp,
}

/// What to look up; an absent field finds nothing of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindQuery {
    /// The tenant that all of it belongs to.
    pub tenant: Option<String>,
    /// The record to find.
    pub jti: Option<String>,
    /// The session to find.
    pub sid: Option<String>,
    /// The subject whose epoch and cut-offs to find.
    pub subject: Option<String>,
    /// The purpose whose cut-offs to find beside the subject-wide one.
    pub purpose: Option<String>,
    /// The key whose cut-off to find.
    pub kid: Option<String>,
}

/// All that storage knows about one token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The record, with its extra data.
    pub record: Option<Record>,
    /// The session.
    pub session: Option<Session>,
    /// Every cut-off that concerns the query's subject, purpose, tenant or key.
    pub cut_offs: Vec<CutOff>,
    /// The subject's epoch; 0 when it was never raised.
    pub epoch: u64,
}

/// A record to store, with the session that it opens or joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insertion {
    /// The record. Its `epoch` is ignored: storage writes the current one.
    pub record: Record,
    /// The session with the same `tenant`, `sid` and `subject`. When it is joined, only its `last_seen` and
    /// `ends_at` are used, and neither is ever lowered.
    pub session: Session,
    /// `true` opens the session, which must be new; `false` joins it: it must be there, live, and the
    /// subject's own, or the call fails with `Guard::Session`.
    pub open: bool,
    /// The call fails with `Guard::Epoch` when the subject's epoch is above this.
    pub guard: Option<u64>,
}

/// One token or one session to revoke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The tenant that it belongs to.
    pub tenant: Option<String>,
    /// What to revoke.
    pub target: RevocationTarget,
    /// When given, what is found must belong to this subject; otherwise it is treated as not there, and no
    /// tombstone is written.
    pub subject: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// The record to insert, as it stands, when its `jti` is unknown: a tombstone, already revoked.
    pub tombstone: Option<Record>,
    /// The session to insert, as it stands, when the target is a session that is unknown: already ended.
    pub session_tombstone: Option<Session>,
    /// Records of these purposes become `Notify::Pending` when they are revoked.
    pub notify_purposes: Vec<String>,
    /// When the disconnects are due; `at` for "at once".
    pub due: Timestamp,
    /// How many records to answer at most.
    pub limit: u32,
}

/// What a [`Revocation`] revokes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevocationTarget {
    /// The record with this `jti`, and nothing else.
    Token(String),
    /// The session with this `sid` and every record of it.
    Session(String),
}

/// What a [`Revocation`] found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Which of the cases it was.
    pub outcome: RevocationOutcome,
    /// Records that were live and are revoked now.
    pub records: u32,
    /// Records of the target whose disconnect is pending and due, those of earlier calls included, without
    /// extra data, up to the limit.
    pub pending: Vec<Record>,
    /// There are more of them than the limit; `undelivered` has them.
    pub more: bool,
}

/// Which case a revocation met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationOutcome {
    /// Something live was revoked.
    Revoked,
    /// Nothing was known; a tombstone was written.
    Tombstoned,
    /// It was dead already.
    Already,
    /// Nothing was known, or it is not the named subject's; nothing was written.
    NotFound,
}

/// A selection of one subject's tokens to revoke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchingRevocation {
    /// The tenant.
    pub tenant: Option<String>,
    /// Whose tokens.
    pub subject: String,
    /// Only these purposes; `None` for all, empty for none.
    pub include_purposes: Option<Vec<String>>,
    /// Not these purposes. Wins over the inclusion.
    pub exclude_purposes: Vec<String>,
    /// Not these sessions.
    pub keep: Vec<String>,
    /// Only records issued, and sessions begun, before this moment.
    pub issued_before: Option<Timestamp>,
    /// Records whose `expires_at` is not after this are left alone and not counted.
    pub unexpired_after: Timestamp,
    /// Also end every live session that is not kept (and began before `issued_before`).
    pub end_sessions: bool,
    /// Which cut-offs to write for tokens that are not stored: none, one without a purpose, or one per
    /// purpose. Each is `below` the raised epoch and spares `keep`.
    pub cut_offs: CutOffScope,
    /// When those cut-offs may be forgotten.
    pub forget_at: Timestamp,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// Records of these purposes become `Notify::Pending` when they are revoked.
    pub notify_purposes: Vec<String>,
    /// The session whose disconnects are due later, and when.
    pub delay: Option<Delay>,
    /// How many records to answer at most.
    pub limit: u32,
    /// Change nothing; answer what would be changed.
    pub dry_run: bool,
}

/// Disconnects of one session that are not due at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delay {
    /// Which session.
    pub sid: String,
    /// When its disconnects are due.
    pub due: Timestamp,
}

/// Which cut-offs a selection writes for tokens that are not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CutOffScope {
    /// None: every purpose is stored.
    Nothing,
    /// One for the whole subject.
    Subject,
    /// One per purpose.
    Purposes(Vec<String>),
}

/// What a [`MatchingRevocation`] did, or would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchingRevoked {
    /// Distinct sessions that were ended or lost a record.
    pub sessions: u32,
    /// Records that were live and are revoked now.
    pub records: u32,
    /// Those of `records` whose purpose is among `notify_purposes`, the delayed session's left out.
    pub notify_records: u32,
    /// Distinct sessions of `notify_records`.
    pub notify_sessions: u32,
    /// The subject's pending and due records, without extra data, up to the limit. Empty in a dry run.
    pub pending: Vec<Record>,
    /// There are more of them than the limit; `undelivered` has them.
    pub more: bool,
    /// The subject's epoch now.
    pub epoch: u64,
}

/// A record to use up, and what takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumption {
    /// The record's tenant.
    pub tenant: Option<String>,
    /// The record's identifier.
    pub jti: String,
    /// Its session, which must be live.
    pub sid: String,
    /// Its subject.
    pub subject: String,
    /// When.
    pub at: Timestamp,
    /// Hash of the caller's request id.
    pub request: Option<String>,
    /// The records to insert when this call wins; they join the session. `guard` and `open` are ignored.
    pub successors: Vec<Insertion>,
}

/// Who won a record.
#[allow(
    clippy::large_enum_variant,
    reason = "a rare answer that is moved once"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consumed {
    /// This call: the record is consumed, the successors are stored.
    Won {
        /// The subject's epoch, which the successors carry.
        epoch: u64,
    },
    /// Not this call: nothing was changed.
    Lost {
        /// The record as it stands; `None` when unknown. Its status says why it was lost.
        record: Option<Record>,
        /// Its session as it stands.
        session: Option<Session>,
        /// The session's newest live record of each purpose among the record's successors, and theirs.
        newest: Vec<Record>,
    },
}

/// A session that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The session's tenant.
    pub tenant: Option<String>,
    /// The session's identifier.
    pub sid: String,
    /// When it was used; never lowers `last_seen`.
    pub at: Timestamp,
}

/// One page of a subject's sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// The tenant.
    pub tenant: Option<String>,
    /// Whose sessions.
    pub subject: String,
    /// Sessions that have ended by then are left out.
    pub at: Timestamp,
    /// Leave out sessions without a live record that expires after `at`: right where every purpose is stored.
    pub with_record: bool,
    /// Where the page before ended.
    pub after: Option<SessionCursor>,
    /// How many at most.
    pub limit: u32,
}

/// A place in the order of sessions: newest `created_at` first, then `sid` ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCursor {
    /// The last session's `created_at`.
    pub created_at: Timestamp,
    /// The last session's `sid`.
    pub sid: String,
}

/// One page of live sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredSessions {
    /// The sessions, newest first.
    pub sessions: Vec<Session>,
    /// There are more after the last one.
    pub more: bool,
}

/// A claim on disconnects that were committed but not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryClaim {
    /// Records whose disconnect is due by then, and not under somebody's lease then.
    pub at: Timestamp,
    /// Nobody else gets the claimed records before this moment.
    pub lease_until: Timestamp,
    /// How many at most.
    pub limit: u32,
    /// Only this subject's; everybody's when absent.
    pub only: Option<SubjectId>,
}

/// A subject within its tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectId {
    /// The tenant, if there is one.
    pub tenant: Option<String>,
    /// The subject.
    pub subject: String,
}

/// A bounded batch of what may be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiryBatch {
    /// Records with `expires_at`, sessions with `ends_at`, cut-offs with `forget_at` before this moment.
    pub before: Timestamp,
    /// How many of each at most.
    pub limit: u32,
}

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Records.
    pub records: u32,
    /// Sessions.
    pub sessions: u32,
    /// Cut-offs.
    pub cut_offs: u32,
    /// There is more to delete.
    pub more: bool,
}
