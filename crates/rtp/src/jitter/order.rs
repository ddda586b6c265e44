//! One source's sequence numbers and timestamps, extended beyond their wraps; and when a stream is another one.

use crate::Header;

/// A sequence number further away than this is a restart.
const MAX_JUMP: i64 = 3000;

/// Where a packet stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the stream, at these extended numbers.
    In { seq: i64, timestamp: i64 },
    /// Seen before.
    Again,
    /// Not of this stream: of another source, or far away.
    Elsewhere,
}

/// What is known of one stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    ssrc: u32,
    /// The highest sequence number, extended, and the timestamp that came with it.
    seq: i64,
    timestamp: i64,
    /// Bit n: the number n below the highest has been seen.
    seen: u64,
}

impl Order {
    /// A stream that begins with this packet, which is not yet seen.
    pub(super) fn new(header: &Header) -> Order {
        Order {
            ssrc: header.ssrc,
            seq: i64::from(header.seq),
            timestamp: i64::from(header.timestamp),
            seen: 0,
        }
    }

    /// The number behind the highest.
    pub(super) fn next_seq(&self) -> i64 {
        self.seq + 1
    }

    pub(super) fn place(&self, header: &Header) -> Place {
        let ahead = i64::from(header.seq.wrapping_sub(self.seq as u16).cast_signed());
        if header.ssrc != self.ssrc || ahead.abs() > MAX_JUMP {
            return Place::Elsewhere;
        }
        let ticks = header.timestamp.wrapping_sub(self.timestamp as u32).cast_signed();
        if (-63..=0).contains(&ahead) && self.seen >> -ahead & 1 == 1 {
            return Place::Again;
        }
        Place::In {
            seq: self.seq + ahead,
            timestamp: self.timestamp + i64::from(ticks),
        }
    }

    /// Marks a packet of the stream as seen.
    pub(super) fn see(&mut self, seq: i64, timestamp: i64) {
        let ahead = seq - self.seq;
        if ahead > 0 {
            self.seen = self.seen.checked_shl(ahead as u32).unwrap_or(0);
            (self.seq, self.timestamp) = (seq, timestamp);
        }
        if let Some(bit) = 1_u64.checked_shl((self.seq - seq) as u32) {
            self.seen |= bit;
        }
    }
}
