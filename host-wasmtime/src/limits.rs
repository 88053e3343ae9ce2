//! What calls may cost.

use std::time::Duration;

use crate::error::BuildError;

/// What calls may cost. Start from the default and change what has to be different:
///
/// ```
/// let mut limits = authkernel_wasmtime::Limits::default();
/// limits.instances = 32;
/// limits.import_time = std::time::Duration::from_secs(3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many instances of the component there may be: how many calls run at once. They are made on demand.
    /// Default: four for each processor, 8 at least. The native engine has no such limit.
    pub instances: usize,
    /// How many calls may wait for an instance, in order; the next one is refused as `overloaded`. Default: 4096.
    pub queue: usize,
    /// Bytes of memory that one instance may have. Default: 64 MiB.
    pub memory: usize,
    /// An instance whose memory has grown by more than this many bytes since it was made is replaced after its
    /// call. Default: 8 MiB.
    pub memory_growth: usize,
    /// How long the kernel itself may compute in one call; the time that storage and broadcast take does not count.
    /// Measured in steps of 50 ms. Default: 2 s. The native engine cannot be interrupted.
    pub guest_time: Duration,
    /// How long one call to storage or broadcast may take before the kernel is told `unavailable`. Default: 10 s.
    pub import_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            instances: (4 * processors).max(8),
            queue: 4096,
            memory: 64 << 20,
            memory_growth: 8 << 20,
            guest_time: Duration::from_secs(2),
            import_time: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Refuses limits under which no call could succeed. No queue at all is a meaningful choice.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        let zero = [
            ("instances", self.instances == 0),
            ("memory", self.memory == 0),
            ("guest_time", self.guest_time.is_zero()),
            ("import_time", self.import_time.is_zero()),
        ];
        match zero.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((name, _)) => Err(BuildError::Limit(name)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_zero_is_refused_by_name() {
        assert!(Limits::default().check().is_ok());
        let limits = Limits {
            guest_time: Duration::ZERO,
            ..Limits::default()
        };
        assert!(matches!(
            limits.check(),
            Err(BuildError::Limit("guest_time"))
        ));
    }

    #[test]
    fn a_queue_of_zero_is_allowed() {
        let limits = Limits {
            queue: 0,
            ..Limits::default()
        };
        assert!(limits.check().is_ok());
    }
}
