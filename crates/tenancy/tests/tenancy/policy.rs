//! What a tenant may write into its policy, and whom it is about.

use crate::office::{Office, request, user};
use crate::rate::{carrier, money};
use crate::toll::{LANDLINE, users};
use model::{
    DestinationClass, Money, TollChange, TollException, TollLimit, TollLimits, TollPolicy, TrunkId, UserId,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use tenancy::{CurrencyMismatch, Meter, Reason, Request, Verdict};

#[test]
fn countries_are_opened_and_parts_of_them_barred() {
    let prefixes = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let mut office = Office::new(TollPolicy {
        countries: prefixes(&["44", "4471", "371"]),
        barred: prefixes(&["447", "4930999", "371"]),
        ..TollPolicy::default()
    });
    for (number, class, allowed) in [
        ("+442012345", DestinationClass::International, true),
        ("+447912345", DestinationClass::International, false),
        ("+447112345", DestinationClass::International, true),
        ("+449012345", DestinationClass::Premium, false),
        ("+37121234", DestinationClass::International, false),
        ("+33112345", DestinationClass::International, false),
        ("+493099911", DestinationClass::National, false),
        ("+493099811", DestinationClass::National, true),
    ] {
        let allowed_now = office.allows(&Request {
            class,
            ..request(1, number)
        });
        assert_eq!(allowed_now, allowed, "{number}");
        office.wait(120);
    }
}

#[test]
fn a_user_or_trunk_has_classes_of_its_own() {
    let classes = |classes: &[DestinationClass]| TollException {
        classes: Some(classes.iter().copied().collect()),
        ..TollException::default()
    };
    let mut office = Office::new(TollPolicy {
        countries: ["44".parse().unwrap()].into(),
        users: BTreeMap::from([
            (UserId(1), classes(&[DestinationClass::TollFree])),
            (
                UserId(2),
                classes(&[DestinationClass::National, DestinationClass::International]),
            ),
        ]),
        trunks: BTreeMap::from([(TrunkId(9), classes(&[DestinationClass::National]))]),
        ..TollPolicy::default()
    });
    let abroad = |user| Request {
        class: DestinationClass::International,
        ..request(user, "+442012345")
    };
    assert!(!office.allows(&request(1, LANDLINE)), "the lobby");
    assert!(
        !office.allows(&abroad(1)),
        "an open country is not open for the lobby"
    );
    assert!(office.allows(&abroad(2)) && office.allows(&abroad(3)));
    let by_trunk = Request {
        trunk: Some(TrunkId(9)),
        ..abroad(2)
    };
    assert!(!office.allows(&by_trunk));
    let emergency = Request {
        class: DestinationClass::Emergency,
        trunk: Some(TrunkId(9)),
        ..request(1, "110")
    };
    assert!(office.allows(&emergency));
}

#[test]
fn limits_and_prices_are_in_one_currency() {
    let policy = TollPolicy {
        currency: "CHF".parse().ok(),
        ..TollPolicy::default()
    };
    let table = Arc::new(carrier());
    let error = Meter::new(policy.clone(), Some(table.clone())).unwrap_err();
    assert_eq!(
        error,
        CurrencyMismatch {
            policy: "CHF".parse().unwrap(),
            table: table.currency()
        }
    );
    let mut office = Office::new(users(TollLimits {
        concurrent: Some(0),
        ..TollLimits::default()
    }));
    assert!(office.meter.configure(policy, Some(table)).is_err());
    assert!(!office.allows(&request(1, LANDLINE)), "what held before goes on");
}

#[test]
fn one_users_limits_differ() {
    let change = TollChange {
        concurrent: Some(Some(1)),
        spend_per_day: Some(None),
        ..TollChange::default()
    };
    let mut policy = users(TollLimits {
        concurrent: Some(0),
        spend_per_day: Some(Money::ZERO),
        ..TollLimits::default()
    });
    policy.users.insert(
        UserId(5),
        TollException {
            classes: None,
            limits: change,
        },
    );
    let mut office = Office::new(policy);
    assert!(!office.allows(&request(1, LANDLINE)));
    office.ring(&request(5, LANDLINE));
    assert_eq!(
        office.ask(&request(5, LANDLINE)),
        Verdict::Refuse(Reason::Limit {
            scope: user(5),
            limit: TollLimit::Concurrent
        })
    );
}

#[test]
fn a_policy_that_says_little_keeps_the_rest() {
    let text = r#"{"by_day": {"user": {"concurrent": 9, "spend_per_month": null},
        "classes": {"premium": {"spend_per_day": "0.50"}}}, "countries": ["+44"], "night_hours": ["fri 18:00-08:00"],
        "users": {"12": {"limits": {"longest_call_s": 60}}}}"#;
    let policy: TollPolicy = serde_json::from_str(text).unwrap();
    let usual = TollPolicy::default();
    let user = TollLimits {
        concurrent: Some(9),
        spend_per_month: None,
        ..usual.by_day.user
    };
    assert_eq!(policy.by_day.user, user);
    assert_eq!(policy.by_day.tenant, usual.by_day.tenant);
    let premium = policy.by_day.classes[&DestinationClass::Premium];
    assert_eq!(
        (premium.spend_per_day, premium.concurrent),
        (Some(money("0.5")), Some(2))
    );
    assert_eq!(
        (&policy.by_night, &policy.classes),
        (&usual.by_night, &usual.classes)
    );
    assert_eq!(policy.users[&UserId(12)].limits.longest_call_s, Some(Some(60)));
    for policy in [policy, usual] {
        let again: TollPolicy = serde_json::from_str(&serde_json::to_string(&policy).unwrap()).unwrap();
        assert_eq!(again, policy);
    }
    for bad in [
        r#"{"spend": "1"}"#,
        r#"{"by_day": {"users": {}}}"#,
        r#"{"by_day": {"user": {"spend_per_day": 0.5}}}"#,
        r#"{"by_night": {"user": {"concurrent": -1}}}"#,
        r#"{"countries": ["0044"]}"#,
        r#"{"night_hours": ["late"]}"#,
        r#"{"classes": ["expensive"]}"#,
    ] {
        assert!(serde_json::from_str::<TollPolicy>(bad).is_err(), "{bad}");
    }
}
