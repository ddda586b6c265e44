//! Reception statistics of one source: RFC 3550 appendix A.1 (sequence), A.3 (loss), A.8 (jitter); what came twice or out
//! of order.
//!
//! Does not own: which source is believed. A new SSRC from a believed source closes the account of the old one.

use crate::losses::{BurstGap, Losses};
use crate::spread::Spread;
use crate::{Header, static_clock};
use std::time::Duration;

/// A gap up to this many packets is loss; a larger one a restart (A.1).
const MAX_DROPOUT: u16 = 3000;
/// A packet at most this far behind is late; further, a restart (A.1).
const MAX_MISORDER: u16 = 100;
/// Packets in sequence before a source counts (A.1).
const MIN_SEQUENTIAL: u8 = 2;
/// A packet so many behind the newest is late: 80 ms at 20 ms a packet, and a usual jitter buffer has gone on without it.
const LATE: u16 = 4;
/// Numbers whose fate is open, for a packet may still come: bits of the window.
const WINDOW: u64 = 64;

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
    spread: Spread,
    disorder: Disorder,
}

/// What did not come in order.
#[derive(Clone, Copy, Debug, Default)]
struct Disorder {
    reordered: u64,
    late: u64,
    duplicates: u64,
    losses: Losses,
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
    /// Of the numbers up to the highest, which have come; the highest is the lowest bit. Those before the first count as come.
    window: u64,
}

