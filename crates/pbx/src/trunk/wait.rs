//! Times that chance spreads, so that what failed together does not come back together.

use std::time::Duration;

/// A part of a time, as the dice have it.
pub(super) fn share(whole: Duration, dice: u64) -> Duration {
    let thousandths = u32::try_from(dice % 1_001).unwrap_or(0);
    whole.saturating_mul(thousandths) / 1_000
}

/// How long to wait after so many failures: twice as long each time up to the longest, between a half and the whole of it.
pub(super) fn grown((first, longest): (Duration, Duration), failures: u32, dice: u64) -> Duration {
    let grown = first.saturating_mul(1 << failures.min(16)).min(longest);
    grown / 2 + share(grown / 2, dice)
}
