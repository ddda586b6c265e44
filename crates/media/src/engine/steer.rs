//! How Opus is written for a leg that loses packets, or that they take longer and longer to reach.
//!
//! Owns: how much loss is reckoned with, and which share of its bit rate Opus keeps. Does not own: the encoder, and reading
//! reports.
//!
//! The bit rate follows the loss-based rule of draft-ietf-rmcat-gcc §6: above a tenth lost it falls by half of what is lost,
//! below a fiftieth it rises by a twentieth. A round trip that grows well beyond the shortest one known says that a queue
//! fills, and counts as a little loss. Phones report each five seconds or so, so it falls within seconds and rises within
//! minutes.

use std::time::Duration;

/// The whole bit rate, per mille, and the least share of it.
pub(super) const FULL: u16 = 1_000;
const LEAST: u16 = 500;
/// Loss above which the bit rate falls, and below which it rises, per cent.
const MUCH: u8 = 10;
const LITTLE: u8 = 2;
/// Loss that a leg is written to by itself for, per cent; below, what is reckoned with anyway is enough.
const LOSSY: u8 = 10;
/// What remains when a queue fills, per mille.
const QUEUED: u16 = 850;
/// A rise, per mille of what there is.
const RISE: u16 = 50;
/// A round trip that is so much longer than the shortest one, or half as long again, tells of a queue.
const LONGER: Duration = Duration::from_millis(100);
/// The bit rate changes once in this at most, however often the leg reports.
const PAUSE: Duration = Duration::from_secs(1);

/// What is known of the way to one leg.
#[derive(Debug)]
pub(super) struct Steer {
    loss: u8,
    share: u16,
    shortest: Option<Duration>,
    changed: Option<Duration>,
    is_news: bool,
}

impl Default for Steer {
    fn default() -> Steer {
        Steer {
            loss: 0,
            share: FULL,
            shortest: None,
            changed: None,
            is_news: false,
        }
    }
}

impl Steer {
    /// Takes a report of the leg in: what it lost of our packets of late, per cent, and the round trip, where that is known.
    pub(super) fn hear(&mut self, percent: u8, trip: Option<Duration>, now: Duration) {
        let percent = percent.min(100);
        let known = (u16::from(self.loss) * 3 + u16::from(percent)) / 4;
        // Loss comes at once and is forgotten slowly: it comes in bursts.
        self.loss = percent.max(u8::try_from(known).unwrap_or(percent));
        self.is_news = true;
        let queued = trip.is_some_and(|trip| self.tells_of_queue(trip));
        if self.changed.is_some_and(|at| now.saturating_sub(at) < PAUSE) {
            return;
        }
        self.changed = Some(now);
        let share = u32::from(self.share);
        let share = match percent {
            _ if percent > MUCH => share * (200 - u32::from(percent)) / 200,
            _ if queued => share * u32::from(QUEUED) / 1_000,
            _ if percent < LITTLE => share + share * u32::from(RISE) / 1_000,
            _ => share,
        };
        self.share = u16::try_from(share).unwrap_or(FULL).clamp(LEAST, FULL);
    }

    fn tells_of_queue(&mut self, trip: Duration) -> bool {
        let shortest = self.shortest.unwrap_or(trip).min(trip);
        // Another way may be longer for good: what was the shortest is forgotten bit by bit.
        self.shortest = Some(shortest.saturating_add(trip.saturating_sub(shortest) / 16));
        trip > shortest.saturating_add(LONGER.max(shortest / 2))
    }

    /// Is the leg written to as any other?
    pub(super) fn is_calm(&self, fec: bool) -> bool {
        self.share == FULL && !(fec && self.loss >= LOSSY)
    }

    /// Loss to reckon with, per cent, and the share of the bit rate, per mille; where a report has come since the last time.
    pub(super) fn news(&mut self) -> Option<(u8, u16)> {
        std::mem::take(&mut self.is_news).then_some((self.loss, self.share))
    }

    /// The same for an encoder that begins, where a report has come at all.
    pub(super) fn begin(&mut self) {
        self.is_news = self.changed.is_some();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn share(steer: &mut Steer) -> u16 {
        steer.news().unwrap().1
    }

    #[test]
    fn loss_lowers_at_once_and_is_made_up_for_slowly() {
        let mut steer = Steer::default();
        steer.hear(5, None, at(5));
        assert_eq!(steer.news(), Some((5, FULL)), "FEC is enough");
        assert!(steer.is_calm(true));
        steer.hear(20, None, at(10));
        assert_eq!(steer.news(), Some((20, 900)));
        assert!(!steer.is_calm(true) && !steer.is_calm(false));
        steer.hear(60, None, at(15));
        steer.hear(60, None, at(20));
        assert_eq!(steer.news(), Some((60, LEAST)));
        assert_eq!(steer.news(), None, "told once");
        let mut reports = 0;
        while share({
            reports += 1;
            steer.hear(0, None, at(20 + 5 * reports));
            &mut steer
        }) < FULL
        {}
        assert!((12..20).contains(&reports), "{reports} reports");
        assert!(steer.is_calm(true), "{steer:?}");
    }

    #[test]
    fn who_reports_all_the_time_changes_nothing_faster() {
        let mut steer = Steer::default();
        for _ in 0..1000 {
            steer.hear(100, None, at(7));
        }
        assert_eq!(share(&mut steer), LEAST);
        let mut steer = Steer::default();
        for _ in 0..1000 {
            steer.hear(12, None, at(7));
        }
        assert_eq!(share(&mut steer), 940);
        steer.hear(255, None, at(8));
        assert_eq!(steer.news(), Some((100, LEAST)));
    }

    #[test]
    fn a_queue_that_fills_counts_as_loss_and_a_longer_way_does_not_for_long() {
        let mut steer = Steer::default();
        let ms = |ms| Some(Duration::from_millis(ms));
        for (s, trip) in [(5, 40), (10, 60), (15, 130)] {
            steer.hear(0, ms(trip), at(s));
            assert_eq!(share(&mut steer), FULL, "{trip} ms");
        }
        steer.hear(0, ms(400), at(20));
        assert_eq!(share(&mut steer), 850);
        let mut later = (5..).map(|n| at(5 * n));
        for now in later.by_ref().take(6) {
            steer.hear(0, ms(400), now);
        }
        assert_eq!(share(&mut steer), LEAST);
        let mut shares = later.map(|now| {
            steer.hear(0, ms(400), now);
            share(&mut steer)
        });
        let reports = shares.position(|share| share == FULL);
        assert!(reports.is_some_and(|n| n < 40), "{reports:?}");
    }
}
