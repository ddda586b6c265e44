//! What is said to a leg: a stream of packets of ours.
//!
//! Owns: its source, numbers and timestamps, which go on through the life of a session whatever is said in between; the
//! encoder. Does not own: what is said, and where packets go.

use super::encode::{Encoder, packet_ms};
use super::keys::{Keys, Sent};
use super::steer::Steer;
use crate::protect::ROOM;
use crate::tick::{TICK, TICK_MS};
use model::{Codec, Voice};
use std::time::Duration;

/// A pause is told of when it begins, and again each so many frames: half a second.
const NOISE_FRAMES: u32 = 25;
/// Octets of an RTP header as we write it.
const HEADER: usize = 12;

/// The stream to one leg.
#[derive(Debug)]
pub(crate) struct Mouth {
    ssrc: u32,
    seq: u16,
    /// Of the first sample that has not been sent.
    timestamp: u32,
    /// The tick of the last frame.
    at: Option<Duration>,
    clock_hz: u32,
    /// The next packet is the first after a pause.
    begins: bool,
    encoder: Option<Box<Encoder>>,
    /// Frames of the pause that the leg was told of.
    paused: u32,
    pub(super) keys: Keys,
    /// What the leg reports of our packets.
    pub(super) steer: Steer,
}

impl Mouth {
    /// A stream that nothing is sent in yet.
    pub(crate) fn new(ssrc: u32) -> Mouth {
        // Whoever can't guess the source can't guess these. The upper half of the numbers is left for later (RFC 3711 §3.3.1).
        let mixed = ssrc.wrapping_mul(0x9E37_79B1).rotate_left(11);
        Mouth {
            ssrc,
            seq: u16::try_from(mixed & 0x7FFF).unwrap_or(0),
            timestamp: mixed ^ ssrc,
            at: None,
            clock_hz: 0,
            begins: true,
            encoder: None,
            paused: 0,
            keys: Keys::default(),
            steer: Steer::default(),
        }
    }

    /// The source of our packets.
    pub(crate) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The next packet begins something new.
    pub(crate) fn begin(&mut self) {
        self.begins = true;
    }

    /// Nothing is said for a while, or it will be written in another way.
    pub(crate) fn rest(&mut self) {
        self.encoder = None;
        self.begins = true;
    }

    /// Could the leg be told the same octets as others?
    pub(super) fn can_share(&self, voice: &Voice) -> bool {
        let alike = voice.codec != Codec::Opus || self.steer.is_calm(voice.opus.fec);
        !self.keys.is_busy() && alike && packet_ms(voice) == TICK_MS
    }

    /// Has it heard nothing of an encoder of its own?
    pub(super) fn is_fresh(&self) -> bool {
        self.encoder.is_none()
    }

    /// It has heard what this encoder made until now.
    pub(super) fn go_on(&mut self, encoder: Encoder) {
        self.encoder = Some(Box::new(encoder));
    }

    /// A payload of 20 ms that others get too as a packet of ours.
    pub(super) fn repeat_shared(&mut self, voice: &Voice, at: Duration, payload: &[u8]) -> Option<Vec<u8>> {
        self.advance(voice, at);
        self.flush();
        self.encoder = None;
        let timestamp = self.timestamp;
        self.timestamp = timestamp.wrapping_add(voice.codec.clock_hz() / 1000 * TICK_MS);
        if payload.is_empty() {
            self.begins = true;
            return None;
        }
        let marker = std::mem::take(&mut self.begins);
        Some(self.packet(marker, voice.pt, timestamp, payload))
    }

    /// A packet of somebody else as one of ours.
    pub(crate) fn repeat(&mut self, marker: bool, pt: u8, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        self.timestamp = timestamp;
        let marker = std::mem::take(&mut self.begins) || marker;
        self.packet(marker, pt, timestamp, payload)
    }

