//! For tests of hosts and adapters: every port in memory, and the suites that an adapter must pass.
//!
//! [`MemoryStorage`] is also the simplest storage for a service: all of it is lost with the process.
//!
//! An adapter tests itself with a constructor and one line:
//!
//! ```text
//! async fn memory() -> (MemoryStorage, ()) {
//!     (MemoryStorage::new(), ())
//! }
//! authkernel::storage_contract!(memory_storage, memory);
//! ```

mod clock;
pub mod contract;
mod host;
mod memory_storage;
mod random;
mod recording_broadcast;
mod traced;

pub use clock::TestClock;
pub use host::{TestHost, test_host};
pub use memory_storage::MemoryStorage;
pub use random::SeededRandom;
pub use recording_broadcast::RecordingBroadcast;
pub use traced::{CallLog, Traced};
