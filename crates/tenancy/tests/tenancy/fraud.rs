//! The fraud simulator: what a thief gets, hour by hour, from a tenant with the default limits, and whether an honest office
//! notices that there are any.
//!
//! `cargo test -p tenancy fraud -- --nocapture` prints the losses.

use crate::office::{Office, user};
use crate::random::Random;
use crate::rate::money;
use model::{
    DestinationClass, Money, TollAmount, TollCause, TollLevel, TollLimit, TollLimits, TollPolicy,
    TollProfile, TollScope, TollTicket, TrunkId, UserId,
};
use std::collections::{BTreeMap, BTreeSet};
use tenancy::{Origin, Reason, Request, Verdict};

const THIEF: UserId = UserId(1);
/// From noon to midnight: the rest of one day of the calendar.
const HALF_DAY_MS: u64 = 12 * 3_600_000;
/// How late somebody may hear of it.
const ALERT_MS: u64 = 10_000;

/// What thieves call, that which pays best for its time first.
const BY_TIME: &[(&str, DestinationClass)] = &[
    ("+881612345678", DestinationClass::Satellite),
    ("+4990051234567", DestinationClass::Premium),
    ("+2391234567", DestinationClass::HighRisk),
    ("+37121234567", DestinationClass::International),
    ("+4915112345678", DestinationClass::Mobile),
    ("+4930123456", DestinationClass::National),
];
/// The same where each call pays.
const BY_CALL: &[(&str, DestinationClass)] = &[
    ("+881612345678", DestinationClass::Satellite),
    ("+4990051234567", DestinationClass::Premium),
    ("+49137112345", DestinationClass::SharedCost),
    ("+4915112345678", DestinationClass::Mobile),
];
const PREMIUM: &[(&str, DestinationClass)] = &[("+4990051234567", DestinationClass::Premium)];

#[derive(Clone, Copy)]
struct Attack {
    name: &'static str,
    origin: fn(UserId) -> Origin,
    targets: &'static [(&'static str, DestinationClass)],
    /// Hangs up after so long; none: never.
    hold_ms: Option<u64>,
    /// Tries again so often.
    every_ms: u64,
    /// Calls in all.
    calls: u64,
}

const PASSWORD: Attack = Attack {
    name: "stolen password",
    origin: Origin::Dialled,
    targets: BY_TIME,
    hold_ms: None,
    every_ms: 1_000,
    calls: u64::MAX,
};

const ATTACKS: [Attack; 5] = [
    PASSWORD,
    Attack {
        name: "forward to premium",
        origin: Origin::Forwarded,
        targets: PREMIUM,
        ..PASSWORD
    },
    Attack {
        name: "many short calls",
        targets: BY_CALL,
        hold_ms: Some(1_000),
        every_ms: 250,
        ..PASSWORD
    },
    Attack {
        name: "one long call",
        calls: 1,
        ..PASSWORD
    },
    Attack {
        name: "transfers",
        origin: Origin::Transferred,
        every_ms: 2_000,
        ..PASSWORD
    },
];

#[derive(Default)]
struct Outcome {
    begun: u64,
    refused: u64,
    /// When a limit first stopped a call, or a rule the only call that there was, ms.
    stopped_ms: Option<u64>,
    /// When somebody was first warned, and when first alerted, ms.
    warned_ms: Option<u64>,
    alerted_ms: Option<u64>,
    /// When the limit that stopped it was told, ms.
    told_ms: Option<u64>,
    alerts: usize,
    /// By the end of the first hour, and of the day.
    hour: Money,
    day: Money,
}

struct Thief {
    office: Office,
    attack: Attack,
    /// Where he was told that he may not call: he learns.
    closed: BTreeSet<&'static str>,
    held: BTreeMap<TollTicket, u64>,
    lost: Money,
    outcome: Outcome,
}

impl Thief {
    fn new(attack: Attack, policy: TollPolicy) -> Thief {
        Thief {
            office: Office::new(policy),
            attack,
            closed: BTreeSet::new(),
            held: BTreeMap::new(),
            lost: Money::ZERO,
            outcome: Outcome::default(),
        }
    }

    fn run(mut self, until_ms: u64) -> Outcome {
        while self.office.now_ms < until_ms {
            self.hang_up();
            if self.outcome.begun < self.attack.calls {
                self.dial();
            }
            self.office.wait_ms(self.attack.every_ms);
            self.see();
            if self.office.now_ms <= 3_600_000 {
                self.outcome.hour = self.spent();
            }
        }
        for ticket in std::mem::take(&mut self.held).into_keys() {
            self.lost = self.lost.saturating_add(self.office.end(ticket).amount);
        }
        self.outcome.day = self.lost;
        self.outcome
    }

