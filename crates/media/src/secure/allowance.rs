//! How much is sent where nobody has shown yet that he is the leg.

use std::time::Duration;

/// Packets that may leave: a few at once, then one in a while.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowance {
    /// Until when what has left is spread.
    spent: Duration,
}

impl Allowance {
    /// Takes one packet; false when none may leave. One leaves in `each`, `at_once` of them at first.
    pub(super) fn take(&mut self, now: Duration, each: Duration, at_once: u32) -> bool {
        let from = self.spent.max(now);
        let next = from.saturating_add(each);
        let may = next.saturating_sub(now) <= each.saturating_mul(at_once);
        if may {
            self.spent = next;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_at_once_then_one_in_a_while() {
        let each = Duration::from_millis(100);
        let mut allowance = Allowance::default();
        let mut taken = |ms| {
            (0..1_000)
                .filter(|_| allowance.take(Duration::from_millis(ms), each, 8))
                .count()
        };
        assert_eq!(taken(5_000), 8);
        assert_eq!(taken(5_000), 0);
        assert_eq!(taken(5_350), 3);
        assert_eq!(taken(60_000), 8);
    }
}
