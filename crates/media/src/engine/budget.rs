//! How often something may happen: so many times a second, and so many at once.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    per_s: u32,
    at_once: u32,
    left: u32,
    since: Duration,
}

impl Budget {
    pub(super) fn new(per_s: u32, at_once: u32, now: Duration) -> Budget {
        Budget {
            per_s,
            at_once,
            left: at_once,
            since: now,
        }
    }

    /// True when it may happen once more.
    pub(super) fn spend(&mut self, now: Duration) -> bool {
        let gained = now.saturating_sub(self.since).as_millis() * u128::from(self.per_s) / 1000;
        if gained > 0 {
            let gained = u32::try_from(gained).unwrap_or(u32::MAX);
            self.left = self.left.saturating_add(gained).min(self.at_once);
            self.since = now;
        }
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or(0);
        left.is_some()
    }
}
