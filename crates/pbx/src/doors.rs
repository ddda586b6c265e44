//! How often the PINs of conferences may be guessed.
//!
//! Owns: the count of wrong PINs over the calls of a tenant, by conference and by conference and caller, and for how long none is
//! looked at after too many. Does not own: PINs (`flow`), and what the caller hears.
//!
//! Each count is a bucket that leaks: a wrong PIN fills it by one, time empties it. One that runs over bars its conference, or its
//! caller there, for longer each time until it was empty once. While it is barred a right PIN is worth as little as a wrong one, so
//! that nobody learns anything, and guessing makes it no longer. The caller's bucket runs over first, so that one who guesses alone
//! keeps nobody else out.

use flow::Tried;
use std::collections::BTreeMap;
use std::time::Duration;

/// Callers that are remembered; more are counted by their conference alone.
const MOST_CALLERS: usize = 10_000;

struct Rule {
    /// Wrong PINs that fill the bucket.
    most: u32,
    /// Room that it has after it ran over.
    again: u32,
    /// In this time one is forgiven.
    leak: Duration,
    /// The shortest bar and the longest.
    first: Duration,
    longest: Duration,
}

const CALLER: Rule = Rule {
    most: 5,
    again: 0,
    leak: Duration::from_secs(1_800),
    first: Duration::from_secs(60),
    longest: Duration::from_secs(1_800),
};
const ALL: Rule = Rule {
    most: 20,
    again: 2,
    leak: Duration::from_secs(600),
    first: Duration::from_secs(60),
    longest: Duration::from_secs(600),
};

/// A bar that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    /// For everybody, rather than for one caller.
    pub(crate) of_all: bool,
    pub(crate) length: Duration,
}

/// What is counted, of a tenant.
#[derive(Default)]
pub(crate) struct Doors {
    rooms: BTreeMap<u32, Bucket>,
    callers: BTreeMap<(u32, Box<str>), Bucket>,
}

#[derive(Clone, Copy, Default)]
struct Bucket {
    level: u32,
    /// Up to when it has leaked.
    leaked: Duration,
    barred_until: Duration,
    /// Times that it ran over since it was empty.
    bars: u32,
}

impl Bucket {
    fn leak(&mut self, rule: &Rule, now: Duration) {
        let since = now.saturating_sub(self.leaked);
        let drops = u32::try_from(since.as_secs() / rule.leak.as_secs().max(1)).unwrap_or(u32::MAX);
        self.leaked = self.leaked.saturating_add(rule.leak.saturating_mul(drops));
        self.level = self.level.saturating_sub(drops);
        if self.level == 0 {
            (self.leaked, self.bars) = (now, 0);
        }
    }

    fn is_barred(&self, now: Duration) -> bool {
        self.barred_until > now
    }

    /// Counts a wrong PIN; gives how long none is looked at now.
    fn fill(&mut self, rule: &Rule, now: Duration) -> Option<Duration> {
        self.level = self.level.saturating_add(1);
        if self.level <= rule.most {
            return None;
        }
        let times = 1_u32.checked_shl(self.bars).unwrap_or(u32::MAX);
        let length = rule.first.saturating_mul(times).min(rule.longest);
        self.level = rule.most.saturating_sub(rule.again);
        self.bars = self.bars.saturating_add(1);
        self.barred_until = now.saturating_add(length);
        // Nothing is forgiven meanwhile.
        self.leaked = self.barred_until;
        Some(length)
    }
}

