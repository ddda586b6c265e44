//! Limits, one at a time: what is refused, what is ended, what is said, and what is remembered.

use crate::office::{Office, at, eur, request, user};
use crate::rate::money;
use model::{
    AtLimit, DestinationClass, Money, TollAmount, TollCause, TollException, TollLevel, TollLimit, TollLimits,
    TollPolicy, TollProfile, TollScope, TrunkId, Unrated, UserId,
};
use std::collections::BTreeMap;
use std::time::Duration;
use tenancy::{Meter, Origin, Reason, Request, Verdict};

pub(crate) const LANDLINE: &str = "+4930123456";
const MOBILE: &str = "+491511234567";

/// A policy without limits but these of each user.
pub(crate) fn users(limits: TollLimits) -> TollPolicy {
    let profile = TollProfile {
        tenant: TollLimits::default(),
        user: limits,
        trunk: TollLimits::default(),
        classes: BTreeMap::new(),
    };
    TollPolicy {
        by_day: profile.clone(),
        by_night: profile,
        ..TollPolicy::default()
    }
}

fn limit(scope: TollScope, limit: TollLimit) -> Verdict {
    Verdict::Refuse(Reason::Limit { scope, limit })
}

#[test]
fn what_fraud_is_after_is_off_by_default_and_trying_it_is_told_once() {
    let mut office = Office::new(TollPolicy::default());
    for (class, number, level) in [
        (
            DestinationClass::International,
            "+37121234567",
            Some(TollLevel::Warning),
        ),
        (DestinationClass::International, "+37121234568", None),
        (DestinationClass::Premium, "+4990012345", Some(TollLevel::Alert)),
        (DestinationClass::HighRisk, "+2391234", None),
        (DestinationClass::Satellite, "+8816123", None),
    ] {
        let verdict = office.ask(&Request {
            class,
            ..request(1, number)
        });
        assert_eq!(verdict, Verdict::Refuse(Reason::Destination(class)));
        let alerts = office.alerts();
        assert_eq!(alerts.iter().map(|alert| alert.level).next(), level, "{number}");
        assert!(alerts.iter().all(|alert| alert.scope == user(1)));
    }
    // An hour later it is news again.
    office.wait(3_700);
    office.ask(&Request {
        class: DestinationClass::Premium,
        ..request(1, "+4990012345")
    });
    assert_eq!(office.alerts().len(), 1);
    // Ordinary numbers abroad, again and again: more than a mistake.
    let abroad = Request {
        class: DestinationClass::International,
        ..request(2, "+37121234567")
    };
    let levels: Vec<_> = (0..20)
        .flat_map(|_| {
            office.ask(&abroad);
            office.alerts()
        })
        .map(|alert| (alert.level, alert.cause))
        .collect();
    let tries = |tries| TollCause::Destination {
        class: DestinationClass::International,
        tries,
    };
    assert_eq!(
        levels,
        [(TollLevel::Warning, tries(1)), (TollLevel::Alert, tries(5))]
    );
    assert!(
        office.allows(&request(1, LANDLINE)),
        "that user still calls what is allowed"
    );
}

#[test]
fn emergency_calls_pass_everything_and_cost_nothing() {
    let nothing = TollLimits {
        concurrent: Some(0),
        calls_per_s: Some(0),
        minutes_per_day: Some(0),
        spend_per_day: Some(Money::ZERO),
        longest_call_s: Some(0),
        ..TollLimits::default()
    };
    let mut office = Office::new(TollPolicy {
        classes: Default::default(),
        ..users(nothing)
    });
    assert!(!office.allows(&request(1, LANDLINE)));
    for number in ["110", "+49112", ""] {
        let call = Request {
            class: DestinationClass::Emergency,
            ..request(1, number)
        };
        let ticket = office.call(&call);
        office.wait(7_200);
        assert_eq!(office.end(ticket).amount, Money::ZERO);
    }
    assert!(office.endings.is_empty());
}

#[test]
fn calls_at_once_are_counted_from_ringing_to_end() {
    let mut office = Office::new(users(TollLimits {
        concurrent: Some(2),
        ..TollLimits::default()
    }));
    let first = office.ring(&request(1, LANDLINE));
    let second = office.call(&request(1, LANDLINE));
    assert_eq!(
        office.ask(&request(1, LANDLINE)),
        limit(user(1), TollLimit::Concurrent)
    );
    assert!(office.allows(&request(2, LANDLINE)), "another user");
    // Nobody answers: it cost nothing and its place is free.
    assert_eq!(office.end(first).amount, Money::ZERO);
    assert_eq!(office.meter.ended(first, office.now()), None, "once");
    let third = office.ring(&request(1, LANDLINE));
    office.end(second);
    office.end(third);
    assert_eq!(office.used(user(1), TollLimit::Concurrent), TollAmount::Calls(0));
    assert_eq!(office.alerts().len(), 1);
}

