//! Running flows that listen to who answers, and that ask for what is nobody's business.

use super::{MENU, at_the_door, run};
use crate::{Action, Event, Service, step};
use model::{Answerer, MachineRules};

#[test]
fn who_answers_is_listened_to_before_the_caller_is_connected() {
    let screened = |answerer: Answerer| {
        let json = r#"{"steps": {
            "start": {"do": "dial", "number": "102", "detect_machine": {"max_words": 3}, "machine": "echo", "unknown": "bye"},
            "echo": {"do": "echo"}, "bye": {"do": "hang_up"}}}"#;
        let (mut run, action) = run(json);
        let rules = MachineRules {
            max_words: 3,
            ..MachineRules::default()
        };
        let expected = Action::Dial {
            number: "102".into(),
            typed: false,
            screen: Some(rules),
        };
        assert_eq!(action, expected);
        let next = step(&mut run, Event::Screened(answerer));
        assert_eq!(run.path()[..3], ["flow", "dial 102", answerer.as_str()]);
        next
    };
    assert_eq!(screened(Answerer::Human), Action::Connect);
    assert_eq!(screened(Answerer::Machine), Action::Serve(Service::Echo));
    assert_eq!(screened(Answerer::Unknown), Action::HangUp);
}

#[test]
fn a_machine_is_as_good_as_nobody_where_no_step_says_otherwise() {
    let json = r#"{"steps": {"start": {"do": "dial", "number": "102", "detect_machine": {}}}}"#;
    let (mut run, _) = run(json);
    let mut other = run.clone();
    assert_eq!(
        step(&mut other, Event::Screened(Answerer::Unknown)),
        Action::Connect
    );
    let busy = step(&mut run, Event::Screened(Answerer::Machine));
    assert!(matches!(busy, Action::Serve(Service::Tone { .. })), "{busy:?}");
    assert_eq!(
        step(&mut run, Event::Screened(Answerer::Human)),
        Action::Wait,
        "it is too late"
    );
}

#[test]
fn what_is_typed_in_secret_is_told_to_nobody() {
    let (mut run, _) = run(r#"{"steps": {
        "start": {"do": "gather", "secure": true, "say": [{"prompt": "pin/enter"}], "min": 4, "max": 19,
            "otherwise": "note", "patience": {"tries": 1}},
        "note": {"do": "note", "text": "typed", "then": "dial"},
        "dial": {"do": "dial"}}}"#);
    assert!(run.is_secret());
    for key in "4111#".chars() {
        assert!(run.is_secret(), "{key}");
        step(&mut run, Event::Digit(key));
    }
    assert!(!run.is_secret());
    assert_eq!(run.path(), ["flow", "typed", "nothing to dial", "busy tone"]);
    assert!(!format!("{run:?}").contains("4111"));
    assert!(!super::run(MENU).0.is_secret());
    assert!(at_the_door("12").0.is_secret(), "a PIN");
}
