//! What is known from before. An answer is kept for as long as the DNS says, within bounds; while the DNS does not answer, what
//! it said last goes on for up to a day (RFC 8767): a trunk that worked a minute ago still does.

use super::{Failure, Found, Wish};
use std::collections::BTreeMap;
use std::time::Duration;

/// Seconds for which a stale answer may be used while the DNS does not answer.
pub const STALE_S: u64 = 86_400;
/// Seconds that every answer holds, however small its TTL: calls come more often than that.
const FLOOR_S: u32 = 5;
/// Seconds that no answer outlives, however large its TTL: an operator who moved a peer waits no longer.
const CEILING_S: u32 = 3_600;
/// Seconds that "there is nothing" holds at most, and what the DNS said in part.
const NEGATIVE_S: u32 = 30;
/// Seconds between two attempts while the DNS does not answer, where there is a stale answer meanwhile.
const RETRY_S: u32 = 30;
/// The same where there is none (RFC 9520 §3.2 wants some).
const HOPELESS_S: u32 = 5;

/// What is known of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// This, and it need not be asked.
    Fresh(Result<Found, Failure>),
    /// This, from before: ask, but don't wait long.
    Stale(Found),
    /// Nothing: ask.
    Nothing,
}

#[derive(Debug)]
struct Entry {
    /// What is told until `fresh_until`.
    told: Result<Found, Failure>,
    fresh_until: Duration,
    /// When the DNS told something last; from then on it may be used for a day.
    heard: Duration,
    /// When somebody asked last.
    used: Duration,
}

/// Look-ups of before, by wish. Bounded: in its place goes what says nothing, then what nobody has asked for longest.
#[derive(Debug)]
pub struct Cache {
    entries: BTreeMap<Wish, Entry>,
    most: usize,
}

impl Cache {
    /// Keeps so many wishes, at least one.
    #[must_use]
    pub fn new(most: usize) -> Cache {
        Cache {
            entries: BTreeMap::new(),
            most: most.max(1),
        }
    }

    /// How many wishes it knows something of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when it knows nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is known of a wish.
    pub fn get(&mut self, wish: &Wish, now: Duration) -> Held {
        let Some(entry) = self.entries.get_mut(wish) else {
            return Held::Nothing;
        };
        entry.used = now;
        if now < entry.fresh_until {
            return Held::Fresh(entry.told.clone());
        }
        match &entry.told {
            Ok(found) if entry.is_usable(now) => Held::Stale(found.clone()),
            _ => Held::Nothing,
        }
    }

    /// Seconds for which [`Cache::get`] will go on saying the same.
    #[must_use]
    pub fn holds_s(&self, wish: &Wish, now: Duration) -> u32 {
        let until = self.entries.get(wish).map_or(now, |entry| entry.fresh_until);
        u32::try_from(until.saturating_sub(now).as_secs()).unwrap_or(CEILING_S)
    }

    /// Keeps what a look-up came to, and gives what holds from now on: an old answer where the DNS did not answer, or not in
    /// full.
    pub fn put(
        &mut self,
        wish: &Wish,
        outcome: Result<Found, Failure>,
        now: Duration,
    ) -> Result<Found, Failure> {
        let stale = self
            .entries
            .remove(wish)
            .filter(|entry| entry.told.is_ok() && entry.is_usable(now));
        let entry = match (outcome, stale) {
            (Err(Failure::NoAnswer), Some(stale)) => stale.until(now, RETRY_S),
            (Ok(found), Some(stale)) if !found.is_whole() && stale.is_whole() => stale.until(now, RETRY_S),
            (outcome, _) => Entry::new(outcome, now),
        };
        let holds = entry.told.clone();
        self.make_room();
        self.entries.insert(wish.clone(), entry);
        holds
    }

    fn make_room(&mut self) {
        if self.entries.len() < self.most {
            return;
        }
        let worth = |entry: &Entry| (entry.told.is_ok(), entry.used);
        let least = self.entries.iter().min_by_key(|(_, entry)| worth(entry));
        if let Some(wish) = least.map(|(wish, _)| wish.clone()) {
            self.entries.remove(&wish);
        }
    }
}

impl Entry {
    fn new(told: Result<Found, Failure>, now: Duration) -> Entry {
        let holds_s = match &told {
            Ok(found) if found.is_whole() => found.ttl_s().clamp(FLOOR_S, CEILING_S),
            Ok(found) => found.ttl_s().clamp(FLOOR_S, NEGATIVE_S),
            Err(Failure::NoSuchName(ttl_s)) => (*ttl_s).clamp(FLOOR_S, NEGATIVE_S),
            Err(Failure::NoAnswer) => HOPELESS_S,
            Err(Failure::Unspoken) => CEILING_S,
        };
        Entry {
            told,
            fresh_until: now + Duration::from_secs(u64::from(holds_s)),
            heard: now,
            used: now,
        }
    }

    /// The same for some seconds more, without anything having been heard.
    fn until(self, now: Duration, seconds: u32) -> Entry {
        let fresh_until = now + Duration::from_secs(u64::from(seconds));
        Entry {
            fresh_until,
            used: now,
            ..self
        }
    }

    fn is_usable(&self, now: Duration) -> bool {
        now.saturating_sub(self.heard) < Duration::from_secs(STALE_S)
    }

    fn is_whole(&self) -> bool {
        self.told.as_ref().is_ok_and(Found::is_whole)
    }
}
