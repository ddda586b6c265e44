//! What legs say about each other in RTCP that passes through: round trips, and how the far end hears.
//!
//! Owns: times that passed towards a leg, what its phone reports. Does not own: forwarding.
//!
//! A phone's sender report goes on to the other phone, which repeats its time in a report of its own and says how long it
//! kept it (RFC 3550 §6.4.1; receivers do so by RFC 3611 §4.4, §4.5). From when the one passed and the other came back follows
//! the round trip between us and the phone that answered.

use model::FarReport;
use rtp::rtcp::{Block, Metrics, Packet, Report, Reports, blocks, middle, packets, round_trip};
use std::time::Duration;

/// Times of one leg that may still be repeated: phones report each five seconds or so, and repeat the last.
const STAMPS: usize = 4;

/// What is known of one leg's reports.
#[derive(Debug, Default)]
pub(crate) struct Feedback {
    /// Times that this leg stamped and that went on: whose, the middle, when.
    stamps: [Option<(u32, u32, Duration)>; STAMPS],
    next: usize,
    last_us: Option<u32>,
    longest_us: Option<u32>,
    far: Option<FarReport>,
}

impl Feedback {
    /// The last round trip to this leg's phone, and the longest, microseconds.
    pub(crate) fn round_trip_us(&self) -> (Option<u32>, Option<u32>) {
        (self.last_us, self.longest_us)
    }

    /// What the phone says about what it gets.
    pub(crate) fn far(&self) -> Option<FarReport> {
        self.far
    }

    /// A round trip to this leg's phone was measured.
    pub(crate) fn measured(&mut self, trip: Duration) {
        let us = u32::try_from(trip.as_micros()).unwrap_or(u32::MAX);
        self.last_us = Some(us);
        self.longest_us = self.longest_us.max(Some(us));
    }

    /// The phone reports about the stream that it gets, whose clock has this rate, hertz.
    pub(crate) fn reported(&mut self, report: &Report, clock: Option<u32>) {
        let far = self.far.get_or_insert_default();
        far.reports = far.reports.saturating_add(1);
        far.lost = u64::try_from(report.lost).unwrap_or(0);
        far.fraction_lost = report.fraction_lost;
        let us = u64::from(report.jitter).saturating_mul(1_000_000);
        let us = us.checked_div(u64::from(clock.unwrap_or(8000))).unwrap_or(0);
        far.jitter_us = u32::try_from(us).unwrap_or(u32::MAX);
    }

    fn judged(&mut self, metrics: &Metrics) {
        let far = self.far.get_or_insert_default();
        far.r_factor = metrics.r_factor;
        far.mos_tenths = metrics.mos_lq;
        far.end_system_ms = Some(metrics.end_system_ms);
    }

    fn stamp(&mut self, ssrc: u32, ntp: u64, now: Duration) {
        if let Some(place) = self.stamps.get_mut(self.next) {
            *place = Some((ssrc, middle(ntp), now));
        }
        self.next = self.next.saturating_add(1) % STAMPS;
    }

    /// When the time that is repeated passed.
    fn passed(&self, ssrc: u32, last: u32) -> Option<Duration> {
        let mut known = self.stamps.iter().flatten();
        known
            .find(|(who, what, _)| (*who, *what) == (ssrc, last) && last != 0)
            .map(|(.., at)| *at)
    }
}

/// The stream that a leg is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    /// Its source, once there is one.
    pub(crate) ssrc: Option<u32>,
    /// Its clock rate where that is known, hertz.
    pub(crate) clock: Option<u32>,
}

/// A datagram of `near`'s goes on to `far`'s phone, whose stream `near` gets.
pub(crate) fn pass(near: &mut Feedback, (far, stream): (&Feedback, Stream), datagram: &[u8], now: Duration) {
    for packet in packets(datagram).flatten() {
        match packet {
            Packet::SenderReport {
                ssrc, ntp, reports, ..
            } => {
                near.stamp(ssrc, ntp, now);
                reported(near, (far, stream), reports, now);
            }
            Packet::ReceiverReport { reports, .. } => reported(near, (far, stream), reports, now),
            Packet::Extended(body) => extended(near, (far, stream), body, now),
            _ => {}
        }
    }
}

fn extended(near: &mut Feedback, (far, stream): (&Feedback, Stream), body: &[u8], now: Duration) {
    let Some((ssrc, walk)) = blocks(body) else { return };
    for block in walk.flatten() {
        match block {
            Block::ReceiverTime(ntp) => near.stamp(ssrc, ntp, now),
            Block::Delays(delays) => {
                for delay in delays {
                    answered(near, far, (delay.ssrc, delay.last, delay.delay), now);
                }
            }
            Block::Voip(metrics) if Some(metrics.ssrc) == stream.ssrc => near.judged(&metrics),
            Block::Voip(_) | Block::Other { .. } => {}
        }
    }
}

fn reported(
    near: &mut Feedback,
    (far, stream): (&Feedback, Stream),
    mut reports: Reports<'_>,
    now: Duration,
) {
    if let Some(report) = reports.find(|report| Some(report.ssrc) == stream.ssrc) {
        near.reported(&report, stream.clock);
        answered(near, far, (report.ssrc, report.last_report, report.delay), now);
    }
}

/// `near` repeats a time that `far` stamped.
fn answered(near: &mut Feedback, far: &Feedback, (ssrc, last, delay): (u32, u32, u32), now: Duration) {
    let passed = far.passed(ssrc, last);
    if let Some(trip) = passed.and_then(|at| round_trip(at, delay, now)) {
        near.measured(trip);
    }
}
