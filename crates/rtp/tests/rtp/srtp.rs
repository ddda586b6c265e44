//! SRTP as two ends see it: round trips, damage, replays, reordering over the roll of the sequence number, limits.

use crate::{Random, packet};
use rtp::srtp::{MAX_SOURCES, Receiver, Refused, Sender, Suite};

fn master(suite: Suite, random: &mut Random) -> Vec<u8> {
    (0..suite.master_len()).map(|_| random.next() as u8).collect()
}

fn pair(suite: Suite, random: &mut Random) -> (Sender, Receiver) {
    let master = master(suite, random);
    (
        Sender::new(suite, &master).unwrap(),
        Receiver::new(suite, &master).unwrap(),
    )
}

fn protect(sender: &mut Sender, plain: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut buffer = plain.to_vec();
    buffer.resize(plain.len() + sender.suite().rtp_overhead(), 0);
    let len = sender.protect_rtp(&mut buffer, plain.len())?;
    assert_eq!(len, buffer.len());
    Ok(buffer)
}

fn protect_rtcp(sender: &mut Sender, plain: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut buffer = plain.to_vec();
    buffer.resize(plain.len() + sender.suite().rtcp_overhead(), 0);
    let len = sender.protect_rtcp(&mut buffer, plain.len())?;
    assert_eq!(len, buffer.len());
    Ok(buffer)
}

fn open(receiver: &mut Receiver, packet: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut packet = packet.to_vec();
    let len = receiver.unprotect_rtp(&mut packet)?;
    packet.truncate(len);
    Ok(packet)
}

fn open_rtcp(receiver: &mut Receiver, packet: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut packet = packet.to_vec();
    let len = receiver.unprotect_rtcp(&mut packet)?;
    packet.truncate(len);
    Ok(packet)
}

/// A packet with any header that there can be: CSRCs, an extension, padding.
fn any_packet(seq: u16, ssrc: u32, random: &mut Random) -> Vec<u8> {
    let payload: Vec<u8> = (0..random.below(400)).map(|_| random.next() as u8).collect();
    let mut octets = packet(random.next() as u8 & 0xBF, seq, random.next() as u32, ssrc, &[]);
    let csrcs = random.below(16) as u8;
    octets[0] |= csrcs;
    octets.extend((0..csrcs * 4).map(|_| random.next() as u8));
    if random.below(2) == 1 {
        octets[0] |= 0x10;
        let words = random.below(5) as u8;
        octets.extend([0xBE, 0xDE, 0, words]);
        octets.extend((0..words * 4).map(|_| random.next() as u8));
    }
    octets.extend(payload);
    octets
}

fn report(ssrc: u32, random: &mut Random) -> Vec<u8> {
    let mut octets = vec![0x80, 201, 0, 1];
    octets.extend(ssrc.to_be_bytes());
    let words = random.below(20) as u8;
    octets.extend([0x80, 204, 0, words]);
    octets.extend((0..usize::from(words) * 4).map(|_| random.next() as u8));
    octets
}

#[test]
fn what_one_end_protects_the_other_opens() {
    for suite in Suite::ALL {
        let mut random = Random(suite as u64 + 1);
        let (mut sender, mut receiver) = pair(suite, &mut random);
        for seq in 0..2_000_u16 {
            let plain = any_packet(seq, 7 + u32::from(seq % 3), &mut random);
            let protected = protect(&mut sender, &plain).unwrap();
            assert_eq!(open(&mut receiver, &protected), Ok(plain), "{suite:?} {seq}");
            let plain = report(7, &mut random);
            let protected = protect_rtcp(&mut sender, &plain).unwrap();
            assert_eq!(open_rtcp(&mut receiver, &protected), Ok(plain), "{suite:?} {seq}");
        }
    }
}

/// Nothing of the payload is to be seen, and two packets of the same octets don't look alike.
#[test]
fn payloads_are_hidden() {
    for suite in Suite::ALL {
        let (mut sender, _) = pair(suite, &mut Random(5));
        let first = protect(&mut sender, &packet(0, 1, 0, 9, &[0xD5; 160])).unwrap();
        let second = protect(&mut sender, &packet(0, 2, 0, 9, &[0xD5; 160])).unwrap();
        let same = |a: &[u8], b: &[u8]| a.iter().zip(b).filter(|(a, b)| a == b).count();
        assert!(same(&first[12..172], &[0xD5; 160]) < 12, "{suite:?}");
        assert!(same(&first[12..172], &second[12..172]) < 12, "{suite:?}");
    }
}

