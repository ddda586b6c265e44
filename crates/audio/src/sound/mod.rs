//! A sound file of any usual kind, made into samples: what a tenant uploads, and what is shipped.
//!
//! Owns: telling the kinds apart, the limit of length, and words for a person whose file is not taken. Does not own: files;
//! each format has its own module.

#[cfg(feature = "opus")]
mod normalise;

use crate::ogg;
#[cfg(feature = "opus")]
use crate::opus;
use crate::resample::{RATES_HZ, Resampler};
use crate::wav::{self, Wav};
#[cfg(feature = "opus")]
pub use normalise::{Normal, encode, normalise};
use std::fmt;

/// A longer sound is refused, seconds: an hour of music is a radio, and nobody waits so long. At 48 kHz it is 58 MB.
pub const MAX_SECONDS: u32 = 600;

/// Why a file does not become sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A kind of file that we know and do not read, or none that we know.
    Kind(&'static str),
    /// A WAV file that is not read.
    Wav(wav::Unreadable),
    /// An Ogg file that is not read.
    Ogg(ogg::Unreadable),
    /// Damaged in the middle.
    Damaged,
    /// It ends before its end.
    Cut,
    /// Without a sample.
    Empty,
    /// Longer than [`MAX_SECONDS`].
    TooLong,
    /// The rate that is wanted is not one of [`RATES_HZ`].
    Rate(u32),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Kind(kind) => write!(f, "this is {kind}; save it as WAV or Ogg-Opus"),
            Error::Wav(error) => error.fmt(f),
            Error::Ogg(error) => error.fmt(f),
            Error::Damaged => f.write_str("the file is damaged; save or upload it once more"),
            Error::Cut => f.write_str("the file is cut off; save or upload it once more"),
            Error::Empty => f.write_str("the file holds no sound"),
            Error::TooLong => write!(f, "the sound is longer than {} minutes", MAX_SECONDS / 60),
            Error::Rate(hz) => write!(f, "cannot make sound of {hz} samples per second"),
        }
    }
}

impl std::error::Error for Error {}

/// Makes a WAV or Ogg-Opus file into mono samples at one of [`RATES_HZ`]. Two channels are mixed; a file that was cut sounds up to
/// there. It takes the time of decoding it whole, so it is nothing to do on the way of a packet.
///
/// # Errors
/// See [`Error`]; its words are for whoever made the file.
pub fn decode(file: &[u8], rate_hz: u32) -> Result<Vec<i16>, Error> {
    if !RATES_HZ.contains(&rate_hz) {
        return Err(Error::Rate(rate_hz));
    }
    let samples = match kind(file) {
        Kind::Wav => decode_wav(file, rate_hz)?,
        Kind::Ogg => decode_ogg(file, rate_hz)?,
        Kind::Other(name) => return Err(Error::Kind(name)),
    };
    if samples.is_empty() {
        Err(Error::Empty)
    } else {
        Ok(samples)
    }
}

