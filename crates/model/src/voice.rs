//! How sound is written for a leg, as data that crosses to the media plane.

use serde::{Deserialize, Serialize};

/// A codec that the media plane reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// G.722, 64 kbit/s.
    G722,
    /// RFC 6716 and 7587.
    Opus,
}

impl Codec {
    /// All of them, those first that cost least.
    pub const ALL: [Codec; 4] = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];

    /// By its encoding name in SDP, in either case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Codec> {
        Codec::ALL
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// Its encoding name in SDP.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
            Codec::G722 => "G722",
            Codec::Opus => "opus",
        }
    }

    /// The clock of its RTP timestamps, hertz. That of G.722 is half its sample rate (RFC 3551 §4.5.2).
    #[must_use]
    pub fn clock_hz(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => 8_000,
            Codec::Opus => 48_000,
        }
    }

    /// Samples per second that it can carry.
    #[must_use]
    pub fn rate_hz(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma => 8_000,
            Codec::G722 => 16_000,
            Codec::Opus => 48_000,
        }
    }
}

/// What a leg wishes of Opus that is sent to it (RFC 7587 §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpusWish {
    /// It plays no more than this, hertz.
    pub max_rate_hz: u32,
    /// Bits per second at most; 0 = as we like.
    pub max_bitrate: u32,
    /// It can use the redundancy in the packets.
    pub fec: bool,
    /// It wants nothing in pauses.
    pub dtx: bool,
}

impl Default for OpusWish {
    fn default() -> OpusWish {
        OpusWish {
            max_rate_hz: 48_000,
            max_bitrate: 0,
            fec: false,
            dtx: false,
        }
    }
}

fn usual_clock_hz() -> u32 {
    8_000
}

/// How sound is written for a leg, and how it may write its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// RTP payload type.
    pub pt: u8,
    /// What its octets are.
    pub codec: Codec,
    /// Payload type of telephone events (RFC 4733), where the leg knows them.
    pub events: Option<u8>,
    /// The clock that they count their length by, hertz. Many phones know them at 8,000 alone, whatever the codec.
    #[serde(default = "usual_clock_hz")]
    pub events_hz: u32,
    /// The payload type by which the leg sends them, where that is another.
    #[serde(default)]
    pub events_heard: Option<u8>,
    /// Payload type of comfort noise (RFC 3389), where the leg knows it.
    pub noise: Option<u8>,
    /// Length of a packet, milliseconds.
    pub ptime_ms: u8,
    /// For Opus.
    pub opus: OpusWish,
    /// What the leg may send besides, by payload type.
    pub also: Vec<(u8, Codec)>,
}

impl Voice {
    /// A codec by this payload type in packets of 20 ms, and nothing else.
    #[must_use]
    pub fn new(pt: u8, codec: Codec) -> Voice {
        Voice {
            pt,
            codec,
            events: None,
            events_hz: codec.clock_hz(),
            events_heard: None,
            noise: None,
            ptime_ms: 20,
            opus: OpusWish::default(),
            also: Vec::new(),
        }
    }

    /// True for the payload type by which the leg sends telephone events.
    #[must_use]
    pub fn is_events(&self, pt: u8) -> bool {
        self.events_heard.or(self.events) == Some(pt)
    }

    /// What a payload type of the leg's packets means.
    #[must_use]
    pub fn codec_of(&self, pt: u8) -> Option<Codec> {
        let also = || self.also.iter().find(|(known, _)| *known == pt);
        match pt == self.pt {
            true => Some(self.codec),
            false => also().map(|(_, codec)| *codec),
        }
    }
}
