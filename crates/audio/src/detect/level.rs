//! The level of a sound in dBov: RFC 6465, where 0 is a square wave that fills the 16 bits.

/// What silence has: the lowest level that RFC 6465 can name.
pub const SILENCE_DBOV: f32 = -127.0;

/// Samples that are added up in short.
const PART: usize = 512;

/// Level of a frame, -127 to 0 dBov. An empty one is silent.
#[must_use]
pub fn level_dbov(frame: &[i16]) -> f32 {
    let mut sum = 0.0_f64;
    // In parts that are added side by side, and are short enough to be exact to a millionth.
    for part in frame.chunks(PART) {
        let (chunks, rest) = part.as_chunks::<4>();
        let mut sums = [0.0_f32; 4];
        for chunk in chunks.iter() {
            for (sum, sample) in sums.iter_mut().zip(chunk) {
                *sum += f32::from(*sample) * f32::from(*sample);
            }
        }
        let rest = rest.iter().map(|s| f32::from(*s) * f32::from(*s));
        sum += f64::from(sums.iter().copied().chain(rest).sum::<f32>());
    }
    if sum == 0.0 {
        return SILENCE_DBOV;
    }
    let mean = sum / frame.len() as f64;
    let full = 32768.0 * 32768.0;
    (10.0 * ((mean / full) as f32).log10()).max(SILENCE_DBOV)
}
