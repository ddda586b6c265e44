//! What the parties of a call say, each encoded for itself: a recording in Opus, of one lane or two.
//!
//! Owns: when a lane says nothing, and what stands for that in its packets. Does not own: pages and files (`ogg`).
//!
//! Two lanes are two streams, not a stereo picture: nothing of one is heard in the other however few bits there are, and who is
//! silent costs next to nothing. A stereo stream costs twice as much, for it encodes both as long as either speaks.

use crate::celt::{Encoder, Error, MAX_PACKET};
use crate::detect::Voice;
use crate::ogg::join;

/// Milliseconds of a frame.
const FRAME_MS: u32 = 20;
/// A lane is encoded for so long behind what it said last, milliseconds, besides the time that the detector waits: the decoder
/// goes on with the noise that it heard then.
const LINGER_MS: u32 = 100;
/// What is louder is encoded, be it a voice or not, dBov.
const ALWAYS_DBOV: f32 = -42.0;
/// A frame of 20 ms without content, narrow-band: what stands for a lane that has not yet said anything.
const NOTHING: u8 = 19 << 3;

/// Encodes frames of 20 ms.
#[derive(Debug)]
pub struct Lanes {
    lanes: Vec<Lane>,
    joined: Vec<u8>,
    delay: u16,
}

impl Lanes {
    /// At the beginning: one lane, or two when `is_pair`, at 8,000 or 16,000 samples per second.
    ///
    /// # Errors
    /// [`Error::Settings`] for another rate.
    pub fn new(is_pair: bool, rate_hz: u32) -> Result<Lanes, Error> {
        let first = Lane::new(rate_hz)?;
        let delay = first.encoder.delay();
        let mut lanes = vec![first];
        if is_pair {
            lanes.push(Lane::new(rate_hz)?);
        }
        Ok(Lanes {
            lanes,
            joined: Vec::with_capacity(2 * MAX_PACKET),
            delay,
        })
    }

    /// How late the sound comes out of a decoder, in samples of 48 kHz.
    #[must_use]
    pub fn delay(&self) -> u16 {
        self.delay
    }

    /// Encodes a frame; `None` for a lane stands for silence, a missing one too. Gives the packet of all lanes.
    ///
    /// # Errors
    /// [`Error::Frame`] when a frame is not of 20 ms.
    pub fn encode(&mut self, frames: [Option<&[i16]>; 2]) -> Result<&[u8], Error> {
        for (lane, frame) in self.lanes.iter_mut().zip(frames) {
            lane.encode(frame)?;
        }
        match self.lanes.as_slice() {
            [left, right] => {
                self.joined.clear();
                let joined = join(left.packet(), right.packet(), &mut self.joined);
                if joined {
                    Ok(&self.joined)
                } else {
                    Err(Error::Frame)
                }
            }
            [only] => Ok(only.packet()),
            _ => Err(Error::Settings),
        }
    }

    /// For how long nobody has said anything, milliseconds.
    #[must_use]
    pub fn quiet_ms(&self) -> u32 {
        self.lanes.iter().map(|lane| lane.quiet_ms).min().unwrap_or(0)
    }
}

#[derive(Debug)]
struct Lane {
    encoder: Encoder,
    voice: Voice,
    quiet_ms: u32,
    /// The next frame that is encoded comes behind a pause.
    is_afresh: bool,
    packet: [u8; MAX_PACKET],
    len: usize,
}

impl Lane {
    fn new(rate_hz: u32) -> Result<Lane, Error> {
        let bitrate = match rate_hz {
            8000 => 16_000,
            16_000 => 24_000,
            _ => return Err(Error::Settings),
        };
        Ok(Lane {
            encoder: Encoder::new(rate_hz, bitrate)?,
            voice: Voice::new(rate_hz),
            quiet_ms: LINGER_MS,
            is_afresh: true,
            packet: [NOTHING; MAX_PACKET],
            len: 1,
        })
    }

    fn packet(&self) -> &[u8] {
        self.packet.get(..self.len).unwrap_or_default()
    }

    fn encode(&mut self, frame: Option<&[i16]>) -> Result<(), Error> {
        if frame.is_some_and(|frame| frame.len() != self.encoder.samples()) {
            return Err(Error::Frame);
        }
        let speaks = frame.is_some_and(|frame| {
            let voice = self.voice.push(frame);
            voice || self.voice.level_dbov() > ALWAYS_DBOV
        });
        self.quiet_ms = match speaks {
            true => 0,
            false => self.quiet_ms.saturating_add(FRAME_MS),
        };
        let Some(frame) = frame.filter(|_| self.quiet_ms <= LINGER_MS) else {
            self.encoder.skip(frame);
            // The first octet of the packet before goes on to say of what kind it would be.
            (self.len, self.is_afresh) = (1, true);
            return Ok(());
        };
        self.len = match std::mem::take(&mut self.is_afresh) {
            true => self.encoder.encode_afresh(frame, &mut self.packet)?,
            false => self.encoder.encode(frame, &mut self.packet)?,
        };
        Ok(())
    }
}
