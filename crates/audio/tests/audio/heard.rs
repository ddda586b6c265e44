//! Fax machines, levels, and voices.

use crate::{Random, sine, voice};
use audio::detect::{Fax, FaxTone, SILENCE_DBOV, Voice, level_dbov};
use audio::tone::{Country, Generator, Signal, digits, peak};
use std::f64::consts::TAU;

fn fax(samples: &[i16], rate: u32) -> Vec<FaxTone> {
    let mut fax = Fax::new(rate);
    let mut heard = Vec::new();
    for frame in samples.chunks(rate as usize / 50) {
        fax.push(frame, |tone| heard.push(tone));
    }
    heard
}

/// On and off, so often, ms.
fn cadence(hz: f64, dbm0: f32, rate: u32, on: usize, off: usize, times: usize) -> Vec<i16> {
    let ms = rate as usize / 1000;
    let mut once = sine(hz, f64::from(peak(dbm0)), rate, on * ms);
    once.resize((on + off) * ms, 0);
    once.repeat(times)
}

#[test]
fn a_calling_fax_is_heard_once_per_tone_within_38_hz() {
    for rate in [8000, 16_000] {
        for hz in [1062.0, 1100.0, 1138.0] {
            for level in [0.0, -20.0, -38.0] {
                let tone = cadence(hz, level, rate, 500, 3000, 3);
                assert_eq!(fax(&tone, rate), [FaxTone::Calling; 3], "{hz} Hz, {level} dBm0");
            }
        }
    }
    for hz in [1040.0, 1160.0] {
        assert_eq!(fax(&cadence(hz, -10.0, 8000, 500, 3000, 3), 8000), [], "{hz} Hz");
    }
    assert_eq!(
        fax(&cadence(1100.0, -10.0, 8000, 300, 300, 10), 8000),
        [],
        "too short"
    );
}

#[test]
fn an_answering_fax_is_heard_with_and_without_reversals_of_its_phase() {
    for hz in [2085.0, 2100.0, 2115.0] {
        assert_eq!(
            fax(&cadence(hz, -12.0, 8000, 3000, 100, 1), 8000),
            [FaxTone::Answering],
            "{hz} Hz"
        );
    }
    let mut ansam = cadence(2100.0, -12.0, 8000, 3000, 0, 1);
    for (n, stretch) in ansam.chunks_mut(3600).enumerate() {
        if n % 2 == 1 {
            stretch.iter_mut().for_each(|s| *s = -*s);
        }
    }
    assert_eq!(fax(&ansam, 8000), [FaxTone::Answering]);
}

#[test]
fn voices_digits_and_tones_are_no_fax() {
    for seed in 0..10 {
        assert_eq!(fax(&voice(seed, 8000, 60.0), 8000), [], "seed {seed}");
    }
    let mut samples = vec![0; 8000 * 8];
    for country in Country::ALL {
        for signal in Signal::ALL {
            Generator::tone(country.tone(signal), 8000).fill(&mut samples);
            assert_eq!(fax(&samples, 8000), []);
        }
    }
    digits("1234567890*#", 600, 50, 8000).fill(&mut samples);
    assert_eq!(fax(&samples, 8000), []);
}

#[test]
fn levels_are_in_dbov() {
    assert_eq!(level_dbov(&[]), SILENCE_DBOV);
    assert_eq!(level_dbov(&[0; 160]), SILENCE_DBOV);
    assert!(level_dbov(&[i16::MIN; 160]).abs() < 0.01);
    // A sine at full scale is 3.01 dB below, one at -10 dBm0 another 13.14.
    let near = |frame: &[i16], wanted: f32| (level_dbov(frame) - wanted).abs() < 0.05;
    assert!(near(&sine(1000.0, 32767.0, 8000, 800), -3.01));
    assert!(near(&sine(1000.0, f64::from(peak(-10.0)), 8000, 800), -16.15));
    let mut one = [0; 160];
    one[7] = 1;
    assert!(level_dbov(&one) >= SILENCE_DBOV);
}

/// Share of frames that are heard as voice.
fn spoken(samples: &[i16], rate: u32) -> f64 {
    let mut detector = Voice::new(rate);
    let frames: Vec<bool> = samples
        .chunks(rate as usize / 50)
        .map(|f| detector.push(f))
        .collect();
    frames.iter().filter(|f| **f).count() as f64 / frames.len() as f64
}

/// White noise of this level.
fn noise(dbov: f64, samples: usize, seed: u64) -> Vec<i16> {
    let mut random = Random(seed);
    let rms = 32768.0 * 10_f64.powf(dbov / 20.0);
    (0..samples).map(|_| (rms * random.normal()) as i16).collect()
}

#[test]
fn a_voice_is_heard_over_noise_and_noise_alone_is_none() {
    for rate in [8000, 16_000] {
        for level in [-70.0, -50.0, -42.0] {
            let still = noise(level, rate as usize * 30, 1);
            let share = spoken(&still[rate as usize * 10..], rate);
            assert!(share < 0.02, "noise of {level} dBov: {share}");
        }
    }
    // Speech for two seconds, a pause for two.
    let speech = voice(3, 8000, 60.0);
    let mut mixed = noise(-55.0, speech.len(), 2);
    let (mut hit, mut spoken_frames, mut false_hit, mut pauses) = (0, 0, 0, 0);
    let mut detector = Voice::new(8000);
    for (n, frame) in mixed.chunks_mut(160).enumerate() {
        let in_pause = n / 100 % 2 == 1;
        if !in_pause {
            for (a, b) in frame.iter_mut().zip(&speech[n * 160..]) {
                *a = a.saturating_add(*b);
            }
        }
        let heard = detector.push(frame);
        if !in_pause {
            spoken_frames += 1;
            hit += u32::from(heard);
        } else if n % 100 > 11 {
            // Behind the hangover.
            pauses += 1;
            false_hit += u32::from(heard);
        }
    }
    println!("{hit} of {spoken_frames} spoken frames, {false_hit} of {pauses} pauses");
    assert!(f64::from(hit) > 0.9 * f64::from(spoken_frames));
    assert_eq!(false_hit, 0);
}

#[test]
fn quiet_is_measured_from_the_end_of_the_voice() {
    let mut detector = Voice::new(8000);
    for frame in voice(1, 8000, 2.0).chunks(160) {
        detector.push(frame);
    }
    let loud: Vec<i16> = (0..160)
        .map(|n| (9000.0 * (TAU * f64::from(n) / 40.0).sin()) as i16)
        .collect();
    assert!(detector.push(&loud));
    assert_eq!(detector.quiet_ms(), 0);
    for _ in 0..60 {
        detector.push(&[0; 160]);
    }
    // 1200 ms less the hangover.
    assert!(
        (980..=1020).contains(&detector.quiet_ms()),
        "{}",
        detector.quiet_ms()
    );
    assert!(detector.level_dbov() <= SILENCE_DBOV);
}
