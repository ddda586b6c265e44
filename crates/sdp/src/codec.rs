//! Payload formats: the static table of RFC 3551 §6 and what makes two formats the same.
//!
//! Does not own: format parameters beyond carrying them.

/// A format that the server itself reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// G.722.
    G722,
    /// RFC 7587.
    Opus,
    /// Telephone events (RFC 4733), by their clock, hertz: 8,000, or 48,000 as they belong to Opus.
    Events(u32),
    /// Comfort noise (RFC 3389).
    Noise,
}

impl Format {
    /// True for what carries sound by itself.
    #[must_use]
    pub fn is_sound(self) -> bool {
        !matches!(self, Format::Events(_) | Format::Noise)
    }

    /// Clock of its RTP timestamps, hertz.
    #[must_use]
    pub fn clock_hz(self) -> u32 {
        match self {
            Format::Opus => 48_000,
            Format::Events(clock_hz) => clock_hz,
            Format::Pcmu | Format::Pcma | Format::G722 | Format::Noise => 8_000,
        }
    }

    /// True for wide-band sound.
    pub(crate) fn is_wide(self) -> bool {
        matches!(self, Format::G722 | Format::Opus)
    }
}

/// One format of an RTP stream: payload type, what it stands for, and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    /// RTP payload type, 0..=127.
    pub pt: u8,
    /// Encoding name as written; empty when a dynamic payload type came without `rtpmap`.
    pub name: Box<str>,
    /// RTP clock rate, hertz.
    pub clock: u32,
    /// Audio channels, at least 1.
    pub channels: u8,
    /// Value of `a=fmtp` without its payload type.
    pub fmtp: Option<Box<str>>,
}

impl Codec {
    /// The format as the m= line alone tells it: named for a static payload type, nameless for another.
    pub(crate) fn bare(pt: u8) -> Codec {
        let (name, clock, channels) = fixed(pt).unwrap_or(("", 0, 1));
        Codec {
            pt,
            name: name.into(),
            clock,
            channels,
            fmtp: None,
        }
    }

    /// What it is to the server itself; `None` where the server can only pass it on.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        let is = |name: &str| self.name.eq_ignore_ascii_case(name);
        match (self.clock, self.channels) {
            (8_000, 1) if is("PCMU") => Some(Format::Pcmu),
            (8_000, 1) if is("PCMA") => Some(Format::Pcma),
            (8_000, 1) if is("G722") => Some(Format::G722),
            (8_000, 1) if is("CN") => Some(Format::Noise),
            (48_000, 2) if is("opus") => Some(Format::Opus),
            (clock @ (8_000 | 48_000), 1) if is("telephone-event") => Some(Format::Events(clock)),
            _ => None,
        }
    }

    /// True when both stand for the same encoding, whatever their payload types and parameters.
    #[must_use]
    pub fn same_encoding(&self, other: &Codec) -> bool {
        !self.name.is_empty()
            && self.clock == other.clock
            && self.channels == other.channels
            && self.name.eq_ignore_ascii_case(&other.name)
    }

    /// True for what carries sound by itself: neither telephone-event (RFC 4733), nor comfort noise
    /// (RFC 3389), nor redundancy (RFC 2198), nor a nameless format.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.is_companion()
    }

    /// True for what goes with sound, and for a nameless format.
    pub(crate) fn is_companion(&self) -> bool {
        const COMPANIONS: [&str; 4] = ["telephone-event", "cn", "red", "tone"];
        self.name.is_empty() || COMPANIONS.iter().any(|c| self.name.eq_ignore_ascii_case(c))
    }

    /// True when `allowed` is empty or names this encoding.
    pub(crate) fn is_allowed(&self, allowed: &[String]) -> bool {
        !self.name.is_empty()
            && (allowed.is_empty() || allowed.iter().any(|a| a.eq_ignore_ascii_case(&self.name)))
    }
}

/// Audio payload types that need no rtpmap (RFC 3551 §6, table 4; 19 is the older comfort noise).
/// G722's clock is 8000 by an erratum that became law (RFC 3551 §4.5.2).
fn fixed(pt: u8) -> Option<(&'static str, u32, u8)> {
    Some(match pt {
        0 => ("PCMU", 8000, 1),
        3 => ("GSM", 8000, 1),
        4 => ("G723", 8000, 1),
        5 => ("DVI4", 8000, 1),
        6 => ("DVI4", 16000, 1),
        7 => ("LPC", 8000, 1),
        8 => ("PCMA", 8000, 1),
        9 => ("G722", 8000, 1),
        10 => ("L16", 44100, 2),
        11 => ("L16", 44100, 1),
        12 => ("QCELP", 8000, 1),
        13 | 19 => ("CN", 8000, 1),
        14 => ("MPA", 90000, 1),
        15 => ("G728", 8000, 1),
        16 => ("DVI4", 11025, 1),
        17 => ("DVI4", 22050, 1),
        18 => ("G729", 8000, 1),
        _ => return None,
    })
}
