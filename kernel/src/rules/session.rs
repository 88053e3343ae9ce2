//! The session that a token belongs to.

use crate::record::{Session, Timestamp};

/// How exact `last_seen` is, in seconds: a session in use is noted once in this time, not at every request.
pub(crate) const TOUCH_EVERY: u64 = 300;

/// Whether it is time to note that a session is in use.
pub(crate) fn touch_is_due(session: &Session, now: Timestamp) -> bool {
    now >= session.last_seen.saturating_add(TOUCH_EVERY)
}
