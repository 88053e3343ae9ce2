//! Where token records live: adapters of [`authkernel::ports::Storage`].
//!
//! Every adapter keeps the promises written in `wit/storage.wit` and runs the suite
//! [`authkernel::testing::contract`].

pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;
