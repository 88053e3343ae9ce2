#![doc = include_str!("../README.md")]

mod authenticator;
pub mod broadcast;
mod builder;
mod clock;
#[cfg(feature = "component")]
mod component;
mod engine;
mod error;
mod guard;
mod limits;
#[cfg(any(feature = "native", not(feature = "component")))]
mod native;
mod observe;
#[cfg(feature = "server")]
pub mod server;
pub mod sockets;
pub mod storage;

pub use authenticator::{Authenticator, Statistics};
pub use builder::{BroadcastMissing, Builder, StorageMissing};
pub use clock::{SystemClock, SystemRandom};
pub use engine::Engine;
pub use error::BuildError;
pub use limits::Limits;
pub use observe::Observe;

/// The kernel: its types, its errors and the ports that a host implements.
pub use authkernel as kernel;
