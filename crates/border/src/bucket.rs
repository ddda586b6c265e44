//! A leaky bucket: what is poured in runs out at a steady rate.

use std::time::Duration;

/// So many a second in the long run, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// What runs out each second.
    pub per_second: u32,
    /// What the bucket holds.
    pub burst: u32,
}

/// The bucket. What it holds is counted in thousandths; it knows no rate, so that rates may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    level: u64,
    at_ms: u64,
}

/// Milliseconds of a reading of the monotonic clock.
pub(crate) fn millis(now: Duration) -> u64 {
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

impl Bucket {
    /// What is in it, when `leak` thousandths run out a second.
    pub(crate) fn level(&self, leak: u64, now: Duration) -> u64 {
        let passed = millis(now).saturating_sub(self.at_ms);
        self.level.saturating_sub(passed.saturating_mul(leak) / 1_000)
    }

    /// Pours in `amount` thousandths; gives the level afterwards.
    pub(crate) fn pour(&mut self, amount: u64, leak: u64, now: Duration) -> u64 {
        self.level = self.level(leak, now).saturating_add(amount);
        // A clock that went back, which it must not, never makes what is in the bucket last longer.
        self.at_ms = millis(now);
        self.level
    }

    /// Pours in `pieces` if they fit.
    pub fn take(&mut self, pieces: u32, rate: Rate, now: Duration) -> bool {
        let (amount, leak) = (u64::from(pieces) * 1_000, u64::from(rate.per_second) * 1_000);
        let fits = self.level(leak, now).saturating_add(amount) <= u64::from(rate.burst) * 1_000;
        if fits {
            self.pour(amount, leak, now);
        }
        fits
    }
}
