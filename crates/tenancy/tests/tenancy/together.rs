//! Many calls at once, at random: together they pass no limit, and nothing that was counted is lost or left behind.

use crate::office::{Office, user};
use crate::random::Random;
use crate::rate::{carrier, money};
use model::{
    DestinationClass, Money, TollAmount, TollCheckpoint, TollLimit, TollLimits, TollPolicy, TollScope,
    TollTicket, TrunkId, UserId,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use tenancy::{Meter, Origin, Request, Verdict};

/// Numbers with increments of many kinds, and what one increment of each costs at most.
const NUMBERS: [(&str, &str); 7] = [
    ("+4930123", "0.0002"),
    ("+4915112", "0.0014"),
    ("+4918012", "0.039"),
    ("+491378123", "0.5"),
    ("+4990055555", "2.99"),
    ("+88161234", "6.99"),
    ("+861012345", "0.002"),
];

struct Run {
    random: Random,
    office: Office,
    policy: TollPolicy,
    /// Calls that live: whose, and to which number.
    live: BTreeMap<TollTicket, (u64, usize)>,
    charged: BTreeMap<u64, Money>,
    /// What calls that ended late may have cost beyond their limits.
    late: Money,
    calls: usize,
}

fn policy(random: &mut Random) -> TollPolicy {
    let mut limits = |scale: i32| TollLimits {
        concurrent: Some(u32::try_from(2 + random.below(6)).unwrap()),
        minutes_per_day: random.of(&[None, Some(20), Some(200)]),
        spend_per_hour: random.of(&[None, Some(Money::from_units(3 * scale)), Some(money("1.37"))]),
        spend_per_day: Some(Money::from_units(scale * random.of(&[1, 4, 20]))),
        longest_call_s: random.of(&[None, Some(600)]),
        ..TollLimits::default()
    };
    let mut policy = TollPolicy {
        classes: DestinationClass::ALL.into_iter().collect(),
        ..TollPolicy::default()
    };
    policy.by_day.tenant = TollLimits {
        concurrent: None,
        ..limits(2)
    };
    policy.by_day.user = limits(1);
    policy.by_day.classes.clear();
    policy
}

impl Run {
    fn new(seed: u64) -> Run {
        let mut random = Random(seed);
        let policy = policy(&mut random);
        let mut office = Office::new(policy.clone());
        office.late_ms = random.of(&[0, 0, 400, 1_400]);
        Run {
            random,
            office,
            policy,
            live: BTreeMap::new(),
            charged: BTreeMap::new(),
            late: Money::ZERO,
            calls: 0,
        }
    }

    fn step(&mut self) {
        match self.random.below(20) {
            0..8 => self.ask(),
            8..11 => self.end_one(),
            11 => self.restart(),
            12 => self.office.wrong_ms = self.random.of(&[0, 3_600_000, -3_600_000]),
            _ => {
                let wait = self.random.below(90_000);
                self.office.wait_ms(wait);
                self.collect();
            }
        }
    }

    fn ask(&mut self) {
        let (user, number) = (
            self.random.below(3),
            usize::try_from(self.random.below(7)).unwrap(),
        );
        let origin = self
            .random
            .of(&[Origin::Dialled, Origin::Forwarded, Origin::Transferred]);
        let request = Request {
            origin: origin(UserId(user)),
            trunk: Some(TrunkId(user % 2)),
            number: NUMBERS[number].0,
            class: self
                .random
                .of(&[DestinationClass::National, DestinationClass::Premium]),
        };
        if let Verdict::Allow { ticket, .. } = self.office.ask(&request) {
            self.live.insert(ticket, (user, number));
            self.calls += 1;
            if self.random.below(6) == 0 {
                let (other, now) = (TrunkId(self.random.below(3)), self.office.now());
                assert_eq!(self.office.meter.rerouted(ticket, other, now), Ok(()));
            }
            if self.random.below(5) > 0 {
                self.office.answer(ticket);
            }
        }
        self.collect();
    }

    fn end_one(&mut self) {
        let nth = self.random.below(u64::try_from(self.live.len()).unwrap().max(1));
        let Some(ticket) = self.live.keys().nth(usize::try_from(nth).unwrap()).copied() else {
            return;
        };
        let charge = self.office.end(ticket);
        let (user, _) = self.live.remove(&ticket).unwrap();
        self.pay(user, charge.amount);
    }

    fn pay(&mut self, user: u64, amount: Money) {
        let sum = self.charged.entry(user).or_default();
        *sum = sum.checked_add(amount).unwrap();
    }

    /// The calls that the meter has ended.
    fn collect(&mut self) {
        for (ticket, charge) in std::mem::take(&mut self.office.charges) {
            let (user, number) = self.live.remove(&ticket).unwrap();
            self.pay(user, charge.amount);
            if self.office.late_ms > 500 {
                self.late = self.late.saturating_add(money(NUMBERS[number].1));
            }
        }
    }

    fn restart(&mut self) {
        let now = self.office.now();
        let kept = serde_json::to_string(&self.office.meter.checkpoint(now)).unwrap();
        let kept: TollCheckpoint = serde_json::from_str(&kept).unwrap();
        let table = Some(Arc::new(carrier()));
        self.office.meter = Meter::restore(self.policy.clone(), table, &kept, now).unwrap();
        assert_eq!(
            self.office.meter.checkpoint(now),
            kept,
            "nothing is lost on the way"
        );
    }

    fn check(&mut self, seed: u64) {
        let within = |sum: Money, most: Option<Money>, late: Money| {
            most.is_none_or(|most| sum <= most.saturating_add(late))
        };
        let all = self
            .charged
            .values()
            .copied()
            .fold(Money::ZERO, Money::saturating_add);
        let (tenant, each) = (self.policy.by_day.tenant, self.policy.by_day.user);
        assert!(
            within(all, tenant.spend_per_day, self.late),
            "seed {seed}: {all} of {tenant:?}"
        );
        for (user, sum) in &self.charged {
            assert!(
                within(*sum, each.spend_per_day, self.late),
                "seed {seed}: user {user} {sum} of {each:?}"
            );
        }
        while !self.live.is_empty() {
            self.end_one();
        }
        assert_eq!(self.office.meter.calls(), 0);
        let all = self
            .charged
            .values()
            .copied()
            .fold(Money::ZERO, Money::saturating_add);
        let scopes = self.charged.iter().map(|(id, sum)| (user(*id), *sum));
        for (scope, sum) in scopes.chain([(TollScope::Tenant, all)]).collect::<Vec<_>>() {
            for limit in [TollLimit::SpendPerDay, TollLimit::SpendPerMonth] {
                assert_eq!(
                    self.office.used(scope, limit),
                    TollAmount::Money(sum),
                    "seed {seed}: {scope} {limit:?}"
                );
            }
            assert_eq!(
                self.office.used(scope, TollLimit::Concurrent),
                TollAmount::Calls(0)
            );
        }
    }
}

#[test]
fn calls_together_pass_no_limit() {
    let mut calls = 0;
    for seed in 0..150 {
        let mut run = Run::new(seed);
        for _ in 0..200 {
            run.step();
        }
        run.check(seed);
        calls += run.calls;
    }
    assert!(calls > 2_000, "{calls} calls are too few to say anything");
}

/// The same for any hour: what all calls came to within it, as their money was counted.
#[test]
fn no_hour_has_more_than_its_limit() {
    for seed in 0..15 {
        let mut random = Random(seed);
        let mut policy = TollPolicy::default();
        policy.by_day.user = TollLimits {
            spend_per_hour: Some(Money::from_units(2)),
            ..TollLimits::default()
        };
        policy.by_day.tenant = TollLimits::default();
        let mut office = Office::new(policy);
        let mut spent: Vec<Money> = Vec::new();
        for _ in 0..600 {
            if random.below(3) == 0
                && let Verdict::Allow { ticket, .. } = office.ask(&crate::office::request(1, "+491511234567"))
            {
                office.answer(ticket);
            }
            let before = office.used(user(1), TollLimit::SpendPerMonth);
            office.wait(30);
            let (TollAmount::Money(before), TollAmount::Money(after)) =
                (before, office.used(user(1), TollLimit::SpendPerMonth))
            else {
                panic!()
            };
            spent.push(after.saturating_sub(before));
            // Half minutes of an hour, the first left out: a part of it is not in the hour any more.
            let hour = spent
                .iter()
                .rev()
                .take(119)
                .copied()
                .fold(Money::ZERO, Money::saturating_add);
            assert!(hour <= Money::from_units(2), "seed {seed}: {hour}");
        }
        let all = spent.iter().copied().fold(Money::ZERO, Money::saturating_add);
        assert!(all > Money::from_units(5), "and it is used: {all}");
    }
}
