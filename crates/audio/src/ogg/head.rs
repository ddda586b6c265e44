//! The two packets before the sound (RFC 7845 section 5): what it is, and what is told about it.

use std::fmt;

const HEAD: &[u8] = b"OpusHead";
const TAGS: &[u8] = b"OpusTags";
/// Who made a file, when nobody says otherwise.
const VENDOR: &str = "Carillon";
/// Two streams, none of them of two channels, the first on the left (RFC 7845 section 5.1.1).
const APART: [u8; 4] = [2, 0, 0, 1];
/// Comments that are written or read at most, and the octets of each; others are left out.
const MAX_COMMENTS: usize = 64;
const MAX_COMMENT: usize = 512;

/// Why a file is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It does not begin with a whole page.
    NotOgg,
    /// It holds something else than Opus.
    NotOpus,
    /// Its headers are damaged, or cut.
    Header,
    /// A number of channels that is not read.
    Channels(u8),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::NotOgg => f.write_str("this is no complete Ogg file"),
            Unreadable::NotOpus => {
                f.write_str("this Ogg file does not hold Opus; save it as Ogg-Opus or WAV")
            }
            Unreadable::Header => f.write_str("the headers of the Ogg file are damaged"),
            Unreadable::Channels(count) => write!(f, "{count} channels; save it with one or two"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// What the sound is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// 1 or 2.
    pub channels: u8,
    /// Samples of 48 kHz at the beginning that are not to be heard: the encoder's delay.
    pub pre_skip: u16,
    /// The rate of what was encoded, hertz. It says nothing about how to decode.
    pub rate_hz: u32,
    /// How much louder to play, in 1/256 dB.
    pub gain: i16,
    /// Each of the two channels is a stream of its own, and a packet holds one of each: see [`super::join`].
    pub is_apart: bool,
}

impl Head {
    /// As packets of our encoder need it.
    #[must_use]
    pub fn new(channels: u8, rate_hz: u32, pre_skip: u16) -> Head {
        Head {
            channels,
            pre_skip,
            rate_hz,
            gain: 0,
            is_apart: false,
        }
    }

    /// As [`super::join`]ed packets need it: two channels, left and right, that share nothing.
    #[must_use]
    pub fn apart(rate_hz: u32, pre_skip: u16) -> Head {
        Head {
            is_apart: true,
            ..Head::new(2, rate_hz, pre_skip)
        }
    }

    pub(super) fn is_one(packet: &[u8]) -> bool {
        packet.starts_with(HEAD)
    }

    pub(super) fn parse(packet: &[u8]) -> Result<Head, Unreadable> {
        let rest = packet.strip_prefix(HEAD).ok_or(Unreadable::NotOpus)?;
        let (fields, table) = rest.split_first_chunk::<11>().ok_or(Unreadable::Header)?;
        let [
            version,
            channels,
            skip_low,
            skip_high,
            r0,
            r1,
            r2,
            r3,
            gain_low,
            gain_high,
            family,
        ] = *fields;
        // The upper half of the version counts changes that make a file unreadable.
        if version >> 4 != 0 || channels == 0 {
            return Err(Unreadable::Header);
        }
        // Others are surround sound, and say more than we read.
        let is_apart = match (family, channels) {
            (0, 1 | 2) => false,
            (1, 2) if table.starts_with(&APART) => true,
            _ => return Err(Unreadable::Channels(channels)),
        };
        Ok(Head {
            channels,
            pre_skip: u16::from_le_bytes([skip_low, skip_high]),
            rate_hz: u32::from_le_bytes([r0, r1, r2, r3]),
            gain: i16::from_le_bytes([gain_low, gain_high]),
            is_apart,
        })
    }

    pub(super) fn packet(&self) -> Vec<u8> {
        let mut packet = HEAD.to_vec();
        packet.extend([1, self.channels.clamp(1, 2)]);
        packet.extend(self.pre_skip.to_le_bytes());
        packet.extend(self.rate_hz.to_le_bytes());
        packet.extend(self.gain.to_le_bytes());
        match self.is_apart {
            false => packet.push(0),
            true => {
                packet.push(1);
                packet.extend(APART);
            }
        }
        packet
    }
}

/// What is told about the sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    /// Fields and values, such as `TITLE` and a title; a field is ASCII without `=`.
    pub comments: Vec<(String, String)>,
}

impl Tags {
    /// Adds a comment; one that is too long, or one too many, is left out when the file is written.
    #[must_use]
    pub fn with(mut self, field: &str, value: &str) -> Tags {
        self.comments.push((field.to_owned(), value.to_owned()));
        self
    }

    /// The value of a field, whose case does not matter.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&str> {
        let found = self.comments.iter().find(|(f, _)| f.eq_ignore_ascii_case(field));
        found.map(|(_, value)| value.as_str())
    }

    /// Reads what can be read: comments that are cut, too long, or no text are left out.
    pub(super) fn parse(packet: &[u8]) -> Result<Tags, Unreadable> {
        let rest = packet.strip_prefix(TAGS).ok_or(Unreadable::Header)?;
        let (_vendor, rest) = field(rest).ok_or(Unreadable::Header)?;
        let (_count, mut rest) = rest.split_first_chunk::<4>().ok_or(Unreadable::Header)?;
        let mut tags = Tags::default();
        while let Some((comment, after)) = field(rest)
            && tags.comments.len() < MAX_COMMENTS
        {
            let text = std::str::from_utf8(comment).ok();
            let pair = text
                .filter(|t| t.len() <= MAX_COMMENT)
                .and_then(|t| t.split_once('='));
            tags.comments
                .extend(pair.map(|(f, v)| (f.to_owned(), v.to_owned())));
            rest = after;
        }
        Ok(tags)
    }

    pub(super) fn packet(&self) -> Vec<u8> {
        let mut packet = TAGS.to_vec();
        put(&mut packet, VENDOR);
        let comments = self
            .comments
            .iter()
            .map(|(field, value)| format!("{field}={value}"));
        let short = comments.filter(|c| c.len() <= MAX_COMMENT).take(MAX_COMMENTS);
        let short: Vec<String> = short.collect();
        packet.extend((short.len() as u32).to_le_bytes());
        short.iter().for_each(|comment| put(&mut packet, comment));
        packet
    }
}

/// A length and so many octets.
fn field(from: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = from.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

fn put(packet: &mut Vec<u8>, text: &str) {
    packet.extend((text.len() as u32).to_le_bytes());
    packet.extend(text.as_bytes());
}
