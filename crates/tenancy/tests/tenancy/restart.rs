//! What survives: a restart, a clock that is set, a long idle time.

use crate::office::{Office, at, eur, request, user};
use crate::rate::{carrier, money};
use crate::toll::users;
use model::{
    Money, Now, TollAmount, TollCheckpoint, TollLimit, TollLimits, TollPolicy, TollScope, TrunkId, Wall,
};
use std::sync::Arc;
use std::time::Duration;
use tenancy::{Meter, Reason, Verdict};

const MOBILE: &str = "+491511234567";
const HOUR_MS: i64 = 3_600_000;

fn spend(per_hour: &str, per_day: &str) -> TollPolicy {
    users(TollLimits {
        spend_per_hour: Some(money(per_hour)),
        spend_per_day: Some(money(per_day)),
        ..TollLimits::default()
    })
}

fn refused(verdict: Verdict, limit: TollLimit) -> bool {
    matches!(verdict, Verdict::Refuse(Reason::Limit { limit: found, .. }) if found == limit)
}

/// Kills the process and starts it again after some time, on a monotonic clock that begins anew.
fn restart(meter: &Meter, policy: TollPolicy, now: Now, away_s: u64) -> (Meter, Now) {
    let kept = serde_json::to_string(&meter.checkpoint(now)).unwrap();
    let kept: TollCheckpoint = serde_json::from_str(&kept).unwrap();
    let now = Now {
        mono: Duration::from_secs(3),
        wall: now.wall.after(Duration::from_secs(away_s)),
    };
    let meter = Meter::restore(policy, Some(Arc::new(carrier())), &kept, now).unwrap();
    (meter, now)
}

fn later(now: Now, seconds: u64) -> Now {
    let time = Duration::from_secs(seconds);
    Now {
        mono: now.mono + time,
        wall: now.wall.after(time),
    }
}

#[test]
fn a_restart_gives_nobody_his_hour_or_day_again() {
    let policy = spend("1", "1.5");
    let mut office = Office::new(policy.clone());
    office.call(&request(1, MOBILE));
    office.wait(900);
    assert!(refused(office.ask(&request(1, MOBILE)), TollLimit::SpendPerHour));
    let said = office.alerts().len();
    assert!(said >= 2);
    let (mut meter, now) = restart(&office.meter, policy.clone(), office.now(), 30);
    assert!(refused(
        meter.ask(&request(1, MOBILE), now),
        TollLimit::SpendPerHour
    ));
    assert_eq!(meter.poll_alert(), None, "it was said before");
    assert_eq!(meter.used(user(1), TollLimit::SpendPerDay, now), eur("0.9994"));
    // An hour on, what is left of the day may be spent.
    let (mut meter, now) = restart(&meter, policy.clone(), now, 3_900);
    let Verdict::Allow { ticket, longest } = meter.ask(&request(1, MOBILE), now) else {
        panic!()
    };
    assert_eq!(
        longest,
        Some(Duration::from_secs(380)),
        "0.5006 at 0.079 a minute"
    );
    assert_eq!(meter.ended(ticket, now).unwrap().amount, Money::ZERO);
    // And a day on everything.
    let (mut meter, now) = restart(&meter, policy, now, 86_400);
    assert_eq!(meter.used(user(1), TollLimit::SpendPerDay, now), eur("0"));
    assert_eq!(meter.used(user(1), TollLimit::SpendPerMonth, now), eur("0.9994"));
}

