//! What an outgoing call asks before it leaves, and what it costs.

use super::Operation;
use model::{
    DestinationClass, Money, Now, Prefix, RateDraft, RateRow, TollLimits, TollPolicy, TollProfile,
    TollTicket, TrunkId, UserId, Wall,
};
use std::collections::{BTreeMap, VecDeque};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;
use tenancy::{Meter, Origin, RateTable, Request, Verdict};

/// As many as a large carrier's list has.
const ROWS: u64 = 100_000;
const USERS: u64 = 1_000;
/// Calls that last: one of every second user.
const LIVE: usize = 500;
/// Between two calls: each user's next comes after twenty seconds.
const GAP: Duration = Duration::from_millis(20);
const START: Wall = Wall(1_780_000_000_000);

/// Numbers without a pattern (SplitMix64).
fn mixed(step: u64) -> u64 {
    let z = step.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z ^ (z >> 27)
}

/// A row for each three digits, and more within them down to nine.
fn table() -> Option<RateTable> {
    let digits = |step: u64| match step {
        0..900 => (100 + step).to_string(),
        _ => {
            let length = usize::try_from(4 + mixed(step) % 6).unwrap_or(4);
            let mut text = (1_000_000_000 + mixed(step + ROWS) % 9_000_000_000).to_string();
            text.truncate(length);
            text
        }
    };
    let mut rows: BTreeMap<Prefix, RateRow> = BTreeMap::new();
    let mut step = 0;
    while rows.len() < usize::try_from(ROWS).ok()? {
        let prefix: Prefix = digits(step).parse().ok()?;
        let row = RateRow {
            prefix,
            name: "".into(),
            price: Money::from_micros(i64::try_from(1_000 + mixed(step) % 500_000).ok()?),
            fee: Money::ZERO,
            first_s: 60,
            next_s: 6,
            from: Wall(0),
            until: None,
            band: None,
        };
        rows.insert(prefix, row);
        step += 1;
    }
    let draft = RateDraft {
        currency: "EUR".parse().ok()?,
        places: 4,
        utc_offset_min: 0,
        rows: rows.into_values().collect(),
    };
    RateTable::new(draft).ok()
}

fn numbers() -> Vec<String> {
    let number = |step: u64| format!("+{}", 10_000_000_000 + mixed(step) % 89_000_000_000);
    (0..4_096).map(number).collect()
}

/// The price of a call to some number.
pub(super) fn charge() -> Option<Operation> {
    let (table, numbers) = (table()?, numbers());
    let mut turn = 0;
    table.charge(numbers.first()?, Some(START), Duration::from_secs(61))?;
    Some(Box::new(move || {
        turn = (turn + 1) % numbers.len();
        if let Some(number) = numbers.get(turn) {
            black_box(table.charge(number, Some(START), Duration::from_secs(61)));
        }
    }))
}

/// Limits that are all looked at and never reached.
fn policy() -> TollPolicy {
    let wide = TollLimits {
        concurrent: Some(1_000_000),
        calls_per_s: Some(1_000_000),
        calls_per_min: Some(1_000_000),
        minutes_per_day: Some(1_000_000_000),
        spend_per_hour: Some(Money::from_units(1_000_000_000)),
        spend_per_day: Some(Money::from_units(1_000_000_000)),
        spend_per_month: Some(Money::from_units(1_000_000_000)),
        longest_call_s: Some(7_200),
    };
    let profile = TollProfile {
        tenant: wide,
        user: wide,
        trunk: wide,
        classes: BTreeMap::from([(DestinationClass::National, wide)]),
    };
    TollPolicy {
        by_day: profile,
        ..TollPolicy::default()
    }
}

/// A tenant whose users call one after the other.
struct Calls {
    meter: Meter,
    numbers: Vec<String>,
    live: VecDeque<TollTicket>,
    turn: u64,
}

impl Calls {
    fn now(&self) -> Now {
        let time = GAP * u32::try_from(self.turn).unwrap_or(u32::MAX);
        Now {
            mono: time,
            wall: START.after(time),
        }
    }

    fn ask(&mut self) -> Option<TollTicket> {
        self.turn += 1;
        let now = self.now();
        let number = usize::try_from(self.turn).ok()? % self.numbers.len();
        let request = Request {
            origin: Origin::Dialled(UserId(mixed(self.turn) % USERS)),
            trunk: Some(TrunkId(1)),
            number: self.numbers.get(number)?,
            class: DestinationClass::National,
        };
        match self.meter.ask(&request, now) {
            Verdict::Allow { ticket, .. } => Some(ticket),
            Verdict::Refuse(_) => None,
        }
    }

    fn new() -> Option<Calls> {
        let mut calls = Calls {
            meter: Meter::new(policy(), Some(Arc::new(table()?))).ok()?,
            numbers: numbers(),
            live: VecDeque::new(),
            turn: 0,
        };
        for _ in 0..USERS * 4 {
            calls.call()?;
        }
        Some(calls)
    }

    /// One begins and is answered, and the oldest ends.
    fn call(&mut self) -> Option<()> {
        let ticket = self.ask()?;
        let now = self.now();
        self.meter.answered(ticket, now);
        self.live.push_back(ticket);
        if self.live.len() > LIVE {
            let oldest = self.live.pop_front()?;
            black_box(self.meter.ended(oldest, now)?);
        }
        if self.meter.poll_timeout().is_some_and(|due| due <= now.mono) {
            self.meter.handle_timeout(now);
        }
        Some(())
    }
}

/// A call that is asked about and given up: `ask`, and `ended` without an answer.
pub(super) fn ask() -> Option<Operation> {
    let mut calls = Calls::new()?;
    Some(Box::new(move || {
        if let Some(ticket) = calls.ask() {
            let now = calls.now();
            black_box(calls.meter.ended(ticket, now));
        }
    }))
}

/// A call from its beginning to its end.
pub(super) fn call() -> Option<Operation> {
    let mut calls = Calls::new()?;
    Some(Box::new(move || {
        black_box(calls.call());
    }))
}
