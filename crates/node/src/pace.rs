//! Lets packets gather when they come in driblets: a short nap before waiting again.
//!
//! A packet that is relayed costs less than waking up, waiting, one receive and one send call. A loop that is woken
//! thousands of times a second for a packet or two spends most of its time on those. So when turns follow each other
//! quickly and bring little, the loop rests until a moment has passed since the last one began. A loop with plenty to
//! do never rests, nor does one that is woken now and then. Signalling does without: its messages cost more than a
//! turn, and a processor that rests between them answers each one cold.

use std::time::Duration;

/// A turn with so many events is well filled.
const FILLED: usize = 32;

/// Decides about naps.
pub(crate) struct Pace {
    /// Shortest time from one poorly filled turn to the next, while they come thick.
    floor: Duration,
    began: Duration,
    /// From the turn before to the last one.
    gap: Duration,
    events: usize,
}

impl Pace {
    /// With this shortest time between poorly filled turns.
    pub(crate) fn new(floor: Duration) -> Pace {
        Pace {
            floor,
            began: Duration::ZERO,
            gap: Duration::MAX,
            events: 0,
        }
    }

    /// A turn begins.
    pub(crate) fn begin(&mut self, now: Duration) {
        self.gap = now.saturating_sub(self.began);
        self.began = now;
        self.events = 0;
    }

    /// The turn handled so many more events.
    pub(crate) fn add(&mut self, events: usize) {
        self.events += events;
    }

    /// How long to rest before waiting for the next turn's events.
    pub(crate) fn nap(&self, now: Duration) -> Option<Duration> {
        let thick = self.gap < self.floor * 2;
        let rest = (self.began + self.floor).saturating_sub(now);
        (thick && self.events < FILLED && !rest.is_zero()).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: fn(u64) -> Duration = Duration::from_micros;

    /// Turns that begin at the given times, the last one with so many events; asked 20 µs later.
    fn nap(begins: &[u64], events: usize) -> Option<Duration> {
        let mut pace = Pace::new(US(500));
        for at in begins {
            pace.begin(US(*at));
        }
        pace.add(events);
        pace.nap(US(begins[begins.len() - 1] + 20))
    }

    #[test]
    fn only_quick_and_poor_turns_make_it_rest() {
        assert_eq!(nap(&[1_000_000, 1_000_100], 1), Some(US(480)));
        assert_eq!(nap(&[1_000_000, 1_000_100], FILLED), None, "plenty to do");
        assert_eq!(nap(&[1_000_000, 1_001_100], 1), None, "woken now and then");
        assert_eq!(
            nap(&[1_000_000, 1_000_100, 1_000_560], 1),
            Some(US(480)),
            "its own rest does not end it"
        );
    }
}