#[test]
fn calls_per_second_and_minute_slide() {
    let limits = TollLimits {
        calls_per_s: Some(2),
        calls_per_min: Some(5),
        ..TollLimits::default()
    };
    let mut office = Office::new(users(limits));
    let mut begun: Vec<u64> = Vec::new();
    for step in 0..2_000 {
        office.wait_ms(100);
        if office.allows(&request(1, LANDLINE)) {
            begun.push(step * 100);
        }
    }
    assert!(begun.windows(3).all(|three| three[2] - three[0] >= 1_000));
    assert!(begun.windows(6).all(|six| six[5] - six[0] >= 60_000));
    assert!(
        begun.len() >= 15,
        "and no more is refused than need be: {}",
        begun.len()
    );
    let told = office.alerts();
    assert!(
        told.len() <= 3,
        "once an hour for each limit, not for each call: {told:?}"
    );
}

#[test]
fn a_call_ends_where_its_next_increment_would_pass_the_spend() {
    // 0.079 a minute by 60/1, 1 in an hour.
    let limits = TollLimits {
        spend_per_hour: Some(money("1")),
        ..TollLimits::default()
    };
    let mut office = Office::new(users(limits));
    let ticket = office.call(&request(1, MOBILE));
    office.wait(700);
    let warned = office.alerts();
    assert_eq!(warned.len(), 1);
    assert!(warned[0].level == TollLevel::Warning && warned[0].to_string().contains("spend_per_hour"));
    office.wait(3_600);
    let [(ended_ms, ending)] = office.endings.as_slice() else {
        panic!("{:?}", office.endings)
    };
    assert_eq!(
        (ending.ticket, ending.scope, ending.limit),
        (ticket, user(1), TollLimit::SpendPerHour)
    );
    // 1 / 0.079 × 60 = 759.49 s.
    assert_eq!(
        *ended_ms, 758_500,
        "half a second before the 760th would begin: {ended_ms}"
    );
    assert_eq!(office.charges[&ticket].amount, money("0.9994"));
    let told = office.alerts();
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].cause,
        TollCause::Limit {
            limit: TollLimit::SpendPerHour,
            most: eur("1"),
            value: eur("0.9994")
        }
    );
    // What was counted first has left the hour after 65 minutes.
    assert!(office.allows(&request(1, MOBILE)));
    assert_eq!(office.used(user(1), TollLimit::SpendPerDay), eur("0.9994"));
}

#[test]
fn where_limits_only_refuse_a_call_goes_on() {
    let limits = TollLimits {
        spend_per_day: Some(money("0.5")),
        minutes_per_day: Some(1),
        longest_call_s: Some(3_000),
        ..TollLimits::default()
    };
    let mut office = Office::new(TollPolicy {
        at_limit: AtLimit::Refuse,
        ..users(limits)
    });
    let Verdict::Allow { ticket, longest } = office.ask(&request(1, MOBILE)) else {
        panic!()
    };
    assert_eq!(
        longest,
        Some(Duration::from_secs(3_000)),
        "the minute ends nothing"
    );
    office.answer(ticket);
    office.wait(2_000);
    assert!(office.endings.is_empty());
    assert_eq!(
        office.ask(&request(1, MOBILE)),
        limit(user(1), TollLimit::MinutesPerDay)
    );
    office.wait(2_000);
    assert_eq!(office.endings[0].1.limit, TollLimit::LongestCall);
    assert_eq!(office.charges[&ticket].amount, money("3.95"));
}

#[test]
fn minutes_are_counted_together_and_the_longest_call_ends() {
    let limits = TollLimits {
        minutes_per_day: Some(10),
        longest_call_s: Some(240),
        ..TollLimits::default()
    };
    let mut office = Office::new(users(limits));
    office.call(&request(1, LANDLINE));
    office.call(&request(1, LANDLINE));
    office.wait(250);
    assert_eq!(
        office
            .endings
            .iter()
            .map(|(at, ending)| (*at, ending.limit))
            .collect::<Vec<_>>(),
        [
            (239_500, TollLimit::LongestCall),
            (239_500, TollLimit::LongestCall)
        ]
    );
    office.call(&request(1, LANDLINE));
    office.call(&request(1, LANDLINE));
    office.wait(200);
    let Some(TollAmount::Seconds(used)) = Some(office.used(user(1), TollLimit::MinutesPerDay)) else {
        panic!()
    };
    assert!((598..=600).contains(&used), "{used}");
    assert_eq!(office.endings[2].1.limit, TollLimit::MinutesPerDay);
    assert_eq!(
        office.ask(&request(1, LANDLINE)),
        limit(user(1), TollLimit::MinutesPerDay)
    );
    // Warned at eight minutes, told at ten, and once that a call was too long.
    assert_eq!(office.alerts().len(), 3);
}

