//! The inside of RTCP, and the reports that we make.

use crate::{Random, packet};
use rtp::rtcp::{self, Block, Packet, Report, Reporter, blocks, chunks, leaving, packets};
use rtp::{Header, Reception};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_be_bytes()).collect()
}

#[test]
fn chunks_and_their_items_are_read_to_the_end_of_what_fits() {
    let mut body = 7_u32.to_be_bytes().to_vec();
    body.extend(b"\x01\x03abc\x06\x02xy\0\0\0");
    body.extend(9_u32.to_be_bytes());
    body.extend(b"\x01\x01z\0");
    body.extend(11_u32.to_be_bytes());
    body.extend(b"\x01\xffcut");
    let read: Vec<_> = chunks(&body)
        .map(|chunk| {
            (
                chunk.ssrc,
                chunk.items.map(|item| (item.kind, item.text)).collect(),
            )
        })
        .collect();
    assert_eq!(
        read,
        [
            (7, vec![(1, &b"abc"[..]), (6, &b"xy"[..])]),
            (9, vec![(1, &b"z"[..])])
        ]
    );
    assert_eq!(leaving(2, &words(&[1, 2, 3])).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(leaving(2, &[0; 5]).count(), 1);
}

#[test]
fn extended_reports_are_walked_block_by_block() {
    let body = words(&[
        99,
        // Loss run lengths, of which nothing is read.
        0x0100_0003,
        7,
        0x0001_0100,
        0x4001_0000,
        // A reference time.
        0x0400_0002,
        0x1122_3344,
        0x5566_7788,
        // Delays since two of them.
        0x0500_0006,
        1,
        2,
        3,
        4,
        5,
        6,
        // VoIP metrics.
        0x0700_0008,
        7,
        0x0A05_8001,
        0x0064_1388,
        0x00C8_001E,
        0xE0BA_1410,
        0x5D7F_2A7F,
        0x3000_003C,
        0x0078_0096,
    ]);
    let (ssrc, walk) = blocks(&body).unwrap();
    let walk: Vec<Block<'_>> = walk.map(Result::unwrap).collect();
    assert_eq!(ssrc, 99);
    let [
        Block::Other { kind: 1, .. },
        Block::ReceiverTime(time),
        Block::Delays(delays),
        Block::Voip(metrics),
    ] = walk[..]
    else {
        panic!("{walk:?}");
    };
    assert_eq!(time, 0x1122_3344_5566_7788);
    let delays: Vec<_> = delays.map(|d| (d.ssrc, d.last, d.delay)).collect();
    assert_eq!(delays, [(1, 2, 3), (4, 5, 6)]);
    assert_eq!((metrics.ssrc, metrics.loss, metrics.discarded), (7, 10, 5));
    assert_eq!((metrics.burst_density, metrics.gap_density), (128, 1));
    assert_eq!((metrics.burst_ms, metrics.gap_ms), (100, 5000));
    assert_eq!((metrics.round_trip_ms, metrics.end_system_ms), (200, 30));
    assert_eq!(
        (metrics.r_factor, metrics.mos_lq, metrics.mos_cq),
        (Some(93), Some(42), None)
    );
    assert_eq!(metrics.jitter_buffer_ms, 60);
}

#[test]
fn a_block_that_does_not_fit_ends_the_walk() {
    assert!(blocks(&[0; 3]).is_none());
    for bad in [
        words(&[9, 0x0100_0003, 1]),
        words(&[9, 0x0400_0001, 1]),
        words(&[9, 0x0700_0002, 1, 2]),
    ] {
        let walk: Vec<_> = blocks(&bad).unwrap().1.collect();
        assert_eq!(walk, [Err(rtp::Malformed::Short)]);
    }
}

/// What the one datagram says: SSRC and SR or RR, the block.
fn read(datagram: &[u8]) -> (bool, u32, Option<Report>) {
    assert!(rtcp::is_valid(datagram));
    let all: Vec<Packet<'_>> = packets(datagram).map(Result::unwrap).collect();
    let [report, Packet::Description(body)] = all[..] else {
        panic!("{all:?}");
    };
    let (sends, ssrc, mut reports) = match report {
        Packet::SenderReport { ssrc, reports, .. } => (true, ssrc, reports),
        Packet::ReceiverReport { ssrc, reports } => (false, ssrc, reports),
        other => panic!("{other:?}"),
    };
    let mut chunks = chunks(body);
    let chunk = chunks.next().unwrap();
    let mut items = chunk.items;
    assert_eq!((chunk.ssrc, items.next().unwrap().kind), (ssrc, 1), "our CNAME");
    assert_eq!((items.next(), chunks.next()), (None, None));
    (sends, ssrc, reports.next())
}

#[test]
fn a_stream_of_ours_is_reported_with_what_came_of_the_other() {
    let mut now = Duration::from_secs(50);
    let mut ours = Reporter::new(0xABCD, now);
    let mut theirs = Reception::new();
    let first = ours.due();
    assert!(first > now + MS * 1500 && first < now + MS * 3200, "{first:?}");
    assert_eq!(
        read(&ours.report(&theirs, (8000, None), now)),
        (false, 0xABCD, None)
    );
    for n in 0..250_u16 {
        ours.sent(1000 + u32::from(n) * 160, 160, now);
        if n % 10 != 5 {
            let header = Header::parse(&packet(0, n, u32::from(n) * 160, 7, &[])).unwrap();
            theirs.receive(&header, now, Some(8000));
        }
        now += MS * 20;
    }
    let datagram = ours.report(&theirs, (8000, Some(8000)), now);
    let (sends, _, block) = read(&datagram);
    let block = block.unwrap();
    assert!(sends);
    assert_eq!((block.ssrc, block.lost, block.highest_seq), (7, 25, 249));
    assert_eq!(block.fraction_lost, 25, "a tenth of 256");
    assert_eq!((block.last_report, block.delay), (0, 0), "no SR came");
    let Some(Ok(Packet::SenderReport {
        ntp,
        timestamp,
        packets: sent,
        octets,
        ..
    })) = packets(&datagram).next()
    else {
        panic!("no SR");
    };
    assert_eq!((sent, octets), (250, 40_000));
    assert_eq!(timestamp, 1000 + 250 * 160, "what a sample taken now would have");
    assert_eq!(ntp >> 32, 55);
    // Nothing is sent any more: one SR still, then RR.
    let more = [(); 3].map(|()| read(&ours.report(&theirs, (8000, None), now)).0);
    assert_eq!(more, [true, false, false]);
}

#[test]
fn reports_come_every_five_seconds_give_or_take_a_quarter_and_not_all_at_once() {
    let mut pauses = Vec::new();
    for ssrc in (0..50).map(|n: u32| n.wrapping_mul(0x0100_0193)) {
        let mut ours = Reporter::new(ssrc, Duration::ZERO);
        let mut last = ours.due();
        for _ in 0..20 {
            ours.report(&Reception::new(), (8000, None), last);
            pauses.push(ours.due() - last);
            last = ours.due();
        }
    }
    assert!(pauses.iter().all(|p| (MS * 3750..MS * 6251).contains(p)));
    let mean = pauses.iter().sum::<Duration>() / u32::try_from(pauses.len()).unwrap();
    assert!((MS * 4800..MS * 5200).contains(&mean), "{mean:?}");
    pauses.sort_unstable();
    pauses.dedup();
    assert!(pauses.len() > 500, "{}", pauses.len());
}

#[test]
fn two_reporters_measure_the_round_trip_between_them() {
    let (mut one, mut two) = (Reporter::new(1, MS), Reporter::new(2, MS));
    let mut heard = Reception::new();
    let start = Duration::from_secs(70_000);
    one.sent(0, 160, start);
    let sr = one.report(&Reception::new(), (8000, None), start);
    for n in 0..3 {
        let header = Header::parse(&packet(0, n, 0, 1, &[])).unwrap();
        heard.receive(&header, start, Some(8000));
    }
    for packet in packets(&sr).map(Result::unwrap) {
        assert_eq!(two.hear(&packet, start + MS * 40), None);
    }
    let rr = two.report(&heard, (8000, Some(8000)), start + MS * 1040);
    let back = start + MS * 1075;
    let said = packets(&rr).map(Result::unwrap).find_map(|p| one.hear(&p, back));
    let (report, trip) = said.unwrap();
    assert_eq!(report.ssrc, 1);
    let trip = trip.unwrap();
    assert!((MS * 74..MS * 76).contains(&trip), "{trip:?}");
    // One that answers to something else entirely.
    let (_, trip) = packets(&rr)
        .map(Result::unwrap)
        .find_map(|p| one.hear(&p, back + Duration::from_secs(3600)))
        .unwrap();
    assert_eq!(trip, None);
}

#[test]
fn the_round_trip_is_never_more_than_what_passed() {
    let sent = Duration::from_secs(5);
    let second = 65_536;
    assert_eq!(rtcp::round_trip(sent, second, sent + MS * 1080), Some(MS * 80));
    assert_eq!(
        rtcp::round_trip(sent, second, sent + MS * 995),
        Some(Duration::ZERO)
    );
    assert_eq!(rtcp::round_trip(sent, second, sent + MS * 500), None);
    assert_eq!(rtcp::round_trip(sent, 0, sent + MS * 40_000), None);
}

#[test]
fn random_bodies_never_panic() {
    let mut random = Random(3);
    for _ in 0..20_000 {
        let length = usize::try_from(random.below(80)).unwrap();
        let body: Vec<u8> = (0..length)
            .map(|_| u8::try_from(random.below(9)).unwrap())
            .collect();
        assert!(chunks(&body).map(|chunk| chunk.items.count()).sum::<usize>() <= length);
        if let Some((_, walk)) = blocks(&body) {
            assert!(walk.count() <= length / 4 + 1);
        }
    }
}
