//! Packets that come back to where they came from, without being decoded.
//!
//! Owns: how many. Does not own: whom a leg believes.

use super::budget::Budget;
use super::mouth::Mouth;
use rtp::Header;
use std::time::Duration;

/// Packets that come back in a second, and at once: a phone sends 50, or 100 where its packets have 10 ms.
const PER_S: u32 = 120;
const AT_ONCE: u32 = 24;
/// Octets of a payload that comes back: what an unfragmented packet holds.
const LONGEST: usize = 1_400;

/// How much may come back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Echo {
    budget: Budget,
}

impl Echo {
    pub(super) fn new(now: Duration) -> Echo {
        Echo {
            budget: Budget::new(PER_S, AT_ONCE, now),
        }
    }

    /// The packet that answers this one, if it is to come back.
    pub(super) fn answer(
        &mut self,
        mouth: &mut Mouth,
        header: &Header,
        packet: &[u8],
        now: Duration,
    ) -> Option<Vec<u8>> {
        // Ours, sent back to us: it would go round for ever (RFC 3550 §8.2).
        if header.ssrc == mouth.ssrc() || header.payload_len > LONGEST {
            return None;
        }
        if !self.budget.spend(now) {
            return None;
        }
        let payload = header.payload(packet);
        Some(mouth.repeat(header.marker, header.pt, header.timestamp, payload))
    }
}
