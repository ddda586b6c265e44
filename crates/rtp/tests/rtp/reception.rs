//! Loss and jitter against plain references.

use crate::{Random, packet};
use rtp::{Clock, Header, Reception};
use std::time::Duration;

fn header(pt: u8, seq: u16, timestamp: u32, ssrc: u32) -> Header {
    Header::parse(&packet(pt, seq, timestamp, ssrc, &[])).unwrap()
}

/// Loss seen after these sequence numbers of one source.
fn lost(seqs: impl IntoIterator<Item = u16>) -> u64 {
    let mut reception = Reception::new();
    for seq in seqs {
        reception.receive(&header(0, seq, 0, 1), Duration::ZERO, Some(8000));
    }
    reception.lost()
}

#[test]
fn gaps_are_lost_and_nothing_else_is() {
    assert_eq!(lost([]), 0);
    assert_eq!(lost([5]), 0);
    assert_eq!(lost(0..1000), 0);
    assert_eq!(lost((0..1000).filter(|s| s % 100 != 50)), 10);
    assert_eq!(lost((0..10).chain(2000..2010)), 1990);
}

#[test]
fn the_sequence_wraps_without_loss() {
    assert_eq!(lost((65_000..=u16::MAX).chain(0..500)), 0);
    assert_eq!(lost((65_000..=u16::MAX).chain(3..500)), 3);
    // Three times round: 65,536 numbers each, one missing in each round.
    let rounds = (0..3).flat_map(|_| (0..=u16::MAX).filter(|s| *s != 777));
    assert_eq!(lost(rounds), 3);
}

#[test]
fn late_packets_are_not_lost_and_duplicates_hide_as_many_losses() {
    assert_eq!(lost([1, 2, 3, 5, 4, 6, 8, 7, 9]), 0);
    assert_eq!(lost([65_533, 65_534, 0, 65_535, 1]), 0);
    assert_eq!(lost([1, 2, 3, 3, 3, 4]), 0);
    assert_eq!(lost([1, 2, 3, 3, 5]), 0);
    assert_eq!(lost([1, 2, 3, 3, 7]), 2);
}

#[test]
fn a_jump_counts_only_once_two_in_sequence_confirm_it() {
    assert_eq!(
        lost([1, 2, 3, 40_000, 4, 5]),
        0,
        "a stray number alone changes nothing"
    );
    assert_eq!(
        lost([1, 2, 4, 40_000, 40_001, 40_003]),
        2,
        "both accounts are kept"
    );
    assert_eq!(lost([1, 2, 3, 30_000, 20_000, 10_000, 4]), 0);
}

#[test]
fn a_new_source_opens_a_new_account() {
    let mut reception = Reception::new();
    for (ssrc, seq) in [(1, 10), (1, 11), (1, 13), (2, 50_000), (2, 50_001), (2, 50_004)] {
        reception.receive(&header(0, seq, 0, ssrc), Duration::ZERO, None);
    }
    assert_eq!(reception.lost(), 1 + 2);
}

/// A.1 with the whole history at hand: what came, as extended numbers.
#[test]
fn loss_agrees_with_a_full_history_under_loss_reorder_and_duplication() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let mut sent: Vec<u64> = Vec::new();
        let first = 60_000 + random.below(5000);
        for n in first..first + 20_000 {
            match random.below(100) {
                _ if n < first + 2 => sent.push(n),
                0..=4 => {}
                5 => sent.extend([n, n]),
                _ => sent.push(n),
            }
        }
        for i in 2..sent.len().saturating_sub(3) {
            if random.below(20) == 0 {
                sent.swap(i, i + usize::try_from(random.below(3)).unwrap());
            }
        }
        // RFC 3550's base is the packet that ended probation: the second.
        let base = sent[1];
        let highest = *sent.iter().max().unwrap();
        let received = u64::try_from(sent.len() - 1).unwrap();
        let expected = (highest - base + 1).saturating_sub(received);
        let seqs = sent.iter().map(|n| u16::try_from(n % 65_536).unwrap());
        assert_eq!(lost(seqs), expected, "seed {seed}");
    }
}

