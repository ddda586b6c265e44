//! RTCP that goes with spliced streams (RFC 3550 §6, RFC 3611, RFC 4585).
//!
//! Owns: giving sources, numbers and timestamps in a datagram the names that its receiver knows. Does not own: what they are
//! (`splice`). A goodbye stays as it is: the stream that a leg knows goes on when who spoke in it leaves.

use super::Splice;

/// Types of packets.
const SENDER: u8 = 200;
const RECEIVER: u8 = 201;
const DESCRIPTION: u8 = 202;
const APPLICATION: u8 = 204;
const FEEDBACK: u8 = 205;
const PICTURES: u8 = 206;
const EXTENDED: u8 = 207;
/// Octets of a report block, and of what stands before the first one.
const BLOCK: usize = 24;
const BEFORE_SENDERS: usize = 28;
const BEFORE_RECEIVERS: usize = 8;

/// Makes what a leg says of the stream that it gets a matter of who speaks in that.
pub(crate) fn heard(datagram: &mut [u8], splice: Option<&Splice>) {
    let Some(splice) = splice.filter(|splice| splice.has_turned()) else {
        return;
    };
    each(datagram, |kind, count, packet| match kind {
        SENDER => blocks(packet, BEFORE_SENDERS, count, splice),
        RECEIVER => blocks(packet, BEFORE_RECEIVERS, count, splice),
        FEEDBACK | PICTURES => {
            rename(packet, 8, splice.ssrc, splice.source);
        }
        EXTENDED => extended(packet, splice),
        _ => {}
    });
}

/// Makes what the other leg says of its own stream a matter of the stream that the leg gets.
pub(crate) fn told(datagram: &mut [u8], splice: Option<&Splice>) {
    let Some(splice) = splice.filter(|splice| splice.has_turned()) else {
        return;
    };
    each(datagram, |kind, count, packet| match kind {
        SENDER if rename(packet, 4, splice.source, splice.ssrc) => {
            change(packet, 16, |timestamp| timestamp.wrapping_add(splice.add.1));
        }
        RECEIVER | APPLICATION | FEEDBACK | PICTURES | EXTENDED => {
            rename(packet, 4, splice.source, splice.ssrc);
        }
        // Only the first of several sources is looked at: whoever speaks for others is no phone.
        DESCRIPTION if count > 0 => {
            rename(packet, 4, splice.source, splice.ssrc);
        }
        _ => {}
    });
}

/// Calls for each packet of a valid datagram, with its type, its count and all its octets.
fn each(mut datagram: &mut [u8], mut call: impl FnMut(u8, u8, &mut [u8])) {
    while let [first, kind, high, low, ..] = *datagram {
        let words = usize::from(u16::from_be_bytes([high, low]));
        let len = words.saturating_add(1).saturating_mul(4);
        let Some((packet, rest)) = datagram.split_at_mut_checked(len) else {
            return;
        };
        call(kind, first & 0x1F, packet);
        datagram = rest;
    }
}

/// Report blocks: of whom, and the highest number that came. Of that the upper half counts rounds as the leg has seen them.
fn blocks(packet: &mut [u8], from: usize, count: u8, splice: &Splice) {
    for n in 0..usize::from(count) {
        let at = from.saturating_add(n.saturating_mul(BLOCK));
        if rename(packet, at, splice.ssrc, splice.source) {
            change(packet, at.saturating_add(8), |highest| {
                let seq = highest.wrapping_sub(u32::from(splice.add.0));
                highest & 0xFFFF_0000 | seq & 0xFFFF
            });
        }
    }
}

/// Blocks of an extended report that are about one source (RFC 3611 §4.1 to §4.3, §4.6, §4.7), and delays (§4.5). The numbers
/// of packets in the first three stay.
fn extended(packet: &mut [u8], splice: &Splice) {
    let mut at = 8_usize;
    while let Some([kind, _, high, low]) = packet.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        let kind = *kind;
        let words = usize::from(u16::from_be_bytes([*high, *low]));
        let first = at.saturating_add(4);
        at = first.saturating_add(words.saturating_mul(4));
        match kind {
            1..=3 | 6 | 7 => {
                rename(packet, first, splice.ssrc, splice.source);
            }
            5 => (first..at.min(packet.len())).step_by(12).for_each(|at| {
                rename(packet, at, splice.ssrc, splice.source);
            }),
            _ => {}
        }
    }
}

