//! Why an adapter has no broker.

use super::publish::Late;

/// Why there is no connection to a broker, or no subscription. No text has the address's password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address cannot be read, or says something that is not supported.
    #[error("the address of the broker cannot be used: {0}")]
    Address(String),
    /// The name of the channel or subject cannot be used.
    #[error("the broker has no channel of this name: {0}")]
    Channel(&'static str),
    /// The broker is not there, refuses, or does not answer in time.
    #[error("the broker is not available: {0}")]
    Unavailable(String),
}

impl From<Late> for ConnectError {
    fn from(late: Late) -> Self {
        Self::Unavailable(late.to_string())
    }
}
