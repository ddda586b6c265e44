//! Whether a carrier is there, by questions (OPTIONS).
//!
//! Owns: counts and times. Does not own: messages. One lost answer takes nobody out of service, and one found brings nobody back:
//! so many in a row do.

use crate::wait::share;
use model::TrunkHealth;
use std::time::Duration;

/// What is asked, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Time between questions; zero = nothing is asked.
    pub(crate) every: Duration,
    pub(crate) down_after: u8,
    pub(crate) up_after: u8,
}

/// The health of one trunk.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    rules: Rules,
    state: TrunkHealth,
    /// Answers in a row that say otherwise.
    against: u8,
    /// When the next question is due; `None` while an answer is awaited, or when none is asked.
    next: Option<Duration>,
}

impl Health {
    pub(crate) fn new(rules: Rules, now: Duration, dice: u64) -> Health {
        let asks = !rules.every.is_zero();
        // Not all at once, and soon.
        let first = now.saturating_add(share(rules.every.min(Duration::from_secs(2)), dice));
        Health {
            rules,
            state: TrunkHealth::Unknown,
            against: 0,
            next: asks.then_some(first),
        }
    }

    /// As people see it.
    pub(crate) fn state(&self) -> TrunkHealth {
        self.state
    }

    /// When a question is due.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.next
    }

    /// True when one is to be asked now; its answer is awaited then.
    pub(crate) fn due(&mut self, now: Duration) -> bool {
        self.next.take_if(|next| *next <= now).is_some()
    }

    /// Takes an answer to a question, or its absence. Gives whether the state changed.
    pub(crate) fn answered(&mut self, is_good: bool, now: Duration, dice: u64) -> bool {
        if !self.rules.every.is_zero() {
            // A carrier that is in doubt is asked more often.
            let is_settled = self.against == 0 && is_good == (self.state == TrunkHealth::Up);
            let every = if is_settled {
                self.rules.every
            } else {
                self.rules.every / 2
            };
            self.next = Some(now.saturating_add(every * 9 / 10 + share(every / 10, dice)));
        }
        let (wanted, after) = match is_good {
            true => (TrunkHealth::Up, self.rules.up_after),
            false => (TrunkHealth::Down, self.rules.down_after),
        };
        if self.state == wanted {
            self.against = 0;
            return false;
        }
        self.against = self.against.saturating_add(1);
        // Of one that nothing is known of, the first good answer is enough.
        let enough = self.against >= after || (is_good && self.state == TrunkHealth::Unknown);
        if enough {
            (self.state, self.against) = (wanted, 0);
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;
    const RULES: Rules = Rules {
        every: Duration::from_secs(30),
        down_after: 3,
        up_after: 2,
    };

    #[test]
    fn it_takes_some_in_a_row_to_change_anything() {
        let mut health = Health::new(RULES, S(0), 0);
        assert_eq!(health.state(), TrunkHealth::Unknown);
        assert!(health.answered(true, S(0), 0), "the first good one is enough");
        for good in [false, false, true, false, false, true] {
            assert!(!health.answered(good, S(1), 0));
            assert_eq!(health.state(), TrunkHealth::Up);
        }
        let changes = [false, false, false].map(|good| health.answered(good, S(2), 0));
        assert_eq!(
            (changes, health.state()),
            ([false, false, true], TrunkHealth::Down)
        );
        let changes = [true, false, true, true].map(|good| health.answered(good, S(3), 0));
        assert_eq!(
            (changes, health.state()),
            ([false, false, false, true], TrunkHealth::Up)
        );
    }

    #[test]
    fn who_never_answered_is_down_after_as_many() {
        let mut health = Health::new(RULES, S(0), 0);
        let changes = [false, false, false].map(|good| health.answered(good, S(2), 0));
        assert_eq!(
            (changes, health.state()),
            ([false, false, true], TrunkHealth::Down)
        );
    }

    #[test]
    fn who_is_in_doubt_is_asked_more_often() {
        let mut health = Health::new(RULES, S(0), 1_000);
        assert_eq!(health.next_deadline(), Some(S(2)));
        assert!(
            !health.due(S(1)) && health.due(S(2)) && !health.due(S(9)),
            "one question at a time"
        );
        health.answered(true, S(2), 1_000);
        health.due(S(40));
        health.answered(true, S(40), 1_000);
        assert_eq!(health.next_deadline(), Some(S(70)));
        health.answered(false, S(70), 1_000);
        assert_eq!(health.next_deadline(), Some(S(85)));
    }

    #[test]
    fn who_is_not_to_be_asked_is_not() {
        let rules = Rules {
            every: Duration::ZERO,
            ..RULES
        };
        let mut health = Health::new(rules, S(0), 3);
        assert!(health.next_deadline().is_none() && !health.due(S(99)));
        assert_eq!(health.state(), TrunkHealth::Unknown);
    }
}
