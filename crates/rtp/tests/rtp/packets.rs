//! Headers and compounds, whole and broken.

use crate::{Random, packet};
use rtp::rtcp::{Packet, packets};
use rtp::{Header, Malformed, Protocol, protocol, rtcp};

/// Changes the first octet, which carries version, padding, extension and CSRC count.
fn with_first(first: u8, mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[0] = first;
    bytes
}

#[test]
fn every_field_of_the_header_is_read() {
    let bytes = packet(0x80 | 101, 0xFFFE, 0x1234_5678, 0xCAFE_BABE, b"hello");
    let header = Header::parse(&bytes).unwrap();
    assert_eq!((header.marker, header.pt, header.seq), (true, 101, 0xFFFE));
    assert_eq!(
        (header.timestamp, header.ssrc, header.csrcs),
        (0x1234_5678, 0xCAFE_BABE, 0)
    );
    assert_eq!((header.extension, header.payload(&bytes)), (None, &b"hello"[..]));
}

#[test]
fn sources_extension_and_padding_bound_the_payload() {
    // Two CSRCs, an extension of one word, three octets of padding.
    let below = [&[9; 8][..], &[0xBE, 0xDE, 0, 1, 1, 2, 3, 4], b"data", &[0, 0, 3]].concat();
    let bytes = with_first(0xB2, packet(0, 1, 1, 1, &below));
    let header = Header::parse(&bytes).unwrap();
    assert_eq!((header.csrcs, header.extension), (2, Some(0xBEDE)));
    assert_eq!(header.payload(&bytes), b"data");
}

#[test]
fn what_does_not_fit_is_malformed() {
    let parse = |first, payload: &[u8]| Header::parse(&with_first(first, packet(0, 1, 1, 1, payload)));
    assert_eq!(Header::parse(&[0x80; 11]), Err(Malformed::Short));
    assert_eq!(Header::parse(&[]), Err(Malformed::Short));
    assert_eq!(parse(0x40, b""), Err(Malformed::Version));
    assert_eq!(parse(0xC0, b""), Err(Malformed::Version));
    assert_eq!(parse(0x8F, &[0; 59]), Err(Malformed::Short));
    assert!(parse(0x8F, &[0; 60]).is_ok());
    assert_eq!(parse(0x90, &[0; 3]), Err(Malformed::Extension));
    assert_eq!(parse(0x90, &[0, 0, 0xFF, 0xFF, 0]), Err(Malformed::Extension));
    assert_eq!(parse(0xA0, &[1, 2, 0]), Err(Malformed::Padding));
    assert_eq!(parse(0xA0, &[1, 2, 4]), Err(Malformed::Padding));
    assert_eq!(parse(0xA0, b""), Err(Malformed::Padding));
    assert_eq!(parse(0xA0, &[1, 2, 3]).unwrap().payload_len, 0);
}

#[test]
fn protocols_that_share_a_port_are_told_apart() {
    for (first, second, expected) in [
        (0, 1, Protocol::Stun),
        (3, 0, Protocol::Stun),
        (4, 0, Protocol::Unknown),
        (22, 254, Protocol::Dtls),
        (64, 0, Protocol::Unknown),
        (0x80, 0, Protocol::Rtp),
        (0x80, 0x80 | 63, Protocol::Rtp),
        (0x80, 200, Protocol::Rtcp),
        (0xBF, 223, Protocol::Rtcp),
        (0x80, 0x80 | 96, Protocol::Rtp),
        (0xC0, 200, Protocol::Unknown),
    ] {
        assert_eq!(protocol(&[first, second]), expected, "{first} {second}");
    }
    assert_eq!(protocol(&[]), Protocol::Unknown);
    assert_eq!(protocol(&[0x80]), Protocol::Unknown);
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_be_bytes()).collect()
}

