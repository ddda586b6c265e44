//! Running flows to phones.

use super::*;
use crate::graph::{Flow, Forward};
use crate::route;
use model::UserId;
use model::{Policy, TenantConfig, TenantId, User, UserSettings};
use std::borrow::Cow;

fn user(id: u64, extension: &str) -> User {
    User {
        id: UserId(id),
        extension: extension.into(),
        display: "".into(),
        enabled: true,
        settings: UserSettings::default(),
    }
}

fn config(enabled: bool) -> TenantConfig {
    let users = vec![
        User {
            enabled,
            ..user(7, "101")
        },
        user(8, "102"),
        user(9, "103"),
    ];
    let policy = Policy {
        ring_timeout_s: 25,
        ..Policy::default()
    };
    TenantConfig::new(TenantId(1), 1, "A", &["a.example"], policy, users, vec![]).unwrap()
}

/// The number as somebody with these settings has it; the others have none.
fn routed(number: &str, owner: u64, settings: &UserSettings) -> Flow {
    let of = |user: UserId| match user == UserId(owner) {
        true => Cow::Owned(settings.clone()),
        false => Cow::Owned(UserSettings::default()),
    };
    route(&config(true), of, || None, number, "A.example")
}

fn plain(config: &TenantConfig, number: &str, domain: &str) -> Run {
    Run::new(route(
        config,
        |_| Cow::Owned(UserSettings::default()),
        || None,
        number,
        domain,
    ))
}

#[test]
fn an_extension_rings_its_user_for_the_policys_time() {
    let mut run = plain(&config(true), "101", "A.example");
    let action = step(&mut run, Event::Start);
    assert_eq!(
        action,
        Action::Ring {
            users: vec![UserId(7)],
            timeout_s: 25
        }
    );
    assert_eq!(step(&mut run, Event::Answered), Action::Talk);
    assert_eq!(run.path(), ["ring 101", "answered"]);
}

#[test]
fn nobody_answering_refuses_with_the_reason() {
    let mut run = plain(&config(true), "101", "A.example");
    step(&mut run, Event::Start);
    let action = step(&mut run, Event::Unanswered(Refusal::Busy));
    assert_eq!(action, Action::Refuse(Refusal::Busy));
    assert_eq!(run.path(), ["ring 101", "busy"]);
}

#[test]
fn a_foreign_domain_is_refused_even_for_a_known_number() {
    let mut run = plain(&config(true), "101", "b.example");
    assert_eq!(
        step(&mut run, Event::Start),
        Action::Refuse(Refusal::ForeignDomain)
    );
}

#[test]
fn unknown_and_disabled_numbers_lead_nowhere_alike() {
    for (config, number) in [(config(true), "999"), (config(false), "101")] {
        let mut run = plain(&config, number, "a.example");
        assert_eq!(
            step(&mut run, Event::Start),
            Action::Refuse(Refusal::UnknownNumber)
        );
    }
}

/// What becomes of a call to 101 that rings and gets this refusal, or none.
fn outcome(settings: &UserSettings, refusal: Option<Refusal>) -> Action {
    let mut run = Run::new(routed("101", 7, settings));
    let first = step(&mut run, Event::Start);
    match (refusal, &first) {
        (Some(refusal), Action::Ring { .. }) => step(&mut run, Event::Unanswered(refusal)),
        _ => first,
    }
}

fn sent(to: &str, why: Why) -> Action {
    Action::Forward(Forward {
        user: UserId(7),
        by: "101".into(),
        to: to.into(),
        why,
    })
}

#[test]
fn settings_decide_before_and_after_the_ringing() {
    let all = UserSettings {
        dnd: true,
        forward_always: Some("1".into()),
        forward_busy: Some("2".into()),
        forward_no_answer: Some("3".into()),
        no_answer_s: 10,
        caller_number: None,
        record: None,
    };
    assert_eq!(outcome(&all, None), sent("1", Why::Always));
    let some = UserSettings {
        forward_always: None,
        ..all
    };
    assert_eq!(outcome(&some, None), sent("2", Why::DoNotDisturb));
    let quiet = UserSettings {
        dnd: true,
        ..UserSettings::default()
    };
    assert_eq!(outcome(&quiet, None), Action::Refuse(Refusal::DoNotDisturb));
    let after = UserSettings { dnd: false, ..some };
    let rings = Action::Ring {
        users: vec![UserId(7)],
        timeout_s: 10,
    };
    assert_eq!(outcome(&after, None), rings);
    for (refusal, action) in [
        (Refusal::Busy, sent("2", Why::Busy)),
        (Refusal::NoAnswer, sent("3", Why::NoAnswer)),
        (Refusal::Unreachable, sent("3", Why::Unreachable)),
        (Refusal::Declined, Action::Refuse(Refusal::Declined)),
        (Refusal::MediaRefused, Action::Refuse(Refusal::MediaRefused)),
    ] {
        assert_eq!(outcome(&after, Some(refusal)), action);
    }
}

fn hop(user: u64, to: &str) -> Forward {
    Forward {
        user: UserId(user),
        by: user.to_string().into(),
        to: to.into(),
        why: Why::Always,
    }
}

#[test]
fn nobody_comes_twice() {
    let none = UserSettings::default();
    let mut run = Run::new(routed("101", 0, &none));
    run.meet(UserId(9));
    assert!(run.forward(hop(7, "102"), routed("102", 0, &none)));
    assert!(matches!(step(&mut run, Event::Start), Action::Ring { .. }));
    for number in ["101", "102", "103"] {
        let mut run = run.clone();
        assert!(!run.forward(hop(8, number), routed(number, 0, &none)));
        assert_eq!(step(&mut run, Event::Start), Action::Refuse(Refusal::Loop));
    }
    // Whoever transferred is called back, though he was met before.
    run.reroute(crate::recall(&config(true), UserId(7)));
    assert!(run.forwards().is_empty());
    assert!(matches!(step(&mut run, Event::Start), Action::Ring { .. }));
}

#[test]
fn there_is_an_end_to_forwards() {
    let to = |user: u64| {
        Flow::to_user(
            UserId(user),
            vec![Node::Forward(hop(user, &(user + 1).to_string()))],
        )
    };
    let mut run = Run::new(to(1));
    let mut hops = 0;
    let last = loop {
        match step(&mut run, Event::Start) {
            Action::Forward(forward) => {
                hops += 1;
                let next = forward.user.0 + 1;
                run.forward(forward, to(next));
            }
            other => break other,
        }
    };
    assert_eq!((hops, last), (6, Action::Refuse(Refusal::TooManyForwards)));
    assert_eq!(run.path().last().map(String::as_str), Some("too many forwards"));
}