/// RFC 3550 §6.4.1 as it is printed: J = J + (|D(i-1,i)| - J) / 16, in microseconds.
fn reference(packets: &[(u32, Duration)], clock: u32) -> f64 {
    let mut jitter = 0.0_f64;
    for pair in packets.windows(2) {
        let came = (pair[1].1.as_secs_f64() - pair[0].1.as_secs_f64()) * 1e6;
        let sent = f64::from(pair[1].0.wrapping_sub(pair[0].0).cast_signed()) / f64::from(clock) * 1e6;
        jitter += ((came - sent).abs() - jitter) / 16.0;
    }
    jitter
}

#[test]
fn jitter_agrees_with_the_formula_of_the_rfc() {
    for (seed, clock, step) in [
        (1, 8000, 160_u32),
        (2, 48_000, 960),
        (3, 16_000, 320),
        (4, 90_000, 1800),
    ] {
        let mut random = Random(seed);
        let mut arrivals = Vec::new();
        // The timestamp begins just before its wrap.
        for n in 0..3000_u32 {
            let timestamp = u32::MAX.wrapping_sub(50_000).wrapping_add(n * step);
            let at = Duration::from_millis(20) * n + Duration::from_micros(random.below(30_000));
            arrivals.push((timestamp, at));
        }
        arrivals.sort_by_key(|(_, at)| *at);
        let mut reception = Reception::new();
        let mut largest = 0.0_f64;
        for (i, (timestamp, at)) in arrivals.iter().enumerate() {
            reception.receive(&header(96, 0, *timestamp, 1), *at, Some(clock));
            let expected = reference(&arrivals[i.saturating_sub(400)..=i], clock);
            largest = largest.max(expected);
            let seen = f64::from(reception.jitter_us());
            assert!(
                (seen - expected).abs() <= 3.0,
                "packet {i}: {seen} against {expected}"
            );
        }
        assert!(largest > 5000.0);
        assert!((f64::from(reception.jitter_us_max()) - largest).abs() <= 3.0);
    }
}

#[test]
fn event_packets_and_changes_of_payload_are_no_jitter() {
    let mut reception = Reception::new();
    for n in 0..50_u16 {
        let at = Duration::from_millis(20) * u32::from(n);
        // From the 20th to the 40th packet a digit is pressed: one timestamp for all of it.
        let (pt, timestamp) = if (20..40).contains(&n) {
            (101, 3200)
        } else {
            (0, u32::from(n) * 160)
        };
        reception.receive(&header(pt, n, timestamp, 1), at, Some(8000));
    }
    assert_eq!(reception.jitter_us_max(), 0);
}

#[test]
fn the_clock_of_a_dynamic_payload_type_is_found_within_a_second_despite_jitter() {
    for rate in [8000_u32, 16_000, 24_000, 32_000, 48_000, 90_000] {
        let mut random = Random(u64::from(rate));
        let mut clock = Clock::default();
        let mut found = None;
        for n in 0..60_u16 {
            let at = Duration::from_millis(20) * u32::from(n) + Duration::from_micros(random.below(90_000));
            let timestamp = u32::MAX
                .wrapping_sub(1000)
                .wrapping_add(u32::from(n) * (rate / 50));
            found = found.or(clock.rate(&header(96, n, timestamp, 1), at));
        }
        assert_eq!(found, Some(rate));
    }
    let mut clock = Clock::default();
    assert_eq!(clock.rate(&header(0, 0, 0, 1), Duration::ZERO), Some(8000));
    assert_eq!(clock.rate(&header(96, 0, 0, 1), Duration::ZERO), None);
    assert_eq!(
        clock.rate(&header(96, 1, 0, 1), Duration::from_secs(2)),
        None,
        "a stream that stands still has none"
    );
}
