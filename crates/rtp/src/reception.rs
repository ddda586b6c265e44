//! Reception statistics of one source: RFC 3550 appendix A.1 (sequence), A.3 (loss), A.8 (jitter).
//!
//! Does not own: which source is believed. A new SSRC from a believed source closes the account of the old one.

use crate::Header;
use std::time::Duration;

/// A gap up to this many packets is loss; a larger one a restart (A.1).
const MAX_DROPOUT: u16 = 3000;
/// A packet at most this far behind is late; further, a restart (A.1).
const MAX_MISORDER: u16 = 100;
/// Packets in sequence before a source counts (A.1).
const MIN_SEQUENTIAL: u8 = 2;

/// What was received from one peer, over all its sources.
#[derive(Clone, Debug, Default)]
pub struct Reception {
    sequence: Option<Sequence>,
    /// Loss of sources that are over.
    lost_before: u64,
    last: Option<Last>,
    /// Sixteen times the jitter, microseconds (A.8's integer form).
    jitter16: u64,
    jitter16_max: u64,
}

/// A.1's `source`.
#[derive(Clone, Copy, Debug)]
struct Sequence {
    ssrc: u32,
    max_seq: u16,
    cycles: u64,
    base_seq: u16,
    /// The next number that would confirm a restart.
    bad_seq: Option<u16>,
    probation: u8,
    received: u64,
}

/// The packet before, for the difference in transit time.
#[derive(Clone, Copy, Debug)]
struct Last {
    ssrc: u32,
    pt: u8,
    timestamp: u32,
    arrival: Duration,
}

impl Reception {
    /// Nothing received yet.
    #[must_use]
    pub fn new() -> Reception {
        Reception::default()
    }

    /// Takes one packet in. `clock` is the payload's rate in hertz; without it jitter is left as it is.
    pub fn receive(&mut self, header: &Header, arrival: Duration, clock: Option<u32>) {
        match &mut self.sequence {
            Some(sequence) if sequence.ssrc == header.ssrc => {
                self.lost_before = self.lost_before.saturating_add(sequence.update(header.seq));
            }
            other => {
                self.lost_before = self.lost_before.saturating_add(other.map_or(0, |s| s.lost()));
                *other = Some(Sequence::new(header.ssrc, header.seq));
            }
        }
        self.transit(header, arrival, clock);
    }

    /// Packets expected but not received, never negative (A.3). Duplicates make up for losses, as there.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost_before
            .saturating_add(self.sequence.map_or(0, |s| s.lost()))
    }

    /// Interarrival jitter, microseconds.
    #[must_use]
    pub fn jitter_us(&self) -> u32 {
        u32::try_from(self.jitter16 >> 4).unwrap_or(u32::MAX)
    }

    /// The largest jitter so far, microseconds.
    #[must_use]
    pub fn jitter_us_max(&self) -> u32 {
        u32::try_from(self.jitter16_max >> 4).unwrap_or(u32::MAX)
    }

    /// A.8 on differences. Packets of one sampling instant (RFC 4733 events) say nothing about transit, nor does the
    /// step from one source or payload type to another.
    fn transit(&mut self, header: &Header, arrival: Duration, clock: Option<u32>) {
        let here = Last {
            ssrc: header.ssrc,
            pt: header.pt,
            timestamp: header.timestamp,
            arrival,
        };
        let last = self.last.replace(here);
        let (Some(last), Some(clock)) = (last, clock) else {
            return;
        };
        if last.ssrc != here.ssrc || last.pt != here.pt {
            return;
        }
        let ticks = here.timestamp.wrapping_sub(last.timestamp).cast_signed();
        if ticks == 0 {
            self.last = Some(last);
            return;
        }
        let sent_us = (i64::from(ticks) * 1_000_000)
            .checked_div(i64::from(clock))
            .unwrap_or(0);
        let came_us = micros(arrival).saturating_sub(micros(last.arrival));
        let difference = came_us.abs_diff(sent_us);
        let decay = self.jitter16.saturating_add(8) >> 4;
        self.jitter16 = self.jitter16.saturating_add(difference).saturating_sub(decay);
        self.jitter16_max = self.jitter16_max.max(self.jitter16);
    }
}

impl Sequence {
    fn new(ssrc: u32, seq: u16) -> Sequence {
        Sequence {
            ssrc,
            max_seq: seq,
            cycles: 0,
            base_seq: seq,
            bad_seq: None,
            probation: MIN_SEQUENTIAL.saturating_sub(1),
            received: 0,
        }
    }

    fn restart(&mut self, seq: u16) {
        *self = Sequence {
            probation: 0,
            received: 1,
            ..Sequence::new(self.ssrc, seq)
        };
    }

    /// A.1's `update_seq`. Gives the loss of an account that this packet closed.
    fn update(&mut self, seq: u16) -> u64 {
        let ahead = seq.wrapping_sub(self.max_seq);
        if self.probation > 0 {
            self.prove(seq, ahead);
            return 0;
        }
        if ahead < MAX_DROPOUT {
            self.cycles = self.cycles.saturating_add(u64::from(seq < self.max_seq) << 16);
            self.max_seq = seq;
        } else if ahead <= u16::MAX - MAX_MISORDER {
            if self.bad_seq != Some(seq) {
                self.bad_seq = Some(seq.wrapping_add(1));
                return 0;
            }
            let closed = self.lost();
            self.restart(seq);
            return closed;
        }
        self.received = self.received.saturating_add(1);
        0
    }

    fn prove(&mut self, seq: u16, ahead: u16) {
        if ahead == 1 {
            self.probation = self.probation.saturating_sub(1);
            if self.probation == 0 {
                self.restart(seq);
            }
        } else {
            self.probation = MIN_SEQUENTIAL.saturating_sub(1);
        }
        self.max_seq = seq;
    }

    /// A.3, with the extended highest sequence number.
    fn lost(&self) -> u64 {
        if self.probation > 0 {
            return 0;
        }
        let highest = self.cycles.saturating_add(u64::from(self.max_seq));
        let expected = highest.saturating_sub(u64::from(self.base_seq)).saturating_add(1);
        expected.saturating_sub(self.received)
    }
}

fn micros(at: Duration) -> i64 {
    i64::try_from(at.as_micros()).unwrap_or(i64::MAX)
}
