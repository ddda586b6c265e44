//! How long a tick is: all that makes or takes sound goes by it.

use std::time::Duration;

/// The length of a tick, milliseconds.
pub(crate) const TICK_MS: u32 = 20;
/// The same.
pub(crate) const TICK: Duration = Duration::from_millis(TICK_MS as u64);
