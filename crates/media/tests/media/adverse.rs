//! What the network and clocks do to a stream, and what is heard all the same; and legs that mean harm.

use crate::phone::{CALLER, Call, TICK, share, voice};
use model::{Codec, Leg};
use std::time::Duration;

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What happens to the caller's packets on their way.
#[derive(Clone, Copy)]
struct Network {
    lost_per_cent: u64,
    jitter_ms: u64,
    doubled_per_cent: u64,
    /// The caller's clock is fast by so many parts in a million.
    drift_ppm: i64,
}

const CLEAN: Network = Network {
    lost_per_cent: 0,
    jitter_ms: 0,
    doubled_per_cent: 0,
    drift_ppm: 0,
};

/// The caller speaks for so many seconds through the network.
fn speak(call: &mut Call, network: Network, seconds: u64) {
    let mut random = Random(7);
    let begin = call.world.now;
    let mut under_way: Vec<(Duration, Vec<u8>)> = Vec::new();
    for number in 0..seconds * 50 {
        let packet = call.caller.speak();
        let micros = i64::try_from(number * 20_000).unwrap();
        let micros = micros - micros * network.drift_ppm / 1_000_000;
        let sent = begin + Duration::from_micros(u64::try_from(micros).unwrap());
        let mut copies = u32::from(random.below(100) >= network.lost_per_cent);
        copies += u32::from(random.below(100) < network.doubled_per_cent);
        for _ in 0..copies {
            let late = random.below(network.jitter_ms * 1000 + 1);
            under_way.push((sent + Duration::from_micros(late), packet.clone()));
        }
    }
    under_way.sort_by_key(|(arrival, _)| *arrival);
    for (arrival, packet) in under_way {
        while let Some(due) = call.world.relay.poll_timeout().filter(|due| *due <= arrival) {
            let by = due.saturating_sub(call.world.now);
            call.pass(by);
        }
        call.world.now = call.world.now.max(arrival);
        call.send(Leg::Caller, &packet);
    }
}

/// Per cent of the callee's last seconds, in parts of 40 ms, in which the caller's sine is heard well.
fn good(call: &Call, seconds: u32) -> usize {
    let rate_hz = call.callee.rate_hz;
    let count = usize::try_from(rate_hz * seconds).unwrap();
    let heard = &call.callee.heard[call.callee.heard.len() - count..];
    let parts = heard.chunks(usize::try_from(rate_hz / 25).unwrap());
    let good = parts
        .clone()
        .filter(|part| share(part, 440.0, rate_hz) > 0.9)
        .count();
    good * 100 / parts.len()
}

const PAIRS: [(Codec, Codec); 3] = [
    (Codec::Pcmu, Codec::Opus),
    (Codec::Opus, Codec::Pcma),
    (Codec::G722, Codec::Pcmu),
];

fn check(network: Network, seconds: u64, least_per_cent: usize) {
    check_pairs(&PAIRS, network, seconds, least_per_cent);
}

fn check_pairs(pairs: &[(Codec, Codec)], network: Network, seconds: u64, least_per_cent: usize) {
    for (caller, callee) in pairs.iter().copied() {
        let mut call = Call::new(voice(caller), voice(callee));
        speak(&mut call, network, seconds);
        let good = good(&call, u32::try_from(seconds - 2).unwrap());
        assert!(
            good >= least_per_cent,
            "{caller:?} to {callee:?}: {good} % of {least_per_cent} %"
        );
        let lasted = call.callee.heard.len() / usize::try_from(call.callee.rate_hz).unwrap();
        assert!(lasted + 1 >= usize::try_from(seconds).unwrap(), "{lasted} s");
    }
}

#[test]
fn losses_are_concealed() {
    for (lost_per_cent, least) in [(0, 100), (1, 95), (5, 80), (20, 40)] {
        let network = Network {
            lost_per_cent,
            ..CLEAN
        };
        check(network, 20, least);
    }
}

