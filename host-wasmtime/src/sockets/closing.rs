//! Why a live connection has to close, and until when.

use std::time::Duration;

use authkernel::Code;
use tokio::time::Instant;

/// That a connection has to close. From the moment this exists, nothing it sends may be acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Why.
    pub reason: Reason,
    /// The kernel's code, where a decision of the kernel was the cause.
    pub code: Option<Code>,
    /// When the message that caused it was published, where one did and as far as this process can know.
    pub told_at: Option<Instant>,
    /// When the close was asked for.
    pub asked_at: Instant,
    pub(super) cut_at: Instant,
}

impl Closing {
    pub(super) fn new(reason: Reason, cut_after: Duration) -> Self {
        let now = Instant::now();
        Self {
            reason,
            code: None,
            told_at: None,
            asked_at: now,
            cut_at: now + cut_after,
        }
    }

    /// When the connection must be cut if the peer has not closed it by then.
    pub fn cut_at(&self) -> Instant {
        self.cut_at
    }
}

/// Why a connection has to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Its token, session or key was revoked or cut off.
    Revoked,
    /// Its token has expired.
    Expired,
    /// It was left open to be told of a sign-out that it had asked for itself, and that time is over.
    MutedTimeout,
    /// Storage could not be asked about it for longer than the policy's `max_blind`.
    Unverified,
    /// The process is shutting down.
    Shutdown,
}

impl Reason {
    /// The text that the peer is given as the reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked | Self::MutedTimeout => "revoked",
            Self::Expired => "expired",
            Self::Unverified => "unverified",
            Self::Shutdown => "shutdown",
        }
    }

    /// The WebSocket close code: 4001 means "sign in again", the others "connect again".
    pub const fn close_code(self) -> u16 {
        match self {
            Self::Revoked | Self::MutedTimeout | Self::Expired => 4001,
            Self::Unverified => 1013,
            Self::Shutdown => 1001,
        }
    }

    /// What the kernel's decision to close means for the peer.
    pub(super) const fn of(code: Code) -> Self {
        match code {
            Code::TokenExpired => Self::Expired,
            Code::StorageUnavailable | Code::StorageFailed => Self::Unverified,
            _ => Self::Revoked,
        }
    }
}