enum Kind {
    Wav,
    Ogg,
    Other(&'static str),
}

fn kind(file: &[u8]) -> Kind {
    match file {
        [] => Kind::Other("an empty file"),
        [b'R', b'I', b'F', b'F', ..] => Kind::Wav,
        [b'O', b'g', b'g', b'S', ..] => Kind::Ogg,
        [0xFF, 0xF0 | 0xF1 | 0xF8 | 0xF9, ..] => Kind::Other("AAC"),
        [b'I', b'D', b'3', ..] | [0xFF, 0xE2..=0xEF | 0xF2..=0xFF, ..] => Kind::Other("MP3"),
        [b'f', b'L', b'a', b'C', ..] => Kind::Other("FLAC"),
        [b'F', b'O', b'R', b'M', ..] => Kind::Other("AIFF"),
        [0x1A, 0x45, 0xDF, 0xA3, ..] => Kind::Other("WebM or Matroska"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Kind::Other("MPEG-4 or AAC"),
        _ => Kind::Other("no sound file that we know"),
    }
}

fn decode_wav(file: &[u8], rate_hz: u32) -> Result<Vec<i16>, Error> {
    let wav = Wav::parse(file).map_err(Error::Wav)?;
    let from_hz = wav.format.rate_hz;
    if wav.len() as u64 > u64::from(from_hz) * u64::from(MAX_SECONDS) {
        return Err(Error::TooLong);
    }
    let samples: Vec<i16> = wav.samples().collect();
    convert(samples, from_hz, rate_hz)
}

/// Resamples a whole sound; it neither begins later nor is cut at its end.
fn convert(samples: Vec<i16>, from_hz: u32, to_hz: u32) -> Result<Vec<i16>, Error> {
    if from_hz == to_hz {
        return Ok(samples);
    }
    let mut resampler = Resampler::from_file(from_hz, to_hz).map_err(|rate| Error::Rate(rate.0))?;
    let length = (samples.len() as u64 * u64::from(to_hz)).div_ceil(u64::from(from_hz));
    let length = usize::try_from(length).map_err(|_| Error::TooLong)?;
    let delay = resampler.delay().round() as usize;
    // Silence behind the sound drives its end out of the filter.
    let tail = vec![0; delay * from_hz as usize / to_hz as usize + 2];
    let mut out = vec![0; resampler.most(samples.len() + tail.len()) + 2];
    let written = resampler.process(&samples, &mut out);
    resampler.process(&tail, out.get_mut(written..).unwrap_or_default());
    out.drain(..delay.min(out.len()));
    out.truncate(length);
    Ok(out)
}

#[cfg(not(feature = "opus"))]
fn decode_ogg(_: &[u8], _: u32) -> Result<Vec<i16>, Error> {
    Err(Error::Kind("Ogg, which this build does not read"))
}

#[cfg(feature = "opus")]
fn decode_ogg(file: &[u8], rate_hz: u32) -> Result<Vec<i16>, Error> {
    let mut reader = ogg::Reader::open(file).map_err(Error::Ogg)?;
    let head = reader.head();
    // libopus decodes to any of its rates; what it lacks is made of the highest.
    let from_hz = match opus::RATES_HZ.contains(&rate_hz) {
        true => rate_hz,
        false => ogg::CLOCK_HZ,
    };
    let mut parts = Parts::new(head.is_apart, from_hz).map_err(|_| Error::Rate(rate_hz))?;
    let (mut out, mut skip, mut length) = (Vec::new(), u32::from(head.pre_skip), 0_u64);
    while let Some(packet) = reader.next_packet() {
        length += u64::from(packet.samples);
        if length > u64::from(ogg::CLOCK_HZ) * u64::from(MAX_SECONDS) {
            return Err(Error::TooLong);
        }
        let frame = parts.decode(packet.octets).ok_or(Error::Damaged)?;
        let skipped = skip.min(packet.heard);
        skip -= skipped;
        let at = |samples: u32| samples as usize * from_hz as usize / ogg::CLOCK_HZ as usize;
        let heard = frame.get(at(skipped)..at(packet.heard).min(frame.len()));
        out.extend_from_slice(heard.unwrap_or_default());
    }
    if reader.damaged() > 0 {
        return Err(Error::Damaged);
    }
    amplify(&mut out, head.gain);
    convert(out, from_hz, rate_hz)
}

/// Decodes a stream, or two that share nothing, into one.
#[cfg(feature = "opus")]
struct Parts {
    decoder: opus::Decoder,
    other: Option<opus::Decoder>,
    left: Vec<u8>,
    frame: Vec<i16>,
    added: Vec<i16>,
}

#[cfg(feature = "opus")]
impl Parts {
    fn new(is_apart: bool, rate_hz: u32) -> Result<Parts, opus::Error> {
        let decoder = opus::Decoder::new(rate_hz)?;
        let frame = vec![0; decoder.most()];
        Ok(Parts {
            other: is_apart.then(|| opus::Decoder::new(rate_hz)).transpose()?,
            left: Vec::new(),
            added: frame.clone(),
            decoder,
            frame,
        })
    }

    /// Parties of a call are added up, as loud as they were.
    fn decode(&mut self, packet: &[u8]) -> Option<&[i16]> {
        let Some(other) = &mut self.other else {
            let count = self.decoder.decode(packet, &mut self.frame).ok()?;
            return self.frame.get(..count);
        };
        let right = ogg::split(packet, &mut self.left)?;
        let count = self.decoder.decode(&self.left, &mut self.frame).ok()?;
        let also = other.decode(right, &mut self.added).ok()?;
        for (sum, add) in self.frame.iter_mut().zip(&self.added).take(also.min(count)) {
            *sum = sum.saturating_add(*add);
        }
        self.frame.get(..count)
    }
}

/// By so many 1/256 dB, as a file may ask for.
#[cfg(feature = "opus")]
fn amplify(samples: &mut [i16], gain: i16) {
    if gain != 0 {
        let factor = 10_f32.powf(f32::from(gain) / 256.0 / 20.0);
        let loud = |sample: &mut i16| *sample = crate::clip(f32::from(*sample) * factor);
        samples.iter_mut().for_each(loud);
    }
}
