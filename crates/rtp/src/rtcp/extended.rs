//! Extended reports: RFC 3611.
//!
//! Owns: the walk over blocks, reference times and delays (§4.4, §4.5), VoIP metrics (§4.7). Blocks about single packets
//! (§4.1 to §4.3) and the rest are walked past.

use super::be32;
use crate::Malformed;

/// One block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block<'a> {
    /// §4.4: the sender's wall clock, NTP format.
    ReceiverTime(u64),
    /// §4.5.
    Delays(Delays<'a>),
    /// §4.7.
    Voip(Metrics),
    /// Any other type, such as loss run lengths (§4.1).
    Other {
        /// Block type.
        kind: u8,
        /// The octet whose meaning depends on the type.
        specific: u8,
        /// The body.
        body: &'a [u8],
    },
}

/// How long ago the sender heard from others that send reference times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delays<'a>(&'a [u8]);

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// Who sent the reference time.
    pub ssrc: u32,
    /// Its middle, as in a report block.
    pub last: u32,
    /// Delay since then, 65,536ths of a second.
    pub delay: u32,
}

/// How a call sounds to the phone that sends this (§4.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// The source reported about.
    pub ssrc: u32,
    /// Packets lost, 256ths.
    pub loss: u8,
    /// Packets that the jitter buffer discarded, 256ths.
    pub discarded: u8,
    /// Lost or discarded during bursts, 256ths.
    pub burst_density: u8,
    /// Lost or discarded during gaps, 256ths.
    pub gap_density: u8,
    /// Mean length of a burst.
    pub burst_ms: u16,
    /// Mean length of a gap.
    pub gap_ms: u16,
    /// Round trip; 0 = not known.
    pub round_trip_ms: u16,
    /// Delay inside the phone.
    pub end_system_ms: u16,
    /// R factor, 0..=100; `None` where the phone knows none.
    pub r_factor: Option<u8>,
    /// Listening quality, tenths of MOS, 10..=50; `None` where the phone knows none.
    pub mos_lq: Option<u8>,
    /// Conversational quality, likewise.
    pub mos_cq: Option<u8>,
    /// Nominal delay of the jitter buffer.
    pub jitter_buffer_ms: u16,
}

/// The blocks of one XR packet. After an error nothing follows.
#[derive(Clone, Debug)]
pub struct Blocks<'a>(&'a [u8]);

/// Reads the body of an XR packet: who sends it, and its blocks.
#[must_use]
pub fn blocks(body: &[u8]) -> Option<(u32, Blocks<'_>)> {
    let (ssrc, rest) = body.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*ssrc), Blocks(rest)))
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<Block<'a>, Malformed>;

    fn next(&mut self) -> Option<Result<Block<'a>, Malformed>> {
        if self.0.is_empty() {
            return None;
        }
        let step = split(self.0);
        self.0 = step.as_ref().map_or(&[], |(_, rest)| rest);
        Some(step.map(|(block, _)| block))
    }
}

impl Iterator for Delays<'_> {
    type Item = Delay;

    fn next(&mut self) -> Option<Delay> {
        let (block, rest) = self.0.split_first_chunk::<12>()?;
        self.0 = rest;
        Some(Delay {
            ssrc: be32(block, 0),
            last: be32(block, 4),
            delay: be32(block, 8),
        })
    }
}

fn split(blocks: &[u8]) -> Result<(Block<'_>, &[u8]), Malformed> {
    let ([kind, specific, l1, l0], rest) = blocks.split_first_chunk::<4>().ok_or(Malformed::Short)?;
    let length = usize::from(u16::from_be_bytes([*l1, *l0])).saturating_mul(4);
    let (body, rest) = rest.split_at_checked(length).ok_or(Malformed::Short)?;
    let block = match kind {
        4 => {
            let (time, _) = body.split_first_chunk::<8>().ok_or(Malformed::Short)?;
            Block::ReceiverTime(u64::from_be_bytes(*time))
        }
        5 => Block::Delays(Delays(body)),
        7 => Block::Voip(metrics(body).ok_or(Malformed::Short)?),
        kind => Block::Other {
            kind: *kind,
            specific: *specific,
            body,
        },
    };
    Ok((block, rest))
}

fn metrics(body: &[u8]) -> Option<Metrics> {
    let body = body.first_chunk::<32>()?;
    let [_, _, _, _, loss, discarded, burst_density, gap_density, rest @ ..] = body;
    let [b1, b0, g1, g0, r1, r0, e1, e0, _, _, _, _, rest @ ..] = rest;
    let [r_factor, _, mos_lq, mos_cq, _, _, j1, j0, ..] = rest;
    let mos = |tenths: u8| Some(tenths).filter(|tenths| (10..=50).contains(tenths));
    Some(Metrics {
        ssrc: be32(body, 0),
        loss: *loss,
        discarded: *discarded,
        burst_density: *burst_density,
        gap_density: *gap_density,
        burst_ms: u16::from_be_bytes([*b1, *b0]),
        gap_ms: u16::from_be_bytes([*g1, *g0]),
        round_trip_ms: u16::from_be_bytes([*r1, *r0]),
        end_system_ms: u16::from_be_bytes([*e1, *e0]),
        r_factor: Some(*r_factor).filter(|r| *r <= 100),
        mos_lq: mos(*mos_lq),
        mos_cq: mos(*mos_cq),
        jitter_buffer_ms: u16::from_be_bytes([*j1, *j0]),
    })
}
