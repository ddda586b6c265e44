//! WAV files: linear 8, 16 or 24 bits, floating point, A-law or µ-law, one or two channels, at any rate of [`FILE_HZ`].
//!
//! Reading is on a slice that is all there, and believes no length: what is announced but absent is not read. Other
//! formats are refused by name. Does not own: files.

use crate::clip;
use crate::g711::Law;
use crate::resample::FILE_HZ;
use std::fmt;

/// Chunks that are looked at before the data; more is no sound file.
const MAX_CHUNKS: usize = 64;
/// A length from here on is written by who does not know it, as into a pipe.
const UNKNOWN: usize = 0x7FFF_0000;
const TAG_LINEAR: u16 = 1;
const TAG_FLOAT: u16 = 3;
const TAG_A: u16 = 6;
const TAG_MU: u16 = 7;
const TAG_EXTENSIBLE: u16 = 0xFFFE;

/// What floating point calls 1.
const FULL_SCALE: f32 = 32_768.0;

/// How samples are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// 8 bits, of which 128 is silence.
    Linear8,
    /// 16 bits, little-endian.
    Linear,
    /// 24 bits, little-endian; the lower 8 are not used.
    Linear24,
    /// 32 bits of floating point, little-endian, from -1 to 1.
    Float,
    /// An octet of G.711.
    G711(Law),
}

impl Coding {
    /// Octets of a sample.
    #[must_use]
    pub fn octets(self) -> u16 {
        match self {
            Coding::Linear8 => 1,
            Coding::Linear => 2,
            Coding::Linear24 => 3,
            Coding::Float => 4,
            Coding::G711(_) => 1,
        }
    }

    fn tag(self) -> u16 {
        match self {
            Coding::Linear8 | Coding::Linear | Coding::Linear24 => TAG_LINEAR,
            Coding::Float => TAG_FLOAT,
            Coding::G711(Law::A) => TAG_A,
            Coding::G711(Law::Mu) => TAG_MU,
        }
    }
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// How.
    pub coding: Coding,
    /// Samples per second and channel.
    pub rate_hz: u32,
    /// 1 or 2.
    pub channels: u16,
}

/// Why a file is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It does not begin as a WAV file, or ends before its format and data.
    NotWav,
    /// Its format is described in too few octets, or contradicts itself.
    Format,
    /// A coding that is not read: its number in the file, and the bits of a sample.
    Coding(u16, u16),
    /// A sample rate that is not read.
    Rate(u32),
    /// A number of channels that is not read.
    Channels(u16),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::NotWav => f.write_str("this is no complete WAV file"),
            Unreadable::Format => f.write_str("the description of the format is damaged"),
            Unreadable::Coding(tag, bits) => write!(
                f,
                "samples are stored as format {tag} with {bits} bits; save it as 16-bit PCM, A-law or µ-law"
            ),
            Unreadable::Rate(hz) => write!(
                f,
                "{hz} samples per second; save it with 8000, 16000, 44100 or 48000"
            ),
            Unreadable::Channels(count) => write!(f, "{count} channels; save it with one or two"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// A file that was read: its format, and where its sound lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wav<'a> {
    /// What it holds.
    pub format: Format,
    /// Whole samples of all channels.
    data: &'a [u8],
    /// The file announces more samples than it has.
    pub is_cut: bool,
}

impl<'a> Wav<'a> {
    /// Reads a file.
    ///
    /// # Errors
    /// See [`Unreadable`].
    pub fn parse(file: &'a [u8]) -> Result<Wav<'a>, Unreadable> {
        let rest = file.strip_prefix(b"RIFF").ok_or(Unreadable::NotWav)?;
        let rest = rest.get(4..).and_then(|r| r.strip_prefix(b"WAVE"));
        let mut rest = rest.ok_or(Unreadable::NotWav)?;
        let mut format = None;
        for _ in 0..MAX_CHUNKS {
            let (name, after) = rest.split_first_chunk::<4>().ok_or(Unreadable::NotWav)?;
            let (length, after) = after.split_first_chunk::<4>().ok_or(Unreadable::NotWav)?;
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            // A recording that was never finished has a wrong length, and ends with the file.
            let (chunk, after) = after.split_at(length.min(after.len()));
            match name {
                b"fmt " => format = Some(Format::parse(chunk)?),
                b"data" => {
                    let format = format.ok_or(Unreadable::NotWav)?;
                    let whole = chunk.len() - chunk.len() % usize::from(format.frame_octets());
                    let data = chunk.get(..whole).unwrap_or_default();
                    let is_cut = length > chunk.len() && length < UNKNOWN;
                    return Ok(Wav { format, data, is_cut });
                }
                _ => {}
            }
            // Chunks begin at even places.
            rest = after.get(length % 2..).unwrap_or_default();
        }
        Err(Unreadable::NotWav)
    }

    /// Samples of each channel.
    #[must_use]
    pub fn len(&self) -> usize {
        self.data.len() / usize::from(self.format.frame_octets())
    }

    /// Is there no sound?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The samples; two channels are mixed into one.
    pub fn samples(&self) -> impl Iterator<Item = i16> + use<'a> {
        let Format { coding, channels, .. } = self.format;
        let sample = move |octets: &[u8]| match (coding, octets) {
            (Coding::Linear, [low, high]) | (Coding::Linear24, [_, low, high]) => {
                i16::from_le_bytes([*low, *high])
            }
            (Coding::Linear8, [octet]) => (i16::from(*octet) - 128) << 8,
            (Coding::Float, [a, b, c, d]) => clip(f32::from_le_bytes([*a, *b, *c, *d]) * FULL_SCALE),
            (Coding::G711(law), [octet]) => law.decode(*octet),
            _ => 0,
        };
        let octets = usize::from(coding.octets());
        let frames = self.data.chunks_exact(usize::from(self.format.frame_octets()));
        frames.map(move |frame| {
            let sum: i32 = frame.chunks_exact(octets).map(|s| i32::from(sample(s))).sum();
            (sum / i32::from(channels.max(1))) as i16
        })
    }
}

