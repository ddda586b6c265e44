//! One stream to a leg, whoever speaks in it.
//!
//! Owns: the source, the numbers and the timestamps by which a leg is sent what comes from several sources in turn. Does not own:
//! who speaks (`engine`), and keys.
//!
//! A browser that was told of no source in its description plays the one that it has heard of last. One that it has heard
//! before, and that comes back behind another, it takes for known and does not play: a phone whose call was held, behind the
//! music. So a browser gets all under the first source.

use std::time::Duration;

/// See the module. A packet of the first source stays as it is until somebody else speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Splice {
    /// What the leg knows.
    ssrc: u32,
    /// Who speaks now, and what is added to his numbers and timestamps.
    source: u32,
    add: (u16, u32),
    /// The first number of his, in what the leg gets.
    first: u16,
    /// The newest that the leg got.
    newest: (u16, u32),
    at: Duration,
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
            first: seq.wrapping_sub(u16::MAX / 4),
            newest: (seq, timestamp),
            at: now,
        });
        if splice.source != ssrc {
            splice.turn((seq, timestamp, ssrc), clock_hz, now);
        }
        let (seq, timestamp) = (
            seq.wrapping_add(splice.add.0),
            timestamp.wrapping_add(splice.add.1),
        );
        let is_behind = |seq: u16, other: u16| seq.wrapping_sub(other) > u16::MAX / 2;
        if splice.add != (0, 0) && is_behind(seq, splice.first) {
            return false;
        }
        if !is_behind(seq, splice.newest.0) {
            (splice.newest, splice.at) = ((seq, timestamp), now);
        }
        write(packet, seq, timestamp, splice.ssrc);
        true
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
    }
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
    let octets = seq
        .to_be_bytes()
        .into_iter()
        .chain(timestamp.to_be_bytes())
        .chain(ssrc.to_be_bytes());
    packet
        .iter_mut()
        .skip(2)
        .zip(octets)
        .for_each(|(to, from)| *to = from);
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
}
