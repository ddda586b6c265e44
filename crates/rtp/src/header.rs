//! The RTP header: RFC 3550 §5.1, extension §5.3.1.
//!
//! Does not own: what a payload or an extension means.

use std::fmt;

/// Why octets are not an RTP or RTCP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Shorter than its fixed part, its CSRC list, or its own length field.
    Short,
    /// Not version 2.
    Version,
    /// The extension is longer than the packet.
    Extension,
    /// The padding count is zero or longer than the payload.
    Padding,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Malformed::Short => "packet too short",
            Malformed::Version => "not version 2",
            Malformed::Extension => "header extension longer than the packet",
            Malformed::Padding => "padding longer than the payload",
        })
    }
}

impl std::error::Error for Malformed {}

/// The fields of one packet's header, and where its payload lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Marker bit: for audio, the first packet of a talk spurt.
    pub marker: bool,
    /// Payload type, 0..=127.
    pub pt: u8,
    /// Sequence number.
    pub seq: u16,
    /// Timestamp in units of the payload's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Contributing sources, 0..=15.
    pub csrcs: u8,
    /// Header extension's profile word, where there is an extension.
    pub extension: Option<u16>,
    /// Offset of the payload, octets.
    pub payload_start: usize,
    /// Length of the payload without padding, octets.
    pub payload_len: usize,
}

impl Header {
    /// Reads a header and checks that everything it announces fits into the packet.
    ///
    /// # Errors
    /// See [`Malformed`].
    pub fn parse(packet: &[u8]) -> Result<Header, Malformed> {
        let (fixed, extension, rest) = split(packet)?;
        let [first, second, s1, s0, t3, t2, t1, t0, c3, c2, c1, c0] = *fixed;
        let padding = if first & 0x20 == 0 { 0 } else { padding(rest)? };
        Ok(Header {
            marker: second & 0x80 != 0,
            pt: second & 0x7F,
            seq: u16::from_be_bytes([s1, s0]),
            timestamp: u32::from_be_bytes([t3, t2, t1, t0]),
            ssrc: u32::from_be_bytes([c3, c2, c1, c0]),
            csrcs: first & 0x0F,
            extension,
            payload_start: packet.len().saturating_sub(rest.len()),
            payload_len: rest.len().saturating_sub(padding),
        })
    }

    /// The payload of the packet that this header was read from.
    #[must_use]
    pub fn payload<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        let end = self.payload_start.saturating_add(self.payload_len);
        packet.get(self.payload_start..end).unwrap_or_default()
    }
}

/// The fixed part, the extension's profile word, and what follows the header.
type Parts<'a> = (&'a [u8; 12], Option<u16>, &'a [u8]);

fn split(packet: &[u8]) -> Result<Parts<'_>, Malformed> {
    let (fixed, rest) = packet.split_first_chunk::<12>().ok_or(Malformed::Short)?;
    let [first, ..] = *fixed;
    if first >> 6 != 2 {
        return Err(Malformed::Version);
    }
    let csrcs = usize::from(first & 0x0F);
    let rest = rest.get(csrcs * 4..).ok_or(Malformed::Short)?;
    let (extension, rest) = if first & 0x10 == 0 {
        (None, rest)
    } else {
        extension(rest)?
    };
    Ok((fixed, extension, rest))
}

/// Where the payload begins; what is in it, padding too, may be encrypted.
pub(crate) fn payload_start(packet: &[u8]) -> Result<usize, Malformed> {
    split(packet).map(|(_, _, rest)| packet.len().saturating_sub(rest.len()))
}

fn extension(rest: &[u8]) -> Result<(Option<u16>, &[u8]), Malformed> {
    let ([p1, p0, l1, l0], rest) = rest.split_first_chunk::<4>().ok_or(Malformed::Extension)?;
    let words = usize::from(u16::from_be_bytes([*l1, *l0]));
    let rest = rest.get(words.saturating_mul(4)..).ok_or(Malformed::Extension)?;
    Ok((Some(u16::from_be_bytes([*p1, *p0])), rest))
}

fn padding(payload: &[u8]) -> Result<usize, Malformed> {
    let count = usize::from(payload.last().copied().unwrap_or(0));
    if count == 0 || count > payload.len() {
        Err(Malformed::Padding)
    } else {
        Ok(count)
    }
}
