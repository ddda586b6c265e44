//! What we report about a stream of ours and the one that comes back: SR, RR and SDES (RFC 3550 §6.4, §6.5), and the round
//! trip that follows from the answers.
//!
//! One for each leg that has a stream of ours. Does not own: where reports go, and their protection.

use super::{Packet, Report};
use crate::Reception;
use std::time::Duration;

/// Mean time between reports, milliseconds (§6.2).
const INTERVAL_MS: u64 = 5_000;
/// Longest round trip that is believed; longer ones are answers to something else.
const LONGEST: Duration = Duration::from_secs(30);
/// By so much a phone may count its own delay too long: then the trip took no time.
const ROUNDING: Duration = Duration::from_millis(20);
/// Octets of the longest compound that is made: SR with a block, SDES.
const OCTETS: usize = 96;

/// The reports of one stream of ours.
#[derive(Clone, Debug)]
pub struct Reporter {
    ssrc: u32,
    /// Reports made.
    number: u32,
    due: Duration,
    packets: u32,
    octets: u32,
    /// Timestamp of the last packet, and when it left.
    last: Option<(u32, Duration)>,
    /// Packets sent by the report before the last one, and by the last one: a sender is who sent since (§6.4).
    packets_before: [u32; 2],
    /// Who sent the last sender report, its middle, and when it came.
    heard: Option<(u32, u32, Duration)>,
    /// Of which source, packets expected and received by the last report.
    before: (u32, u64, u64),
}

impl Reporter {
    /// For the stream of this source, which begins now.
    #[must_use]
    pub fn new(ssrc: u32, now: Duration) -> Reporter {
        let mut reporter = Reporter {
            ssrc,
            number: 0,
            due: now,
            packets: 0,
            octets: 0,
            last: None,
            packets_before: [0; 2],
            heard: None,
            before: (0, 0, 0),
        };
        // The first one comes early (§6.2).
        reporter.due = now.saturating_add(reporter.pause() / 2);
        reporter
    }

    /// Our source.
    #[must_use]
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// True when we sent since the report before the last (§6.4).
    #[must_use]
    pub fn is_sending(&self) -> bool {
        let [before_last, _] = self.packets_before;
        self.packets != before_last
    }

    /// A packet of ours left: its timestamp and the octets of its payload.
    pub fn sent(&mut self, timestamp: u32, payload: usize, now: Duration) {
        self.packets = self.packets.wrapping_add(1);
        let octets = u32::try_from(payload).unwrap_or(0);
        self.octets = self.octets.wrapping_add(octets);
        self.last = Some((timestamp, now));
    }

    /// When the next report is due.
    #[must_use]
    pub fn due(&self) -> Duration {
        self.due
    }

    /// Makes a compound: SR while we send, else RR, with a block about what `reception` has; and our CNAME. `clock` and
    /// `their_clock` are the rates of our stream and theirs, hertz.
    pub fn report(
        &mut self,
        reception: &Reception,
        (clock, their_clock): (u32, Option<u32>),
        now: Duration,
    ) -> Vec<u8> {
        self.number = self.number.wrapping_add(1);
        self.due = now.saturating_add(self.pause());
        let sends = self.is_sending();
        let [_, last] = self.packets_before;
        self.packets_before = [last, self.packets];
        let block = self.block(reception, their_clock, now);
        let mut out = Vec::with_capacity(OCTETS);
        let words = if sends { 6_u16 } else { 1 } + if block.is_some() { 6 } else { 0 };
        out.extend([0x80 | u8::from(block.is_some()), if sends { 200 } else { 201 }]);
        out.extend(words.to_be_bytes());
        out.extend(self.ssrc.to_be_bytes());
        if sends {
            out.extend(ntp(now).to_be_bytes());
            out.extend(self.timestamp(clock, now).to_be_bytes());
            out.extend(self.packets.to_be_bytes());
            out.extend(self.octets.to_be_bytes());
        }
        out.extend(block.into_iter().flatten());
        self.describe(&mut out);
        out
    }

    /// Takes one packet of a datagram from the other side in. Gives what it says about our stream, and the round trip where
    /// that follows.
    pub fn hear(&mut self, packet: &Packet<'_>, now: Duration) -> Option<(Report, Option<Duration>)> {
        let mut reports = match packet {
            Packet::SenderReport {
                ssrc, ntp, reports, ..
            } => {
                self.heard = Some((*ssrc, middle(*ntp), now));
                *reports
            }
            Packet::ReceiverReport { reports, .. } => *reports,
            _ => return None,
        };
        let report = reports.find(|report| report.ssrc == self.ssrc)?;
        let passed = seconds(middle(ntp(now)).wrapping_sub(report.last_report));
        let trip = round_trip(Duration::ZERO, report.delay, passed);
        Some((report, trip.filter(|_| report.last_report != 0)))
    }

