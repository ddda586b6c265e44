//! One stream to a leg, whoever speaks in it.
//!
//! Owns: the source, the numbers and the timestamps by which a leg is sent what comes from several sources in turn. Does not own:
//! who speaks (`engine`), and keys. RTCP that goes with it is made to fit by `control`.
//!
//! A new source in the midst of a call is nothing wrong (RFC 3550 §8), and much goes wrong with it. A browser that was told of
//! no source in its description does not play one that it has heard before and that comes back behind another: a phone whose
//! call was held, behind the music. Others empty their jitter buffer and then take each number below the last one for late.
//! So who hears sound gets all of it under the first source.

mod control;

pub(crate) use control::{heard, told};
use std::time::Duration;

/// How far behind the newest a packet is still taken.
const REACH: u16 = u16::MAX / 4;
/// How far behind the newest a network may bring two packets in a row (RFC 3550 appendix A.1).
const MISORDER: u16 = 100;

/// See the module. A packet of the first source stays as it is until somebody else speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Splice {
    /// What the leg knows.
    ssrc: u32,
    /// Who speaks now, and what is added to his numbers and timestamps.
    source: u32,
    add: (u16, u32),
    /// The first number of his, in what the leg gets; once he has sent a quarter of all numbers, the oldest that may still come.
    first: u16,
    /// The newest that the leg got.
    newest: (u16, u32),
    at: Duration,
    /// What would follow the last packet that came too late: two such in a row are a source that has begun anew.
    late: Option<u16>,
}

impl Splice {
    /// Makes a packet one of the stream; `clock_hz` is that of its timestamps. False for one that came so late that somebody
    /// else has had its number: under one key no number is used twice.
    pub(crate) fn take(known: &mut Option<Splice>, packet: &mut [u8], clock_hz: u32, now: Duration) -> bool {
        let Some((seq, timestamp, ssrc)) = read(packet) else {
            return false;
        };
        let splice = known.get_or_insert(Splice {
            ssrc,
            source: ssrc,
            add: (0, 0),
            // Whatever comes of the first source may come in any order.
            first: seq.wrapping_sub(REACH),
            newest: (seq, timestamp),
            at: now,
            late: None,
        });
        if splice.source != ssrc || splice.begins_anew(seq) {
            splice.turn((seq, timestamp, ssrc), clock_hz, now);
        }
        let (seq, timestamp) = (
            seq.wrapping_add(splice.add.0),
            timestamp.wrapping_add(splice.add.1),
        );
        if splice.add != (0, 0) && is_behind(seq, splice.first) {
            return false;
        }
        if !is_behind(seq, splice.newest.0) {
            (splice.newest, splice.at) = ((seq, timestamp), now);
            if seq.wrapping_sub(splice.first) > REACH {
                splice.first = seq.wrapping_sub(REACH);
            }
        }
        if splice.has_turned() {
            write(packet, seq, timestamp, splice.ssrc);
        }
        true
    }

    /// Is this number, by which nothing can be sent, the second in a row? Those of the first source are his own, but a leg with
    /// keys is sent none that lies behind as far as no network brings it (RFC 3711 §3.3.2).
    fn begins_anew(&mut self, seq: u16) -> bool {
        let known = seq.wrapping_add(self.add.0);
        let oldest = match self.add {
            (0, 0) => self.newest.0.wrapping_sub(MISORDER),
            _ => self.first,
        };
        if !is_behind(known, oldest) {
            return false;
        }
        let is_next = self.late == Some(seq);
        self.late = Some(seq.wrapping_add(1));
        is_next && self.newest.0.wrapping_sub(known) > MISORDER
    }

    /// Is there anything to be said of the stream in other words than who speaks in it does?
    fn has_turned(&self) -> bool {
        self.source != self.ssrc || self.add != (0, 0)
    }

    /// Somebody else speaks: he goes on behind what the leg got last, by as much time as has passed.
    fn turn(&mut self, (seq, timestamp, ssrc): (u16, u32, u32), clock_hz: u32, now: Duration) {
        let passed = now.saturating_sub(self.at).as_millis() * u128::from(clock_hz / 1000);
        // Of a pause of many hours the lower bits are what counts.
        let passed = u32::try_from(passed & u128::from(u32::MAX)).unwrap_or(0);
        self.first = self.newest.0.wrapping_add(1);
        self.add = (
            self.first.wrapping_sub(seq),
            self.newest.1.wrapping_add(passed.max(1)).wrapping_sub(timestamp),
        );
        self.source = ssrc;
        self.late = None;
    }
}

fn is_behind(seq: u16, other: u16) -> bool {
    seq.wrapping_sub(other) > u16::MAX / 2
}

/// Number, timestamp and source of an RTP packet.
fn read(packet: &[u8]) -> Option<(u16, u32, u32)> {
    let [_, _, s, t, a, b, c, d, e, f, g, h, ..] = packet else {
        return None;
    };
    let word = |octets: [&u8; 4]| u32::from_be_bytes(octets.map(|octet| *octet));
    Some((
        u16::from_be_bytes([*s, *t]),
        word([a, b, c, d]),
        word([e, f, g, h]),
    ))
}

