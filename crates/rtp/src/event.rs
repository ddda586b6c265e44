//! Telephone events: RFC 4733 §2, with the digits of §3.2.
//!
//! Owns: the payload, how an event is sent over time, and what a receiver makes of packets that are lost, repeated or late.
//! Does not own: payload types and their negotiation, RTP headers, digits made of tones.

use std::time::Duration;

/// The longest duration that a payload can name; a longer event continues in a new segment (§2.5.1.3).
const SEGMENT: u32 = 0xFFFF;
/// The last packet of an event is sent so many times (§2.5.1.4).
const END_PACKETS: u8 = 3;
/// No network brings a packet so much later than the next event, clock units: ten seconds of the fastest clock. Whoever lies
/// further behind has begun his timestamps anew.
const LATEST: u32 = 480_000;
/// An event of which nothing more is heard is over.
pub const LOST_END: Duration = Duration::from_millis(200);

/// One packet's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Event code: 0–9 the digits, 10 `*`, 11 `#`, 12–15 `A`–`D`, 16 flash.
    pub event: u8,
    /// Has it ended?
    pub end: bool,
    /// Power below 0 dBm0, 0 to 63 dB.
    pub volume: u8,
    /// From its beginning until now, units of the RTP clock.
    pub duration: u16,
}

impl Payload {
    /// Reads a payload; `None` when it is too short. What follows the four octets is other events (§2.5.1.5), which
    /// nobody sends for digits, and is not read.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Payload> {
        let [event, flags, high, low] = *payload.first_chunk::<4>()?;
        Some(Payload {
            event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3F,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    /// The octets, the reserved bit clear.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [
            self.event,
            u8::from(self.end) << 7 | self.volume.min(63),
            high,
            low,
        ]
    }
}

/// The code of a key; letters in either case.
#[must_use]
pub fn code(key: char) -> Option<u8> {
    match key.to_ascii_uppercase() {
        digit @ '0'..='9' => Some(digit as u8 - b'0'),
        '*' => Some(10),
        '#' => Some(11),
        letter @ 'A'..='D' => Some(letter as u8 - b'A' + 12),
        _ => None,
    }
}

/// The key of a code.
#[must_use]
pub fn key(code: u8) -> Option<char> {
    match code {
        0..=9 => Some(char::from(b'0' + code)),
        10 => Some('*'),
        11 => Some('#'),
        12..=15 => Some(char::from(b'A' + code - 12)),
        _ => None,
    }
}

/// A packet to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The RTP marker: set on the first packet of an event alone.
    pub marker: bool,
    /// The RTP timestamp: the beginning of the event or segment.
    pub timestamp: u32,
    /// The payload.
    pub payload: Payload,
}

/// Sends one event in place of the sound: a packet per tick.
#[derive(Clone, Debug)]
pub struct Sender {
    event: u8,
    volume: u8,
    timestamp: u32,
    /// Since the beginning of the segment, and of the whole event still to come.
    elapsed: u32,
    left: u32,
    /// Since the beginning of the event.
    total: u32,
    started: bool,
    ends: u8,
}

impl Sender {
    /// An event of so many clock units that begins at this timestamp.
    #[must_use]
    pub fn new(event: u8, volume: u8, timestamp: u32, duration: u32) -> Sender {
        Sender {
            event,
            volume: volume.min(63),
            timestamp,
            elapsed: 0,
            left: duration.max(1),
            total: 0,
            started: false,
            ends: 0,
        }
    }

    /// The packet for a tick of so many clock units, which is over; `None` when all has been sent. The last packet
    /// carries the exact duration and comes three times.
    pub fn tick(&mut self, units: u32) -> Option<Outgoing> {
        if self.ends >= END_PACKETS {
            return None;
        }
        let step = units.min(self.left);
        self.left -= step;
        self.total = self.total.saturating_add(step);
        self.elapsed = self.elapsed.saturating_add(step);
        if self.elapsed > SEGMENT {
            self.timestamp = self.timestamp.wrapping_add(SEGMENT);
            self.elapsed -= SEGMENT;
        }
        let end = self.left == 0;
        self.ends += u8::from(end);
        let marker = !std::mem::replace(&mut self.started, true);
        Some(Outgoing {
            marker,
            timestamp: self.timestamp,
            payload: Payload {
                event: self.event,
                end,
                volume: self.volume,
                duration: u16::try_from(self.elapsed).unwrap_or(u16::MAX),
            },
        })
    }

