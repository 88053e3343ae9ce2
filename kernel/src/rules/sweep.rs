//! What to do with an open connection.

use crate::error::Code;
use crate::keys::{KeySet, KeyState};
use crate::operations::types::{SocketState, Verdict};
use crate::policy::{Policy, Presence};
use crate::record::{Found, Notify, Status, Timestamp};
use crate::rules::claims::deadline;
use crate::rules::presence::{self, Presented};

/// What can be decided without storage: an expired token, a key that verifies nothing any more, a purpose that
/// opens no connections (any more).
pub(crate) fn alone(
    socket: &SocketState,
    policy: &Policy,
    keys: &KeySet,
    now: Timestamp,
) -> Option<Verdict> {
    if now >= deadline(socket.expires_at, policy) {
        return Some(Verdict::Close(Code::TokenExpired));
    }
    match keys.get(&socket.kid).map(|key| key.state()) {
        None => return Some(Verdict::Close(Code::KeyUnknown)),
        Some(KeyState::Revoked) => return Some(Verdict::Close(Code::KeyRevoked)),
        Some(_) => {}
    }
    match policy.purposes.get(&socket.purpose) {
        Some(purpose) if purpose.opens_sockets => None,
        _ => Some(Verdict::Close(Code::PurposeNotAllowed)),
    }
}

/// What storage's answer means. A record that is missing closes only where presence is required.
pub(crate) fn with_storage(
    socket: &SocketState,
    found: &Found,
    policy: &Policy,
    now: Timestamp,
) -> Verdict {
    let presence = policy
        .purposes
        .get(&socket.purpose)
        .map_or(Presence::Required, |purpose| purpose.presence);
    match presence::accept(&presented(socket), found, presence, policy) {
        Ok(()) => Verdict::Keep,
        Err(_) if disconnect_comes_later(found, now) => Verdict::Mute,
        Err(error) => Verdict::Close(error.code()),
    }
}

/// What to do when storage could not be asked: nothing, until the policy's `max_blind` has passed.
pub(crate) fn without_answer(socket: &SocketState, policy: &Policy, now: Timestamp) -> Verdict {
    match policy.max_blind {
        Some(longest) if now.saturating_sub(socket.verified_at) > longest => {
            Verdict::Close(Code::StorageUnavailable)
        }
        _ => Verdict::Unverified,
    }
}

/// The acting session of a sign-out with `disconnect_self: false`.
fn disconnect_comes_later(found: &Found, now: Timestamp) -> bool {
    found.record.as_ref().is_some_and(|record| {
        matches!(record.status, Status::Revoked { .. })
            && matches!(record.notify, Notify::Pending { due } if due > now)
    })
}

pub(crate) fn presented(socket: &SocketState) -> Presented<'_> {
    Presented {
        tenant: socket.tenant.as_deref(),
        jti: &socket.jti,
        sid: &socket.sid,
        subject: &socket.subject,
        purpose: &socket.purpose,
        kid: &socket.kid,
        issued_at: socket.issued_at,
        epoch: socket.epoch,
    }
}
