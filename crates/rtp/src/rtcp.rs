//! The walk over a compound RTCP datagram: RFC 3550 §6.1, XR RFC 3611, reduced size RFC 5506.
//!
//! The inside of SDES and BYE is read by `description`, that of XR by `extended`; `reporter` makes reports. Does not own: the
//! inside of APP and feedback packets.

mod description;
mod extended;
mod reporter;

use crate::Malformed;
pub use description::{Chunk, Chunks, Item, Items, chunks, leaving};
pub use extended::{Block, Blocks, Delay, Delays, Metrics, blocks};
pub use reporter::{Reporter, middle, round_trip};

/// One packet of a compound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// §6.4.1.
    SenderReport {
        /// Who sends.
        ssrc: u32,
        /// Wall clock, NTP format.
        ntp: u64,
        /// The same instant in the media clock.
        timestamp: u32,
        /// Packets sent.
        packets: u32,
        /// Payload octets sent.
        octets: u32,
        /// What it received from others.
        reports: Reports<'a>,
    },
    /// §6.4.2.
    ReceiverReport {
        /// Who receives.
        ssrc: u32,
        /// What it received from others.
        reports: Reports<'a>,
    },
    /// §6.5; the chunks as they are.
    Description(&'a [u8]),
    /// §6.6; four octets per source that leaves, then perhaps a reason.
    Goodbye {
        /// Sources that leave.
        sources: u8,
        /// The body.
        body: &'a [u8],
    },
    /// RFC 3611; the body as it is.
    Extended(&'a [u8]),
    /// Any other type, such as APP or feedback.
    Other {
        /// Packet type.
        kind: u8,
        /// The five bits whose meaning depends on the type.
        count: u8,
        /// The body.
        body: &'a [u8],
    },
}

/// The report blocks of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reports<'a>(&'a [u8]);

/// One report block (§6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The source reported about.
    pub ssrc: u32,
    /// Fraction lost since the last report, 256ths.
    pub fraction_lost: u8,
    /// Packets lost since the beginning; negative with duplicates.
    pub lost: i32,
    /// Extended highest sequence number.
    pub highest_seq: u32,
    /// Jitter, units of the media clock.
    pub jitter: u32,
    /// Middle of the last sender report's NTP time.
    pub last_report: u32,
    /// Delay since then, 65,536ths of a second.
    pub delay: u32,
}

impl Iterator for Reports<'_> {
    type Item = Report;

    fn next(&mut self) -> Option<Report> {
        let (block, rest) = self.0.split_first_chunk::<24>()?;
        self.0 = rest;
        let word = |i: usize| be32(block, i * 4);
        let loss = word(1);
        Some(Report {
            ssrc: word(0),
            fraction_lost: loss.to_be_bytes()[0],
            lost: (loss << 8).cast_signed() >> 8,
            highest_seq: word(2),
            jitter: word(3),
            last_report: word(4),
            delay: word(5),
        })
    }
}

/// Walks the packets of a datagram. After an error nothing follows.
#[must_use]
pub fn packets(datagram: &[u8]) -> Packets<'_> {
    Packets { rest: datagram }
}

/// See [`packets`].
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, Malformed>;

    fn next(&mut self) -> Option<Result<Packet<'a>, Malformed>> {
        if self.rest.is_empty() {
            return None;
        }
        let step = split(self.rest);
        self.rest = step.as_ref().map_or(&[], |(_, rest)| rest);
        Some(step.map(|(packet, _)| packet))
    }
}

/// True when the whole datagram is a well-formed walk of at least one packet.
#[must_use]
pub fn is_valid(datagram: &[u8]) -> bool {
    !datagram.is_empty() && packets(datagram).all(|p| p.is_ok())
}

fn split(datagram: &[u8]) -> Result<(Packet<'_>, &[u8]), Malformed> {
    let ([first, kind, l1, l0], rest) = datagram.split_first_chunk::<4>().ok_or(Malformed::Short)?;
    if first >> 6 != 2 {
        return Err(Malformed::Version);
    }
    let length = usize::from(u16::from_be_bytes([*l1, *l0])).saturating_mul(4);
    let (body, rest) = rest.split_at_checked(length).ok_or(Malformed::Short)?;
    let body = if first & 0x20 == 0 { body } else { unpad(body)? };
    Ok((packet(first & 0x1F, *kind, body)?, rest))
}

fn unpad(body: &[u8]) -> Result<&[u8], Malformed> {
    let count = usize::from(body.last().copied().unwrap_or(0));
    let keep = body
        .len()
        .checked_sub(count)
        .filter(|_| count > 0)
        .ok_or(Malformed::Padding)?;
    body.get(..keep).ok_or(Malformed::Padding)
}

fn packet(count: u8, kind: u8, body: &[u8]) -> Result<Packet<'_>, Malformed> {
    Ok(match kind {
        200 => {
            let (head, rest) = body.split_first_chunk::<24>().ok_or(Malformed::Short)?;
            Packet::SenderReport {
                ssrc: be32(head, 0),
                ntp: u64::from(be32(head, 4)) << 32 | u64::from(be32(head, 8)),
                timestamp: be32(head, 12),
                packets: be32(head, 16),
                octets: be32(head, 20),
                reports: reports(count, rest)?,
            }
        }
        201 => {
            let (head, rest) = body.split_first_chunk::<4>().ok_or(Malformed::Short)?;
            Packet::ReceiverReport {
                ssrc: be32(head, 0),
                reports: reports(count, rest)?,
            }
        }
        202 => Packet::Description(body),
        203 if body.len() < usize::from(count) * 4 => return Err(Malformed::Short),
        203 => Packet::Goodbye { sources: count, body },
        207 => Packet::Extended(body),
        kind => Packet::Other { kind, count, body },
    })
}

fn reports(count: u8, body: &[u8]) -> Result<Reports<'_>, Malformed> {
    body.get(..usize::from(count) * 24)
        .map(Reports)
        .ok_or(Malformed::Short)
}

/// The big-endian word at `at`; zero beyond the end, which callers rule out by length.
fn be32(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..)
        .and_then(|b| b.first_chunk::<4>())
        .map_or(0, |w| u32::from_be_bytes(*w))
}
