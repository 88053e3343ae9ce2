//! What a crash of the server's machine may cost.

use authkernel::ports::StorageError;

use super::calls::Calls;

/// The settings of the server that decide what a crash of its machine may cost. What the server or a role says of
/// `synchronous_commit` does not matter: the functions that write see to it themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Durability {
    /// Whether what is committed is on disk: `on`.
    pub fsync: String,
    /// Whether a page that was half written can be repaired: `on`.
    pub full_page_writes: String,
}

impl Durability {
    pub(super) async fn ask(calls: &Calls) -> Result<Self, StorageError> {
        Ok(Self {
            fsync: calls.setting("fsync").await?,
            full_page_writes: calls.setting("full_page_writes").await?,
        })
    }

    /// Whether a revocation that was answered survives a crash.
    pub fn is_safe(&self) -> bool {
        self.warnings().is_empty()
    }

    /// What to change, one sentence each; nothing when the server keeps every revocation.
    pub fn warnings(&self) -> Vec<String> {
        [
            ("fsync", &self.fsync),
            ("full_page_writes", &self.full_page_writes),
        ]
        .into_iter()
        .filter(|(_, found)| *found != "on")
        .map(|(name, found)| {
            format!("postgresql runs with {name} {found} instead of on: it could lose revocations in a crash")
        })
        .collect()
    }
}