    /// Says the frame of the tick `at`, or nothing, and gives out the packets that become full by that. A frame that is
    /// said is overwritten where a digit is heard instead. Nothing may be a pause with noise of some level, below 0 dBov.
    pub(crate) fn speak(
        &mut self,
        voice: &Voice,
        at: Duration,
        (frame, noise): (Option<&mut [i16]>, Option<u8>),
        (rate_hz, silent): (u32, &mut [i16]),
        mut send: impl FnMut(Vec<u8>),
    ) {
        let units = voice.codec.clock_hz() / 1000 * TICK_MS;
        self.advance(voice, at);
        let says = frame.is_some();
        let frame = frame.unwrap_or(silent);
        if self.keys.sends_now() && voice.events.is_some() {
            self.flush();
        }
        match self.keys.tick(voice, self.timestamp, frame, rate_hz) {
            Sent::Event(outgoing) => {
                let payload = outgoing.payload.to_bytes();
                self.timestamp = self.timestamp.wrapping_add(units);
                self.begins = true;
                let pt = voice.events.unwrap_or(0);
                send(self.packet(outgoing.marker, pt, outgoing.timestamp, &payload));
            }
            Sent::Sound if !says => {
                self.flush();
                let packet = noise.and_then(|level| self.pause(voice, level));
                packet.into_iter().for_each(send);
                self.timestamp = self.timestamp.wrapping_add(units);
                self.begins = true;
            }
            Sent::Sound | Sent::Tone => {
                self.paused = 0;
                self.encode(voice, frame, rate_hz, send);
            }
        }
    }

    /// The packet of comfort noise (RFC 3389) for a leg that knows that, when it is due.
    fn pause(&mut self, voice: &Voice, level: u8) -> Option<Vec<u8>> {
        let pt = voice.noise?;
        let is_due = self.paused.is_multiple_of(NOISE_FRAMES);
        self.paused = self.paused.saturating_add(1);
        is_due.then(|| self.packet(false, pt, self.timestamp, &[level & 0x7F]))
    }

    fn encode(&mut self, voice: &Voice, frame: &[i16], rate_hz: u32, mut send: impl FnMut(Vec<u8>)) {
        let mut encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => {
                self.steer.begin();
                Box::new(Encoder::new(voice, rate_hz))
            }
        };
        if let Some((loss, share)) = self.steer.news() {
            encoder.adapt(voice, loss, share);
        }
        encoder.encode(frame, |payload, units| {
            let timestamp = self.timestamp;
            self.timestamp = timestamp.wrapping_add(units);
            if payload.is_empty() {
                self.begins = true;
                return;
            }
            let marker = std::mem::take(&mut self.begins);
            send(self.packet(marker, voice.pt, timestamp, payload));
        });
        self.encoder = Some(encoder);
    }

    /// Lets the timestamps follow the time where nothing was said.
    fn advance(&mut self, voice: &Voice, at: Duration) {
        let clock_hz = voice.codec.clock_hz();
        if self.clock_hz != clock_hz {
            // Another clock is another source (RFC 7160 §4.1).
            if self.clock_hz != 0 {
                *self = Mouth {
                    keys: std::mem::take(&mut self.keys),
                    ..Mouth::new(self.ssrc.wrapping_mul(0x9E37_79B1).wrapping_add(1))
                };
            }
            self.clock_hz = clock_hz;
        }
        let since = self.at.replace(at).map_or(TICK, |last| at.saturating_sub(last));
        let missed = since.saturating_sub(TICK).as_millis() * u128::from(clock_hz / 1000);
        if missed > 0 {
            self.begins = true;
            // Of a pause of many hours the lower bits are what counts.
            let missed = u32::try_from(missed & u128::from(u32::MAX)).unwrap_or(0);
            self.flush();
            self.timestamp = self.timestamp.wrapping_add(missed);
        }
    }

    /// Forgets what waits for its packet to be full.
    fn flush(&mut self) {
        let units = self.encoder.as_mut().map_or(0, |encoder| encoder.flush());
        self.timestamp = self.timestamp.wrapping_add(units);
    }

    fn packet(&mut self, marker: bool, pt: u8, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        // With room for what SRTP adds: it is not to be copied again for that.
        let mut octets = Vec::with_capacity(payload.len().saturating_add(HEADER + ROOM));
        octets.push(0x80);
        octets.push(pt & 0x7F | u8::from(marker) << 7);
        octets.extend(self.seq.to_be_bytes());
        octets.extend(timestamp.to_be_bytes());
        octets.extend(self.ssrc.to_be_bytes());
        octets.extend(payload);
        self.seq = self.seq.wrapping_add(1);
        octets
    }
}

/// Is a leg told of pauses instead of being sent their noise? Opus has noise of its own, and G.722 has none at its clock.
pub(super) fn takes_noise(voice: &Voice) -> bool {
    voice.noise.is_some() && matches!(voice.codec, Codec::Pcmu | Codec::Pcma)
}