/// The packet before, for the difference in transit time.
#[derive(Clone, Copy, Debug)]
struct Last {
    ssrc: u32,
    pt: u8,
    timestamp: u32,
    arrival_us: i64,
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
                let closed = sequence.update(header.seq, &mut self.disorder);
                self.lost_before = self.lost_before.saturating_add(closed);
            }
            other => {
                if let Some(old) = other {
                    self.lost_before = self.lost_before.saturating_add(old.lost());
                    old.settle(&mut self.disorder.losses);
                }
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

    /// What so many thousandths of the differences in transit time of two packets in a row don't exceed, microseconds; up to a
    /// quarter too high.
    #[must_use]
    pub fn jitter_us_quantile(&self, milli: u16) -> u32 {
        self.spread.quantile(u64::from(milli))
    }

    /// How the losses lay, the last 64 packets as if no other came.
    #[must_use]
    pub fn burst_gap(&self) -> BurstGap {
        let mut losses = self.disorder.losses;
        if let Some(sequence) = self.sequence {
            sequence.settle(&mut losses);
        }
        losses.sum()
    }

    /// Packets that came after one with a higher number.
    #[must_use]
    pub fn reordered(&self) -> u64 {
        self.disorder.reordered
    }

    /// Of these, the ones at least four behind: a usual jitter buffer has gone on without them.
    #[must_use]
    pub fn late(&self) -> u64 {
        self.disorder.late
    }

    /// Packets that came again.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.disorder.duplicates
    }

    /// The present source.
    #[must_use]
    pub fn ssrc(&self) -> Option<u32> {
        self.sequence.map(|s| s.ssrc)
    }

    /// Payload type of the last packet.
    #[must_use]
    pub fn pt(&self) -> Option<u8> {
        self.last.map(|last| last.pt)
    }

    /// When the last packet came.
    #[must_use]
    pub fn last_arrival(&self) -> Option<Duration> {
        let us = self.last?.arrival_us;
        u64::try_from(us).ok().map(Duration::from_micros)
    }

    /// Extended highest sequence number of the present source, packets expected of it and received (§6.4.1); `None` until it
    /// has proved itself.
    #[must_use]
    pub fn account(&self) -> Option<(u32, u64, u64)> {
        let sequence = self.sequence.filter(|s| s.probation == 0)?;
        // Only the low half of the cycles is in a report.
        let highest = u32::try_from(sequence.highest() & u64::from(u32::MAX)).unwrap_or(0);
        Some((highest, sequence.expected(), sequence.received))
    }

    /// Interarrival jitter in units of the stream's clock (§6.4.1).
    #[must_use]
    pub fn jitter_ticks(&self, clock: Option<u32>) -> u32 {
        let clock = clock.or_else(|| static_clock(self.last?.pt)).unwrap_or(8000);
        let ticks = u64::from(self.jitter_us()) * u64::from(clock) / 1_000_000;
        u32::try_from(ticks).unwrap_or(u32::MAX)
    }

    /// A.8 on differences. Packets of one sampling instant (RFC 4733 events) say nothing about transit, nor does the
    /// step from one source or payload type to another.
    fn transit(&mut self, header: &Header, arrival: Duration, clock: Option<u32>) {
        let here = Last {
            ssrc: header.ssrc,
            pt: header.pt,
            timestamp: header.timestamp,
            arrival_us: micros(arrival),
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
        let came_us = here.arrival_us.saturating_sub(last.arrival_us);
        let difference = came_us.abs_diff(sent_us);
        self.spread.add(difference);
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
            window: u64::MAX,
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
    fn update(&mut self, seq: u16, disorder: &mut Disorder) -> u64 {
        let ahead = seq.wrapping_sub(self.max_seq);
        if self.probation > 0 {
            self.prove(seq, ahead);
            return 0;
        }
        if ahead < MAX_DROPOUT {
            match ahead {
                0 => disorder.duplicates = disorder.duplicates.saturating_add(1),
                1 if self.window >> (WINDOW - 1) == 1 => self.window = self.window << 1 | 1,
                _ => self.advance(u64::from(ahead), &mut disorder.losses),
            }
            self.cycles = self.cycles.saturating_add(u64::from(seq < self.max_seq) << 16);
            self.max_seq = seq;
        } else if ahead <= u16::MAX - MAX_MISORDER {
            if self.bad_seq != Some(seq) {
                self.bad_seq = Some(seq.wrapping_add(1));
                return 0;
            }
            let closed = self.lost();
            self.settle(&mut disorder.losses);
            self.restart(seq);
            return closed;
        } else {
            self.behind(ahead.wrapping_neg(), disorder);
        }
        self.received = self.received.saturating_add(1);
        0
    }

    /// The highest number rises by more than one, or over a number that has not come.
    fn advance(&mut self, by: u64, losses: &mut Losses) {
        let before = self.highest();
        self.holes(by.min(WINDOW), losses);
        if let Some(more) = by.checked_sub(WINDOW).filter(|more| *more > 0) {
            losses.lose(before.saturating_add(1), more);
        }
        let shift = u32::try_from(by).unwrap_or(u32::MAX);
        self.window = self.window.checked_shl(shift).unwrap_or(0) | 1;
    }

    /// Gives up the oldest `count` numbers of the window that have not come.
    fn holes(&self, count: u64, losses: &mut Losses) {
        let kept = u32::try_from(WINDOW.saturating_sub(count)).unwrap_or(0);
        let mut missing = !self.window & u64::MAX.checked_shl(kept).unwrap_or(0);
        while missing != 0 {
            let place = missing.leading_zeros();
            let number = self.highest().saturating_add(u64::from(place) + 1);
            losses.lose(number.saturating_sub(WINDOW), 1);
            missing &= !(1 << (63 - place));
        }
    }

    /// A packet with a number below the highest.
    fn behind(&mut self, by: u16, disorder: &mut Disorder) {
        let known = u64::from(by) < WINDOW && u64::from(by) < self.expected();
        let bit = 1_u64.checked_shl(u32::from(by)).unwrap_or(0);
        if known && self.window & bit != 0 {
            disorder.duplicates = disorder.duplicates.saturating_add(1);
            return;
        }
        self.window |= bit;
        disorder.reordered = disorder.reordered.saturating_add(1);
        disorder.late = disorder.late.saturating_add(u64::from(by >= LATE));
    }

    /// The account is closed.
    fn settle(&self, losses: &mut Losses) {
        if self.probation > 0 {
            return;
        }
        self.holes(WINDOW, losses);
        losses.close(self.expected());
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

    /// The extended highest sequence number.
    fn highest(&self) -> u64 {
        self.cycles.saturating_add(u64::from(self.max_seq))
    }

    fn expected(&self) -> u64 {
        let expected = self.highest().saturating_sub(u64::from(self.base_seq));
        expected.saturating_add(1)
    }

    /// A.3.
    fn lost(&self) -> u64 {
        if self.probation > 0 {
            return 0;
        }
        self.expected().saturating_sub(self.received)
    }
}

fn micros(at: Duration) -> i64 {
    let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    let micros = i64::from(at.subsec_micros());
    seconds.saturating_mul(1_000_000).saturating_add(micros)
}
