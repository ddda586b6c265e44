//! Sound as 16-bit linear samples, and what a telephone exchange does with it: codecs, concealment of
//! losses, resampling, mixing, tones, what can be heard in it, WAV and Ogg-Opus files.
//!
//! Owns: the arithmetic on samples. Does not own: packets, clocks, files, whose sound it is.
//!
//! A sample is an `i16`, mono; a frame is a slice of them, of 10 to 60 ms. Everything is total and bounded, and nothing
//! allocates per frame: what is heard may come from anybody.
#![forbid(unsafe_code)]

pub mod celt;
mod conceal;
pub mod detect;
pub mod g711;
pub mod g722;
pub mod lanes;
pub mod mix;
pub mod ogg;
#[cfg(feature = "opus")]
pub mod opus;
mod pitch;
pub mod resample;
pub mod sound;
mod stretch;
pub mod tone;
pub mod wav;

pub use conceal::Concealer;
pub use stretch::Stretcher;

/// Narrow a computed sample to 16 bits, clipping what does not fit.
pub(crate) fn clip(value: f32) -> i16 {
    // A cast from a float saturates, and NaN becomes silence.
    value.round() as i16
}

/// A sum in four parts, which the compiler may form side by side.
#[inline(always)]
pub(crate) fn sum_of<T: Copy>(values: &[T], of: impl Fn(T) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<4>();
    let mut sums = [0.0_f32; 4];
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += of(*value);
        }
    }
    let [a, b, c, d] = sums;
    rest.iter().fold((a + c) + (b + d), |sum, value| sum + of(*value))
}
