//! Lost frames: how near the repetition is, that nothing clicks, and that a long loss is silence.

use crate::{Random, rms, sine, snr, voice};
use audio::Concealer;
use std::f64::consts::TAU;

/// The sound with those frames lost that `lost` names, concealed.
fn play(sound: &[i16], rate: u32, frame_ms: usize, lost: impl Fn(usize) -> bool) -> Vec<i16> {
    let mut concealer = Concealer::new(rate);
    let mut out = sound.to_vec();
    for (number, frame) in out.chunks_mut(rate as usize / 1000 * frame_ms).enumerate() {
        if lost(number) {
            frame.fill(-9999);
            concealer.lost(frame);
        } else {
            concealer.received(frame);
        }
    }
    out
}

/// The largest step from one sample to the next.
fn step(samples: &[i16]) -> i32 {
    let steps = samples
        .windows(2)
        .map(|w| (i32::from(w[1]) - i32::from(w[0])).abs());
    steps.max().unwrap()
}

#[test]
fn a_tone_goes_on_through_a_frame_of_every_usual_length() {
    for rate in [8000, 16000] {
        for (frame_ms, least) in [(10, 20.0), (20, 12.0), (30, 8.0)] {
            for hertz in [110.0, 200.0, 317.0, 390.0] {
                let tone = sine(hertz, 8000.0, rate, rate as usize / 1000 * 240);
                let lost = 120 / frame_ms;
                let out = play(&tone, rate, frame_ms, |n| n == lost);
                let span = rate as usize / 1000 * frame_ms;
                let range = lost * span..(lost + 1) * span;
                let snr = snr(&tone[range.clone()], &out[range]);
                assert!(snr > least, "{hertz} Hz at {rate}, {frame_ms} ms: {snr:.1} dB");
                assert!(
                    step(&out) <= step(&tone) * 3 / 2,
                    "{hertz} Hz at {rate}, {frame_ms} ms clicks"
                );
            }
        }
    }
}

#[test]
fn a_loss_fades_and_is_silent_after_60_ms() {
    let tone = sine(200.0, 8000.0, 8000, 8000);
    for frame_ms in [10, 20, 30, 40, 60] {
        let first = 240 / frame_ms;
        let out = play(&tone, 8000, frame_ms, |n| n >= first);
        let from = first * frame_ms * 8;
        let ms = |a: usize, b: usize| rms(&out[from + a * 8..from + b * 8]);
        let whole = rms(&tone);
        assert!(ms(0, 10) > whole * 0.9, "{frame_ms}");
        assert!(
            ms(20, 30) < whole * 0.85 && ms(20, 30) > whole * 0.5,
            "{frame_ms}"
        );
        assert!(ms(50, 60) < whole * 0.2, "{frame_ms}");
        assert_eq!(ms(60, 200), 0.0, "{frame_ms}");
    }
    let mut concealer = Concealer::new(8000);
    concealer.received(&mut tone[..160].to_vec());
    for silent in [false, false, true] {
        concealer.lost(&mut [0; 160]);
        assert_eq!(concealer.is_silent(), silent);
    }
    concealer.received(&mut [0; 160]);
    assert!(!concealer.is_silent());
}

/// A sung vowel: twenty harmonics with two formants, the pitch swinging by 1 % three times a second.
fn vowel(samples: usize) -> Vec<i16> {
    let mut phase = 0.0;
    let sample = |n| {
        phase += 140.0 / 8000.0 * (1.0 + 0.01 * (TAU * 3.0 * f64::from(n) / 8000.0).sin());
        let harmonic = |k: i32| {
            let hertz = 140.0 * f64::from(k);
            let gain = |formant: f64| 1.0 / (1.0 + ((hertz - formant) / 120.0).powi(2));
            (gain(650.0) + 0.5 * gain(1200.0)) * (TAU * phase * f64::from(k)).sin()
        };
        (3000.0 * (1..=20).map(harmonic).sum::<f64>()) as i16
    };
    (0..samples as u32).map(sample).collect()
}

#[test]
fn a_concealed_voice_is_nearer_to_the_original_than_silence() {
    for (seed, percent) in [(1, 1), (2, 5), (3, 20)] {
        let speech = vowel(60 * 8000);
        let mut random = Random(seed);
        let lost: Vec<bool> = (0..speech.len() / 160)
            .map(|_| random.next() % 100 < percent)
            .collect();
        let concealed = play(&speech, 8000, 20, |n| lost[n]);
        let mut muted = speech.clone();
        for (frame, _) in muted.chunks_mut(160).zip(&lost).filter(|(_, lost)| **lost) {
            frame.fill(0);
        }
        let (with, without) = (snr(&speech, &concealed), snr(&speech, &muted));
        println!("{percent} %: {with:.1} dB concealed, {without:.1} dB muted");
        assert!(
            with > without + 3.0,
            "{percent} %: {with:.1} dB, silence {without:.1} dB"
        );
        assert!(step(&concealed) <= step(&speech) * 3 / 2, "{percent} % clicks");
    }
}

#[test]
fn what_is_received_without_loss_is_left_as_it_is() {
    let speech = voice(4, 16000, 2.0);
    assert_eq!(play(&speech, 16000, 20, |_| false), speech);
}

#[test]
fn no_length_of_frame_and_no_sound_breaks_it() {
    let mut random = Random(5);
    for rate in [0, 8000, 48000, u32::MAX] {
        let mut concealer = Concealer::new(rate);
        for _ in 0..300 {
            let mut frame = vec![0; (random.next() % 3000) as usize];
            frame.fill_with(|| random.next() as i16);
            if random.next().is_multiple_of(2) {
                concealer.lost(&mut frame);
            } else {
                concealer.received(&mut frame);
            }
        }
    }
}
