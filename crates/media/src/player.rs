//! What the server says to a leg: its own stream of packets, and the program that fills it.
//!
//! Owns: numbers, timing and content of those packets. Does not own: where they go, and when the tick comes.

use crate::protect::ROOM;
use audio::g711;
use audio::tone::{Country, Generator, Segment, Signal};
use model::{Codec, Item, Playlist, Program, ToneName, Voice};
use rtp::Header;
use std::time::Duration;

/// What one packet holds.
const FRAME: Duration = Duration::from_millis(20);
const FRAME_MS: u32 = 20;
const SAMPLES: usize = 160;
const SAMPLES_U32: u32 = 160;
const RATE_HZ: u32 = 8000;
/// Frames that a late tick makes up for; more are left out.
const MOST_LATE: u32 = 3;
/// Frames to an address that nothing has come from: two seconds. A description may name anybody.
const MOST_UNHEARD: u32 = 100;
/// Packets that come back in a second, and at once: a phone sends 50, or 100 where its packets have 10 ms.
const ECHOES_PER_S: u32 = 120;
const ECHOES_AT_ONCE: u32 = 24;
/// Octets of a payload that comes back: what an unfragmented packet holds.
const LONGEST: usize = 1_400;
/// Bursts of a confirmation tone and the pauses between them, milliseconds.
const BURST_MS: u16 = 100;
/// Speak now.
const BEEP: Segment = Segment {
    hz: [1000, 0],
    ms: 400,
};
const BEEP_DBM0: f32 = -13.0;

/// The stream of a session, and its program.
#[derive(Debug)]
pub(crate) struct Player {
    ssrc: u32,
    seq: u16,
    timestamp: u32,
    voice: Option<Voice>,
    program: Playing,
    /// How its command named it.
    number: u32,
    /// The next packet is the first of its program.
    begins: bool,
    unheard: u32,
}

#[derive(Debug)]
enum Playing {
    Nothing,
    Echo {
        budget: u32,
        since: Duration,
    },
    List {
        list: Playlist,
        /// The item that is being played, once there is one.
        at: usize,
        item: Option<Sounding>,
        due: Duration,
    },
}

/// An item that is being played.
#[derive(Debug)]
struct Sounding {
    tone: Option<Box<Generator>>,
    /// Frames that are left; `None` for no end.
    left: Option<u32>,
}

impl Player {
    /// A stream that nothing is sent in yet.
    pub(crate) fn new(ssrc: u32) -> Player {
        // Whoever can't guess the source can't guess these.
        let mixed = ssrc.wrapping_mul(0x9E37_79B1).rotate_left(11);
        Player {
            ssrc,
            seq: u16::try_from(mixed & 0x7FFF).unwrap_or(0),
            timestamp: mixed ^ ssrc,
            voice: None,
            program: Playing::Nothing,
            number: 0,
            begins: true,
            unheard: 0,
        }
    }

    /// How sound is written from now on.
    pub(crate) fn write_as(&mut self, voice: Option<&Voice>) {
        self.voice = voice.cloned();
    }

    /// Begins a program.
    pub(crate) fn play(&mut self, number: u32, program: Option<&Program>, now: Duration) {
        self.number = number;
        self.begins = true;
        self.program = match program {
            None => Playing::Nothing,
            Some(Program::Echo) => Playing::Echo {
                budget: ECHOES_AT_ONCE,
                since: now,
            },
            Some(Program::Play(list)) => Playing::List {
                list: list.clone(),
                at: 0,
                item: None,
                due: tick_after(now),
            },
        };
    }

    /// Which program it was told last.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// When the next frame is due, for a program that makes frames.
    pub(crate) fn due(&self) -> Option<Duration> {
        match self.program {
            Playing::List { due, .. } => Some(due),
            Playing::Nothing | Playing::Echo { .. } => None,
        }
    }

    /// The packet that answers this one, if it is to come back.
    pub(crate) fn echo(&mut self, header: &Header, packet: &[u8], now: Duration) -> Option<Vec<u8>> {
        // Ours, sent back to us: it would go round for ever (RFC 3550 §8.2).
        if header.ssrc == self.ssrc || header.payload_len > LONGEST {
            return None;
        }
        let Playing::Echo { budget, since } = &mut self.program else {
            return None;
        };
        let gained = now.saturating_sub(*since).as_millis() * u128::from(ECHOES_PER_S) / 1000;
        if gained > 0 {
            *budget = budget
                .saturating_add(u32::try_from(gained).unwrap_or(u32::MAX))
                .min(ECHOES_AT_ONCE);
            *since = now;
        }
        *budget = budget.checked_sub(1)?;
        let end = header.payload_start.checked_add(header.payload_len)?;
        let payload = packet.get(header.payload_start..end)?;
        self.timestamp = header.timestamp;
        let marker = std::mem::take(&mut self.begins) || header.marker;
        Some(self.packet(marker, header.pt, payload))
    }

