//! The clock rate of a stream: known for static payload types, else told by the stream itself.
//!
//! A relay sees payload types without their rtpmap. Dynamic ones are measured: over a second, timestamps
//! advance by the rate, and the rates in use lie far enough apart for 100 ms of jitter to be no matter.

use crate::Header;
use std::time::Duration;

/// Clock rate of a static audio or video payload type (RFC 3551 §6), hertz.
#[must_use]
pub fn static_clock(pt: u8) -> Option<u32> {
    match pt {
        0 | 3 | 4 | 5 | 7 | 8 | 9 | 12 | 13 | 15 | 18 | 19 => Some(8000),
        6 => Some(16000),
        10 | 11 => Some(44100),
        16 => Some(11025),
        17 => Some(22050),
        14 | 25 | 26 | 28 | 31..=34 => Some(90000),
        _ => None,
    }
}

/// Rates that dynamic payload types use, hertz: each at least a third above the one before.
const RATES: [u32; 7] = [8000, 12000, 16000, 24000, 32000, 48000, 90000];
/// Shortest stretch that a rate is judged by.
const STRETCH: Duration = Duration::from_secs(1);
/// A stretch longer than this has seen a pause in which some senders stop their timestamps: begin again.
const TOO_LONG: Duration = Duration::from_secs(5);

/// Finds a stream's clock rate. One per source.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    /// Where the stretch under measurement began.
    start: Option<Start>,
    /// The dynamic payload type that was measured last, and its rate.
    known: Option<(u8, u32)>,
}

#[derive(Clone, Copy, Debug)]
struct Start {
    pt: u8,
    ssrc: u32,
    timestamp: u32,
    arrival: Duration,
}

impl Clock {
    /// The rate of this packet's payload type, hertz; `None` while it is being measured.
    pub fn rate(&mut self, header: &Header, arrival: Duration) -> Option<u32> {
        if let Some(rate) = static_clock(header.pt) {
            return Some(rate);
        }
        match self.known {
            Some((pt, rate)) if pt == header.pt => Some(rate),
            _ => self.measure(header, arrival),
        }
    }

    /// The rate of a payload type that is known already, hertz.
    #[must_use]
    pub fn known(&self, pt: u8) -> Option<u32> {
        let measured = self.known.filter(|(known, _)| *known == pt);
        static_clock(pt).or(measured.map(|(_, rate)| rate))
    }

    fn measure(&mut self, header: &Header, arrival: Duration) -> Option<u32> {
        let here = Start {
            pt: header.pt,
            ssrc: header.ssrc,
            timestamp: header.timestamp,
            arrival,
        };
        let Some(start) = self.start.filter(|s| s.pt == here.pt && s.ssrc == here.ssrc) else {
            self.start = Some(here);
            return None;
        };
        let elapsed = arrival.saturating_sub(start.arrival);
        if elapsed < STRETCH {
            return None;
        }
        self.start = None;
        let ticks = u64::from(header.timestamp.wrapping_sub(start.timestamp));
        let micros = u64::try_from(elapsed.as_micros())
            .ok()
            .filter(|_| elapsed < TOO_LONG)?;
        let rate = nearest(ticks.saturating_mul(1_000_000).checked_div(micros)?)?;
        self.known = Some((header.pt, rate));
        Some(rate)
    }
}

/// The rate within an eighth of what was measured.
fn nearest(measured: u64) -> Option<u32> {
    RATES
        .into_iter()
        .find(|r| u64::from(*r).abs_diff(measured) <= u64::from(*r) / 8)
}
