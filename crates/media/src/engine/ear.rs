//! What a leg says: its packets made into frames of 20 ms.
//!
//! Owns: the jitter buffer, the decoder and its concealment, stretching, the noise of pauses. Does not own: telephone
//! events, which only leave a gap here.

use super::decode::{Decoder, duration};
use audio::{Stretcher, opus};
use model::{Codec, Voice};
use rtp::Header;
use rtp::jitter::{Content, JitterBuffer, Pace, Piece, Settings};
use std::time::Duration;

/// Pieces that one tick takes at most. Packets of 2.5 ms need eight.
const MOST_PIECES: usize = 16;
/// Searches for a period in one tick at most: whoever sends every other packet would buy one with each.
const MOST_SEARCHES: u8 = 3;
/// Static payload type of comfort noise (RFC 3551).
const STATIC_NOISE: u8 = 13;
/// Packets in a row at another clock that turn the stream to it, and how often that may be.
const TURNING: u8 = 3;
const TURNING_PAUSE: Duration = Duration::from_millis(200);

/// One leg's stream of sound.
#[derive(Debug)]
pub(crate) struct Ear {
    rate_hz: u32,
    clock_hz: u32,
    buffer: JitterBuffer,
    decoder: Option<Decoder>,
    stretcher: Stretcher,
    noise: Noise,
    /// Samples that wait to be played.
    store: Vec<i16>,
    /// How many of them, the last ones, stand for nothing at all.
    blank: usize,
    piece: Vec<i16>,
    stretched: Vec<i16>,
    /// Packets in a row at another clock, and when the last turn was.
    odd: u8,
    turned: Duration,
    last: Last,
}

/// What a stream brought last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Sound,
    /// Something that is missing was made up for.
    Lost,
    /// Noise, or nothing at all.
    Pause,
}

impl Ear {
    /// For a leg that writes so, heard at this rate.
    pub(crate) fn new(voice: &Voice, rate_hz: u32) -> Ear {
        let clock_hz = voice.codec.clock_hz();
        Ear {
            rate_hz,
            clock_hz,
            buffer: JitterBuffer::new(Settings::call(clock_hz)),
            decoder: None,
            stretcher: Stretcher::new(rate_hz),
            noise: Noise::new(),
            store: Vec::new(),
            blank: 0,
            piece: Vec::new(),
            stretched: Vec::new(),
            odd: 0,
            turned: Duration::ZERO,
            last: Last::Pause,
        }
    }

    /// Is what it says now the noise of a pause, or nothing?
    pub(super) fn is_pausing(&self) -> bool {
        self.last == Last::Pause
    }

    /// Did the leg say itself what it says now?
    pub(super) fn is_sound(&self) -> bool {
        self.last == Last::Sound
    }

    /// Takes a packet of sound in. What the leg has not said that it sends is ignored.
    pub(crate) fn hear(&mut self, voice: &Voice, header: &Header, payload: &[u8], now: Duration) {
        let codec = voice.codec_of(header.pt);
        let content = match codec {
            Some(codec) => duration(codec, payload).map(Content::Sound),
            None => is_noise(voice, header.pt).then_some(Content::Comfort),
        };
        let Some(content) = content else { return };
        let clock_hz = codec.map_or(8_000, Codec::clock_hz);
        if clock_hz == self.clock_hz {
            self.odd = 0;
        } else if !self.turn(clock_hz, now) {
            return;
        }
        if codec == Some(Codec::Opus) && opus::has_fec(payload) {
            self.buffer.expect_fec();
        }
        self.buffer.put(header, payload, content, now);
    }

    /// A telephone event begins with this packet: the sound has a gap there, and nothing is lost.
    pub(crate) fn gap(&mut self, header: &Header, now: Duration) {
        self.buffer.put(header, &[], Content::Comfort, now);
    }

    /// The leg says that it sends nothing from now on: the noise of its last pause ends.
    pub(super) fn hush(&mut self) {
        self.buffer = JitterBuffer::new(Settings::call(self.clock_hz));
        self.last = Last::Pause;
    }