impl Format {
    /// One channel.
    #[must_use]
    pub fn mono(coding: Coding, rate_hz: u32) -> Format {
        Format {
            coding,
            rate_hz,
            channels: 1,
        }
    }

    /// The octets before `data_octets` of samples. A recording of unknown length is begun with 0 and gets its true header,
    /// which is as long, when it ends. Two channels take turns, sample by sample.
    #[must_use]
    pub fn header(&self, data_octets: u32) -> Vec<u8> {
        let is_linear = self.coding.tag() == TAG_LINEAR;
        let octets = self.coding.octets();
        let mut file = Vec::with_capacity(58);
        file.extend_from_slice(b"RIFF");
        let before: u32 = if is_linear { 36 } else { 50 };
        let padded = data_octets.saturating_add(data_octets % 2);
        file.extend_from_slice(&before.saturating_add(padded).to_le_bytes());
        file.extend_from_slice(b"WAVEfmt ");
        file.extend_from_slice(&if is_linear { 16_u32 } else { 18 }.to_le_bytes());
        file.extend_from_slice(&self.coding.tag().to_le_bytes());
        file.extend_from_slice(&self.channels.to_le_bytes());
        file.extend_from_slice(&self.rate_hz.to_le_bytes());
        let rate = self.rate_hz.saturating_mul(u32::from(self.frame_octets()));
        file.extend_from_slice(&rate.to_le_bytes());
        file.extend_from_slice(&self.frame_octets().to_le_bytes());
        file.extend_from_slice(&(octets * 8).to_le_bytes());
        if !is_linear {
            // Codings other than linear have an extension, here empty, and tell their length in samples.
            file.extend_from_slice(&0_u16.to_le_bytes());
            file.extend_from_slice(b"fact");
            file.extend_from_slice(&4_u32.to_le_bytes());
            let samples = data_octets / u32::from(self.frame_octets());
            file.extend_from_slice(&samples.to_le_bytes());
        }
        file.extend_from_slice(b"data");
        file.extend_from_slice(&data_octets.to_le_bytes());
        file
    }

    /// Appends samples as they are stored.
    pub fn write(&self, samples: &[i16], into: &mut Vec<u8>) {
        match self.coding {
            Coding::Linear => samples
                .iter()
                .for_each(|s| into.extend_from_slice(&s.to_le_bytes())),
            Coding::Linear8 => into.extend(samples.iter().map(|s| ((s >> 8) + 128) as u8)),
            Coding::Linear24 => samples.iter().for_each(|s| {
                into.push(0);
                into.extend_from_slice(&s.to_le_bytes());
            }),
            Coding::Float => samples
                .iter()
                .for_each(|s| into.extend_from_slice(&(f32::from(*s) / FULL_SCALE).to_le_bytes())),
            Coding::G711(law) => into.extend(samples.iter().map(|s| law.encode(*s))),
        }
    }

    /// Octets of one sample of all channels.
    fn frame_octets(&self) -> u16 {
        self.coding.octets() * self.channels.clamp(1, 2)
    }

    fn parse(chunk: &[u8]) -> Result<Format, Unreadable> {
        let short = |at: usize| -> Result<u16, Unreadable> {
            let octets = chunk.get(at..).and_then(|c| c.first_chunk::<2>());
            octets.map(|o| u16::from_le_bytes(*o)).ok_or(Unreadable::Format)
        };
        let (tag, channels, bits) = (short(0)?, short(2)?, short(14)?);
        let rate_hz = u32::from(short(4)?) | u32::from(short(6)?) << 16;
        // The extensible form names the coding in the first octets of a GUID.
        let tag = if tag == TAG_EXTENSIBLE { short(24)? } else { tag };
        let coding = match (tag, bits) {
            (TAG_LINEAR, 8) => Coding::Linear8,
            (TAG_LINEAR, 16) => Coding::Linear,
            (TAG_LINEAR, 24) => Coding::Linear24,
            (TAG_FLOAT, 32) => Coding::Float,
            (TAG_A, 8) => Coding::G711(Law::A),
            (TAG_MU, 8) => Coding::G711(Law::Mu),
            _ => return Err(Unreadable::Coding(tag, bits)),
        };
        if !FILE_HZ.contains(&rate_hz) {
            return Err(Unreadable::Rate(rate_hz));
        }
        if !(1..=2).contains(&channels) {
            return Err(Unreadable::Channels(channels));
        }
        let format = Format {
            coding,
            rate_hz,
            channels,
        };
        if short(12)? != format.frame_octets() {
            return Err(Unreadable::Format);
        }
        Ok(format)
    }
}