#[test]
fn one_changed_bit_anywhere_is_refused_and_changes_nothing() {
    for suite in Suite::ALL {
        let mut random = Random(11);
        let (mut sender, mut receiver) = pair(suite, &mut random);
        let first = protect(&mut sender, &any_packet(1, 9, &mut random)).unwrap();
        open(&mut receiver, &first).unwrap();
        let plain = any_packet(2, 9, &mut random);
        let good = protect(&mut sender, &plain).unwrap();
        for bit in 0..good.len() * 8 {
            let mut damaged = good.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&mut receiver, &damaged).is_err(), "{suite:?} bit {bit}");
        }
        for len in 0..good.len() {
            assert!(
                open(&mut receiver, &good[..len]).is_err(),
                "{suite:?} length {len}"
            );
        }
        assert_eq!(open(&mut receiver, &good), Ok(plain), "{suite:?}");

        let plain = report(9, &mut random);
        let good = protect_rtcp(&mut sender, &plain).unwrap();
        for bit in 0..good.len() * 8 {
            let mut damaged = good.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(open_rtcp(&mut receiver, &damaged).is_err(), "{suite:?} bit {bit}");
        }
        for len in 0..good.len() {
            assert!(
                open_rtcp(&mut receiver, &good[..len]).is_err(),
                "{suite:?} length {len}"
            );
        }
        assert_eq!(open_rtcp(&mut receiver, &good), Ok(plain), "{suite:?}");
    }
}

#[test]
fn another_key_opens_nothing() {
    for suite in Suite::ALL {
        let mut random = Random(3);
        let (mut sender, _) = pair(suite, &mut random);
        let (_, mut receiver) = pair(suite, &mut random);
        let protected = protect(&mut sender, &any_packet(1, 9, &mut random)).unwrap();
        assert_eq!(open(&mut receiver, &protected), Err(Refused::Authentication));
        let protected = protect_rtcp(&mut sender, &report(9, &mut random)).unwrap();
        assert_eq!(open_rtcp(&mut receiver, &protected), Err(Refused::Authentication));
    }
}

#[test]
fn a_replay_is_refused_within_the_window_and_beyond() {
    for suite in Suite::ALL {
        let mut random = Random(4);
        let (mut sender, mut receiver) = pair(suite, &mut random);
        let all: Vec<Vec<u8>> = (0..300)
            .map(|seq| protect(&mut sender, &any_packet(seq, 9, &mut random)).unwrap())
            .collect();
        let (kept_back, rest): (Vec<_>, Vec<_>) = all.iter().enumerate().partition(|(n, _)| n % 50 == 7);
        for (_, packet) in &rest {
            open(&mut receiver, packet).unwrap();
        }
        for (_, packet) in &rest {
            assert_eq!(open(&mut receiver, packet), Err(Refused::Replay));
        }
        // What comes late comes once, and when it is older than 127 packets not at all.
        for (n, packet) in kept_back {
            let expected = if n > 299 - 128 {
                None
            } else {
                Some(Refused::Replay)
            };
            assert_eq!(open(&mut receiver, packet).err(), expected, "{n}");
            assert_eq!(open(&mut receiver, packet), Err(Refused::Replay), "{n}");
        }
        let reports: Vec<Vec<u8>> = (0..3)
            .map(|_| protect_rtcp(&mut sender, &report(9, &mut random)).unwrap())
            .collect();
        for at in [1, 0, 2] {
            open_rtcp(&mut receiver, &reports[at]).unwrap();
            assert_eq!(open_rtcp(&mut receiver, &reports[at]), Err(Refused::Replay));
        }
    }
}

/// A phone whose packets we relay can't have a key stream used twice.
#[test]
fn a_sender_protects_a_sequence_number_once() {
    for suite in Suite::ALL {
        let (mut sender, _) = pair(suite, &mut Random(4));
        for seq in [500, 502, 501, 700] {
            protect(&mut sender, &packet(0, seq, 0, 9, b"first")).unwrap();
            let again = protect(&mut sender, &packet(0, seq, 0, 9, b"other"));
            assert_eq!(again, Err(Refused::Replay), "{suite:?} {seq}");
        }
        let old = protect(&mut sender, &packet(0, 499, 0, 9, b"older than the window"));
        assert_eq!(old, Err(Refused::Replay), "{suite:?}");
    }
}

