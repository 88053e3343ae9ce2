//! Sign-outs that a change of credentials owes.
//!
//! An intent is written in the transaction that changes a credential and removed when its sign-out is done, so that
//! a crash between the two is made good later.

use authkernel::record::Timestamp;
use authkernel::types::CredentialsChanged;

/// How many are read at once.
pub(super) const BATCH: u32 = 100;

/// A sign-out that is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Intent {
    /// Whose credentials changed.
    pub(crate) subject: String,
    /// What changed: a trigger of the kernel.
    pub(crate) trigger: String,
    /// The session that made the change.
    pub(crate) acting_sid: String,
    /// When it was committed.
    pub(crate) changed_at: Timestamp,
}

impl Intent {
    /// The call that pays it right after the commit: every session counts, however young.
    pub(crate) fn now(&self) -> CredentialsChanged {
        CredentialsChanged {
            tenant: None,
            subject: self.subject.clone(),
            trigger: self.trigger.clone(),
            acting_sid: Some(self.acting_sid.clone()),
            changed_at: None,
            disconnect_self: true,
        }
    }

    /// The call that pays it later: sessions that began after the change are left alone.
    pub(crate) fn later(&self) -> CredentialsChanged {
        CredentialsChanged {
            changed_at: Some(self.changed_at),
            ..self.now()
        }
    }
}
