//! What the server itself can hear and say: in answer to a stream, and beside the formats of a phone.
//!
//! Owns: which formats those are, their payload types and parameters. Does not own: when they are said (`negotiate`, `own`).

use crate::codec::Format;
use crate::{Codec, Media};

/// What we add to a phone's offer, in the order of what sounds like what the phone has.
const NARROW_FIRST: [Format; 4] = [Format::Pcmu, Format::Pcma, Format::G722, Format::Opus];
const WIDE_FIRST: [Format; 4] = [Format::Opus, Format::G722, Format::Pcma, Format::Pcmu];

impl Format {
    /// The payload type that we like to give it, and its name.
    fn usual(self) -> (u8, &'static str) {
        match self {
            Format::Pcmu => (0, "PCMU"),
            Format::Pcma => (8, "PCMA"),
            Format::G722 => (9, "G722"),
            Format::Opus => (111, "opus"),
            Format::Events(8_000) => (101, "telephone-event"),
            Format::Events(_) => (110, "telephone-event"),
            Format::Noise => (13, "CN"),
        }
    }

    /// What we say of how it may be sent to us.
    fn parameters(self) -> Option<&'static str> {
        match self {
            Format::Opus => Some("useinbandfec=1"),
            Format::Events(_) => Some("0-15"),
            _ => None,
        }
    }

    fn codec(self, pt: u8) -> Codec {
        Codec {
            pt,
            name: self.usual().1.into(),
            clock: self.clock_hz(),
            channels: if self == Format::Opus { 2 } else { 1 },
            fmtp: self.parameters().map(Into::into),
        }
    }
}

/// Payload types, a bit each.
#[derive(Clone, Copy)]
struct Taken(u128);

impl Taken {
    fn by(media: &Media) -> Taken {
        let bit = |codec: &Codec| 1_u128.checked_shl(codec.pt.into()).unwrap_or(0);
        Taken(media.formats.iter().fold(0, |taken, codec| taken | bit(codec)))
    }

    /// The usual payload type of a format, or for one without a fixed meaning any other that is free.
    fn give(&mut self, format: Format) -> Option<u8> {
        let (usual, _) = format.usual();
        let others = if usual < 96 { 0..0 } else { 96..128 };
        let free = |pt: &u8| self.0 >> *pt & 1 == 0;
        let pt = std::iter::once(usual).chain(others).find(free)?;
        self.0 |= 1 << pt;
        Some(pt)
    }
}

/// What the server can turn the sound of this stream into beside what it offers: nothing where we don't understand the
/// stream. Telephone events go with it where the phone knows some, and comfort noise where its codec makes pauses that ours
/// lacks.
pub(crate) fn besides(media: &Media, allowed: &[String]) -> Vec<Codec> {
    let theirs = || media.allowed(allowed).filter_map(Codec::format);
    let has = |format| theirs().any(|known| known == format);
    if !theirs().any(Format::is_sound) {
        return Vec::new();
    }
    let order = match theirs().any(Format::is_wide) {
        true => WIDE_FIRST,
        false => NARROW_FIRST,
    };
    let (narrow, wide) = (Format::Events(8_000), Format::Events(48_000));
    let digits = has(narrow) || has(wide);
    let mut more: Vec<Format> = order.into_iter().filter(|format| !has(*format)).collect();
    let clocks = [(narrow, 8_000), (wide, 48_000)];
    for (events, clock_hz) in clocks.into_iter().filter(|(events, _)| digits && !has(*events)) {
        if more.iter().any(|format| format.clock_hz() == clock_hz) {
            more.push(events);
        }
    }
    let narrow = [Format::Pcmu, Format::Pcma]
        .iter()
        .any(|format| more.contains(format));
    if has(Format::Opus) && narrow && !has(Format::Noise) {
        more.push(Format::Noise);
    }
    let mut taken = Taken::by(media);
    more.into_iter()
        .filter_map(|format| Some(format.codec(taken.give(format)?)))
        .filter(|codec| codec.is_allowed(allowed))
        .collect()
}

/// How we answer a stream for ourselves: in its first format that we know, with the telephone events and the comfort
/// noise that go with it, by the payload types of the offer. Nothing where there is none.
pub(crate) fn formats(media: &Media, allowed: &[String]) -> Vec<Codec> {
    let known = || {
        let formats = media.allowed(allowed);
        formats.filter_map(|codec| Some((codec.format()?, codec)))
    };
    let Some((voice, codec)) = known().find(|(format, _)| format.is_sound()) else {
        return Vec::new();
    };
    let events = |clock: u32| known().find(|(format, _)| *format == Format::Events(clock));
    let noise = known().find(|(format, _)| *format == Format::Noise && !voice.is_wide());
    let companions = [events(voice.clock_hz()).or_else(|| events(8_000)), noise];
    let ours = std::iter::once((voice, codec)).chain(companions.into_iter().flatten());
    ours.map(|(format, codec)| format.codec(codec.pt)).collect()
}
