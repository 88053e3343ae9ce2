//! A whole host in memory.

use super::{CallLog, MemoryStorage, RecordingBroadcast, SeededRandom, TestClock, Traced};
use crate::ports::Ports;
use crate::record::Timestamp;

/// A host in memory: every call of storage and broadcast is written into one log, in order.
pub type TestHost =
    Ports<Traced<MemoryStorage>, Traced<RecordingBroadcast>, TestClock, SeededRandom>;

/// An empty host whose clock shows `now`, and its log.
pub fn test_host(now: Timestamp) -> (TestHost, CallLog) {
    let log = CallLog::new();
    let host = Ports {
        storage: Traced::new(MemoryStorage::new(), log.clone()),
        broadcast: Traced::new(RecordingBroadcast::new(), log.clone()),
        clock: TestClock::new(now),
        random: SeededRandom::new(0),
    };
    (host, log)
}
