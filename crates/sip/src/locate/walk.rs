//! From one place to the next (RFC 3263 §4.3): who failed a moment ago is tried after the others, and all are tried rather than
//! none.

use std::collections::BTreeMap;
use std::time::Duration;

/// Places that failed of late: a timeout, a 503, a refused connection. It outlives calls and look-ups, one for a trunk or for
/// all. A place is whatever its owner calls so, [`super::Place`] or that of a seam. Bounded: who would have been forgotten first makes room.
#[derive(Clone, Debug)]
pub struct Failures<P> {
    until: BTreeMap<P, Duration>,
    most: usize,
}

impl<P: Ord + Clone> Failures<P> {
    /// Remembers so many places, at least one.
    #[must_use]
    pub fn new(most: usize) -> Failures<P> {
        Failures {
            until: BTreeMap::new(),
            most: most.max(1),
        }
    }

    /// This place failed and comes last until then, such as the Retry-After of its 503. A moment that is past forgets it.
    pub fn note(&mut self, place: P, until: Duration, now: Duration) {
        self.until.retain(|_, until| *until > now);
        if until <= now {
            self.until.remove(&place);
            return;
        }
        if self.until.len() >= self.most && !self.until.contains_key(&place) {
            let first = self.until.iter().min_by_key(|(_, until)| **until);
            if let Some(first) = first.map(|(place, _)| place.clone()) {
                self.until.remove(&first);
            }
        }
        self.until.insert(place, until);
    }

    /// This place has answered.
    pub fn forgive(&mut self, place: &P) {
        self.until.remove(place);
    }

    /// True while it comes last.
    #[must_use]
    pub fn is_failed(&self, place: &P, now: Duration) -> bool {
        self.until.get(place).is_some_and(|until| *until > now)
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.until.len()
    }

    /// True when none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.until.is_empty()
    }
}

/// The way of one request over the places that it may go to, each of them once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk<P> {
    left: Vec<P>,
}

impl<P: Ord + Clone> Walk<P> {
    /// Over these, in their order.
    #[must_use]
    pub fn new(places: Vec<P>) -> Walk<P> {
        Walk { left: places }
    }

    /// The next one to try: the first that has not failed of late, by whatever request, else the first of those that have.
    /// `None` when all were tried.
    pub fn next(&mut self, failures: &Failures<P>, now: Duration) -> Option<P> {
        let good = self.left.iter().position(|place| !failures.is_failed(place, now));
        match self.left.is_empty() {
            true => None,
            false => Some(self.left.remove(good.unwrap_or(0))),
        }
    }
}
