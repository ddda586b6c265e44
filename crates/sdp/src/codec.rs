//! Payload formats: the static table of RFC 3551 §6 and what makes two formats the same.
//!
//! Does not own: format parameters beyond carrying them.

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
        const COMPANIONS: [&str; 4] = ["telephone-event", "cn", "red", "tone"];
        !self.name.is_empty() && !COMPANIONS.iter().any(|c| self.name.eq_ignore_ascii_case(c))
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