    /// What is charged, and counted for calls that last.
    fn spent(&mut self) -> Money {
        match self.office.used(TollScope::User(THIEF), TollLimit::SpendPerMonth) {
            TollAmount::Money(money) => money,
            other => panic!("{other}"),
        }
    }

    /// What pays best of what he has not been told he may not.
    fn dial(&mut self) {
        let now_ms = self.office.now_ms;
        let only = self.attack.targets.len() == 1;
        for (number, class) in self.attack.targets {
            if self.closed.contains(number) && !only {
                continue;
            }
            let request = Request {
                origin: (self.attack.origin)(THIEF),
                trunk: Some(TrunkId(1)),
                number,
                class: *class,
            };
            match self.office.ask(&request) {
                Verdict::Allow { ticket, .. } => {
                    self.office.answer(ticket);
                    self.held.insert(ticket, now_ms);
                    self.outcome.begun += 1;
                    return;
                }
                Verdict::Refuse(reason) => {
                    assert_ne!(reason, Reason::Unrated);
                    self.outcome.refused += 1;
                    let is_limit = matches!(reason, Reason::Limit { .. });
                    if is_limit || only {
                        self.outcome.stopped_ms.get_or_insert(now_ms);
                    }
                    if !is_limit {
                        self.closed.insert(number);
                    }
                }
            }
        }
    }

    fn hang_up(&mut self) {
        let Some(hold_ms) = self.attack.hold_ms else {
            return;
        };
        let now_ms = self.office.now_ms;
        let over = self.held.iter().filter(|(_, at)| **at + hold_ms <= now_ms);
        for ticket in over.map(|(ticket, _)| *ticket).collect::<Vec<_>>() {
            self.held.remove(&ticket);
            self.lost = self.lost.saturating_add(self.office.end(ticket).amount);
        }
    }

    fn see(&mut self) {
        for (ticket, charge) in std::mem::take(&mut self.office.charges) {
            self.held.remove(&ticket);
            self.lost = self.lost.saturating_add(charge.amount);
        }
        if let Some((at, _)) = self.office.endings.first() {
            let first = self.outcome.stopped_ms.get_or_insert(*at);
            *first = (*first).min(*at);
        }
        for alert in self.office.alerts() {
            let at = alert.at.0 - 1_795_608_000_000;
            self.outcome.warned_ms.get_or_insert(at);
            if alert.level == TollLevel::Alert {
                self.outcome.alerted_ms.get_or_insert(at);
                let is_limit = matches!(alert.cause, TollCause::Limit { .. });
                if is_limit || self.attack.targets.len() == 1 {
                    self.outcome.told_ms.get_or_insert(at);
                }
            }
            self.outcome.alerts += 1;
        }
    }
}

/// Everything may be called, within the default limits.
fn open() -> TollPolicy {
    TollPolicy {
        classes: DestinationClass::ALL.into_iter().collect(),
        ..TollPolicy::default()
    }
}

/// Nothing is limited: what the same attacks cost where nobody thought of them.
fn unlimited() -> TollPolicy {
    let nothing = TollProfile {
        tenant: TollLimits::default(),
        user: TollLimits::default(),
        trunk: TollLimits::default(),
        classes: BTreeMap::new(),
    };
    TollPolicy {
        by_day: nothing.clone(),
        by_night: nothing,
        ..open()
    }
}

fn print(attack: &Attack, policy: &str, outcome: &Outcome) {
    let seconds = |ms: Option<u64>| {
        ms.map_or("-".to_owned(), |ms| {
            format!("{}.{}", ms / 1_000, ms % 1_000 / 100)
        })
    };
    println!(
        "{:<20} {policy:<8} {:>6} {:>8} {:>9} {:>9} {:>9} {:>9} {:>6} {:>9} {:>9}",
        attack.name,
        outcome.begun,
        outcome.refused,
        seconds(outcome.warned_ms),
        seconds(outcome.alerted_ms),
        seconds(outcome.stopped_ms),
        seconds(outcome.told_ms),
        outcome.alerts,
        outcome.hour,
        outcome.day,
    );
}

#[test]
fn every_attack_is_stopped_at_its_limit_and_told() {
    println!(
        "{:<20} {:<8} {:>6} {:>8} {:>9} {:>9} {:>9} {:>9} {:>6} {:>9} {:>9}",
        "attack",
        "policy",
        "calls",
        "refused",
        "warned s",
        "alert s",
        "stopped s",
        "told s",
        "alerts",
        "EUR 1 h",
        "EUR 12 h"
    );
    for (name, policy) in [("default", TollPolicy::default()), ("all open", open())] {
        let user = policy.by_day.user;
        for attack in &ATTACKS {
            let outcome = Thief::new(*attack, policy.clone()).run(HALF_DAY_MS);
            print(attack, name, &outcome);
            let stopped = outcome.stopped_ms.expect("it is stopped");
            let told = outcome.told_ms.expect("somebody is told why");
            let about = format!("{} {name}", attack.name);
            assert!(
                told <= stopped + ALERT_MS,
                "{about}: {told} ms, after {stopped} ms"
            );
            assert!(outcome.hour <= user.spend_per_hour.unwrap(), "{about}");
            assert!(outcome.day <= user.spend_per_day.unwrap(), "{about}");
            assert!(
                outcome.alerts <= 60,
                "{about}: nobody reads {} alerts",
                outcome.alerts
            );
            let nothing = name == "default" && attack.name == "forward to premium";
            assert_eq!(outcome.day == Money::ZERO, nothing, "{about}");
        }
    }
}

