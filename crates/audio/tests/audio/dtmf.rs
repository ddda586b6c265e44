//! The digit detector against digits at the limits of Q.24 and GR-506, and against what is none.

use crate::{Random, voice};
use audio::detect::{Dtmf, DtmfHeard};
use audio::g711::Law;
use audio::tone::{COLUMNS_HZ, KEYS, ROWS_HZ, digits, peak};
use std::f64::consts::TAU;

/// How a digit is sent.
#[derive(Clone, Copy, Debug)]
struct Manner {
    rate: u32,
    on_ms: usize,
    off_ms: usize,
    /// Of the row, dBm0.
    level: f32,
    /// Column over row, dB.
    twist: f32,
    /// Error of row and column, per cent.
    error: (f64, f64),
    /// White noise below the sum of both sines, dB.
    snr: f64,
}

const PLAIN: Manner = Manner {
    rate: 8000,
    on_ms: 50,
    off_ms: 50,
    level: -10.0,
    twist: 0.0,
    error: (0.0, 0.0),
    snr: 100.0,
};

/// All sixteen keys in turn, `times` times, each with another phase.
fn send(manner: Manner, times: usize, seed: u64) -> (Vec<i16>, String) {
    let mut random = Random(seed);
    let mut keys = String::new();
    let (low, high) = (
        f64::from(peak(manner.level)),
        f64::from(peak(manner.level + manner.twist)),
    );
    let noise = ((low * low + high * high) / 2.0).sqrt() * 10_f64.powf(-manner.snr / 20.0);
    let rate = f64::from(manner.rate);
    let mut out = Vec::new();
    for _ in 0..times {
        for (row, line) in KEYS.iter().enumerate() {
            for (column, key) in line.iter().enumerate() {
                keys.push(*key);
                let (a, b) = (random.unit() * 4.0, random.unit() * 4.0);
                let row = f64::from(ROWS_HZ[row]) * (1.0 + manner.error.0 / 100.0);
                let column = f64::from(COLUMNS_HZ[column]) * (1.0 + manner.error.1 / 100.0);
                let spare = (random.next() % 60) as usize;
                for n in 0..(manner.on_ms + manner.off_ms) * manner.rate as usize / 1000 + spare {
                    let t = n as f64 / rate;
                    let on = n < manner.on_ms * manner.rate as usize / 1000;
                    let tone = low * (TAU * row * t + a).sin() + high * (TAU * column * t + b).sin();
                    let value = if on { tone } else { 0.0 } + noise * random.normal();
                    out.push(value.round() as i16);
                }
            }
        }
    }
    (out, keys)
}

fn hear(samples: &[i16], rate: u32, frame: usize) -> Vec<DtmfHeard> {
    let mut dtmf = Dtmf::new(rate);
    let mut heard = Vec::new();
    for frame in samples.chunks(frame) {
        dtmf.push(frame, |h| heard.push(h));
    }
    // What is down is let go.
    dtmf.push(&vec![0; rate as usize / 10], |h| heard.push(h));
    assert_eq!(dtmf.down(), None);
    heard
}

fn keys(heard: &[DtmfHeard]) -> String {
    let start = |h: &DtmfHeard| match h {
        DtmfHeard::Start(key) => Some(*key),
        DtmfHeard::End { .. } => None,
    };
    heard.iter().filter_map(start).collect()
}

fn accepts(manner: Manner) {
    let (samples, sent) = send(manner, 10, 1);
    assert_eq!(keys(&hear(&samples, manner.rate, 160)), sent, "{manner:?}");
}

fn refuses(manner: Manner) {
    let (samples, _) = send(manner, 10, 2);
    assert_eq!(keys(&hear(&samples, manner.rate, 160)), "", "{manner:?}");
}

#[test]
fn each_key_is_heard_once_with_its_length_in_frames_of_any_size() {
    let (samples, sent) = send(Manner { on_ms: 100, ..PLAIN }, 2, 3);
    for frame in [1, 7, 80, 160, 161, 480, 5000] {
        let heard = hear(&samples, 8000, frame);
        assert_eq!(keys(&heard), sent, "{frame}");
        for pair in heard.chunks(2) {
            let [DtmfHeard::Start(down), DtmfHeard::End { key, ms }] = pair else {
                panic!("{pair:?}");
            };
            assert_eq!(down, key);
            assert!((85..=115).contains(ms), "{ms}");
        }
    }
}

#[test]
fn our_own_generator_is_heard() {
    let mut generator = digits("0123456789*#ABCD1122", 70, 50, 8000);
    let mut samples = vec![0; 8000 * 3];
    generator.fill(&mut samples);
    assert_eq!(keys(&hear(&samples, 8000, 160)), "0123456789*#ABCD1122");
}

#[test]
fn digits_of_40_ms_with_pauses_of_40_ms_are_heard() {
    accepts(Manner {
        on_ms: 40,
        off_ms: 40,
        ..PLAIN
    });
    accepts(Manner {
        on_ms: 40,
        off_ms: 40,
        rate: 16_000,
        ..PLAIN
    });
    accepts(Manner {
        on_ms: 40,
        off_ms: 40,
        rate: 48_000,
        ..PLAIN
    });
}

