//! Times that chance spreads, so that what failed together does not come back together.

use std::time::Duration;

/// A part of a time, as the dice have it.
pub(crate) fn share(whole: Duration, dice: u64) -> Duration {
    let thousandths = u32::try_from(dice % 1_001).unwrap_or(0);
    whole.saturating_mul(thousandths) / 1_000
}

/// Twice as long after each failure, up to the longest.
pub(crate) fn doubled((first, longest): (Duration, Duration), failures: u32) -> Duration {
    first.saturating_mul(1 << failures.min(16)).min(longest)
}

/// How long to wait after so many failures: between a half and the whole of [`doubled`].
pub(crate) fn grown(lengths: (Duration, Duration), failures: u32, dice: u64) -> Duration {
    let grown = doubled(lengths, failures);
    grown / 2 + share(grown / 2, dice)
}
