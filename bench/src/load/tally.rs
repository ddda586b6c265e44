//! Counting: what succeeded, what failed and why, and how long it took.

use std::collections::BTreeMap;
use std::time::Duration;

/// Results of one phase.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Operations that ended well.
    pub(crate) succeeded: u64,
    /// Operations that did not.
    pub(crate) failed: u64,
    /// Messages that we sent again, requests and 2xx.
    pub(crate) retransmitted: u64,
    /// Reasons of failures.
    pub(crate) reasons: BTreeMap<String, u64>,
    operation_us: Vec<u32>,
    setup_us: Vec<u32>,
}

/// Percentiles, µs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Latency {
    /// Half are faster.
    pub(crate) p50: u32,
    /// 95 % are faster.
    pub(crate) p95: u32,
    /// 99 % are faster.
    pub(crate) p99: u32,
    /// The slowest.
    pub(crate) max: u32,
}

impl Tally {
    /// An operation ended well after `took`.
    pub(super) fn success(&mut self, took: Duration) {
        self.succeeded += 1;
        self.operation_us.push(micros(took));
    }

    /// INVITE to 200, of a call.
    pub(super) fn set_up(&mut self, took: Duration) {
        self.setup_us.push(micros(took));
    }

    /// An operation failed.
    pub(super) fn failure(&mut self, reason: String) {
        self.failed += 1;
        *self.reasons.entry(reason).or_default() += 1;
    }

    /// All reasons in one line.
    pub(crate) fn reasons_line(&self) -> String {
        let parts: Vec<String> = self
            .reasons
            .iter()
            .map(|(reason, n)| format!("{n} × {reason}"))
            .collect();
        parts.join(", ")
    }

    /// First request to last answer.
    pub(crate) fn operation(&self) -> Latency {
        Latency::of(self.operation_us.clone())
    }

    /// INVITE to 200; zero for registrations.
    pub(crate) fn setup(&self) -> Latency {
        Latency::of(self.setup_us.clone())
    }
}

impl Latency {
    /// Percentiles of unordered samples; zero of none.
    pub(crate) fn of(mut samples: Vec<u32>) -> Latency {
        samples.sort_unstable();
        let last = samples.len().saturating_sub(1);
        let at = |percent: usize| samples.get(last * percent / 100).copied().unwrap_or(0);
        Latency {
            p50: at(50),
            p95: at(95),
            p99: at(99),
            max: at(100),
        }
    }
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_a_hundred_and_one_numbers_are_their_indexes() {
        let latency = Latency::of((0..=100).rev().collect());
        assert_eq!(
            latency,
            Latency {
                p50: 50,
                p95: 95,
                p99: 99,
                max: 100
            }
        );
        assert_eq!(Latency::of(Vec::new()), Latency::default());
    }
}
