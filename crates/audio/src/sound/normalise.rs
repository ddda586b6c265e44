//! What is kept of a sound that somebody uploads: Ogg-Opus, mono, from a file that is whole.
//!
//! Stricter than [`decode`](super::decode), which plays what there is: who uploads is there to hear what is wrong.

use super::{Error, Kind, kind};
use crate::ogg::{self, Head, Tags, Writer};
use crate::opus::{self, Encoder, MAX_PACKET, Settings};
use crate::wav::Wav;

/// Narrow-band and wide-band: a telephone has no more.
const NARROW_HZ: u32 = 8_000;
const WIDE_HZ: u32 = 16_000;
/// Bits per second, enough for music.
const NARROW_BITS: u32 = 16_000;
const WIDE_BITS: u32 = 32_000;
/// Milliseconds of a packet, and of a page.
const PACKET_MS: usize = 60;
const PAGE_MS: u16 = 1_000;

/// A sound as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normal {
    /// Ogg-Opus, mono.
    pub file: Vec<u8>,
    /// Its length, milliseconds, at least 1.
    pub ms: u32,
}

/// Checks a WAV or Ogg-Opus file, decodes it whole and encodes it anew: nothing that a player reads later was written by
/// somebody else.
///
/// # Errors
/// See [`Error`]; its words are for whoever made the file.
pub fn normalise(file: &[u8]) -> Result<Normal, Error> {
    let rate_hz = match whole(file)? {
        hz if hz <= NARROW_HZ => NARROW_HZ,
        _ => WIDE_HZ,
    };
    let samples = super::decode(file, rate_hz)?;
    let settings = Settings {
        bitrate: if rate_hz == NARROW_HZ {
            NARROW_BITS
        } else {
            WIDE_BITS
        },
        ..Settings::call(rate_hz)
    };
    let encoder = Encoder::music(settings).map_err(|_| Error::Rate(rate_hz))?;
    let file = encode(encoder, rate_hz, &samples).map_err(|_| Error::Damaged)?;
    let ms = samples.len() as u64 * 1000 / u64::from(rate_hz);
    let ms = u32::try_from(ms).map_err(|_| Error::TooLong)?.max(1);
    Ok(Normal { file, ms })
}

/// Refuses a file that is cut or damaged; gives the samples per second that it was made with.
fn whole(file: &[u8]) -> Result<u32, Error> {
    match kind(file) {
        Kind::Wav => {
            let wav = Wav::parse(file).map_err(Error::Wav)?;
            if wav.is_cut {
                return Err(Error::Cut);
            }
            Ok(wav.format.rate_hz)
        }
        Kind::Ogg => {
            let mut reader = ogg::Reader::open(file).map_err(Error::Ogg)?;
            while reader.next_packet().is_some() {}
            if reader.damaged() > 0 {
                return Err(Error::Damaged);
            }
            if !reader.has_ended() {
                return Err(Error::Cut);
            }
            // 0 stands for unknown.
            Ok(match reader.head().rate_hz {
                0 => ogg::CLOCK_HZ,
                hz => hz,
            })
        }
        Kind::Other(name) => Err(Error::Kind(name)),
    }
}

/// Encodes a whole sound as an Ogg file of exactly its length.
///
/// # Errors
/// libopus has no memory, or failed within.
pub fn encode(mut encoder: Encoder, rate_hz: u32, samples: &[i16]) -> Result<Vec<u8>, opus::Error> {
    let delay = encoder.delay()?;
    let frame = rate_hz as usize * PACKET_MS / 1000;
    let clock = ogg::CLOCK_HZ as usize / rate_hz as usize;
    // The encoder is late: what it still holds at the end is driven out.
    let mut padded = samples.to_vec();
    padded.resize(
        (samples.len() + usize::from(delay) / clock + 1).next_multiple_of(frame),
        0,
    );
    let mut file = Vec::new();
    let head = Head::new(1, rate_hz, delay);
    let mut writer = Writer::begin(&head, &Tags::default(), 1, &mut file).with_pages(PAGE_MS);
    let mut packet = [0; MAX_PACKET];
    for frame in padded.chunks_exact(frame) {
        let octets = encoder.encode(frame, &mut packet)?.ok_or(opus::Error::Packet)?;
        let packet = packet.get(..octets).unwrap_or_default();
        writer
            .packet(packet, &mut file)
            .map_err(|_| opus::Error::Packet)?;
    }
    let heard = u64::from(delay) + (samples.len() * clock) as u64;
    let surplus = writer.position().saturating_sub(heard);
    writer.finish(u32::try_from(surplus).unwrap_or(0), &mut file);
    Ok(file)
}