/// Changes the word at `at` if it is `from`; true when it was.
fn rename(packet: &mut [u8], at: usize, from: u32, to: u32) -> bool {
    let mut is = false;
    change(packet, at, |word| {
        is = word == from;
        if is { to } else { word }
    });
    is
}

fn change(packet: &mut [u8], at: usize, new: impl FnOnce(u32) -> u32) {
    let place = packet.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<4>());
    if let Some(word) = place {
        *word = new(u32::from_be_bytes(*word)).to_be_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A datagram of RTCP by words, whose packets have lengths already.
    fn rtcp(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// Source 9 speaks in the stream of 7: five is the number 101, and 77 the time 1,160.
    fn turned() -> Splice {
        Splice {
            ssrc: 7,
            source: 9,
            add: (96, 1_083),
            first: 101,
            newest: (101, 1_160),
            at: std::time::Duration::ZERO,
            late: None,
        }
    }

    #[test]
    #[rustfmt::skip]
    fn a_speaker_tells_of_the_stream_that_is_known() {
        let known = turned();
        let name = 0x0103_6162;
        let mut datagram = rtcp(&[
            0x80C8_0006, 9, 1, 2, 77, 4, 5, // who speaks
            0x81CA_0003, 9, name, 0x6300_0000, // his name
            0x80C8_0006, 8, 1, 2, 77, 4, 5, // somebody else
            0x81CB_0001, 9, // he leaves
        ]);
        told(&mut datagram, Some(&known));
        let wanted = rtcp(&[
            0x80C8_0006, 7, 1, 2, 1_160, 4, 5,
            0x81CA_0003, 7, name, 0x6300_0000,
            0x80C8_0006, 8, 1, 2, 77, 4, 5,
            0x81CB_0001, 9,
        ]);
        assert_eq!(datagram, wanted);
    }

    #[test]
    #[rustfmt::skip]
    fn what_is_reported_is_about_who_speaks() {
        let known = turned();
        let metrics = [0x0700_0008, 7, 0, 0, 0, 0, 0, 0, 0];
        let delays = [0x0500_0006, 6, 0, 0, 7, 0x1234_5678, 0];
        let mut datagram = rtcp(&[
            0x82C9_000D, 3, // two blocks
            7, 0, 0x0002_0064, 3, 4, 5, 8, 0, 0x0002_0064, 3, 4, 5,
            0x8FCD_0003, 3, 7, 0x0001_0000, // feedback
        ]);
        datagram.extend(rtcp(&[0x80CF_0011, 3]));
        datagram.extend(rtcp(&delays));
        datagram.extend(rtcp(&metrics));
        heard(&mut datagram, Some(&known));
        let mut wanted = rtcp(&[
            0x82C9_000D, 3,
            // 100 less 96, in the same round.
            9, 0, 0x0002_0004, 3, 4, 5, 8, 0, 0x0002_0064, 3, 4, 5,
            0x8FCD_0003, 3, 9, 0x0001_0000,
            0x80CF_0011, 3, 0x0500_0006, 6, 0, 0, 9, 0x1234_5678, 0, 0x0700_0008, 9,
        ]);
        wanted.extend([0; 28]);
        assert_eq!(datagram, wanted);
    }

    /// Whatever lengths a datagram claims, nothing but words of its own is changed, and nothing where nobody has turned.
    #[test]
    fn nonsense_is_borne() {
        let known = turned();
        let one = Splice {
            source: 7,
            add: (0, 0),
            ..known
        };
        for n in 0_u32..20_000 {
            let octet = |i: u32| (n.wrapping_mul(2_654_435_761).wrapping_add(i * 40_503) >> 13) as u8;
            let mut datagram: Vec<u8> = (0..n % 90).map(octet).collect();
            if let [_, kind, ..] = &mut datagram[..] {
                *kind = 200 + *kind % 8;
            }
            let before = datagram.clone();
            told(&mut datagram, Some(&one));
            heard(&mut datagram, Some(&one));
            assert_eq!(datagram, before);
            told(&mut datagram, Some(&known));
            heard(&mut datagram, Some(&known));
            assert_eq!(datagram.len(), before.len());
        }
    }
}
