//! How far a database is migrated.

/// How far a database is migrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaVersion {
    /// The version that the database has; 0 when it has no schema yet.
    pub found: u32,
    /// The newest version that this program knows.
    pub known: u32,
}

impl SchemaVersion {
    /// Whether nothing is to be migrated.
    pub fn is_current(self) -> bool {
        self.found == self.known
    }

    /// Whether a later version of this program wrote it.
    pub fn is_newer(self) -> bool {
        self.found > self.known
    }
}
