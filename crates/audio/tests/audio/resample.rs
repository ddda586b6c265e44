//! The resampler, measured with sines: what passes, what is stopped, and that streaming does not matter.

use crate::{rms, sine, snr, voice};
use audio::resample::{RATES_HZ, Resampler, UnknownRate};

fn convert(samples: &[i16], from: u32, to: u32, frame: usize) -> Vec<i16> {
    let mut resampler = Resampler::new(from, to).unwrap();
    let mut out = Vec::new();
    for frame in samples.chunks(frame) {
        let mut room = vec![0; resampler.most(frame.len())];
        let count = resampler.process(frame, &mut room);
        out.extend(&room[..count]);
    }
    out
}

fn pairs() -> impl Iterator<Item = (u32, u32)> {
    let all = RATES_HZ
        .into_iter()
        .flat_map(|a| RATES_HZ.into_iter().map(move |b| (a, b)));
    all.filter(|(a, b)| a != b)
}

fn db(ratio: f64) -> f64 {
    20.0 * ratio.max(1e-9).log10()
}

#[test]
fn the_pass_band_is_flat_within_a_tenth_of_a_decibel_and_in_phase() {
    for (from, to) in pairs() {
        let low = f64::from(from.min(to));
        let delay = f64::from(Resampler::new(from, to).unwrap().delay()) / f64::from(to);
        for share in [0.0125, 0.1, 0.25, 0.4, 0.42] {
            let hertz = low * share;
            let out = convert(&sine(hertz, 16_000.0, from, from as usize / 2), from, to, 160);
            // What should come out: the same sine, later by the delay.
            let wanted: Vec<i16> = (0..out.len())
                .map(|n| {
                    let t = n as f64 / f64::from(to) - delay;
                    (16_000.0 * (std::f64::consts::TAU * hertz * t).sin()).round() as i16
                })
                .collect();
            let (a, b) = (out.len() / 4, out.len() * 3 / 4);
            let gain = db(rms(&out[a..b]) / rms(&wanted[a..b]));
            assert!(gain.abs() < 0.1, "{from} to {to}, {hertz} Hz: {gain:.2} dB");
            let snr = snr(&wanted[a..b], &out[a..b]);
            assert!(snr > 38.0, "{from} to {to}, {hertz} Hz: {snr:.1} dB");
        }
    }
}

#[test]
fn what_would_fold_is_60_db_down() {
    for (from, to) in pairs().filter(|(a, b)| a > b) {
        let mut worst = f64::NEG_INFINITY;
        for step in 0..60 {
            let hertz = f64::from(to) * 0.575
                + f64::from(step) * (f64::from(from) / 2.0 - f64::from(to) * 0.575) / 60.0;
            let tone = sine(hertz, 32_000.0, from, from as usize / 4);
            let out = convert(&tone, from, to, 160);
            worst = worst.max(db(rms(&out[out.len() / 4..]) / rms(&tone)));
        }
        println!("{from} to {to}: {worst:.1} dB");
        assert!(worst <= -60.0, "{from} to {to}: {worst:.1} dB");
    }
}

#[test]
fn images_are_60_db_down() {
    // Going up, what is not the sine itself is image or rounding.
    for (from, to) in pairs().filter(|(a, b)| a < b) {
        for share in [0.05, 0.2, 0.3, 0.4] {
            let hertz = f64::from(from) * share;
            let out = convert(&sine(hertz, 32_000.0, from, from as usize), from, to, 160);
            let middle = &out[out.len() / 4..out.len() * 3 / 4];
            let rest = without(middle, hertz, to);
            assert!(rest < -60.0, "{from} to {to}, {hertz} Hz: {rest:.1} dB");
        }
    }
}

/// What is left of a signal when its best sine of that frequency is taken away, dB.
fn without(samples: &[i16], hertz: f64, rate: u32) -> f64 {
    let angle = |n: usize| std::f64::consts::TAU * hertz * n as f64 / f64::from(rate);
    let scale = 2.0 / samples.len() as f64;
    let part = |f: fn(f64) -> f64| {
        scale
            * samples
                .iter()
                .enumerate()
                .map(|(n, s)| f64::from(*s) * f(angle(n)))
                .sum::<f64>()
    };
    let (re, im) = (part(f64::cos), part(f64::sin));
    let rest = samples.iter().enumerate().map(|(n, s)| {
        let model = re * angle(n).cos() + im * angle(n).sin();
        (f64::from(*s) - model).powi(2)
    });
    db((rest.sum::<f64>() / samples.len() as f64).sqrt() / rms(samples))
}

#[test]
fn frames_of_any_size_give_the_same_stream_of_the_right_length() {
    for (from, to) in pairs() {
        let speech = voice(1, 16_000, 1.0);
        let whole = convert(&speech, from, to, speech.len());
        let wanted = speech.len() * to as usize / from as usize;
        assert!(
            whole.len().abs_diff(wanted) <= 1,
            "{from} to {to}: {}",
            whole.len()
        );
        for frame in [1, 7, 80, 160, 479, 481] {
            assert_eq!(
                convert(&speech, from, to, frame),
                whole,
                "{from} to {to}, {frame}"
            );
        }
    }
}

#[test]
fn frames_of_20_ms_give_frames_of_20_ms() {
    for (from, to) in pairs() {
        let mut resampler = Resampler::new(from, to).unwrap();
        let frame = vec![0; from as usize / 50];
        let mut room = vec![0; resampler.most(frame.len())];
        for _ in 0..10 {
            assert_eq!(resampler.process(&frame, &mut room), to as usize / 50);
        }
    }
}

#[test]
fn the_same_rate_is_a_copy_and_a_strange_one_is_refused() {
    let speech = voice(3, 8000, 0.5);
    assert_eq!(convert(&speech, 8000, 8000, 160), speech);
    assert_eq!(Resampler::new(8000, 44_100).err(), Some(UnknownRate(44_100)));
    assert_eq!(Resampler::new(0, 8000).err(), Some(UnknownRate(0)));
    // Too little room loses samples and breaks nothing.
    let mut resampler = Resampler::new(8000, 48_000).unwrap();
    assert_eq!(resampler.process(&speech, &mut [0; 100]), 100);
    let mut loud = [i16::MAX; 160];
    loud[80..].fill(i16::MIN);
    let mut room = [0; 961];
    assert_eq!(resampler.process(&loud, &mut room), 960);
}
