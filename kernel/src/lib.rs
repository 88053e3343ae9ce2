#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(any(test, feature = "testing")),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::unreachable
    )
)]

extern crate alloc;
#[cfg(any(feature = "testing", feature = "schema", test))]
extern crate std;

mod claims;
mod encoding;
pub mod error;
mod json;
pub mod keys;
pub mod limits;
pub mod operations;
pub mod policy;
pub mod ports;
pub mod record;
pub mod rules;
#[cfg(feature = "testing")]
pub mod testing;
pub mod token;

pub use claims::RESERVED as RESERVED_CLAIMS;
pub use error::{Code, Error, Kind};
pub use keys::KeySet;
pub use operations::{Kernel, types};
pub use policy::Policy;
