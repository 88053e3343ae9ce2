//! Why an authenticator could not be built, or its policy and keys not be replaced.

use std::error::Error as StdError;

/// Why there is no authenticator. A refused call is an [`authkernel::Error`] instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The builder was not given a policy.
    #[error("no policy was given: call `policy` with the text of the policy document")]
    PolicyMissing,
    /// The builder was not given keys.
    #[error("no keys were given: call `keys` with the text of a jwk set")]
    KeysMissing,
    /// Policy or keys are wrong: the code says which of the two, the message names the path.
    #[error(transparent)]
    Refused(authkernel::Error),
    /// A limit that would let nothing happen.
    #[error("the limit `{0}` must be above zero")]
    Limit(&'static str),
    /// The crate was compiled without this engine.
    #[error("this engine was not compiled in: enable the feature `{0}` of authkernel-wasmtime")]
    EngineMissing(&'static str),
    /// The crate was compiled before the component was built.
    #[error("the kernel's component is not embedded: run `cargo xtask build`, then compile again")]
    ComponentMissing,
    /// The component could not be compiled, linked or started.
    #[error("the kernel's component could not be loaded")]
    Component(#[source] Box<dyn StdError + Send + Sync>),
    /// The authenticator was closed while its policy and keys were to be replaced.
    #[error("the authenticator was closed: build a new one")]
    Closed,
}

impl BuildError {
    /// The stable code, where policy or keys were refused.
    pub fn code(&self) -> Option<authkernel::Code> {
        match self {
            Self::Refused(error) => Some(error.code()),
            _ => None,
        }
    }
}