#[test]
fn calls_go_on_over_a_restart_and_cost() {
    let policy = spend("9", "2");
    let mut office = Office::new(policy.clone());
    let ringing = office.ring(&request(1, MOBILE));
    let ticket = office.call(&request(1, MOBILE));
    let emergency = office.call(&tenancy::Request {
        class: model::DestinationClass::Emergency,
        ..request(1, "110")
    });
    office.wait(600);
    let (mut meter, now) = restart(&office.meter, policy.clone(), office.now(), 120);
    assert_eq!(meter.calls(), 3);
    assert_eq!(meter.poll_timeout(), Some(now.mono), "it is looked at at once");
    meter.handle_timeout(now);
    assert_eq!(meter.poll_ending(), None);
    let now = later(now, 5);
    assert_eq!(meter.ended(ringing, now).unwrap().amount, Money::ZERO);
    assert_eq!(meter.ended(emergency, now).unwrap().amount, Money::ZERO);
    let charge = meter.ended(ticket, later(now, 5)).unwrap();
    assert_eq!((charge.billed_s, charge.amount), (730, money("0.9612")));
    assert_eq!(meter.used(user(1), TollLimit::SpendPerDay, now), eur("0.9612"));
    assert!(
        meter.ask(&request(1, MOBILE), now)
            != Verdict::Allow {
                ticket,
                longest: None
            },
        "tickets are not given twice"
    );
    // Away for so long that the call has passed its limit: it has to end, and costs what it cost.
    let mut office = Office::new(policy.clone());
    let ticket = office.call(&request(1, MOBILE));
    let (mut meter, now) = restart(&office.meter, policy, office.now(), 3_600);
    meter.handle_timeout(now);
    assert_eq!(meter.poll_ending().map(|ending| ending.ticket), Some(ticket));
    assert_eq!(meter.ended(ticket, now).unwrap().amount, money("4.74"));
}

#[test]
fn a_clock_that_is_set_makes_no_day_or_hour_begin_twice() {
    for wrong_ms in [HOUR_MS, -HOUR_MS] {
        let mut office = Office::new(spend("1.2", "1.5"));
        let ticket = office.call(&request(1, MOBILE));
        office.wait(300);
        office.wrong_ms = wrong_ms;
        office.wait(300);
        assert_eq!(
            office.end(ticket).amount,
            money("0.79"),
            "ten minutes by the monotonic clock"
        );
        assert_eq!(office.used(user(1), TollLimit::SpendPerHour), eur("0.79"));
        assert_eq!(office.used(user(1), TollLimit::SpendPerDay), eur("0.79"));
        let again = office.call(&request(1, MOBILE));
        office.wait(900);
        assert_eq!(office.endings[0].1.ticket, again);
        assert!(office.charges[&again].amount <= money("0.41"));
    }
}

#[test]
fn a_clock_that_swings_over_midnight_begins_one_day() {
    let mut office = Office::new(spend("9", "1"));
    // 23:30.
    office.wait(11 * 3_600 + 1_800);
    let day = |office: &mut Office| office.used(TollScope::Tenant, TollLimit::SpendPerDay);
    office.call(&request(1, MOBILE));
    office.wait(900);
    assert!(refused(office.ask(&request(1, MOBILE)), TollLimit::SpendPerDay));
    // 23:45, and the clock says 00:45: one day's money more.
    office.wrong_ms = HOUR_MS;
    office.call(&request(1, MOBILE));
    office.wait(800);
    assert!(refused(office.ask(&request(1, MOBILE)), TollLimit::SpendPerDay));
    let spent = day(&mut office);
    // Back, and on over the true midnight: none.
    office.wrong_ms = 0;
    assert!(refused(office.ask(&request(1, MOBILE)), TollLimit::SpendPerDay));
    office.wait(3_600);
    assert!(refused(office.ask(&request(1, MOBILE)), TollLimit::SpendPerDay));
    assert_eq!(day(&mut office), spent);
    office.wait(86_400);
    assert!(office.allows(&request(1, MOBILE)));
    // A clock that had been years ahead keeps what was counted, and days go on.
    office.call(&request(1, MOBILE));
    office.wait(900);
    office.wrong_ms = -100 * 24 * HOUR_MS;
    assert!(refused(office.ask(&request(1, MOBILE)), TollLimit::SpendPerDay));
    office.wait(86_400);
    assert!(office.allows(&request(1, MOBILE)));
}

