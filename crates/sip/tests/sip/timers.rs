//! The timer wheel against a sorted list, and its promises one by one.

use crate::transactions::Dice;
use sip::timer::Wheel;
use std::time::Duration;

fn us(us: u64) -> Duration {
    Duration::from_micros(us)
}

#[test]
fn timers_fire_in_order_and_equal_ones_in_the_order_of_insertion() {
    let mut wheel = Wheel::new();
    for (at, name) in [
        (70_000, "c"),
        (5, "a"),
        (70_000, "d"),
        (6, "b"),
        (70_000_000, "e"),
    ] {
        wheel.insert(Duration::from_millis(at), name);
    }
    let fired: Vec<_> = std::iter::from_fn(|| wheel.expire(Duration::from_secs(100_000))).collect();
    assert_eq!(fired, ["a", "b", "c", "d", "e"]);
    assert!(wheel.is_empty());
}

#[test]
fn a_deadline_between_ticks_fires_at_the_next_tick_and_never_before() {
    let mut wheel = Wheel::new();
    wheel.insert(us(4_200), ());
    assert_eq!(wheel.expire(us(4_999)), None);
    assert_eq!(wheel.next_deadline(), Some(us(5_000)));
    assert_eq!(wheel.expire(us(5_000)), Some(()));
}

#[test]
fn what_is_past_fires_at_once_and_time_does_not_go_back() {
    let mut wheel = Wheel::new();
    assert_eq!(wheel.expire(us(9_000_000)), None);
    wheel.insert(us(1), "past");
    assert_eq!(wheel.next_deadline(), Some(us(9_000_000)));
    assert_eq!(wheel.expire(us(10)), Some("past"));
}

#[test]
fn a_cancelled_timer_is_silent_and_its_id_names_nothing_any_more() {
    let mut wheel = Wheel::new();
    let first = wheel.insert(us(1_000), 1);
    assert_eq!(wheel.cancel(first), Some(1));
    let second = wheel.insert(us(1_000), 2);
    assert_eq!(wheel.cancel(first), None);
    assert_eq!(wheel.len(), 1);
    assert_eq!(wheel.expire(us(1_000)), Some(2));
    assert_eq!(wheel.cancel(second), None);
    assert_eq!(wheel.next_deadline(), None);
}

#[test]
fn a_timer_that_is_due_can_still_be_cancelled() {
    let mut wheel = Wheel::new();
    wheel.insert(us(1_000), 1);
    let second = wheel.insert(us(1_000), 2);
    assert_eq!(wheel.expire(us(2_000)), Some(1));
    assert_eq!(wheel.cancel(second), Some(2));
    assert_eq!(wheel.expire(us(2_000)), None);
}

#[test]
fn never_is_a_deadline_too() {
    let mut wheel = Wheel::new();
    let never = wheel.insert(Duration::MAX, ());
    wheel.insert(us(1), ());
    assert_eq!(wheel.expire(Duration::from_secs(u64::from(u32::MAX))), Some(()));
    assert_eq!(wheel.expire(Duration::from_secs(u64::from(u32::MAX))), None);
    assert_eq!(wheel.cancel(never), Some(()));
}

/// A timer as the list has it: when it is due in microseconds, the order of insertion, its id in the wheel.
type Known = (u64, u64, sip::timer::TimerId);

struct Pair {
    wheel: Wheel<u64>,
    list: Vec<Known>,
    now: u64,
    dice: Dice,
}

impl Pair {
    fn insert(&mut self, number: u64) {
        let range = [50, 5_000, 600_000, 40_000_000, 30_000_000_000][self.dice.below(5) as usize];
        let at = self.now + self.dice.below(range);
        let id = self.wheel.insert(us(at), number);
        self.list.push((at, number, id));
    }

    fn cancel(&mut self) {
        if self.list.is_empty() {
            return;
        }
        let at = self.dice.below(self.list.len() as u64) as usize;
        let (_, number, id) = self.list.swap_remove(at);
        assert_eq!(self.wheel.cancel(id), Some(number));
    }

    /// Lets time pass: by a random stretch, or to exactly what the wheel asks for.
    fn pass(&mut self) {
        let range = [1_000, 70_000, 5_000_000, 400_000_000][self.dice.below(4) as usize];
        let asked = self.wheel.next_deadline().map_or(0, |at| at.as_micros() as u64);
        let earliest = self
            .list
            .iter()
            .map(|known| known.0.div_ceil(1_000) * 1_000)
            .min();
        assert!(
            earliest.is_none_or(|earliest| asked <= earliest.max(self.now)),
            "the wheel would wake late"
        );
        self.now = if self.dice.below(2) == 0 {
            self.now.max(asked)
        } else {
            self.now + self.dice.below(range)
        };
        let mut last = 0;
        while let Some(number) = self.wheel.expire(us(self.now)) {
            let place = self.list.iter().position(|known| known.1 == number).unwrap();
            let (at, ..) = self.list.swap_remove(place);
            assert!(at <= self.now, "fired {} us early", at - self.now);
            assert!(at.div_ceil(1_000) >= last, "out of order");
            last = at.div_ceil(1_000);
        }
        let late = self.list.iter().find(|known| known.0 + 1_000 <= self.now);
        assert_eq!(late, None, "left behind at {}", self.now);
        assert_eq!(self.wheel.len(), self.list.len());
    }
}

#[test]
fn the_wheel_agrees_with_a_list_never_early_and_at_most_a_tick_late() {
    for seed in 0..300 {
        let mut pair = Pair {
            wheel: Wheel::new(),
            list: Vec::new(),
            now: 0,
            dice: Dice::new(seed),
        };
        for number in 0..400 {
            match pair.dice.below(8) {
                0..=3 => pair.insert(number),
                4 => pair.cancel(),
                _ => pair.pass(),
            }
        }
    }
}
