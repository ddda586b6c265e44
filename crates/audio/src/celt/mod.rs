//! An encoder of CELT, the part of Opus that codes spectra (RFC 6716 section 5.3): one channel, frames of 20 ms, narrow-band
//! from 8,000 samples per second and wide-band from 16,000, and nothing else. It costs a third of libopus, which always works
//! at 48 kHz. Any decoder of Opus plays it.
//!
//! Owns: what a frame of sound becomes. Does not own: pauses, packets of several streams (`lanes`, `ogg`).
//!
//! Of the tools of the format it uses those that pay at low cost: long blocks, levels predicted from the frame before, bits for
//! each band by the curves of the format. It finds no pitch and no transients, like libopus at its least effort. Frames are of
//! slightly varying length; the average is the bit rate.

mod allocation;
mod budget;
mod level;
mod pulses;
mod range;
mod shape;
mod tables;
mod transform;
mod vector;
mod wishes;

use budget::Budget;
use level::{Level, Levels};
use range::Range;
use std::fmt;
use transform::{HISTORY_NARROW, HISTORY_WIDE, NARROW, WIDE};

/// The longest packet at the highest bit rate, octets.
pub const MAX_PACKET: usize = 256;
/// Bit rates that there are.
const BITRATES: std::ops::RangeInclusive<u32> = 8_000..=48_000;
/// A frame of 48 kHz is this late by its window.
const WINDOW_DELAY: u16 = 120;

/// What is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A sample rate or bit rate that we do not use.
    Settings,
    /// A frame that is not of 20 ms, or too little room.
    Frame,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Settings => "a sample rate or bit rate that is not encoded",
            Error::Frame => "not a frame of 20 ms, or no room for it",
        })
    }
}

impl std::error::Error for Error {}

/// Which part of the spectrum is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Band {
    Narrow,
    Wide,
}

impl Band {
    /// Samples of a frame, and lines of its spectrum.
    fn samples(self) -> usize {
        match self {
            Band::Narrow => NARROW,
            Band::Wide => WIDE,
        }
    }

    /// Bands of the spectrum.
    fn end(self) -> usize {
        match self {
            Band::Narrow => 13,
            Band::Wide => 17,
        }
    }

    /// The first octet of a packet (RFC 6716 section 3.1): CELT alone, one frame of 20 ms, one channel.
    fn first_octet(self) -> u8 {
        match self {
            Band::Narrow => 19 << 3,
            Band::Wide => 23 << 3,
        }
    }
}

/// Encodes one stream.
#[derive(Clone, Debug)]
pub struct Encoder {
    band: Band,
    /// The last samples before the frame.
    history: [i16; HISTORY_WIDE],
    level: Level,
    budget: Budget,
    final_range: u32,
}

impl Encoder {
    /// At the beginning of a stream of 8,000 or 16,000 samples per second.
    ///
    /// # Errors
    /// [`Error::Settings`] for another rate, or a bit rate below 8,000 or above 48,000 bit/s.
    pub fn new(rate_hz: u32, bitrate: u32) -> Result<Encoder, Error> {
        let band = match rate_hz {
            8_000 => Band::Narrow,
            16_000 => Band::Wide,
            _ => return Err(Error::Settings),
        };
        if !BITRATES.contains(&bitrate) {
            return Err(Error::Settings);
        }
        Ok(Encoder {
            band,
            history: [0; HISTORY_WIDE],
            level: Level::new(),
            budget: Budget::new(bitrate),
            final_range: 0,
        })
    }

    /// How late the sound comes out of a decoder, in samples of 48 kHz: what a file names as its pre-skip.
    #[must_use]
    pub fn delay(&self) -> u16 {
        WINDOW_DELAY + transform::delay(self.band == Band::Wide)
    }

