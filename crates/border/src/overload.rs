//! Refusing what may come later when a worker can't keep up, by how long messages have waited for it.
//!
//! A queue that is emptied now and then is a burst; one that has not been for a while is too much work. So what counts is the
//! shortest wait within an interval, as in the management of router queues (RFC 8289).

use crate::kind::Kind;
use std::time::Duration;

/// Within this time a worker that keeps up has emptied its queues once.
const INTERVAL: Duration = Duration::from_millis(100);
/// Whoever is refused comes back after so many seconds at the earliest, and so many later at the latest.
const RETRY_S: u64 = 5;
const SPREAD_S: u64 = 25;

/// The load of one worker.
#[derive(Clone, Debug)]
pub struct Overload {
    limit: Duration,
    /// The interval under way: since when, and the shortest wait in it.
    since: Duration,
    shortest: Duration,
    /// That in the interval before, and the shorter one of it and of the one before that: a single long turn is no overload.
    before: Duration,
    wait: Duration,
    jitter: u64,
}

impl Overload {
    /// Refuses what nobody listens for after a wait of `limit`, and calls after twice that. Zero switches it off.
    #[must_use]
    pub fn new(limit: Duration, seed: u64) -> Overload {
        Overload {
            limit,
            since: Duration::ZERO,
            shortest: Duration::MAX,
            before: Duration::ZERO,
            wait: Duration::ZERO,
            jitter: seed | 1,
        }
    }

    /// So long has what is served now waited.
    pub fn observe(&mut self, waited: Duration, now: Duration) {
        self.shortest = self.shortest.min(waited);
        if now >= self.since + INTERVAL {
            self.wait = self.shortest.min(self.before);
            (self.since, self.before, self.shortest) = (now, self.shortest, Duration::MAX);
        }
    }

    /// Whether new requests of a kind are refused. What belongs to a dialog never is.
    #[must_use]
    pub fn refuses(&self, kind: Kind) -> bool {
        let limit = match kind {
            Kind::FollowUp => return false,
            Kind::Invite => self.limit * 2,
            Kind::Other => self.limit,
        };
        !self.limit.is_zero() && self.wait >= limit
    }

    /// Seconds after which somebody who was refused may come again; others get others.
    pub fn retry_after_s(&mut self) -> u64 {
        // xorshift (Marsaglia 2003): spread, not secrecy, is what is wanted.
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        RETRY_S + self.jitter % (SPREAD_S + 1)
    }
}
