//! Telephone events from a sender through a bad network to a receiver.

use crate::Random;
use rtp::event::{Heard, LOST_END, Outgoing, Payload, Receiver, Sender, code, key};
use std::time::Duration;

const TICK: Duration = Duration::from_millis(20);

fn send(key: char, timestamp: u32, ms: u32) -> Vec<Outgoing> {
    let mut sender = Sender::new(code(key).unwrap(), 10, timestamp, ms * 8);
    std::iter::from_fn(|| sender.tick(160)).collect()
}

/// What a receiver tells of these packets, one each 20 ms, and of the silence behind them.
fn receive(packets: &[Outgoing]) -> Vec<Heard> {
    let mut receiver = Receiver::new();
    let mut heard = Vec::new();
    let mut now = Duration::ZERO;
    for packet in packets {
        heard.extend(receiver.handle_timeout(now));
        let payload = Payload::parse(&packet.payload.to_bytes()).unwrap();
        heard.extend(
            receiver
                .receive(7, packet.timestamp, payload, now)
                .into_iter()
                .flatten(),
        );
        now += TICK;
    }
    now += LOST_END;
    heard.extend(receiver.handle_timeout(now));
    assert_eq!(receiver.poll_timeout(), None);
    heard
}

fn keys(heard: &[Heard]) -> String {
    let start = |h: &Heard| match h {
        Heard::Start { event } => key(*event),
        Heard::End { .. } => None,
    };
    heard.iter().filter_map(start).collect()
}

/// Starts and ends take turns, and belong together.
fn paired(heard: &[Heard]) -> bool {
    heard
        .chunks(2)
        .all(|pair| matches!(pair, [Heard::Start { event: a }, Heard::End { event: b, .. }] if a == b))
}

#[test]
fn the_octets_are_those_of_the_rfc() {
    // RFC 4733 §5.1.2's third digit, at its end.
    let payload = Payload {
        event: 1,
        end: true,
        volume: 20,
        duration: 1760,
    };
    assert_eq!(payload.to_bytes(), [1, 0x94, 0x06, 0xE0]);
    assert_eq!(Payload::parse(&payload.to_bytes()), Some(payload));
    assert_eq!(Payload::parse(&[1, 2, 3]), None);
    // The reserved bit and what follows are not looked at.
    assert_eq!(Payload::parse(&[1, 0xD4, 6, 0xE0, 9, 9]), Some(payload));
    for code in 0..=255 {
        assert_eq!(key(code).and_then(rtp::event::code), (code < 16).then_some(code));
    }
    assert_eq!((code('d'), code('x'), code('é')), (Some(15), None, None));
}

#[test]
fn an_event_is_sent_with_rising_durations_and_three_ends() {
    let packets = send('5', 1000, 100);
    let durations: Vec<u16> = packets.iter().map(|p| p.payload.duration).collect();
    assert_eq!(durations, [160, 320, 480, 640, 800, 800, 800]);
    let ends: Vec<bool> = packets.iter().map(|p| p.payload.end).collect();
    assert_eq!(ends, [false, false, false, false, true, true, true]);
    assert!(
        packets
            .iter()
            .all(|p| p.timestamp == 1000 && p.payload.event == 5 && p.payload.volume == 10)
    );
    assert!(packets.iter().enumerate().all(|(n, p)| p.marker == (n == 0)));
    // A length that no tick ends with is exact all the same.
    assert_eq!(send('5', 0, 85).last().unwrap().payload.duration, 680);
    assert_eq!(send('5', 0, 0).len(), 3);
}

#[test]
fn a_key_that_is_released_ends_with_the_next_packet() {
    let mut sender = Sender::new(3, 10, 0, u32::MAX);
    for _ in 0..4 {
        assert!(!sender.tick(160).unwrap().payload.end);
    }
    sender.release();
    let rest: Vec<Outgoing> = std::iter::from_fn(|| sender.tick(160)).collect();
    assert_eq!(rest.len(), 3);
    assert!(rest.iter().all(|p| p.payload.end && p.payload.duration == 641));
}

#[test]
fn a_long_event_goes_on_in_segments_and_is_one_event() {
    let packets = send('#', 4_294_967_000, 20_000);
    let first = packets.iter().filter(|p| p.timestamp == 4_294_967_000).count();
    assert_eq!(first, 409);
    assert!(
        packets
            .iter()
            .all(|p| p.payload.end == (p.payload.duration == 28_930 && p.timestamp != 4_294_967_000))
    );
    let timestamps: std::collections::BTreeSet<u32> = packets.iter().map(|p| p.timestamp).collect();
    assert_eq!(timestamps.len(), 3);
    let heard = receive(&packets);
    assert_eq!(
        heard,
        [
            Heard::Start { event: 11 },
            Heard::End {
                event: 11,
                duration: 160_000
            }
        ]
    );
}