fn write(packet: &mut [u8], seq: u16, timestamp: u32, ssrc: u32) {
    let place = packet.get_mut(2..).and_then(|rest| rest.first_chunk_mut::<10>());
    let Some(place) = place else { return };
    let ([s, t], [a, b, c, d]) = (seq.to_be_bytes(), timestamp.to_be_bytes());
    let [e, f, g, h] = ssrc.to_be_bytes();
    *place = [s, t, a, b, c, d, e, f, g, h];
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the leg gets of a packet of this source, number and timestamp after so many milliseconds.
    fn sent(
        known: &mut Option<Splice>,
        ssrc: u32,
        seq: u16,
        timestamp: u32,
        ms: u64,
    ) -> Option<(u16, u32, u32)> {
        let mut packet = [0; 20];
        write(&mut packet, seq, timestamp, ssrc);
        let taken = Splice::take(known, &mut packet, 8_000, Duration::from_millis(ms));
        taken.then(|| read(&packet).expect("a packet"))
    }

    #[test]
    fn who_speaks_alone_is_passed_on_as_he_is_in_any_order() {
        let mut known = None;
        for seq in [65_534, 0, 65_535, 1, 65_530] {
            assert_eq!(sent(&mut known, 7, seq, 160, 20), Some((seq, 160, 7)));
        }
    }

    #[test]
    fn who_comes_next_goes_on_where_the_other_was_and_no_number_is_used_twice() {
        let mut known = None;
        sent(&mut known, 7, 100, 1_000, 0);
        assert_eq!(sent(&mut known, 9, 5, 77, 20), Some((101, 1_160, 7)));
        assert_eq!(sent(&mut known, 9, 6, 237, 40), Some((102, 1_320, 7)));
        assert_eq!(
            sent(&mut known, 9, 4, 9_999, 41),
            None,
            "its number was the other's"
        );
        // The first is back, and has lost two packets on the way.
        assert_eq!(sent(&mut known, 7, 300, 90_000, 1_040), Some((103, 9_320, 7)));
        assert_eq!(sent(&mut known, 7, 303, 90_480, 1_100), Some((106, 9_800, 7)));
        assert_eq!(sent(&mut known, 7, 302, 90_320, 1_101), Some((105, 9_640, 7)));
        assert_eq!(sent(&mut known, 7, 299, 89_840, 1_102), None);
        assert_eq!(sent(&mut known, 7, 304, 90_640, 1_120), Some((107, 9_960, 7)));
    }

    /// Some phones keep their source for ever, and number anew after each description.
    #[test]
    fn who_begins_anew_under_his_name_loses_one_packet() {
        let mut known = None;
        sent(&mut known, 7, 100, 1_000, 0);
        assert_eq!(sent(&mut known, 9, 40_000, 77, 20), Some((101, 1_160, 7)));
        assert_eq!(sent(&mut known, 9, 20_000, 500_000, 40), None);
        assert_eq!(sent(&mut known, 9, 20_001, 500_160, 60), Some((102, 1_480, 7)));
        assert_eq!(sent(&mut known, 9, 20_002, 500_320, 80), Some((103, 1_640, 7)));
        // Two that are only late are not.
        sent(&mut known, 7, 300, 0, 100);
        for late in [298, 299] {
            assert_eq!(sent(&mut known, 7, late, 0, 101), None);
        }
        assert_eq!(sent(&mut known, 7, 301, 160, 120), Some((105, 1_960, 7)));
    }

    /// Nobody else has spoken; still, to a leg with keys half of all numbers would be old ones.
    #[test]
    fn who_begins_anew_alone_goes_on() {
        let mut known = None;
        sent(&mut known, 7, 40_000, 1_000, 0);
        assert_eq!(sent(&mut known, 7, 39_950, 0, 1), Some((39_950, 0, 7)), "late");
        assert_eq!(sent(&mut known, 7, 20_000, 77, 20), Some((20_000, 77, 7)));
        assert_eq!(sent(&mut known, 7, 20_001, 237, 40), Some((40_001, 1_320, 7)));
        assert_eq!(sent(&mut known, 7, 20_002, 397, 60), Some((40_002, 1_480, 7)));
        // Two that are only late are not.
        let mut known = None;
        sent(&mut known, 7, 300, 0, 100);
        for late in [250, 251] {
            assert_eq!(sent(&mut known, 7, late, 0, 101), Some((late, 0, 7)));
        }
    }

    /// Eleven minutes are half of all numbers.
    #[test]
    fn who_came_second_is_heard_for_hours() {
        let mut known = None;
        sent(&mut known, 7, 100, 1_000, 0);
        for n in 0..400_000_u32 {
            let (seq, ms) = ((n & 0xFFFF) as u16, u64::from(n) * 20 + 20);
            let told = sent(&mut known, 9, seq, n * 160, ms).map(|(seq, ..)| seq);
            assert_eq!(told, Some(seq.wrapping_add(101)), "{n}");
        }
        let (late, ms) = ((399_990_u32 & 0xFFFF) as u16, 8_000_000);
        assert!(sent(&mut known, 9, late, 0, ms).is_some(), "a little late");
        assert_eq!(sent(&mut known, 9, late.wrapping_sub(20_000), 0, ms), None);
    }
}
