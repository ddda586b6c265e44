//! Tones as they are played: their frequencies, levels and cadences, measured.

use audio::tone::{Country, FULL_SCALE_DBM0, Generator, Segment, Signal, digits, peak};
use std::f64::consts::TAU;

const RATE: u32 = 8000;

/// Level of one frequency, dBm0, by correlation over whole cycles of it.
fn level_at(samples: &[i16], hertz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let angle = TAU * hertz * n as f64 / f64::from(RATE);
        re += f64::from(*sample) * angle.cos();
        im += f64::from(*sample) * angle.sin();
    }
    let peak = 2.0 * (re * re + im * im).sqrt() / samples.len() as f64;
    f64::from(FULL_SCALE_DBM0) + 20.0 * (peak.max(1e-6) / 32768.0).log10()
}

/// Stretches of sound and silence, ms, signed; shorter than 15 ms is not looked at.
fn cadence(samples: &[i16]) -> Vec<i32> {
    let mut stretches: Vec<i32> = Vec::new();
    for piece in samples.chunks(8) {
        let sign = if piece.iter().any(|s| s.unsigned_abs() > 20) {
            1
        } else {
            -1
        };
        match stretches.last_mut() {
            Some(last) if last.signum() == sign => *last += sign,
            _ => stretches.push(sign),
        }
    }
    stretches.retain(|ms| ms.abs() > 15);
    stretches
}

fn play(country: Country, signal: Signal, seconds: u32) -> Vec<i16> {
    let mut generator = Generator::tone(country.tone(signal), RATE);
    let mut samples = vec![0; (RATE * seconds) as usize];
    for frame in samples.chunks_mut(160) {
        generator.fill(frame);
    }
    assert!(!generator.is_over());
    samples
}

fn near(stretches: &[i32], wanted: &[i32]) -> bool {
    let pairs = stretches.iter().zip(wanted.iter().cycle());
    pairs.take(stretches.len() - 1).all(|(a, b)| (a - b).abs() <= 3)
}

#[test]
fn cadences_are_those_of_e180() {
    for (country, signal, wanted) in [
        (Country::Us, Signal::Ringback, &[2000, -4000][..]),
        (Country::Us, Signal::Busy, &[500, -500]),
        (Country::Us, Signal::Congestion, &[250, -250]),
        (Country::Uk, Signal::Ringback, &[400, -200, 400, -2000]),
        (Country::Uk, Signal::Busy, &[375, -375]),
        (Country::Uk, Signal::Congestion, &[400, -350, 225, -525]),
        (Country::De, Signal::Ringback, &[1000, -4000]),
        (Country::De, Signal::Busy, &[480, -480]),
        (Country::De, Signal::Congestion, &[240, -240]),
        (Country::Fr, Signal::Ringback, &[1500, -3500]),
        (Country::Fr, Signal::Busy, &[500, -500]),
        (Country::Fr, Signal::Congestion, &[250, -250]),
        (Country::Es, Signal::Ringback, &[1500, -3000]),
        (Country::Es, Signal::Busy, &[200, -200]),
        (
            Country::Es,
            Signal::Congestion,
            &[200, -200, 200, -200, 200, -600],
        ),
        (Country::Pl, Signal::Ringback, &[1000, -4000]),
        (Country::Pl, Signal::Busy, &[500, -500]),
        (Country::De, Signal::Information, &[990, -1000]),
    ] {
        let stretches = cadence(&play(country, signal, 20));
        assert!(stretches.len() > 6);
        assert!(near(&stretches, wanted), "{country:?} {signal:?}: {stretches:?}");
    }
    for country in Country::ALL {
        assert_eq!(cadence(&play(country, Signal::Dial, 20)), [20_000], "{country:?}");
    }
}

#[test]
fn frequencies_and_levels_are_those_of_the_data() {
    for country in Country::ALL {
        for signal in Signal::ALL {
            let tone = country.tone(signal);
            let samples = play(country, signal, 8);
            let mut at = 0;
            for segment in tone.segments {
                let ms = if segment.ms == 0 {
                    1000
                } else {
                    usize::from(segment.ms)
                };
                // Within the edges, so long that every multiple of 10 Hz has whole cycles.
                let inner = &samples[(at + 4) * 8..][..(ms - 8) / 100 * 800];
                for hz in segment.hz.into_iter().filter(|hz| *hz > 0) {
                    let level = level_at(inner, f64::from(hz));
                    let wanted = f64::from(tone.level_dbm0);
                    assert!(
                        (level - wanted).abs() < 0.3,
                        "{country:?} {signal:?} {hz} Hz: {level}"
                    );
                }
                at += ms;
                if at > 1000 {
                    break;
                }
            }
        }
    }
}

#[test]
fn countries_have_codes() {
    for country in Country::ALL {
        assert_eq!(Country::from_code(country.code()), Some(country));
    }
    assert_eq!(Country::from_code("GB"), Some(Country::Uk));
    assert_eq!(Country::from_code("DE"), Some(Country::De));
    assert_eq!(Country::from_code("xx"), None);
}

#[test]
fn digits_are_played_one_after_the_other_and_end() {
    let mut generator = digits("1x5#d", 100, 50, RATE);
    let mut samples = vec![1; 8000];
    generator.fill(&mut samples);
    assert!(generator.is_over());
    assert!(near(
        &cadence(&samples),
        &[100, -50, 100, -50, 100, -50, 100, -450]
    ));
    for (at, row, column) in [
        (0, 697, 1209),
        (150, 770, 1336),
        (300, 941, 1477),
        (450, 941, 1633),
    ] {
        let inner = &samples[(at + 4) * 8..][..700];
        for (hz, wanted) in [(row, -9.0), (column, -7.0)] {
            let level = level_at(inner, f64::from(hz));
            assert!((level - wanted).abs() < 0.5, "{hz} Hz: {level}");
        }
    }
    assert!(digits("", 100, 50, RATE).is_over());
    assert!(digits("hello", 100, 50, RATE).is_over());
}

#[test]
fn the_loudest_tone_does_not_overflow_and_odd_segments_play() {
    let loud = [Segment::two(400, 401, 0)];
    let mut generator = Generator::new(&loud, [3.0, 3.0], true, RATE);
    let mut frame = [0; 8000];
    generator.fill(&mut frame);
    assert_eq!(frame.iter().max(), Some(&i16::MAX));
    let mut short = Generator::new(&[Segment::one(1000, 1)], [0.0, 0.0], true, 48_000);
    short.fill(&mut frame);
    assert!(!short.is_over());
    let mut none = Generator::new(&[], [0.0, 0.0], true, 0);
    none.fill(&mut frame);
    assert!(none.is_over() && frame.iter().all(|s| *s == 0));
    assert!((peak(FULL_SCALE_DBM0) - 32768.0).abs() < 1.0);
}