    /// The frames that are due, each given to `send` with whether the leg may get it: it is `heard`, or has not been
    /// sent much yet. True when the program has come to its end.
    pub(crate) fn tick(&mut self, now: Duration, heard: bool, mut send: impl FnMut(Vec<u8>)) -> bool {
        let mut made = 0;
        loop {
            let Playing::List { list, at, item, due } = &mut self.program else {
                return false;
            };
            if item.as_ref().is_none_or(|item| item.left == Some(0)) {
                *item = next(list, at);
            }
            let Some(Sounding { tone, left }) = item else {
                self.program = Playing::Nothing;
                return true;
            };
            if *due > now {
                return false;
            }
            if made >= MOST_LATE {
                *due = tick_after(now);
                return false;
            }
            *due = due.saturating_add(FRAME);
            *left = left.map(|left| left.saturating_sub(1));
            let mut samples = [0; SAMPLES];
            if let Some(tone) = tone {
                tone.fill(&mut samples);
            }
            made = made.saturating_add(1);
            self.timestamp = self.timestamp.wrapping_add(SAMPLES_U32);
            let Some((pt, law)) = self.voice.as_ref().and_then(law) else {
                continue;
            };
            let mut octets = [0; SAMPLES];
            law.encode_frame(&samples, &mut octets);
            self.unheard = match heard {
                true => 0,
                false => self.unheard.saturating_add(1),
            };
            let marker = std::mem::take(&mut self.begins);
            let packet = self.packet(marker, pt, &octets);
            if self.unheard <= MOST_UNHEARD {
                send(packet);
            }
        }
    }

    fn packet(&mut self, marker: bool, pt: u8, payload: &[u8]) -> Vec<u8> {
        // With room for what SRTP adds: it is not to be copied again for that.
        let mut octets = Vec::with_capacity(payload.len().saturating_add(12 + ROOM));
        octets.push(0x80);
        octets.push(pt & 0x7F | u8::from(marker) << 7);
        octets.extend(self.seq.to_be_bytes());
        octets.extend(self.timestamp.to_be_bytes());
        octets.extend(self.ssrc.to_be_bytes());
        octets.extend(payload);
        self.seq = self.seq.wrapping_add(1);
        octets
    }
}

/// Sessions tick together, so that one wake-up serves them all.
fn tick_after(now: Duration) -> Duration {
    let ticks = now.as_millis() / FRAME.as_millis();
    let ms = u64::try_from(ticks)
        .unwrap_or(u64::MAX)
        .saturating_mul(u64::from(FRAME_MS));
    Duration::from_millis(ms).saturating_add(FRAME)
}

fn law(voice: &Voice) -> Option<(u8, g711::Law)> {
    match voice.codec {
        Codec::Pcma => Some((voice.pt, g711::Law::A)),
        Codec::Pcmu => Some((voice.pt, g711::Law::Mu)),
        Codec::G722 | Codec::Opus => None,
    }
}

/// The item to be played next; a list that is over begins anew as often as it says.
fn next(list: &mut Playlist, at: &mut usize) -> Option<Sounding> {
    let frames = |ms: u32| (ms > 0).then(|| ms.div_ceil(FRAME_MS));
    let mut skipped = 0;
    loop {
        if *at >= list.items.len() {
            if list.times == 1 || skipped >= list.items.len() {
                return None;
            }
            list.times = list.times.saturating_sub(1);
            *at = 0;
        }
        let item = list.items.get(*at)?;
        *at = at.saturating_add(1);
        match item {
            Item::Silence { ms } => {
                return Some(Sounding {
                    tone: None,
                    left: frames(*ms),
                });
            }
            Item::Tone { tone, country, ms } => {
                return Some(Sounding {
                    tone: Some(Box::new(generator(*tone, country))),
                    left: frames(*ms),
                });
            }
            Item::Sound(_) => skipped = skipped.saturating_add(1),
        }
    }
}

fn generator(name: ToneName, country: &str) -> Generator {
    let country = Country::from_code(country).unwrap_or(Country::Us);
    let signal = match name {
        ToneName::Dial => Signal::Dial,
        ToneName::Ringback => Signal::Ringback,
        ToneName::Busy => Signal::Busy,
        ToneName::Congestion => Signal::Congestion,
        ToneName::Information => Signal::Information,
        ToneName::Confirmation => return confirmation(country),
        ToneName::Beep => return Generator::new(&[BEEP], [BEEP_DBM0, BEEP_DBM0], false, RATE_HZ),
    };
    Generator::tone(country.tone(signal), RATE_HZ)
}

/// The dial tone in short bursts, as GR-506 has it; where there is no such tone people know this one all the same.
fn confirmation(country: Country) -> Generator {
    let dial = country.tone(Signal::Dial);
    let level = f32::from(dial.level_dbm0);
    let hz = dial.segments.first().map_or([0, 0], |segment| segment.hz);
    let burst = Segment { hz, ms: BURST_MS };
    Generator::new(
        &[Segment::silence(BURST_MS), burst],
        [level, level],
        true,
        RATE_HZ,
    )
}