#[test]
fn digits_are_heard_through_both_laws() {
    let manner = Manner {
        on_ms: 40,
        off_ms: 40,
        twist: -8.0,
        level: -20.0,
        ..PLAIN
    };
    let (samples, sent) = send(manner, 10, 8);
    for law in [Law::A, Law::Mu] {
        let coded: Vec<i16> = samples.iter().map(|s| law.decode(law.encode(*s))).collect();
        assert_eq!(keys(&hear(&coded, 8000, 160)), sent, "{law:?}");
    }
}

#[test]
fn digits_of_20_ms_are_refused() {
    refuses(Manner { on_ms: 20, ..PLAIN });
}

#[test]
fn the_column_may_be_4_db_above_and_8_below_the_row() {
    for twist in [4.0, 2.0, -4.0, -8.0] {
        for snr in [100.0, 20.0] {
            accepts(Manner {
                on_ms: 40,
                off_ms: 40,
                twist,
                snr,
                ..PLAIN
            });
        }
    }
    refuses(Manner { twist: 9.0, ..PLAIN });
    refuses(Manner {
        twist: -15.0,
        ..PLAIN
    });
}

#[test]
fn frequencies_may_be_off_by_1_5_per_cent() {
    for row in [-1.5, 0.0, 1.5] {
        for column in [-1.5, 0.0, 1.5] {
            accepts(Manner {
                error: (row, column),
                ..PLAIN
            });
            accepts(Manner {
                error: (row, column),
                on_ms: 40,
                off_ms: 40,
                snr: 25.0,
                ..PLAIN
            });
        }
    }
}

#[test]
fn frequencies_off_by_3_5_per_cent_and_more_are_refused() {
    for error in [3.5, 4.0, 5.0, -3.5, -4.0, -5.0] {
        refuses(Manner {
            error: (error, 0.0),
            ..PLAIN
        });
        refuses(Manner {
            error: (0.0, error),
            ..PLAIN
        });
        refuses(Manner {
            error: (error, error),
            on_ms: 200,
            ..PLAIN
        });
    }
}

#[test]
fn digits_are_heard_from_0_to_minus_36_dbm0_and_not_below_55() {
    for level in [0.0, -10.0, -25.0, -36.0] {
        accepts(Manner {
            on_ms: 40,
            off_ms: 40,
            level,
            ..PLAIN
        });
    }
    refuses(Manner {
        level: -45.0,
        ..PLAIN
    });
    refuses(Manner {
        level: -55.0,
        ..PLAIN
    });
}

#[test]
fn noise_15_db_below_costs_no_digit_in_a_thousand() {
    let manner = Manner { snr: 15.0, ..PLAIN };
    let (samples, sent) = send(manner, 63, 5);
    let heard = keys(&hear(&samples, 8000, 160));
    println!("{} of {} digits at 15 dB", heard.len(), sent.len());
    assert_eq!(heard, sent);
}

#[test]
fn a_digit_with_a_drop_out_of_10_ms_is_one_digit() {
    let (mut samples, sent) = send(Manner { on_ms: 120, ..PLAIN }, 1, 6);
    // The keys are not equally long: find each one's beginning by its energy.
    let mut at = 0;
    while at + 560 < samples.len() {
        if samples[at].unsigned_abs() > 1000 {
            samples[at + 480..at + 560].fill(0);
            at += 8 * 130;
        }
        at += 1;
    }
    assert_eq!(keys(&hear(&samples, 8000, 160)), sent);
}

#[test]
fn half_an_hour_of_voices_noise_and_music_holds_no_digit() {
    let mut false_hits = String::new();
    for seed in 0..18 {
        let speech = voice(seed, 8000, 60.0);
        // Two speak at once, and one is coded twice.
        let other = voice(seed + 100, 8000, 60.0);
        let both: Vec<i16> = speech.iter().zip(&other).map(|(a, b)| a / 2 + b / 2).collect();
        false_hits += &keys(&hear(&speech, 8000, 160));
        false_hits += &keys(&hear(&both, 8000, 160));
    }
    let mut random = Random(7);
    let noise: Vec<i16> = (0..8000 * 120)
        .map(|_| (3000.0 * random.normal()) as i16)
        .collect();
    false_hits += &keys(&hear(&noise, 8000, 160));
    assert_eq!(false_hits, "", "false hits in 38 minutes");
}

#[test]
fn single_tones_and_sweeps_are_no_digits() {
    for hz in ROWS_HZ.into_iter().chain(COLUMNS_HZ) {
        let tone = crate::sine(f64::from(hz), 8000.0, 8000, 8000);
        assert_eq!(keys(&hear(&tone, 8000, 160)), "", "{hz} Hz");
    }
    // Two sounds in a ratio that no pair of frequencies has.
    for ratio in [1.2, 2.5, 3.0] {
        let mut phase = 0.0;
        let sweep: Vec<i16> = (0..8000 * 20)
            .map(|n| {
                phase += TAU * (200.0 + f64::from(n) / 160.0) / 8000.0;
                (8000.0 * (phase.sin() + (phase * ratio).sin())) as i16
            })
            .collect();
        assert_eq!(keys(&hear(&sweep, 8000, 160)), "", "{ratio}");
    }
}