    /// §6.4.1: the report block, once a source has proved itself.
    fn block(&mut self, reception: &Reception, clock: Option<u32>, now: Duration) -> Option<[u8; 24]> {
        let ssrc = reception.ssrc()?;
        let (highest, expected, received) = reception.account()?;
        let (_, expected_before, received_before) = match self.before {
            (known, ..) if known == ssrc => self.before,
            _ => (ssrc, 0, 0),
        };
        self.before = (ssrc, expected, received);
        let came = received.saturating_sub(received_before);
        let fresh = expected.saturating_sub(expected_before);
        let fraction = fresh.saturating_sub(came).saturating_mul(256).checked_div(fresh);
        let fraction = u8::try_from(fraction.unwrap_or(0)).unwrap_or(u8::MAX);
        // 24 bits, signed: duplicates may make it negative.
        let lost = i64::try_from(expected)
            .unwrap_or(i64::MAX)
            .saturating_sub_unsigned(received)
            .clamp(-0x0080_0000, 0x007F_FFFF);
        let lost = u32::try_from(lost & 0x00FF_FFFF).unwrap_or(0);
        let heard = self.heard.filter(|(from, ..)| *from == ssrc);
        let (last, delay) = heard.map_or((0, 0), |(_, middle, at)| (middle, ticks(now.saturating_sub(at))));
        let words = [
            ssrc,
            u32::from(fraction) << 24 | lost,
            highest,
            reception.jitter_ticks(clock),
            last,
            delay,
        ];
        let mut block = [0; 24];
        let (places, _) = block.as_chunks_mut::<4>();
        for (place, word) in places.iter_mut().zip(words) {
            *place = word.to_be_bytes();
        }
        Some(block)
    }

    /// §6.5: our CNAME alone. It is random as our source is, and new with every stream (RFC 7022 §4.2).
    fn describe(&self, out: &mut Vec<u8>) {
        let name = format!("{:08x}", self.ssrc.wrapping_mul(0x9E37_79B1).rotate_left(7));
        out.extend([0x81, 202, 0, 4]);
        out.extend(self.ssrc.to_be_bytes());
        out.extend([1, 8]);
        out.extend(name.bytes());
        out.extend([0, 0]);
    }

    /// The timestamp that a sample taken now would have.
    fn timestamp(&self, clock: u32, now: Duration) -> u32 {
        let Some((timestamp, at)) = self.last else {
            return 0;
        };
        let passed = now.saturating_sub(at).as_micros();
        let ticks = passed.saturating_mul(u128::from(clock)) / 1_000_000;
        timestamp.wrapping_add(u32::try_from(ticks & u128::from(u32::MAX)).unwrap_or(0))
    }

    /// Time to the next report: the mean, give or take a quarter, lest reports of many streams fall together (§6.2).
    fn pause(&self) -> Duration {
        let mixed = self.ssrc.wrapping_add(self.number).wrapping_mul(0x9E37_79B1) >> 16;
        let share = (u64::from(mixed) * (INTERVAL_MS / 2)) >> 16;
        Duration::from_millis(INTERVAL_MS * 3 / 4 + share)
    }
}

/// The middle of an NTP time, as report blocks repeat it.
#[must_use]
pub fn middle(ntp: u64) -> u32 {
    u32::try_from(ntp >> 16 & u64::from(u32::MAX)).unwrap_or(0)
}

/// The round trip of something sent at `sent` and answered now by a peer that held it for `delay` 65,536ths of a second;
/// `None` when that can't be.
#[must_use]
pub fn round_trip(sent: Duration, delay: u32, now: Duration) -> Option<Duration> {
    let passed = now.saturating_sub(sent).saturating_add(ROUNDING);
    let trip = passed.checked_sub(seconds(delay))?;
    let trip = trip.saturating_sub(ROUNDING);
    Some(trip).filter(|trip| *trip < LONGEST)
}

/// Time since the beginning in NTP format, as of a sender without a wall clock (§6.4.1).
fn ntp(now: Duration) -> u64 {
    let fraction = (u64::from(now.subsec_nanos()) << 32) / 1_000_000_000;
    now.as_secs() << 32 | fraction
}

fn seconds(ticks: u32) -> Duration {
    let nanos = u64::from(ticks).saturating_mul(1_000_000_000) >> 16;
    Duration::from_nanos(nanos)
}

fn ticks(time: Duration) -> u32 {
    let ticks = (time.as_nanos() << 16) / 1_000_000_000;
    u32::try_from(ticks).unwrap_or(u32::MAX)
}
