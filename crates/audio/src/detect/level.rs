//! The level of a sound in dBov: RFC 6465, where 0 is a square wave that fills the 16 bits.

/// What silence has: the lowest level that RFC 6465 can name.
pub const SILENCE_DBOV: f32 = -127.0;

/// Level of a frame, -127 to 0 dBov. An empty one is silent.
#[must_use]
pub fn level_dbov(frame: &[i16]) -> f32 {
    let sum: i64 = frame.iter().map(|s| i64::from(*s) * i64::from(*s)).sum();
    if sum == 0 {
        return SILENCE_DBOV;
    }
    let mean = sum as f64 / frame.len() as f64;
    let full = 32768.0 * 32768.0;
    (10.0 * (mean / full).log10()).max(f64::from(SILENCE_DBOV)) as f32
}