#[test]
fn without_limits_the_same_attack_costs_a_fortune() {
    let attack = Attack {
        calls: 50,
        ..PASSWORD
    };
    let outcome = Thief::new(attack, unlimited()).run(HALF_DAY_MS);
    print(&attack, "none", &outcome);
    assert!(outcome.day > Money::from_units(100_000) && outcome.alerts == 0);
}

#[test]
fn by_night_the_loss_is_smaller_still() {
    // Noon in Greenwich is ten in the evening there, and nine hours later the office opens.
    let policy = TollPolicy {
        utc_offset_min: Some(10 * 60),
        ..TollPolicy::default()
    };
    let night = policy.by_night.user;
    let outcome = Thief::new(PASSWORD, policy).run(9 * 3_600_000);
    print(&PASSWORD, "night", &outcome);
    // Midnight is in between: the night's part of two days.
    let most = night.spend_per_day.unwrap().checked_mul(2).unwrap();
    assert!(outcome.hour <= night.spend_per_hour.unwrap() && outcome.day <= most);
    assert!(outcome.day > Money::ZERO && outcome.told_ms.unwrap() <= outcome.stopped_ms.unwrap() + ALERT_MS);
}

/// One of fifty people, who calls now and then.
struct Person {
    user: u64,
    /// Minutes between calls, on average.
    pause: u64,
    next_ms: u64,
    call: Option<(TollTicket, u64)>,
}

impl Person {
    fn act(&mut self, office: &mut Office, random: &mut Random, numbers: &mut BTreeSet<u64>) {
        if let Some((ticket, until)) = self.call
            && office.now_ms >= until
        {
            office.end(ticket);
            self.call = None;
            self.next_ms = office.now_ms + 1_000 * random.below(self.pause * 120);
        }
        if self.call.is_some() || office.now_ms < self.next_ms {
            return;
        }
        let (number, class) = match random.below(100) {
            0..58 => ("+4930", DestinationClass::National),
            58..95 => ("+49151", DestinationClass::Mobile),
            95..98 => ("+49180", DestinationClass::SharedCost),
            _ => ("+49800", DestinationClass::TollFree),
        };
        let tail = 1_000_000 + random.below(1_000_000);
        numbers.insert(tail);
        let number = format!("{number}{tail}");
        let request = Request {
            origin: Origin::Dialled(UserId(self.user)),
            trunk: Some(TrunkId(1)),
            number: &number,
            class,
        };
        let ticket = office.ring(&request);
        let talk_s = 20 + random.below(340);
        if random.below(4) > 0 {
            office.answer(ticket);
        }
        self.call = Some((ticket, office.now_ms + talk_s * 1_000));
    }
}

#[test]
fn an_office_of_fifty_notices_nothing() {
    let mut random = Random(50);
    let mut office = Office::new(TollPolicy {
        utc_offset_min: Some(-3 * 60),
        ..TollPolicy::default()
    });
    let mut numbers = BTreeSet::new();
    // Two of them sell: a call every other minute or so.
    let mut people: Vec<Person> = (0..50)
        .map(|user| Person {
            user,
            pause: if user < 2 { 1 } else { 18 },
            next_ms: random.below(1_200_000),
            call: None,
        })
        .collect();
    // Nine to five, by the office's clock.
    while office.now_ms < 8 * 3_600_000 {
        for person in &mut people {
            person.act(&mut office, &mut random, &mut numbers);
        }
        office.wait_ms(1_000);
    }
    let alerts = office.alerts();
    let day = office.used(TollScope::Tenant, TollLimit::SpendPerDay);
    let minutes = office.used(TollScope::Tenant, TollLimit::MinutesPerDay);
    let seller = office.used(user(0), TollLimit::SpendPerDay);
    println!(
        "an office of 50: {} calls, {minutes} of talk, {day}; its busiest seller {seller}",
        numbers.len()
    );
    assert!(office.endings.is_empty() && alerts.is_empty(), "{alerts:?}");
    assert!(numbers.len() > 900 && day > TollAmount::Money(money("50")));
}
