//! What is remembered of each SSRC: the highest index and which ones before it were used (RFC 3711 §3.3, Appendix A).
//!
//! Does not own: keys. Nothing here changes until a packet has authenticated.

use super::Refused;

/// SSRCs of one context. A phone has one or two; one that takes another after each hold has had this many holds.
pub const MAX_SOURCES: usize = 64;

/// Highest RTP index: 32 bits of roll-over counter and 16 of sequence number.
const MAX_RTP_INDEX: u64 = (1 << 48) - 1;

/// Indices of one source, of which the last 128 are told apart.
#[derive(Clone, Copy, Debug)]
struct Source {
    ssrc: u32,
    highest: u64,
    /// Bit n: `highest - n` was used.
    used: u128,
}

/// An index that may be used; taken by [`Sources::take`] when its packet has authenticated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Where the source is; beyond the end for a new one.
    at: usize,
    ssrc: u32,
    pub(super) index: u64,
}

/// The sources of one context.
#[derive(Debug, Default)]
pub(super) struct Sources {
    known: Vec<Source>,
    /// The source of the last packet, which is mostly that of the next.
    recent: usize,
}

impl Sources {
    /// The place of an RTP packet, its roll-over counter estimated (RFC 3711 §3.3.1). Before a source's first packet the
    /// counter is `first`.
    pub(super) fn rtp(&self, ssrc: u32, seq: u16, first: u32) -> Result<Place, Refused> {
        let at = self.find(ssrc)?;
        let index = match self.known.get(at) {
            Some(source) => estimate(source.highest, seq)?,
            None => (u64::from(first) << 16) | u64::from(seq),
        };
        self.place(at, ssrc, index)
    }

    /// The place of an RTCP packet, which brings its index along.
    pub(super) fn rtcp(&self, ssrc: u32, index: u32) -> Result<Place, Refused> {
        self.place(self.find(ssrc)?, ssrc, u64::from(index))
    }

    /// True for an SSRC that has authenticated.
    pub(super) fn knows(&self, ssrc: u32) -> bool {
        self.known.iter().any(|s| s.ssrc == ssrc)
    }

    /// Uses an index up.
    pub(super) fn take(&mut self, place: Place) {
        let Some(source) = self.known.get_mut(place.at) else {
            if self.known.len() < MAX_SOURCES {
                self.recent = self.known.len();
                self.known.push(Source {
                    ssrc: place.ssrc,
                    highest: place.index,
                    used: 1,
                });
            }
            return;
        };
        self.recent = place.at;
        match place.index.checked_sub(source.highest) {
            Some(ahead) => {
                let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
                source.used = source.used.checked_shl(ahead).unwrap_or(0) | 1;
                source.highest = place.index;
            }
            None => source.used |= bit(source.highest.saturating_sub(place.index)),
        }
    }

    fn place(&self, at: usize, ssrc: u32, index: u64) -> Result<Place, Refused> {
        let place = Place { at, ssrc, index };
        let Some(source) = self.known.get(at) else {
            return Ok(place);
        };
        match source.highest.checked_sub(index) {
            // Too old to be told is as bad as used.
            Some(behind) if bit(behind) == 0 || source.used & bit(behind) != 0 => Err(Refused::Replay),
            _ => Ok(place),
        }
    }

    fn find(&self, ssrc: u32) -> Result<usize, Refused> {
        if self.known.get(self.recent).is_some_and(|s| s.ssrc == ssrc) {
            return Ok(self.recent);
        }
        match self.known.iter().position(|s| s.ssrc == ssrc) {
            Some(at) => Ok(at),
            None if self.known.len() < MAX_SOURCES => Ok(self.known.len()),
            None => Err(Refused::Sources),
        }
    }
}

/// The bit of an index so far behind the highest; none when that is beyond the window.
fn bit(behind: u64) -> u128 {
    u32::try_from(behind)
        .ok()
        .and_then(|n| 1_u128.checked_shl(n))
        .unwrap_or(0)
}

/// The index nearest to the highest that ends in `seq`.
fn estimate(highest: u64, seq: u16) -> Result<u64, Refused> {
    let base = highest & !0xFFFF;
    let index = base | u64::from(seq);
    let index = if index.saturating_add(0x8000) < highest {
        index.saturating_add(0x1_0000)
    } else if index > highest.saturating_add(0x8000) {
        index.checked_sub(0x1_0000).ok_or(Refused::Replay)?
    } else {
        index
    };
    if index > MAX_RTP_INDEX {
        return Err(Refused::Exhausted);
    }
    Ok(index)
}