#[test]
fn jitter_is_borne() {
    for (jitter_ms, least) in [(20, 98), (60, 95), (100, 90)] {
        check(Network { jitter_ms, ..CLEAN }, 20, least);
    }
}

#[test]
fn copies_and_disorder_do_no_harm() {
    let network = Network {
        doubled_per_cent: 30,
        jitter_ms: 50,
        ..CLEAN
    };
    check(network, 20, 95);
}

/// Five minutes at 200 ppm are 60 ms, three packets.
#[test]
fn clocks_may_drift() {
    for drift_ppm in [-200, 200] {
        let network = Network { drift_ppm, ..CLEAN };
        check_pairs(&[(Codec::Pcmu, Codec::Pcma)], network, 300, 99);
    }
}

/// What a leg of a transcoded call can make us do with packets.
fn attack(make: fn(u32) -> Vec<u8>) -> Call {
    let mut voice_of = voice(Codec::Opus);
    voice_of.also = vec![(0, Codec::Pcmu), (9, Codec::G722)];
    voice_of.events = Some(101);
    let mut callee = voice(Codec::Pcma);
    callee.events = Some(101);
    let mut call = Call::new(voice_of, callee);
    let mut number = 0;
    // Two seconds at 10,000 packets a second.
    for _ in 0..100 {
        for _ in 0..200 {
            let packet = make(number);
            call.send(Leg::Caller, &packet);
            number += 1;
        }
        call.pass(TICK);
    }
    call
}

fn raw(pt: u8, seq: u16, timestamp: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut octets = vec![0x80, pt];
    octets.extend(seq.to_be_bytes());
    octets.extend(timestamp.to_be_bytes());
    octets.extend(ssrc.to_be_bytes());
    octets.extend(payload);
    octets
}

#[test]
fn a_hostile_leg_makes_no_more_of_us_and_is_got_over() {
    type Make = fn(u32) -> Vec<u8>;
    let attacks: [(&str, Make); 8] = [
        ("another source each time", |n| {
            raw(111, n as u16, n * 960, n, &[0x08; 40])
        }),
        ("numbers that jump", |n| {
            raw(0, (n.wrapping_mul(7919)) as u16, n * 160, 1, &[0x55; 160])
        }),
        ("times that jump", |n| {
            raw(0, n as u16, n.wrapping_mul(0x3333_3333), 1, &[0x55; 160])
        }),
        ("codecs in turn", |n| {
            let pt = [111, 0, 9][n as usize % 3];
            raw(pt, n as u16, n * 160, 1, &[0x08; 160])
        }),
        ("longest packets", |n| {
            raw(111, n as u16, n * 960, 1, &[0xFF; 1488])
        }),
        ("every other packet", |n| {
            raw(0, (n * 2) as u16, n * 40, 1, &[0x55; 20])
        }),
        ("random octets", |n| {
            let mut random = Random(u64::from(n));
            let payload: Vec<u8> = (0..random.below(300)).map(|_| random.below(256) as u8).collect();
            raw(111, n as u16, n * 960, 1, &payload)
        }),
        ("a digit in each packet", |n| {
            raw(101, n as u16, n * 160, 1, &[(n % 16) as u8, 0x8A, 0, 100])
        }),
    ];
    for (name, make) in attacks {
        let mut call = attack(make);
        // As many packets as time allows, not as many as came.
        assert!(
            call.callee.headers.len() <= 102,
            "{name}: {}",
            call.callee.headers.len()
        );
        let reports = std::mem::take(&mut call.world.reports);
        assert!(reports.len() <= 80, "{name}: {} reports", reports.len());
        // And then it behaves.
        let before = std::mem::replace(
            &mut call.caller,
            crate::phone::Phone::new(CALLER, voice(Codec::Opus), 440.0),
        );
        call.caller.relay = before.relay;
        call.caller.ssrc = 0x2222_2222;
        call.talk(150);
        assert!(call.callee.share(440.0, 500) > 0.95, "{name}");
    }
}