#[test]
fn forwards_and_transfers_are_charged_to_whoever_made_them() {
    let mut office = Office::new(users(TollLimits {
        concurrent: Some(1),
        ..TollLimits::default()
    }));
    for origin in [Origin::Dialled, Origin::Forwarded, Origin::Transferred] {
        let call = Request {
            origin: origin(UserId(7)),
            ..request(0, MOBILE)
        };
        let ticket = office.call(&call);
        for other in [Origin::Dialled, Origin::Forwarded, Origin::Transferred] {
            let call = Request {
                origin: other(UserId(7)),
                ..call
            };
            assert_eq!(office.ask(&call), limit(user(7), TollLimit::Concurrent));
        }
        office.wait(60);
        assert_eq!(office.end(ticket).amount, money("0.079"));
    }
    assert_eq!(office.used(user(7), TollLimit::SpendPerDay), eur("0.237"));
    let flow = office.call(&Request {
        origin: Origin::Flow,
        ..request(0, MOBILE)
    });
    office.wait(60);
    office.end(flow);
    assert_eq!(office.used(user(7), TollLimit::SpendPerDay), eur("0.237"));
    assert_eq!(
        office.used(TollScope::Tenant, TollLimit::SpendPerDay),
        eur("0.316")
    );
    // A transfer that nobody answers leaves nothing behind.
    let transfer = office.ring(&Request {
        origin: Origin::Transferred(UserId(7)),
        ..request(0, MOBILE)
    });
    assert_eq!(
        office.used(user(7), TollLimit::SpendPerDay),
        eur("0.316"),
        "held ready"
    );
    assert_eq!(office.end(transfer).amount, Money::ZERO);
    assert_eq!(office.used(user(7), TollLimit::SpendPerDay), eur("0.237"));
}

#[test]
fn nights_have_numbers_of_their_own() {
    let mut policy = users(TollLimits {
        spend_per_day: Some(money("5")),
        ..TollLimits::default()
    });
    policy.by_night.user = TollLimits {
        spend_per_day: Some(money("1")),
        ..TollLimits::default()
    };
    policy.night_classes = Some([DestinationClass::Mobile].into());
    policy.utc_offset_min = Some(60);
    let mut office = Office::new(policy);
    // Wednesday, 13:00 at the office.
    let by_day = office.call(&request(1, MOBILE));
    office.wait(3_000);
    assert_eq!(office.end(by_day).amount, money("3.95"));
    office.wait(7 * 3_600);
    assert_eq!(
        office.used(user(1), TollLimit::SpendPerDay),
        TollAmount::Money(Money::ZERO),
        "the night's own count"
    );
    assert!(!office.allows(&request(1, LANDLINE)));
    let mobile = Request {
        class: DestinationClass::Mobile,
        ..request(1, MOBILE)
    };
    let ticket = office.call(&mobile);
    office.wait(3_600);
    assert!(office.charges[&ticket].amount > money("0.98") && office.charges[&ticket].amount <= money("1"));
    assert_eq!(office.ask(&mobile), limit(user(1), TollLimit::SpendPerDay));
    // Midnight begins another day, of which the night has a count, too.
    office.wait(4 * 3_600);
    assert!(office.allows(&mobile));
    assert_eq!(office.used(user(1), TollLimit::SpendPerMonth), eur("4.9494"));
}

#[test]
fn it_was_me_lifts_a_scope_for_a_while() {
    let mut policy = users(TollLimits {
        spend_per_day: Some(money("0.5")),
        ..TollLimits::default()
    });
    policy.by_day.tenant.spend_per_day = Some(money("3"));
    let mut office = Office::new(policy);
    let call = request(1, MOBILE);
    let ticket = office.call(&call);
    office.wait(600);
    assert!(office.charges[&ticket].amount <= money("0.5"));
    assert_eq!(office.ask(&call), limit(user(1), TollLimit::SpendPerDay));
    let before = office.alerts().len();
    assert_eq!(before, 2, "warned, and told");
    let now = office.now();
    assert_eq!(
        office.meter.lift(user(1), Duration::from_secs(1 << 40), now),
        Duration::from_secs(86_400)
    );
    office.meter.lift(user(1), Duration::from_secs(900), now);
    let lifted = office.call(&call);
    office.wait(600);
    assert!(!office.charges.contains_key(&lifted) && office.alerts().is_empty());
    // Then it counts again, with all that was used, and is told anew.
    office.wait(600);
    assert!(office.charges.contains_key(&lifted));
    assert_eq!(
        office
            .alerts()
            .iter()
            .filter(|alert| alert.scope == user(1))
            .count(),
        1
    );
    assert_eq!(office.ask(&call), limit(user(1), TollLimit::SpendPerDay));
    // What others' limits say holds meanwhile.
    let now = office.now();
    office.meter.lift(user(1), Duration::from_secs(7_200), now);
    let last = office.call(&call);
    office.wait(7_000);
    assert_eq!(
        office.endings.last().map(|(_, ending)| ending.scope),
        Some(TollScope::Tenant)
    );
    assert!(office.charges[&last].amount < money("2"));
}

