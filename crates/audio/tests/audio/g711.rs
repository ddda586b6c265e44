//! G.711 against the tables of the Recommendation: decision values and quantised values, sample by sample.

use crate::{sine, snr};
use audio::g711::Law;

/// Intervals of one polarity, outwards from zero: how many of which size, in units of the coded range (2^12 for A, 2^13
/// for µ). Tables 1a and 2a.
const A: [(u32, u32); 7] = [(32, 2), (16, 4), (16, 8), (16, 16), (16, 32), (16, 64), (16, 128)];
const MU: [(u32, u32); 9] = [
    (1, 1),
    (15, 2),
    (16, 4),
    (16, 8),
    (16, 16),
    (16, 32),
    (16, 64),
    (16, 128),
    (16, 256),
];

/// Decision values x(1), x(2), … of one polarity.
fn decisions(intervals: &[(u32, u32)]) -> Vec<u32> {
    let mut values = vec![0];
    for (count, size) in intervals {
        for _ in 0..*count {
            values.push(values.last().unwrap() + size);
        }
    }
    values
}

/// The octet of an interval, for a negative sample or a positive one.
type Octet = fn(u32, bool) -> u8;

/// Unit of the coded range in 16-bit steps, decision values, and the octet of interval `n` of a polarity.
fn law(law: Law) -> (u32, Vec<u32>, Octet) {
    match law {
        Law::A => (8, decisions(&A), |n, negative| {
            (n as u8 | if negative { 0 } else { 0x80 }) ^ 0x55
        }),
        Law::Mu => (4, decisions(&MU), |n, negative| {
            (0x7F - n as u8) | if negative { 0 } else { 0x80 }
        }),
    }
}

#[test]
fn the_tables_have_128_intervals_and_end_where_the_recommendation_ends() {
    let (_, a, _) = law(Law::A);
    let (_, mu, _) = law(Law::Mu);
    assert_eq!((a.len(), a.last()), (129, Some(&4096)));
    assert_eq!((mu.len(), mu.last()), (129, Some(&8159)));
}

#[test]
fn every_sample_gets_the_code_of_its_interval() {
    for name in [Law::A, Law::Mu] {
        let (unit, decisions, octet) = law(name);
        for sample in i16::MIN..=i16::MAX {
            let negative = sample < 0;
            // A negative sample is the one's complement: -1 lies where 0 does.
            let magnitude = if negative {
                (-1 - i32::from(sample)) as u32
            } else {
                sample as u32
            };
            let below = decisions.iter().filter(|x| **x * unit <= magnitude).count() as u32;
            let interval = (below - 1).min(127);
            assert_eq!(
                name.encode(sample),
                octet(interval, negative),
                "{name:?} {sample}"
            );
        }
    }
}

#[test]
fn every_code_gives_the_middle_of_its_interval() {
    for name in [Law::A, Law::Mu] {
        let (unit, decisions, octet) = law(name);
        for n in 0..128_u32 {
            let (low, high) = (decisions[n as usize], decisions[n as usize + 1]);
            // µ-law's first interval stands for zero itself.
            let twice = if name == Law::Mu && n == 0 { 0 } else { low + high };
            let value = (twice * unit / 2) as i16;
            assert_eq!(name.decode(octet(n, false)), value, "{name:?} +{n}");
            assert_eq!(name.decode(octet(n, true)), -value, "{name:?} -{n}");
        }
    }
}

#[test]
fn frames_are_coded_like_samples_and_end_with_the_shorter_side() {
    for name in [Law::A, Law::Mu] {
        let all: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        let mut octets = vec![0; all.len()];
        assert_eq!(name.encode_frame(&all, &mut octets), 65_536);
        assert!(all.iter().zip(&octets).all(|(s, o)| name.encode(*s) == *o));
        let mut back = vec![0; all.len()];
        assert_eq!(name.decode_frame(&octets, &mut back), 65_536);
        assert!(octets.iter().zip(&back).all(|(o, s)| name.decode(*o) == *s));
        assert_eq!(name.encode_frame(&all[..7], &mut octets), 7);
        assert_eq!(name.decode_frame(&octets[..9], &mut back), 9);
        assert_eq!(name.decode_frame(&octets, &mut back[..5]), 5);
    }
    assert_eq!((Law::A.silence(), Law::Mu.silence()), (0xD5, 0xFF));
}

#[test]
fn what_was_coded_once_is_coded_without_further_loss() {
    for name in [Law::A, Law::Mu] {
        for octet in 0..=255 {
            // Only µ-law's negative zero has no sample of its own.
            let again = name.encode(name.decode(octet));
            assert_eq!(
                again,
                if name == Law::Mu && octet == 0x7F {
                    0xFF
                } else {
                    octet
                }
            );
        }
    }
}

#[test]
fn a_tone_keeps_the_distance_to_noise_of_g712() {
    // G.712 asks for 33 dB from 0 to -30 dBm0, and 27 dB at -40.
    for (peak, least) in [(16_000.0, 36.0), (1_600.0, 35.0), (500.0, 33.0), (160.0, 27.0)] {
        let tone = sine(1020.0, peak, 8000, 8000);
        for name in [Law::A, Law::Mu] {
            let got: Vec<i16> = tone.iter().map(|s| name.decode(name.encode(*s))).collect();
            let snr = snr(&tone, &got);
            assert!(snr > least, "{name:?} at {peak}: {snr:.1} dB");
        }
    }
}
