//! The level of a sound in dBov: RFC 6465, where 0 is a square wave that fills the 16 bits.

use crate::sum_of;

/// What silence has: the lowest level that RFC 6465 can name.
pub const SILENCE_DBOV: f32 = -127.0;

/// Samples that are added up in short.
const PART: usize = 512;

/// Level of a frame, -127 to 0 dBov. An empty one is silent.
#[must_use]
pub fn level_dbov(frame: &[i16]) -> f32 {
    let square = |sample: i16| f32::from(sample) * f32::from(sample);
    // In parts that are short enough to be exact to a millionth.
    let parts = frame.chunks(PART).map(|part| f64::from(sum_of(part, square)));
    let sum: f64 = parts.sum();
    if sum == 0.0 {
        return SILENCE_DBOV;
    }
    let mean = sum / frame.len() as f64;
    let full = 32768.0 * 32768.0;
    (10.0 * ((mean / full) as f32).log10()).max(SILENCE_DBOV)
}