impl Doors {
    /// A caller has typed a PIN, a right one or not. Gives what it is worth, and the bars that begin with it.
    pub(crate) fn knock(&mut self, room: u32, caller: &str, right: bool, now: Duration) -> (Tried, Vec<Bar>) {
        let key = (room, caller.into());
        let of_room = self.rooms.get_mut(&room).map(|bucket| (bucket, &ALL));
        let of_caller = self.callers.get_mut(&key).map(|bucket| (bucket, &CALLER));
        let mut barred = false;
        for (bucket, rule) in of_room.into_iter().chain(of_caller) {
            bucket.leak(rule, now);
            barred |= bucket.is_barred(now);
        }
        if barred {
            return (Tried::Barred, Vec::new());
        }
        if right {
            return (Tried::Right, Vec::new());
        }
        self.make_room(now);
        let empty = Bucket {
            leaked: now,
            ..Bucket::default()
        };
        let mut bars = Vec::new();
        if self.callers.len() < MOST_CALLERS || self.callers.contains_key(&key) {
            let bucket = self.callers.entry(key).or_insert(empty);
            bars.extend(bucket.fill(&CALLER, now).map(|length| Bar {
                of_all: false,
                length,
            }));
        }
        let bucket = self.rooms.entry(room).or_insert(empty);
        bars.extend(bucket.fill(&ALL, now).map(|length| Bar { of_all: true, length }));
        let tried = if bars.is_empty() {
            Tried::Wrong
        } else {
            Tried::Barred
        };
        (tried, bars)
    }

    /// Forgets callers who have been forgiven everything, when there are many. Conferences are few: the configuration names them.
    fn make_room(&mut self, now: Duration) {
        if self.callers.len() >= MOST_CALLERS {
            self.callers.retain(|_, bucket| {
                bucket.leak(&CALLER, now);
                bucket.level > 0 || bucket.is_barred(now)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn bars_grow_and_end() {
        let mut doors = Doors::default();
        let mut now = secs(1_000);
        let mut lengths = Vec::new();
        for _ in 0..5 {
            assert_eq!(doors.knock(7, "101", false, now), (Tried::Wrong, vec![]));
        }
        for _ in 0..8 {
            let (tried, bars) = doors.knock(7, "101", false, now);
            assert_eq!(tried, Tried::Barred);
            let bar = bars.into_iter().find(|bar| !bar.of_all).unwrap();
            lengths.push(bar.length.as_secs());
            // Neither a right nor a wrong one is looked at, and none makes it longer.
            for right in [true, false] {
                assert_eq!(doors.knock(7, "101", right, now), (Tried::Barred, vec![]));
            }
            now += bar.length;
        }
        assert_eq!(lengths, [60, 120, 240, 480, 960, 1_800, 1_800, 1_800]);
        assert_eq!(doors.knock(7, "101", true, now).0, Tried::Right);
        // Somebody else, and another conference, have counts of their own.
        assert_eq!(doors.knock(8, "101", true, now).0, Tried::Right);
        // After an evening nothing is held against anybody.
        now += secs(6 * 1_800);
        for _ in 0..5 {
            assert_eq!(doors.knock(7, "101", false, now).0, Tried::Wrong);
        }
        let (_, bars) = doors.knock(7, "101", false, now);
        assert_eq!(bars[0].length, secs(60));
    }

    #[test]
    fn many_callers_share_what_a_conference_takes() {
        let mut doors = Doors::default();
        let now = secs(5);
        let mut wrong = 0;
        let barred = (0..).find_map(|n: u32| {
            let (tried, bars) = doors.knock(7, &n.to_string(), false, now);
            wrong += u32::from(tried == Tried::Wrong);
            bars.first().copied()
        });
        let length = secs(60);
        assert_eq!((wrong, barred), (20, Some(Bar { of_all: true, length })));
        assert_eq!(doors.knock(7, "another", true, now).0, Tried::Barred);
        assert_eq!(doors.knock(8, "another", true, now).0, Tried::Right);
        assert_eq!(doors.knock(7, "another", true, now + length).0, Tried::Right);
    }

    #[test]
    fn callers_are_remembered_up_to_a_limit() {
        let mut doors = Doors::default();
        let mut now = secs(0);
        for n in 0..u32::try_from(MOST_CALLERS).unwrap() + 100 {
            doors.knock(n % 2_000, &n.to_string(), false, now);
        }
        assert_eq!(doors.callers.len(), MOST_CALLERS);
        now += secs(7 * 1_800);
        doors.knock(1, "late", false, now);
        assert_eq!(doors.callers.len(), 1);
    }
}
