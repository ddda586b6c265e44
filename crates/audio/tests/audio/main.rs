//! Sounds through the codecs and back, measured.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[cfg(feature = "opus")]
mod celt;
mod conceal;
mod dtmf;
mod fuzz_corpus;
mod g711;
mod g722;
mod heard;
#[cfg(feature = "opus")]
mod lanes;
mod machine;
mod mix;
mod ogg;
#[cfg(feature = "opus")]
mod opus;
#[cfg(feature = "opus")]
mod opus_vectors;
mod resample;
#[cfg(feature = "opus")]
mod sound;
mod stretch;
mod tone;
mod wav;

use std::f64::consts::TAU;

/// A sine of so many hertz, its peak at `peak`.
pub(crate) fn sine(hertz: f64, peak: f64, rate: u32, samples: usize) -> Vec<i16> {
    let angle = |n: usize| TAU * hertz * n as f64 / f64::from(rate);
    (0..samples)
        .map(|n| (peak * angle(n).sin()).round() as i16)
        .collect()
}

/// How far the noise of `got` lies below `wanted`, dB.
pub(crate) fn snr(wanted: &[i16], got: &[i16]) -> f64 {
    assert_eq!(wanted.len(), got.len());
    let power = |samples: &mut dyn Iterator<Item = f64>| samples.map(|s| s * s).sum::<f64>();
    let signal = power(&mut wanted.iter().map(|s| f64::from(*s)));
    let noise = power(&mut wanted.iter().zip(got).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    10.0 * (signal / noise.max(1e-9)).log10()
}

/// Root mean square.
pub(crate) fn rms(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    (sum / samples.len().max(1) as f64).sqrt()
}

/// SplitMix64: a seed gives the same run everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From -1 to 1, evenly.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    /// Near to a normal distribution of deviation 1.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() / 2.0
    }
}

/// A voice of sorts: a glottal pulse train that glides in pitch, through three resonances that move from sound to sound,
/// with hisses and pauses between. 8 or 16 kHz.
pub(crate) fn voice(seed: u64, rate: u32, seconds: f64) -> Vec<i16> {
    let mut random = Random(seed);
    let samples = (f64::from(rate) * seconds) as usize;
    let mut out = Vec::with_capacity(samples);
    while out.len() < samples {
        let kind = random.next() % 10;
        let length = (f64::from(rate) * (0.12 + 0.08 * random.unit())) as usize;
        let pitch = 150.0 + 60.0 * random.unit();
        let glide = 20.0 * random.unit();
        let formants = [
            500.0 + 250.0 * random.unit(),
            1500.0 + 600.0 * random.unit(),
            2600.0 + 400.0 * random.unit(),
        ];
        let mut states = [[0.0_f64; 2]; 3];
        let mut phase = 0.0;
        for n in 0..length {
            let along = n as f64 / length as f64;
            phase += (pitch + glide * along) / f64::from(rate);
            let pulse = if phase >= 1.0 {
                phase -= 1.0;
                1.0
            } else {
                0.0
            };
            let source = match kind {
                0..=5 => pulse + 0.02 * random.normal(),
                6..=7 => 0.12 * random.normal(),
                _ => 0.0,
            };
            let mut value = 0.0;
            for (state, (hertz, gain)) in states.iter_mut().zip(formants.into_iter().zip([1.0, 0.5, 0.25])) {
                let radius = (-TAU / 2.0 * 90.0 / f64::from(rate)).exp();
                let here = source + 2.0 * radius * (TAU * hertz / f64::from(rate)).cos() * state[0]
                    - radius * radius * state[1];
                *state = [here, state[0]];
                value += gain * here;
            }
            let envelope = (along * 12.0).min((1.0 - along) * 12.0).min(1.0);
            out.push((value * envelope * 3500.0).clamp(-30000.0, 30000.0) as i16);
        }
    }
    out.truncate(samples);
    out
}
