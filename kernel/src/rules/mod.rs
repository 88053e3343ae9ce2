//! The rules: pure functions, synchronous, without a port in sight. What the kernel decides is decided here.

pub(crate) mod claims;
pub(crate) mod delivery;
pub(crate) mod extra_claims;
pub(crate) mod presence;
pub(crate) mod purpose;
pub mod selection;
pub(crate) mod session;
pub(crate) mod socket_id;
pub(crate) mod sweep;
