//! Time as the cores see it: a monotonic reading for timers, a wall reading for records.
//!
//! Neither is ever read here; the shell (or the simulation) supplies both with every input.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Time since an arbitrary fixed point of this process. Never goes back. Timers use it.
    pub mono: Duration,
    /// Calendar time. May jump either way. Records and registration expiry on disk use it.
    pub wall: Wall,
}

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wall(pub u64);

impl Wall {
    /// The instant `d` later.
    #[must_use]
    pub fn after(self, d: Duration) -> Wall {
        Wall(
            self.0
                .saturating_add(u64::try_from(d.as_millis()).unwrap_or(u64::MAX)),
        )
    }

    /// Time from `earlier` to `self`; zero when the wall clock went back in between.
    #[must_use]
    pub fn since(self, earlier: Wall) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Whole seconds since 1970.
    #[must_use]
    pub fn secs(self) -> u64 {
        self.0 / 1000
    }
}
