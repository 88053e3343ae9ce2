//! What the adapters of database servers have in common: calls as JSON documents, answers as rows, notes of sessions
//! that were used. What the documents mean is written in `docs/wire.md`.

pub(super) mod answers;
pub(super) mod calls;
mod fields;
mod rows;
mod touches;

pub(super) use touches::{AT_ONCE, PATIENCE, Touches};
