//! What is kept, for how long, and what goes on while the DNS does not answer.

use super::{UDP, Zone, look_up, means, shown, wish};
use sip::locate::{Cache, Failure, Found, Held, STALE_S};
use std::time::Duration;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn found(host: u8, ttl_s: u32) -> Found {
    let zone = Zone::new(&format!(
        "c.test {ttl_s} A 192.0.2.{host}\nc.test {ttl_s} AAAA 2001:db8::{host}"
    ));
    look_up(&wish("c.test"), means(&[UDP]), &zone).0.unwrap()
}

/// One that the DNS told only in part.
fn part(host: u8, ttl_s: u32) -> Found {
    let zone = Zone::new(&format!("c.test {ttl_s} A 192.0.2.{host}\nc.test 0 FAIL-AAAA"));
    look_up(&wish("c.test"), means(&[UDP]), &zone).0.unwrap()
}

fn is_fresh(cache: &mut Cache, at: u64) -> bool {
    matches!(cache.get(&wish("c.test"), s(at)), Held::Fresh(_))
}

#[test]
fn an_answer_holds_as_long_as_its_ttl_within_bounds() {
    for (ttl_s, holds) in [(0, 5), (5, 5), (60, 60), (3_600, 3_600), (u32::MAX, 3_600)] {
        let mut cache = Cache::new(8);
        assert_eq!(cache.get(&wish("c.test"), s(100)), Held::Nothing);
        assert_eq!(
            cache.put(&wish("c.test"), Ok(found(1, ttl_s)), s(100)),
            Ok(found(1, ttl_s))
        );
        assert_eq!(cache.holds_s(&wish("c.test"), s(102)), holds - 2);
        let end = 100 + u64::from(holds);
        assert_eq!(
            cache.get(&wish("c.test"), s(end - 1)),
            Held::Fresh(Ok(found(1, ttl_s)))
        );
        assert_eq!(cache.get(&wish("c.test"), s(end)), Held::Stale(found(1, ttl_s)));
        assert_eq!(cache.holds_s(&wish("c.test"), s(end)), 0);
    }
}

#[test]
fn nothing_holds_for_half_a_minute_at_most() {
    for (failure, holds) in [
        (Failure::NoSuchName(0), 5),
        (Failure::NoSuchName(20), 20),
        (Failure::NoSuchName(86_400), 30),
        (Failure::NoAnswer, 5),
    ] {
        let mut cache = Cache::new(8);
        assert_eq!(cache.put(&wish("c.test"), Err(failure), s(0)), Err(failure));
        assert_eq!(
            cache.get(&wish("c.test"), s(holds - 1)),
            Held::Fresh(Err(failure))
        );
        assert_eq!(cache.get(&wish("c.test"), s(holds)), Held::Nothing);
    }
}

#[test]
fn while_the_dns_does_not_answer_what_it_said_last_goes_on_for_a_day() {
    let mut cache = Cache::new(8);
    let wish = wish("c.test");
    let old = found(1, 60);
    cache.put(&wish, Ok(old.clone()), s(0)).unwrap();
    let mut at = 60;
    while at < STALE_S {
        assert_eq!(cache.get(&wish, s(at)), Held::Stale(old.clone()), "{at}");
        assert_eq!(cache.put(&wish, Err(Failure::NoAnswer), s(at)), Ok(old.clone()));
        // Not every call waits for servers that are away.
        assert!(is_fresh(&mut cache, at + 29));
        assert!(!is_fresh(&mut cache, at + 30));
        at += 30;
    }
    assert_eq!(cache.get(&wish, s(at)), Held::Nothing);
    assert_eq!(
        cache.put(&wish, Err(Failure::NoAnswer), s(at)),
        Err(Failure::NoAnswer)
    );
}

#[test]
fn what_the_dns_takes_back_is_gone_and_what_it_says_anew_holds() {
    let mut cache = Cache::new(8);
    let wish = wish("c.test");
    cache.put(&wish, Ok(found(1, 10)), s(0)).unwrap();
    assert_eq!(cache.put(&wish, Ok(found(2, 10)), s(10)), Ok(found(2, 10)));
    let gone = Err(Failure::NoSuchName(30));
    assert_eq!(cache.put(&wish, gone.clone(), s(20)), gone);
    assert_eq!(cache.get(&wish, s(50)), Held::Nothing);
    assert_eq!(
        cache.put(&wish, Err(Failure::NoAnswer), s(50)),
        Err(Failure::NoAnswer)
    );
}

#[test]
fn a_part_of_an_answer_does_not_replace_a_whole_one() {
    let mut cache = Cache::new(8);
    let wish = wish("c.test");
    assert_eq!(cache.put(&wish, Ok(part(1, 900)), s(0)), Ok(part(1, 900)));
    // It is asked again soon for the rest.
    assert!(is_fresh(&mut cache, 29) && !is_fresh(&mut cache, 30));
    cache.put(&wish, Ok(found(2, 10)), s(30)).unwrap();
    assert_eq!(cache.put(&wish, Ok(part(3, 900)), s(40)), Ok(found(2, 10)));
    assert_eq!(
        shown(&cache.put(&wish, Ok(part(3, 900)), s(30 + STALE_S))),
        ["udp 192.0.2.3:5060"]
    );
}

#[test]
fn the_cache_is_bounded_and_what_says_nothing_goes_first() {
    let mut cache = Cache::new(3);
    assert!(cache.is_empty());
    for (at, name) in ["a.test", "b.test"].into_iter().enumerate() {
        cache.put(&wish(name), Ok(found(1, 3_600)), s(at as u64)).unwrap();
    }
    for (index, at) in (10..200).enumerate() {
        let name = format!("no{index}.test");
        cache
            .put(&wish(&name), Err(Failure::NoSuchName(30)), s(at))
            .unwrap_err();
        assert!(cache.len() <= 3);
    }
    // The one that nobody asked for longest makes room, not the oldest.
    assert!(matches!(cache.get(&wish("a.test"), s(300)), Held::Fresh(_)));
    for name in ["c.test", "d.test"] {
        cache.put(&wish(name), Ok(found(1, 3_600)), s(301)).unwrap();
    }
    assert_eq!(cache.len(), 3);
    assert!(matches!(cache.get(&wish("a.test"), s(302)), Held::Fresh(_)));
    assert_eq!(cache.get(&wish("b.test"), s(302)), Held::Nothing);
}