#[test]
fn a_number_without_a_price_is_refused_unless_somebody_wants_it() {
    let mut office = Office::new(TollPolicy::default());
    assert_eq!(
        office.ask(&request(1, "+999123")),
        Verdict::Refuse(Reason::Unrated)
    );
    assert_eq!(office.ask(&request(1, "118")), Verdict::Refuse(Reason::Unrated));
    let free = Request {
        class: DestinationClass::TollFree,
        ..request(1, "0800")
    };
    assert!(office.allows(&free));
    let mut office = Office::new(TollPolicy {
        unrated: Unrated::Allow,
        ..TollPolicy::default()
    });
    let ticket = office.call(&request(1, "118"));
    office.wait(60);
    assert_eq!(office.end(ticket).amount, Money::ZERO);
    // Without any list calls and minutes are limited all the same.
    let mut meter = Meter::new(
        users(TollLimits {
            concurrent: Some(0),
            ..TollLimits::default()
        }),
        None,
    )
    .unwrap();
    assert_eq!(
        meter.ask(&request(1, LANDLINE), at(0)),
        limit(user(1), TollLimit::Concurrent)
    );
}

#[test]
fn a_call_that_rings_over_a_change_of_price_is_charged_by_its_answer() {
    let list = b"prefix,price,increments,from,until,currency\n49,1,1/1,,2026-11-25T12:00:10Z,EUR\n49,2,1/1,2026-11-25T12:00:10Z,,EUR";
    let table = tenancy::RateFile::default().read(list).unwrap();
    let mut office = Office::with(TollPolicy::default(), table);
    let ticket = office.ring(&request(1, LANDLINE));
    office.wait(20);
    office.answer(ticket);
    office.wait(30);
    assert_eq!(office.end(ticket).amount, money("1"));
    assert_eq!(office.used(user(1), TollLimit::SpendPerDay), eur("1"));
}

#[test]
fn a_call_that_is_tried_over_another_trunk_counts_there() {
    let trunk = |id| TollScope::Trunk(TrunkId(id));
    let mut policy = users(TollLimits::default());
    policy.by_day.user.calls_per_min = Some(1);
    policy.by_day.trunk = TollLimits {
        concurrent: Some(1),
        spend_per_day: Some(money("1")),
        ..TollLimits::default()
    };
    let only_at_home = TollException {
        classes: Some([DestinationClass::National].into()),
        ..TollException::default()
    };
    policy.trunks.insert(TrunkId(3), only_at_home);
    let mut office = Office::new(policy);
    let mobile = Request {
        class: DestinationClass::Mobile,
        ..request(1, MOBILE)
    };
    let ticket = office.ring(&mobile);
    office.wait(400);
    assert_eq!(office.used(trunk(1), TollLimit::SpendPerDay), eur("0.079"));
    let by = |office: &mut Office, ticket, id| office.meter.rerouted(ticket, TrunkId(id), office.now());
    assert_eq!(by(&mut office, ticket, 2), Ok(()));
    for (id, calls, money) in [(1, 0, "0"), (2, 1, "0.079")] {
        assert_eq!(
            office.used(trunk(id), TollLimit::Concurrent),
            TollAmount::Calls(calls)
        );
        assert_eq!(office.used(trunk(id), TollLimit::SpendPerDay), eur(money));
    }
    assert_eq!(
        office.used(user(1), TollLimit::SpendPerHour),
        eur("0.079"),
        "once"
    );
    assert_eq!(
        by(&mut office, ticket, 3),
        Err(Reason::Destination(DestinationClass::Mobile))
    );
    let other = office.ring(&request(2, LANDLINE));
    let full = Reason::Limit {
        scope: trunk(2),
        limit: TollLimit::Concurrent,
    };
    assert_eq!(by(&mut office, other, 2), Err(full));
    office.end(other);
    office.answer(ticket);
    assert_eq!(
        by(&mut office, ticket, 1),
        Ok(()),
        "too late, and nothing changes"
    );
    office.wait(60);
    assert_eq!(office.end(ticket).amount, money("0.079"));
    assert_eq!(office.used(trunk(2), TollLimit::SpendPerDay), eur("0.079"));
    assert_eq!(office.used(trunk(1), TollLimit::SpendPerDay), eur("0"));
    assert_eq!(
        office.used(TollScope::Tenant, TollLimit::SpendPerHour),
        eur("0.079")
    );
}