#[test]
fn strange_clocks_do_no_harm() {
    let mut meter = Meter::new(spend("1", "1"), Some(Arc::new(carrier()))).unwrap();
    let clocks = [0, u64::MAX, 1, u64::MAX / 2, 1_795_608_000_000];
    for (step, wall) in (0..).zip(clocks) {
        let now = Now {
            mono: Duration::from_secs(step),
            wall: Wall(wall),
        };
        if let Verdict::Allow { ticket, .. } = meter.ask(&request(1, MOBILE), now) {
            meter.answered(ticket, now);
            // A monotonic clock never goes back; if it did nothing would be negative.
            let charge = meter.ended(
                ticket,
                Now {
                    mono: Duration::ZERO,
                    wall: Wall(0),
                },
            );
            assert!(charge.is_some_and(|charge| charge.billed_s <= 60));
        }
        meter.handle_timeout(Now {
            mono: Duration::MAX,
            wall: Wall(wall),
        });
        let kept = meter.checkpoint(now);
        assert!(
            Meter::restore(
                spend("1", "1"),
                None,
                &kept,
                Now {
                    mono: Duration::ZERO,
                    wall: Wall(0)
                }
            )
            .is_ok()
        );
    }
}

#[test]
fn who_is_idle_is_forgotten() {
    let mut office = Office::new(TollPolicy::default());
    for user in 0..500 {
        assert!(office.allows(&request(user, MOBILE)));
        office.wait(2);
    }
    let known = office.meter.accounts();
    assert!((30..120).contains(&known), "those of the last minutes: {known}");
    office.wait(2 * 3_600);
    assert_eq!(office.meter.accounts(), 0);
    assert_eq!(
        office.meter.poll_timeout(),
        None,
        "an idle tenant asks for no time"
    );
    // Money is remembered until the month is over.
    let ticket = office.call(&request(7, MOBILE));
    office.wait(60);
    office.end(ticket);
    office.wait(2 * 86_400);
    assert_eq!(office.used(user(7), TollLimit::SpendPerMonth), eur("0.079"));
    assert_eq!(office.meter.poll_timeout(), None);
    office.wait(5 * 86_400);
    assert!(office.allows(&request(8, MOBILE)));
    office.wait(7_200);
    assert_eq!(office.meter.accounts(), 0);
}

#[test]
fn a_call_that_does_not_end_is_named_again_and_counted() {
    let mut meter = Meter::new(spend("1", "1"), Some(Arc::new(carrier()))).unwrap();
    let Verdict::Allow { ticket, .. } = meter.ask(&request(1, MOBILE), at(0)) else {
        panic!()
    };
    meter.answered(ticket, at(0));
    let mut named = 0;
    for ms in (0..900_000).step_by(100) {
        meter.handle_timeout(at(ms));
        named += usize::from(meter.poll_ending().is_some());
    }
    assert!(
        (25..=30).contains(&named),
        "every five seconds since the 759th: {named}"
    );
    let used = meter.used(user(1), TollLimit::SpendPerDay, at(900_000));
    assert!(used >= eur("1.17") && used <= eur("1.185"), "{used}");
    assert_eq!(meter.ended(ticket, at(900_000)).unwrap().amount, money("1.185"));
}

#[test]
fn a_flows_call_that_rings_over_a_restart_can_take_another_trunk() {
    let mut office = Office::new(TollPolicy::default());
    let flow = tenancy::Request {
        origin: tenancy::Origin::Flow,
        ..request(0, MOBILE)
    };
    let ticket = office.ring(&flow);
    let (mut meter, now) = restart(&office.meter, TollPolicy::default(), office.now(), 1);
    assert_eq!(meter.rerouted(ticket, TrunkId(2), now), Ok(()));
    for (trunk, calls) in [(1, 0), (2, 1)] {
        let used = meter.used(TollScope::Trunk(TrunkId(trunk)), TollLimit::Concurrent, now);
        assert_eq!(used, TollAmount::Calls(calls));
    }
    meter.answered(ticket, now);
    assert_eq!(meter.ended(ticket, now).unwrap().amount, money("0.079"));
    assert_eq!(
        meter.used(TollScope::Tenant, TollLimit::SpendPerDay, now),
        eur("0.079")
    );
}

#[test]
fn a_call_that_has_ended_is_not_told_to_end() {
    let mut meter = Meter::new(spend("1", "1"), Some(Arc::new(carrier()))).unwrap();
    let Verdict::Allow { ticket, .. } = meter.ask(&request(1, MOBILE), at(0)) else {
        panic!()
    };
    meter.answered(ticket, at(0));
    meter.handle_timeout(at(900_000));
    assert!(meter.ended(ticket, at(900_100)).is_some());
    assert_eq!(meter.poll_ending(), None);
}
