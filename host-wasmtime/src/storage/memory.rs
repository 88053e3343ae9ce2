//! Storage in the memory of this process: for tests, demonstrations and services that are one process.
//!
//! All of it is lost when the process ends, **revocations included**: use it only where the tokens die with the
//! process too, for instance because the signing key is made at its start.

pub use authkernel::testing::MemoryStorage;