    /// Fills the frame of this tick; false when the leg says nothing at all, not even noise.
    pub(crate) fn fill(&mut self, voice: &Voice, now: Duration, frame: &mut [i16]) -> bool {
        // What stretching leaves is less than a frame, and would wait for ever behind silence that makes one full.
        let mut is_there = self.store.len() > self.blank;
        let mut searches = 0;
        for _ in 0..MOST_PIECES {
            if self.store.len() >= frame.len() {
                break;
            }
            is_there |= self.pull(voice, now, &mut searches);
            if self.is_whole(frame.len()) {
                frame.copy_from_slice(&self.piece);
                self.piece.clear();
                return true;
            }
            self.store.append(&mut self.piece);
        }
        let taken = self.store.len().min(frame.len());
        let (sound, rest) = frame.split_at_mut(taken);
        if let Some(said) = self.store.get(..taken) {
            sound.copy_from_slice(said);
        }
        self.store.drain(..taken);
        self.blank = self.blank.min(self.store.len());
        rest.fill(0);
        is_there
    }

    /// Is the piece in hand just what the frame wants? Then it need not wait in the store.
    fn is_whole(&self, samples: usize) -> bool {
        self.store.is_empty() && self.piece.len() == samples
    }

    /// Takes the next piece in hand, or puts silence into the store; false when there is no stream.
    fn pull(&mut self, voice: &Voice, now: Duration, searches: &mut u8) -> bool {
        let samples = |units: u32| scale(units, self.clock_hz, self.rate_hz);
        let pending = u32::try_from(self.store.len()).unwrap_or(u32::MAX);
        let pending = u32::try_from(scale(pending, self.rate_hz, self.clock_hz)).unwrap_or(u32::MAX);
        self.piece.clear();
        let mut pace = Pace::Keep;
        let piece = self.buffer.pull(now, pending);
        self.last = match piece {
            Piece::Sound { .. } => Last::Sound,
            Piece::Lost { .. } => Last::Lost,
            Piece::Comfort { .. } | Piece::Silence { .. } => Last::Pause,
        };
        match piece {
            Piece::Sound {
                pt,
                payload,
                pace: wanted,
                ..
            } => {
                let codec = voice.codec_of(pt).unwrap_or(voice.codec);
                let fits = self.decoder.as_ref().is_some_and(|d| d.codec() == codec);
                if !fits {
                    self.decoder = Some(Decoder::new(codec, self.rate_hz));
                }
                if let Some(decoder) = &mut self.decoder {
                    decoder.decode(payload, &mut self.piece);
                }
                pace = wanted;
            }
            Piece::Lost { duration, next } => {
                let samples = samples(duration);
                match &mut self.decoder {
                    Some(decoder) if *searches < MOST_SEARCHES => {
                        *searches += 1;
                        decoder.lost(samples, next, &mut self.piece);
                    }
                    _ => self.piece.resize(samples, 0),
                }
            }
            Piece::Comfort { duration, payload } => {
                // A wait that is shorter than a sample would never end.
                let samples = samples(duration).max(1);
                if let Some(payload) = payload {
                    self.noise.tell(payload);
                }
                match self
                    .decoder
                    .as_mut()
                    .filter(|d| d.has_noise() && payload.is_none())
                {
                    Some(decoder) => decoder.lost(samples, None, &mut self.piece),
                    None => self.noise.fill(samples, &mut self.piece),
                }
            }
            Piece::Silence { duration } => {
                let samples = samples(duration).max(1);
                self.store.resize(self.store.len().saturating_add(samples), 0);
                self.blank = self.blank.saturating_add(samples);
                return false;
            }
        }
        self.blank = 0;
        self.keep(pace, searches);
        true
    }

    /// Gives the piece the pace that was asked for.
    fn keep(&mut self, pace: Pace, searches: &mut u8) {
        match pace {
            _ if *searches >= MOST_SEARCHES => self.stretcher.keep(&self.piece),
            Pace::Keep => self.stretcher.keep(&self.piece),
            Pace::Shorten => {
                *searches += 1;
                let left = self.stretcher.shorten(&mut self.piece);
                self.piece.truncate(left);
            }
            Pace::Lengthen => {
                *searches += 1;
                self.stretched.resize(self.piece.len().saturating_mul(2), 0);
                let count = self.stretcher.lengthen(&self.piece, &mut self.stretched);
                self.stretched.truncate(count);
                std::mem::swap(&mut self.piece, &mut self.stretched);
            }
        }
    }

