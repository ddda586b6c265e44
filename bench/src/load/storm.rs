//! Phones that lost their registrar all come back at once.
//!
//! Owns: who tries again and when. A request that gets no answer is repeated as RFC 3261 §17.1.2 says, T1 doubling to T2,
//! for 64 × T1; a phone that failed waits as RFC 5626 §4.5 says before it tries anew.

use super::engine::{Engine, Job};
use super::pace::Pace;
use super::{Latency, Settings};
use anyhow::{Result, bail};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::time::{Duration, Instant};

/// RFC 3261 Timer F.
const TIMER_F: Duration = Duration::from_secs(32);
/// RFC 5626 §4.5: the first wait of a phone all of whose flows failed, and the longest.
const BASE: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(1_800);
/// Registrations at once while nobody is in a hurry.
const CALM: u32 = 64;
/// First requests between two looks at the answers.
const AT_ONCE: u32 = 64;

/// How they came back.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Returned {
    /// Phones that are registered.
    pub(crate) back: u64,
    /// First request to the last answer, s.
    pub(crate) seconds: f64,
    /// Attempts that failed, after which the phone tried again.
    pub(crate) failed: u64,
    /// Why.
    pub(crate) reasons: BTreeMap<String, u64>,
    /// Requests that were repeated.
    pub(crate) retransmitted: u64,
    /// First REGISTER to 200, with the challenge between, of the attempts that succeeded, µs.
    pub(crate) register_us: Latency,
}

/// The phones of all users.
pub(crate) struct Phones {
    engine: Engine,
    settings: Settings,
}

impl Phones {
    /// Opens the links.
    pub(crate) fn new(settings: &Settings) -> Result<Phones> {
        let mut engine = Engine::new(settings)?;
        engine.open_links(false)?;
        engine.patience = TIMER_F;
        Ok(Phones {
            engine,
            settings: settings.clone(),
        })
    }

    /// Everybody registers, a few at once.
    pub(crate) fn arrive(&mut self) -> Result<()> {
        let users = self.settings.users;
        self.engine.run(Job::Register, Pace::new(users, 0.0, CALM))?;
        if self.engine.tally.failed > 0 {
            bail!(
                "{} of {users} phones could not register: {}",
                self.engine.tally.failed,
                self.engine.tally.reasons_line()
            );
        }
        Ok(())
    }

    /// Everybody registers at once, and tries until it is done or `limit` is over.
    pub(crate) fn come_back(&mut self, limit: Duration) -> Result<Returned> {
        let Settings {
            users, first_user, ..
        } = self.settings;
        let engine = &mut self.engine;
        engine.job = Job::Register;
        let (start, mut next) = (Instant::now(), 0);
        let mut waiting = BinaryHeap::new();
        let mut failures: HashMap<u32, u32> = HashMap::new();
        while engine.tally.succeeded < u64::from(users) && start.elapsed() < limit {
            let now = Instant::now();
            for _ in 0..AT_ONCE.min(users - next) {
                engine.register_again(first_user + next);
                next += 1;
            }
            while waiting.peek().is_some_and(|Reverse((at, _))| *at <= now) {
                if let Some(Reverse((_, user))) = waiting.pop() {
                    engine.register_again(user);
                }
            }
            engine.turn(if next < users {
                Duration::ZERO
            } else {
                Duration::from_millis(5)
            })?;
            for user in std::mem::take(&mut engine.fallen) {
                let count = failures.entry(user).or_default();
                waiting.push(Reverse((Instant::now() + wait(user, *count), user)));
                *count += 1;
            }
        }
        let tally = &engine.tally;
        Ok(Returned {
            back: tally.succeeded,
            seconds: start.elapsed().as_secs_f64(),
            failed: tally.failed,
            reasons: tally.reasons.clone(),
            retransmitted: tally.retransmitted,
            register_us: tally.operation(),
        })
    }
}

/// Between half and all of the upper bound, which doubles with every failure; the user's number is the chance.
fn wait(user: u32, failures: u32) -> Duration {
    let upper = BASE.saturating_mul(1 << failures.min(10)).min(LONGEST);
    let share = 500 + user.wrapping_mul(2_654_435_761) % 501;
    upper * share / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_that_failed_spread_and_wait_longer_each_time() {
        let waits: Vec<Duration> = (0..100).map(|user| wait(user, 0)).collect();
        assert!(waits.iter().all(|w| (15..=30).contains(&w.as_secs())));
        assert!(waits.iter().max() > waits.iter().min());
        assert!(wait(7, 1) > wait(7, 0) && wait(7, 30) <= LONGEST);
    }
}
