//! From one server to the next.

use super::{TCP, UDP, place};
use sip::locate::{Failures, Place, Walk};
use std::time::Duration;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn three() -> [Place; 3] {
    [
        place(UDP, "192.0.2.1:5060"),
        place(UDP, "192.0.2.2:5060"),
        place(TCP, "192.0.2.1:5060"),
    ]
}

fn all(failures: &Failures<Place>, now: Duration) -> Vec<Place> {
    let mut walk = Walk::new(three().to_vec());
    std::iter::from_fn(|| walk.next(failures, now)).collect()
}

#[test]
fn each_place_is_tried_once_and_in_order() {
    assert_eq!(all(&Failures::new(8), s(0)), three());
    assert_eq!(Walk::new(Vec::new()).next(&Failures::<Place>::new(8), s(0)), None);
}

#[test]
fn who_failed_of_late_comes_last_until_his_time_is_over() {
    let [first, second, third] = three();
    let mut failures = Failures::new(8);
    failures.note(first, s(30), s(0));
    assert_eq!(all(&failures, s(29)), [second, third, first]);
    assert_eq!(all(&failures, s(30)), three());
    failures.note(second, s(60), s(31));
    failures.note(first, s(60), s(31));
    failures.forgive(&first);
    assert_eq!(all(&failures, s(32)), [first, third, second]);
    // A later word counts, also one that shortens it.
    failures.note(second, s(33), s(32));
    assert_eq!(all(&failures, s(33)), three());
    failures.note(second, s(90), s(33));
    failures.note(second, s(33), s(33));
    assert!(failures.is_empty());
}

#[test]
fn all_are_tried_rather_than_none() {
    let mut failures = Failures::new(8);
    for place in three() {
        failures.note(place, s(100), s(0));
    }
    assert_eq!(all(&failures, s(1)), three());
}

#[test]
fn what_other_requests_learn_on_the_way_counts() {
    let [first, second, third] = three();
    let mut failures = Failures::new(8);
    let mut walk = Walk::new(three().to_vec());
    assert_eq!(walk.next(&failures, s(0)), Some(first));
    failures.note(second, s(30), s(1));
    assert_eq!(walk.next(&failures, s(2)), Some(third));
    assert_eq!(walk.next(&failures, s(3)), Some(second));
    assert_eq!(walk.next(&failures, s(3)), None);
}

#[test]
fn the_memory_of_failures_is_bounded() {
    let mut failures = Failures::new(10);
    for host in 0..=255_u8 {
        failures.note(
            place(UDP, &format!("192.0.2.{host}:5060")),
            s(1_000 + u64::from(host)),
            s(0),
        );
        assert!(failures.len() <= 10);
    }
    // Those that are over first made room.
    assert!(failures.is_failed(&place(UDP, "192.0.2.246:5060"), s(1)));
    assert!(!failures.is_failed(&place(UDP, "192.0.2.245:5060"), s(1)));
    failures.note(place(UDP, "198.51.100.1:5060"), s(9_000), s(5_000));
    assert_eq!(failures.len(), 1);
}
