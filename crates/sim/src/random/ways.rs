//! What is outside of a world's companies, and what they have to get there.
//!
//! Owns: the nouns. Does not own: choosing them (`lines`), and what happens (`outside`).

use crate::rng::Rng;
use model::{Money, NumberRange, Policy, RateDraft, Trunk};
use std::sync::Arc;

/// The line to one carrier.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// The company, by index.
    pub(super) home: usize,
    /// The carrier, and the phone that is its switch, by index.
    pub(super) carrier: usize,
    pub(super) switch: usize,
    /// The DNS leads to it.
    pub(super) named: bool,
    /// It has been something else than well, so what its switch believes proves nothing.
    pub(super) was_ill: bool,
}

/// What a company has beside its phones.
#[derive(Clone, Debug)]
pub(super) struct Ways {
    pub(super) trunks: Vec<Trunk>,
    pub(super) numbers: Vec<NumberRange>,
    pub(super) rates: Option<Arc<RateDraft>>,
}

/// What is outside of a world's companies.
pub(super) struct Outside {
    pub(super) rng: Rng,
    pub(super) lines: Vec<Line>,
    /// Hours that the calendar was moved by.
    pub(super) jumped: i64,
    /// The node was going down at some time: it takes its trunks back.
    pub(super) ended: bool,
    /// Calls that limits have ended and refused, of lives that are over.
    pub(super) tolls: (u64, u64),
    /// All trunks are switched off, for carriers are asked again and again.
    pub(super) silent: bool,
}

impl Outside {
    pub(super) fn new(seed: u64) -> Outside {
        Outside {
            rng: Rng::new(seed ^ 0x0075_0000_0000_0000),
            lines: Vec::new(),
            jumped: 0,
            ended: false,
            tolls: (0, 0),
            silent: false,
        }
    }

    /// What all calls of a company together may cost, and one increment of the price that they have.
    pub(super) fn most(policy: &Policy, ways: &Ways) -> Option<(Money, Money)> {
        let limit = policy.toll.by_day.tenant.spend_per_day?;
        let steps = ways.rates.iter().flat_map(|list| &list.rows).map(|row| {
            let seconds = i64::from(row.first_s.max(row.next_s));
            let micros = row.price.micros().saturating_mul(seconds) / 60;
            row.fee.saturating_add(Money::from_micros(micros + 1))
        });
        Some((limit, steps.max()?))
    }
}
