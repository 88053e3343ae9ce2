//! Where token records live: adapters of [`authkernel::ports::Storage`].
//!
//! Every adapter keeps the promises written in `wit/storage.wit` and runs the suite
//! [`authkernel::testing::contract`].
//!
//! | adapter | feature | for |
//! | --- | --- | --- |
//! | [`memory`] | | tests, and trying things out |
//! | `sqlite` | `sqlite` | one machine: one file, any number of processes |
//! | `postgres` | `postgres` | several machines; shared with services in JavaScript |
//! | `redis` | `redis` | the same, where Redis is at hand and its limits are acceptable |

pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod schema;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod servers;
#[cfg(feature = "sqlite")]
pub mod sqlite;