    /// The stream goes on at another clock, when enough packets say so.
    fn turn(&mut self, clock_hz: u32, now: Duration) -> bool {
        self.odd = self.odd.saturating_add(1);
        if self.odd < TURNING || now.saturating_sub(self.turned) < TURNING_PAUSE {
            return false;
        }
        self.odd = 0;
        self.turned = now;
        self.clock_hz = clock_hz;
        self.buffer = JitterBuffer::new(Settings::call(clock_hz));
        true
    }
}

fn is_noise(voice: &Voice, pt: u8) -> bool {
    voice.noise == Some(pt) || (pt == STATIC_NOISE && voice.codec.clock_hz() == 8_000)
}

/// So many units of one clock in another.
fn scale(units: u32, from_hz: u32, to_hz: u32) -> usize {
    let scaled = u64::from(units) * u64::from(to_hz) / u64::from(from_hz.max(1));
    usize::try_from(scaled).unwrap_or(0)
}

/// The noise of a pause (RFC 3389); its spectrum is not followed.
#[derive(Debug)]
struct Noise {
    state: u32,
    peak: i32,
}

impl Noise {
    fn new() -> Noise {
        Noise {
            state: 0x2545_F491,
            peak: 0,
        }
    }

    /// Takes the level that a payload names, -dBov.
    fn tell(&mut self, payload: &[u8]) {
        let level = payload.first().map(|octet| f32::from(octet & 0x7F));
        // Evenly spread noise has a third of the energy of a square wave of its peak. The cast of a float saturates.
        self.peak = level.map_or(0, |level| {
            (32_768.0 * 3_f32.sqrt() * 10_f32.powf(-level / 20.0)).min(8_192.0) as i32
        });
    }

    fn fill(&mut self, samples: usize, out: &mut Vec<i16>) {
        for _ in 0..samples {
            // Numerical Recipes' generator: its upper bits are good enough to be heard.
            self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let even = i32::from((self.state >> 16) as u16 as i16);
            out.push(((even * self.peak) >> 15) as i16);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opus of a tone, a packet each 20 ms from `begin` on; gives when what is heard of it begins.
    fn begins(begin: Duration, rate_hz: u32) -> Duration {
        let voice = Voice::new(111, Codec::Opus);
        let mut encoder = opus::Encoder::new(opus::Settings::call(16_000)).unwrap();
        let tone: Vec<i16> = (0..320)
            .map(|n| if n % 40 < 20 { 8_000 } else { -8_000 })
            .collect();
        let mut payload = [0; opus::MAX_PACKET];
        let mut ear = Ear::new(&voice, rate_hz);
        let mut frame = vec![0; rate_hz as usize / 50];
        let mut number = 0;
        for tick in 1..20 {
            let now = Duration::from_millis(20) * tick;
            while begin + Duration::from_millis(20) * number <= now {
                let count = encoder.encode(&tone, &mut payload).unwrap().unwrap();
                let mut packet = vec![0x80, 111, 0, number as u8];
                packet.extend((number * 960).to_be_bytes());
                packet.extend([0, 0, 0, 7]);
                packet.extend(&payload[..count]);
                let header = Header::parse(&packet).unwrap();
                let at = begin + Duration::from_millis(20) * number;
                ear.hear(&voice, &header, header.payload(&packet), at);
                number += 1;
            }
            ear.fill(&voice, now, &mut frame);
            if let Some(at) = frame.iter().position(|sample| sample.abs() > 500) {
                return now + Duration::from_micros(at as u64 * 1_000_000 / u64::from(rate_hz));
            }
        }
        panic!("nothing is heard");
    }

    #[test]
    fn opus_is_heard_as_soon_wherever_its_packets_come_between_the_ticks() {
        for rate_hz in [8_000, 16_000] {
            for micros in (0..20_000).step_by(331) {
                let begin = Duration::from_micros(10_000 + micros);
                let delay = begins(begin, rate_hz) - begin;
                // 20 ms in the buffer, 40 where it can't be less, and what the codec takes.
                assert!(
                    delay < Duration::from_millis(34),
                    "{micros} µs at {rate_hz}: {delay:?}"
                );
            }
        }
    }
}