/// A sender report with one block, a description, a goodbye of two, and an extended report.
fn compound() -> Vec<u8> {
    let report = words(&[
        0x81C8_000C,
        1,
        0x1111_1111,
        0x2222_2222,
        160,
        10,
        1600,
        2,
        0x40FF_FFFE,
        70_000,
        33,
        5,
        6,
    ]);
    let description = words(&[0x81CA_0002, 1, 0x0100_0000]);
    let goodbye = words(&[0x82CB_0002, 1, 2]);
    let extended = words(&[0x80CF_0001, 1]);
    [report, description, goodbye, extended].concat()
}

#[test]
fn a_compound_is_walked_packet_by_packet() {
    let bytes = compound();
    let all: Vec<Packet<'_>> = packets(&bytes).map(Result::unwrap).collect();
    let Packet::SenderReport {
        ssrc,
        ntp,
        timestamp,
        packets,
        octets,
        mut reports,
    } = all[0]
    else {
        unreachable!()
    };
    assert_eq!(
        (ssrc, ntp, timestamp, packets, octets),
        (1, 0x1111_1111_2222_2222, 160, 10, 1600)
    );
    let report = reports.next().unwrap();
    assert_eq!((report.ssrc, report.fraction_lost, report.lost), (2, 0x40, -2));
    assert_eq!(
        (
            report.highest_seq,
            report.jitter,
            report.last_report,
            report.delay
        ),
        (70_000, 33, 5, 6)
    );
    assert_eq!(reports.next(), None);
    assert!(matches!(all[1], Packet::Description(body) if body.len() == 8));
    assert!(matches!(all[2], Packet::Goodbye { sources: 2, body } if body.len() == 8));
    assert!(matches!(all[3], Packet::Extended(body) if body.len() == 4));
    assert_eq!(all.len(), 4);
}

#[test]
fn the_walk_ends_at_the_first_error() {
    let mut bytes = compound();
    assert!(rtcp::is_valid(&bytes));
    bytes.extend([0x80, 201, 0, 1, 0, 0]);
    assert_eq!(packets(&bytes).last(), Some(Err(Malformed::Short)));
    assert_eq!(packets(&bytes).count(), 5);
    assert!(!rtcp::is_valid(&bytes));
    assert!(!rtcp::is_valid(&[]));
    // A receiver report that announces a block it does not have, a sender report without its numbers.
    assert!(!rtcp::is_valid(&words(&[0x81C9_0001, 1])));
    assert!(!rtcp::is_valid(&words(&[0x80C8_0001, 1])));
    assert!(!rtcp::is_valid(&words(&[0x82CB_0001, 1])));
    assert_eq!(
        packets(&words(&[0x40C9_0001, 1])).next(),
        Some(Err(Malformed::Version))
    );
}

#[test]
fn padding_of_the_last_packet_is_cut() {
    let bytes = words(&[0xA0CC_0003, 1, 0x6E61_6D65, 0x0000_0004]);
    assert_eq!(
        packets(&bytes).next(),
        Some(Ok(Packet::Other {
            kind: 204,
            count: 0,
            body: &bytes[4..12]
        }))
    );
    assert!(!rtcp::is_valid(&words(&[0xA0CC_0001, 0])));
    assert!(!rtcp::is_valid(&words(&[0xA0CC_0001, 5])));
}

#[test]
fn random_octets_never_panic_and_payloads_stay_inside() {
    let mut random = Random(4711);
    let seed = compound();
    for _ in 0..300_000 {
        let mut bytes = seed[..usize::try_from(random.below(100)).unwrap().min(seed.len())].to_vec();
        for _ in 0..random.below(6) {
            let at = usize::try_from(random.below(100)).unwrap();
            bytes
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|b| *b = random.next().to_le_bytes()[0]);
        }
        if let Ok(header) = Header::parse(&bytes) {
            assert_eq!(header.payload(&bytes).len(), header.payload_len);
        }
        for packet in packets(&bytes).flatten() {
            if let Packet::SenderReport { reports, .. } | Packet::ReceiverReport { reports, .. } = packet {
                assert!(reports.count() < 32);
            }
        }
    }
}