#[test]
fn every_event_is_told_once_whatever_is_lost() {
    let digits = "1122334455*#ABCD0099";
    let mut packets = Vec::new();
    for (n, key) in digits.chars().enumerate() {
        packets.push(send(key, 5000 + n as u32 * 1600, 80));
    }
    let all: Vec<Outgoing> = packets.concat();
    assert_eq!(keys(&receive(&all)), digits);
    for seed in 0..200 {
        let mut random = Random(seed);
        // Each event keeps one packet at least: one that is lost whole is nobody's.
        let mut kept = Vec::new();
        for event in &packets {
            let sure = random.below(event.len() as u64) as usize;
            let survivors = event
                .iter()
                .enumerate()
                .filter(|(n, _)| *n == sure || random.below(100) >= 60);
            kept.extend(survivors.map(|(_, p)| *p));
        }
        let heard = receive(&kept);
        assert_eq!(keys(&heard), digits, "seed {seed}");
        assert!(paired(&heard), "seed {seed}: {heard:?}");
    }
}

#[test]
fn repeated_and_overtaken_packets_tell_nothing_twice() {
    let (a, b) = (send('1', 1000, 80), send('1', 3000, 80));
    let doubled: Vec<Outgoing> = a.iter().chain(&b).flat_map(|p| [*p, *p]).collect();
    assert_eq!(keys(&receive(&doubled)), "11");
    // The last end of the first comes within the second.
    let mixed = [&a[..5], &b[..2], &a[5..], &b[2..]].concat();
    let heard = receive(&mixed);
    assert_eq!(keys(&heard), "11");
    assert!(paired(&heard));
    // Ends before the beginning.
    let backwards: Vec<Outgoing> = a.iter().rev().copied().collect();
    assert_eq!(
        receive(&backwards),
        [
            Heard::Start { event: 1 },
            Heard::End {
                event: 1,
                duration: 640
            }
        ]
    );
}

#[test]
fn a_lost_end_is_told_after_200_ms_or_with_the_next_event() {
    let a = send('1', 1000, 80);
    let end = Heard::End {
        event: 1,
        duration: 480,
    };
    assert_eq!(receive(&a[..3]), [Heard::Start { event: 1 }, end]);
    let b = send('2', 3000, 80);
    let heard = receive(&[&a[..3], &b[..]].concat());
    let second = [
        Heard::Start { event: 2 },
        Heard::End {
            event: 2,
            duration: 640,
        },
    ];
    assert_eq!(heard, [&[Heard::Start { event: 1 }, end][..], &second].concat());
    let mut receiver = Receiver::new();
    receiver.receive(7, 1000, a[0].payload, TICK);
    assert_eq!(receiver.poll_timeout(), Some(TICK + LOST_END));
    assert_eq!(receiver.handle_timeout(LOST_END), None);
    assert!(receiver.handle_timeout(TICK + LOST_END).is_some());
    assert_eq!(receiver.handle_timeout(Duration::MAX), None);
}

#[test]
fn another_source_begins_another_event() {
    let mut receiver = Receiver::new();
    let payload = Payload {
        event: 4,
        end: false,
        volume: 10,
        duration: 160,
    };
    receiver.receive(7, 9000, payload, TICK);
    let heard = receiver.receive(8, 1, payload, TICK);
    assert_eq!(
        heard,
        [
            Some(Heard::End {
                event: 4,
                duration: 160
            }),
            Some(Heard::Start { event: 4 }),
            None
        ]
    );
}

/// After a hold some phones keep their source and choose their timestamps anew, half of them lower ones.
#[test]
fn keys_are_heard_whose_timestamps_have_begun_anew() {
    let mut receiver = Receiver::new();
    let mut heard = |timestamp: u32, event: u8, ms: u64| {
        let payload = Payload {
            event,
            end: true,
            volume: 10,
            duration: 800,
        };
        let told = receiver.receive(7, timestamp, payload, Duration::from_millis(ms));
        told.iter().flatten().count()
    };
    assert_eq!(heard(3_000_000_000, 1, 0), 2);
    assert_eq!(heard(3_000_008_000, 2, 1_000), 2);
    assert_eq!(heard(3_000_000_000, 1, 1_010), 0, "a late one");
    for timestamp in [2_900_000_000, 1_000_000_000, 5, 4_000_000_000] {
        assert_eq!(heard(timestamp, 3, 9_000), 2, "{timestamp}");
        assert_eq!(heard(timestamp, 3, 9_020), 0, "the same once more");
    }
}
