//! From one sample rate to another by a polyphase filter: 8, 16, 24 and 48 kHz in any pair, and files of other rates to these.
//!
//! The filter is a sinc in a Kaiser window, linear in phase: flat up to 0.425 of the lower rate (3.4 kHz of 8), at least
//! 60 dB down from 0.575 of it (4.6 kHz). What lies between is weakened and, going down, folded into the top of the band, where a
//! telephone carries nothing.

use crate::clip;
use std::f64::consts::PI;
use std::ops::RangeInclusive;

/// Rates that can be converted into each other, hertz.
pub const RATES_HZ: [u32; 4] = [8000, 16_000, 24_000, 48_000];
/// Rates that files may have; a filter from an odd one is long to make, which is nothing to do in a call.
pub const FILE_HZ: RangeInclusive<u32> = 4_000..=192_000;
/// Edges of the pass band and the stop band, as shares of the lower rate.
const PASS: f64 = 0.425;
const STOP: f64 = 0.575;
/// Attenuation that the window is made for, dB: a little more than is promised.
const STOP_DB: f64 = 66.0;
/// Samples that are worked on at once; a longer frame is cut.
const CHUNK: usize = 480;
/// Products that are summed side by side.
const LANES: usize = 8;

/// A rate that is not one of [`RATES_HZ`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRate(
    /// The rate, hertz.
    pub u32,
);

impl std::fmt::Display for UnknownRate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot resample {} Hz", self.0)
    }
}

impl std::error::Error for UnknownRate {}

/// Converts one stream. Nothing is allocated after the beginning.
#[derive(Clone, Debug)]
pub struct Resampler {
    /// `up` samples come out for `down` that go in.
    up: usize,
    down: usize,
    /// Filters, one behind the other, of `taps` coefficients each, the latest sample's last.
    filters: Vec<f32>,
    taps: usize,
    /// The last `taps - 1` samples, and room for a chunk.
    samples: Vec<f32>,
    /// Where the next output stands after the first new sample, in units of 1/up.
    at: usize,
}

impl Resampler {
    /// From one rate to another.
    ///
    /// # Errors
    /// A rate that is not in [`RATES_HZ`].
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Resampler, UnknownRate> {
        for hz in [from_hz, to_hz] {
            if !RATES_HZ.contains(&hz) {
                return Err(UnknownRate(hz));
            }
        }
        Ok(Resampler::between(from_hz, to_hz))
    }

    /// From the rate of a file, which may be any of [`FILE_HZ`].
    ///
    /// # Errors
    /// Another rate, or one to convert to that is not in [`RATES_HZ`].
    pub fn from_file(from_hz: u32, to_hz: u32) -> Result<Resampler, UnknownRate> {
        match (FILE_HZ.contains(&from_hz), RATES_HZ.contains(&to_hz)) {
            (true, true) => Ok(Resampler::between(from_hz, to_hz)),
            (false, _) => Err(UnknownRate(from_hz)),
            (_, false) => Err(UnknownRate(to_hz)),
        }
    }

    fn between(from_hz: u32, to_hz: u32) -> Resampler {
        let common = greatest_common_divisor(from_hz, to_hz);
        let (up, down) = ((to_hz / common) as usize, (from_hz / common) as usize);
        let (filters, taps) = design(up, f64::from(from_hz), f64::from(from_hz.min(to_hz)));
        Resampler {
            up,
            down,
            filters,
            taps,
            samples: vec![0.0; taps - 1 + CHUNK],
            at: 0,
        }
    }

    /// The most samples that come out for so many that go in.
    #[must_use]
    pub fn most(&self, samples: usize) -> usize {
        samples.saturating_mul(self.up) / self.down + 1
    }

    /// How long a sample is under way, in samples of the output.
    #[must_use]
    pub fn delay(&self) -> f32 {
        // The filter is symmetric about its middle.
        (self.taps * self.up - 1) as f32 / 2.0 / self.down as f32
    }

    /// Converts a frame; gives the number of samples that were written. What finds no room in `output` is lost: give room
    /// for [`Resampler::most`].
    pub fn process(&mut self, input: &[i16], output: &mut [i16]) -> usize {
        if self.up == self.down {
            let pairs = output.iter_mut().zip(input);
            let count = pairs.len();
            pairs.for_each(|(to, from)| *to = *from);
            return count;
        }
        let mut written = 0;
        for chunk in input.chunks(CHUNK) {
            let room = output.get_mut(written..).unwrap_or_default();
            written += self.process_chunk(chunk, room);
        }
        written
    }

    fn process_chunk(&mut self, chunk: &[i16], output: &mut [i16]) -> usize {
        let history = self.taps - 1;
        let new = self.samples.get_mut(history..).unwrap_or_default();
        for (to, from) in new.iter_mut().zip(chunk) {
            *to = f32::from(*from);
        }
        let (end, mut at, mut count) = (chunk.len() * self.up, self.at, 0);
        while at < end {
            let (sample, phase) = (at / self.up, at % self.up);
            let window = self.samples.get(sample..sample + self.taps);
            let filter = self.filters.get(phase * self.taps..(phase + 1) * self.taps);
            if let (Some(window), Some(filter), Some(to)) = (window, filter, output.get_mut(count)) {
                *to = clip(dot(window, filter));
                count += 1;
            }
            at += self.down;
        }
        self.at = at - end;
        self.samples.copy_within(chunk.len()..chunk.len() + history, 0);
        count
    }
}

/// Sum of products. The lanes let the compiler use vectors, whose order of adding it may not choose itself.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum()
}

/// The filters of all phases for a stream of `from_hz` that is looked at `up` times as often, the lower rate being
/// `low_hz`. The number of taps is a multiple of [`LANES`].
fn design(up: usize, from_hz: f64, low_hz: f64) -> (Vec<f32>, usize) {
    let high_hz = from_hz * up as f64;
    let width = 2.0 * PI * (STOP - PASS) * low_hz / high_hz;
    // Kaiser's estimate.
    let length = ((STOP_DB - 7.95) / (2.285 * width)).ceil() as usize;
    let taps = length.div_ceil(up).next_multiple_of(LANES);
    let cutoff = (PASS + STOP) / 2.0 * low_hz / high_hz;
    let middle = (taps * up - 1) as f64 / 2.0;
    let beta = 0.1102 * (STOP_DB - 8.7);
    let coefficient = |n: usize| {
        let x = n as f64 - middle;
        let sinc = if x == 0.0 {
            2.0 * cutoff
        } else {
            (2.0 * PI * cutoff * x).sin() / (PI * x)
        };
        let edge = (1.0 - (x / middle).powi(2)).max(0.0).sqrt();
        sinc * bessel(beta * edge) / bessel(beta)
    };
    let mut filters = Vec::with_capacity(taps * up);
    for phase in 0..up {
        let filter = (0..taps).rev().map(|tap| coefficient(phase + tap * up));
        let filter: Vec<f64> = filter.collect();
        // Every phase has the same gain, so that a constant stays one.
        let gain: f64 = filter.iter().sum();
        filters.extend(filter.iter().map(|c| (c / gain) as f32));
    }
    (filters, taps)
}

/// The modified Bessel function of order 0, by its series.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for n in 1..40 {
        term *= (x / 2.0 / f64::from(n)).powi(2);
        sum += term;
    }
    sum
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}
