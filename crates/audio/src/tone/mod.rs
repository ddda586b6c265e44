//! Tones that tell a caller what happens, and digits as tones: data, and a generator that plays it.
//!
//! Levels are in dBm0, where a sine that fills the 16 bits has +3.14 dBm0 (G.711).

mod country;
mod dtmf;

pub use country::{Country, Signal};
pub use dtmf::{COLUMNS_HZ, KEYS, ROWS_HZ, digits};

use crate::clip;
use std::f64::consts::TAU;

/// What a sine at full scale has, dBm0.
#[allow(clippy::approx_constant, reason = "A-law's overload point, not the circle's")]
pub const FULL_SCALE_DBM0: f32 = 3.14;
/// A tone rises and falls within this, so that it does not click.
const EDGE_MS: u32 = 2;
/// A segment at most this long is kept exact.
const MAX_MS: u32 = 60_000;

/// A stretch of one or two sines, or of silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Frequencies, hertz; 0 for none.
    pub hz: [u16; 2],
    /// Length; 0 is for ever.
    pub ms: u16,
}

impl Segment {
    /// Silence of so many milliseconds.
    #[must_use]
    pub const fn silence(ms: u16) -> Segment {
        Segment { hz: [0, 0], ms }
    }

    /// One sine.
    #[must_use]
    pub const fn one(hz: u16, ms: u16) -> Segment {
        Segment { hz: [hz, 0], ms }
    }

    /// Two sines.
    #[must_use]
    pub const fn two(low: u16, high: u16, ms: u16) -> Segment {
        Segment { hz: [low, high], ms }
    }
}

/// A tone: its segments, over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tone {
    /// What is played in turn.
    pub segments: &'static [Segment],
    /// Level of each sine, dBm0.
    pub level_dbm0: i8,
}

/// The peak of a sine of this level.
#[must_use]
pub fn peak(level_dbm0: f32) -> f32 {
    32768.0 * 10_f32.powf((level_dbm0 - FULL_SCALE_DBM0) / 20.0)
}

/// A sine, turned on by a complex multiplication per sample: in f64 its size stays right for days.
#[derive(Clone, Copy, Debug)]
struct Oscillator {
    step: (f64, f64),
    at: (f64, f64),
}

impl Oscillator {
    fn new(hz: u16, rate_hz: u32) -> Oscillator {
        let (sin, cos) = (TAU * f64::from(hz) / f64::from(rate_hz)).sin_cos();
        Oscillator {
            step: (cos, sin),
            at: (1.0, 0.0),
        }
    }

    fn next(&mut self) -> f64 {
        let ((a, b), (c, d)) = (self.at, self.step);
        self.at = (a * c - b * d, a * d + b * c);
        b
    }
}

/// A segment made ready for a sample rate.
#[derive(Clone, Copy, Debug)]
struct Prepared {
    oscillators: [Option<Oscillator>; 2],
    /// `None` is for ever.
    samples: Option<u32>,
}

/// Plays segments.
#[derive(Clone, Debug)]
pub struct Generator {
    segments: Vec<Prepared>,
    peaks: [f64; 2],
    edge: u32,
    repeats: bool,
    /// The segment that is being played, and the sample in it.
    segment: usize,
    at: u32,
}

impl Generator {
    /// Plays a tone for ever.
    #[must_use]
    pub fn tone(tone: Tone, rate_hz: u32) -> Generator {
        let level = f32::from(tone.level_dbm0);
        Generator::new(tone.segments, [level, level], true, rate_hz)
    }

    /// Plays segments, the two sines at these levels (dBm0), once or over and over.
    #[must_use]
    pub fn new(segments: &[Segment], levels_dbm0: [f32; 2], repeats: bool, rate_hz: u32) -> Generator {
        let rate_hz = rate_hz.clamp(8000, 48000);
        let prepare = |segment: &Segment| Prepared {
            oscillators: segment
                .hz
                .map(|hz| (hz > 0).then(|| Oscillator::new(hz, rate_hz))),
            samples: (segment.ms > 0).then(|| rate_hz / 1000 * u32::from(segment.ms).min(MAX_MS)),
        };
        Generator {
            segments: segments.iter().map(prepare).collect(),
            peaks: levels_dbm0.map(|level| f64::from(peak(level))),
            edge: rate_hz / 1000 * EDGE_MS,
            repeats,
            segment: 0,
            at: 0,
        }
    }

    /// Has everything been played? A tone that repeats never ends.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.segment >= self.segments.len()
    }

    /// Fills a frame; behind the end it is silent.
    pub fn fill(&mut self, frame: &mut [i16]) {
        for sample in frame {
            *sample = self.next();
        }
    }

    fn next(&mut self) -> i16 {
        let Some(segment) = self.segments.get_mut(self.segment) else {
            return 0;
        };
        let mut sum = 0.0;
        for (oscillator, peak) in segment.oscillators.iter_mut().zip(self.peaks) {
            if let Some(oscillator) = oscillator {
                sum += oscillator.next() * peak;
            }
        }
        let to_end = segment.samples.map_or(u32::MAX, |all| all - self.at);
        let near = (self.at + 1).min(to_end);
        if near < self.edge {
            sum *= f64::from(near) / f64::from(self.edge);
        }
        if segment.samples.is_some() {
            self.at += 1;
        } else {
            self.at = (self.at + 1).min(self.edge);
        }
        if to_end <= 1 {
            self.at = 0;
            self.segment += 1;
            if self.repeats && self.is_over() {
                self.segment = 0;
            }
        }
        clip(sum as f32)
    }
}