/// Three rolls, every block of twelve shuffled and one packet of it lost; both ends estimate alike.
#[test]
fn packets_come_in_any_order_over_the_roll_of_the_sequence_number() {
    for suite in [Suite::AesCm128HmacSha1_80, Suite::AeadAes128Gcm] {
        let mut random = Random(8);
        let (mut sender, mut receiver) = pair(suite, &mut random);
        let mut opened = 0_u32;
        for block in 0..17_500_u32 {
            let mut packets: Vec<(Vec<u8>, Vec<u8>)> = (0..12)
                .map(|n| {
                    let number = 60_000 + block * 12 + n;
                    let plain = packet(0, number as u16, number, 9, b"payload");
                    let protected = protect(&mut sender, &plain).unwrap();
                    (plain, protected)
                })
                .collect();
            for at in 0..packets.len() {
                packets.swap(at, random.below(12) as usize);
            }
            for (plain, protected) in &packets[1..] {
                assert_eq!(open(&mut receiver, protected).as_ref(), Ok(plain));
                opened += 1;
            }
        }
        assert_eq!(opened, 17_500 * 11);
    }
}

/// A sender that is in its third roll when we begin to listen is found; one far beyond is not.
#[test]
fn a_receiver_that_begins_in_the_middle_finds_the_roll_over_counter() {
    for suite in Suite::ALL {
        for (rolls, found) in [(0_u32, true), (3, true), (7, true), (8, false)] {
            let mut random = Random(6);
            let (mut sender, mut receiver) = pair(suite, &mut random);
            for number in (0..=rolls * 65_536).step_by(16_384) {
                protect(&mut sender, &packet(0, number as u16, 0, 9, b"before")).unwrap();
            }
            let plain = any_packet(100, 9, &mut random);
            let protected = protect(&mut sender, &plain).unwrap();
            let opened = open(&mut receiver, &protected);
            assert_eq!(opened.ok(), found.then_some(plain), "{suite:?} {rolls}");
            if found {
                let plain = any_packet(101, 9, &mut random);
                let protected = protect(&mut sender, &plain).unwrap();
                assert_eq!(open(&mut receiver, &protected), Ok(plain), "{suite:?} {rolls}");
            }
        }
    }
}

#[test]
fn sources_are_bounded_and_none_is_forgotten() {
    for suite in Suite::ALL {
        let mut random = Random(2);
        let (mut sender, mut receiver) = pair(suite, &mut random);
        // Strangers without a key take no place.
        let (mut stranger, _) = pair(suite, &mut random);
        for ssrc in 0..60 {
            let forged = protect(&mut stranger, &packet(0, 1, 0, ssrc, b"x")).unwrap();
            assert_eq!(open(&mut receiver, &forged), Err(Refused::Authentication));
        }
        let limit = MAX_SOURCES as u32;
        let mut first = Vec::new();
        for ssrc in 1..=limit {
            let protected = protect(&mut sender, &packet(0, 1, 0, ssrc, b"x")).unwrap();
            open(&mut receiver, &protected).unwrap();
            first.push(protected);
        }
        let more = protect(&mut sender, &packet(0, 1, 0, limit + 1, b"x"));
        assert_eq!(more, Err(Refused::Sources));
        for packet in &first {
            assert_eq!(open(&mut receiver, packet), Err(Refused::Replay));
        }
        let going_on = protect(&mut sender, &packet(0, 2, 0, 1, b"x")).unwrap();
        assert!(open(&mut receiver, &going_on).is_ok());
    }
}

#[test]
fn what_is_no_packet_or_has_no_room_is_refused() {
    for suite in Suite::ALL {
        let (mut sender, mut receiver) = pair(suite, &mut Random(1));
        let mut plain = packet(0, 1, 0, 9, &[1; 160]);
        let len = plain.len();
        assert_eq!(sender.protect_rtp(&mut plain, len), Err(Refused::Room));
        assert_eq!(sender.protect_rtp(&mut plain, len + 1), Err(Refused::Malformed));
        let mut report = report(9, &mut Random(1));
        let len = report.len();
        assert_eq!(sender.protect_rtcp(&mut report, len), Err(Refused::Room));
        for octets in [&[][..], &[0x80; 11], &[0x80; 12], &[0; 200], &[0x8F; 60]] {
            assert!(open(&mut receiver, octets).is_err());
            assert!(open_rtcp(&mut receiver, octets).is_err());
        }
    }
}

#[test]
fn contexts_print_no_keys() {
    let master = b"0123456789abcdef0123456789abcd";
    let sender = Sender::new(Suite::AesCm128HmacSha1_80, master).unwrap();
    let receiver = Receiver::new(Suite::AesCm128HmacSha1_80, master).unwrap();
    assert_eq!(
        format!("{sender:?} {receiver:?}"),
        "Sender { suite: AesCm128HmacSha1_80, .. } Receiver { suite: AesCm128HmacSha1_80, .. }"
    );
}