    /// Ends the event with the next tick: the key is released.
    pub fn release(&mut self) {
        self.left = self.left.min(1);
    }

    /// The event will have been so long when it ends; what is over already stays.
    pub fn end_at(&mut self, duration: u32) {
        if self.left > 0 {
            self.left = duration.saturating_sub(self.total).max(1);
        }
    }
}

/// What a receiver hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A key goes down; told once per event.
    Start {
        /// Event code.
        event: u8,
    },
    /// It goes up; told once per event.
    End {
        /// Event code.
        event: u8,
        /// How long it was, clock units, as far as known.
        duration: u32,
    },
}

/// Makes events of packets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Receiver {
    current: Option<Current>,
}

/// The event that was heard last.
#[derive(Clone, Copy, Debug)]
struct Current {
    event: u8,
    ssrc: u32,
    /// Beginning of the segment.
    timestamp: u32,
    /// Length of the segments before it, and of it so far.
    before: u32,
    duration: u16,
    ended: bool,
    heard_at: Duration,
}

impl Current {
    fn length(&self) -> u32 {
        self.before.saturating_add(u32::from(self.duration))
    }

    fn end(&mut self) -> Heard {
        self.ended = true;
        Heard::End {
            event: self.event,
            duration: self.length(),
        }
    }
}

impl Receiver {
    /// Nothing heard yet.
    #[must_use]
    pub fn new() -> Receiver {
        Receiver::default()
    }

    /// Takes one packet: its source and timestamp, and what its payload says. Gives what is to be told, in order.
    pub fn receive(
        &mut self,
        ssrc: u32,
        timestamp: u32,
        payload: Payload,
        arrival: Duration,
    ) -> [Option<Heard>; 3] {
        let known = self.current.as_mut().filter(|c| c.ssrc == ssrc);
        if let Some(current) = known {
            let ahead = timestamp.wrapping_sub(current.timestamp);
            let same = current.event == payload.event;
            if ahead == 0 || (same && !current.ended && ahead == SEGMENT) {
                return [current.update(timestamp, payload, arrival), None, None];
            }
            // A little behind: a packet of an event before this one.
            if ahead.wrapping_neg() <= LATEST {
                return [None; 3];
            }
        }
        let before = self.current.as_mut().filter(|c| !c.ended).map(Current::end);
        let mut current = Current {
            event: payload.event,
            ssrc,
            timestamp,
            before: 0,
            duration: payload.duration,
            ended: false,
            heard_at: arrival,
        };
        let start = Some(Heard::Start { event: payload.event });
        let end = payload.end.then(|| current.end());
        self.current = Some(current);
        [before, start, end]
    }

    /// Tells an event whose end was lost: nothing came for [`LOST_END`].
    pub fn handle_timeout(&mut self, now: Duration) -> Option<Heard> {
        let late = |c: &&mut Current| !c.ended && now.saturating_sub(c.heard_at) >= LOST_END;
        self.current.as_mut().filter(late).map(Current::end)
    }

    /// When [`Receiver::handle_timeout`] has something to tell, if nothing comes.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let open = self.current.filter(|c| !c.ended)?;
        open.heard_at.checked_add(LOST_END)
    }
}

impl Current {
    /// A packet of this event.
    fn update(&mut self, timestamp: u32, payload: Payload, arrival: Duration) -> Option<Heard> {
        if self.ended {
            return None;
        }
        if timestamp != self.timestamp {
            self.timestamp = timestamp;
            self.before = self.before.saturating_add(SEGMENT);
            self.duration = 0;
        }
        self.duration = self.duration.max(payload.duration);
        self.heard_at = arrival;
        payload.end.then(|| self.end())
    }
}