    /// Samples of a frame.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.band.samples()
    }

    /// What the range decoder has to end with after the last frame, if it has understood all of it.
    #[must_use]
    pub fn final_range(&self) -> u32 {
        self.final_range
    }

    /// Encodes a frame; gives the number of octets. [`MAX_PACKET`] of room is enough.
    ///
    /// # Errors
    /// [`Error::Frame`] for another length, or too little room.
    pub fn encode(&mut self, frame: &[i16], packet: &mut [u8]) -> Result<usize, Error> {
        self.encode_with(frame, packet, false)
    }

    /// The same for the first frame behind a pause that was not encoded: its levels build on nothing before it.
    ///
    /// # Errors
    /// As for [`Encoder::encode`].
    pub fn encode_afresh(&mut self, frame: &[i16], packet: &mut [u8]) -> Result<usize, Error> {
        self.encode_with(frame, packet, true)
    }

    /// Takes note of a frame that is not encoded, or of silence, so that the next one begins where it ends.
    pub fn skip(&mut self, frame: Option<&[i16]>) {
        let end = frame.and_then(<[i16]>::last_chunk);
        self.history = end.copied().unwrap_or([0; HISTORY_WIDE]);
    }

    fn encode_with(&mut self, frame: &[i16], packet: &mut [u8], is_afresh: bool) -> Result<usize, Error> {
        let (Some((first, room)), true) = (packet.split_first_mut(), frame.len() == self.samples()) else {
            return Err(Error::Frame);
        };
        *first = self.band.first_octet();
        let is_silent = frame.iter().chain(&self.history).all(|sample| *sample == 0);
        if is_silent {
            let room = room.get_mut(..2).ok_or(Error::Frame)?;
            return self.silence(room);
        }
        let mut lines = [0.0; WIDE];
        let history = &self.history;
        match (self.band, history.last_chunk::<HISTORY_NARROW>()) {
            (Band::Narrow, Some(history)) => transform::narrow(history, frame, &mut lines),
            _ => transform::wide(history, frame, &mut lines),
        }
        self.skip(Some(frame));
        let squares = transform::squares(&lines);
        let levels = level::levels(&squares);
        let end = self.band.end();
        let heard = levels.get(..end).unwrap_or_default();
        let octets = self.budget.octets(heard);
        let room = room.get_mut(..octets).ok_or(Error::Frame)?;
        let lines = lines.get(..self.band.samples()).unwrap_or_default();
        self.write(lines, levels, is_afresh, room)
    }

    /// Writes a frame in which all samples are 0.
    fn silence(&mut self, room: &mut [u8]) -> Result<usize, Error> {
        let octets = room.len() + 1;
        let mut range = Range::new(room);
        range.bit(true, 15);
        self.level.silence();
        self.budget.spent(octets);
        self.end(range, octets)
    }

    fn write(
        &mut self,
        lines: &[f32],
        levels: Levels,
        is_afresh: bool,
        room: &mut [u8],
    ) -> Result<usize, Error> {
        let (octets, end) = (room.len() + 1, self.band.end());
        let mut range = Range::new(room);
        let bits = range.room();
        range.bit(false, 15);
        // No filter of the pitch, no short blocks.
        if range.tell() + 16 <= bits {
            range.bit(false, 1);
        }
        if range.tell() + 3 <= bits {
            range.bit(false, 3);
        }
        let mut levels = levels;
        self.level.steady(&mut levels);
        self.level.coarse(&levels, end, is_afresh, &mut range);
        let wishes = wishes::wishes(&levels, end, &mut range);
        let total = bits * 8 - range.tell_eighths() - 1;
        let allocation = allocation::allocate(end, &wishes, total, &mut range);
        self.level.fine(&allocation, end, &mut range);
        shape::encode(lines, &allocation, bits * 8, &mut range);
        self.level.finish(&allocation, end, &mut range);
        self.budget.spent(octets);
        self.end(range, octets)
    }

    fn end(&mut self, range: Range<'_>, octets: usize) -> Result<usize, Error> {
        self.final_range = range.size();
        match range.finish() {
            true => Ok(octets),
            // The allocation sees to it that this is not so.
            false => Err(Error::Frame),
        }
    }
}
