//! The clocks. Read once per turn of an event loop; everything below takes the reading.

use model::{Now, Wall};
use std::time::{Duration, Instant, SystemTime};

/// Both clocks, with a fixed point that all threads of a node share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts counting.
    pub(crate) fn new() -> Clock {
        Clock {
            start: Instant::now(),
        }
    }

    /// Reads both.
    pub(crate) fn now(&self) -> Now {
        let wall = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
        Now {
            mono: self.mono(),
            wall: Wall(wall),
        }
    }

    /// A reading of the monotonic clock for those who want it so.
    pub(crate) fn instant(&self, mono: Duration) -> Instant {
        self.start + mono.saturating_sub(Duration::from_secs(1))
    }

    /// Reads the monotonic clock. One second is added so that "some time ago" is never negative.
    pub(crate) fn mono(&self) -> Duration {
        self.start.elapsed() + Duration::from_secs(1)
    }
}
