//! The figures in `Closed` are exact, and what phones report about each other is understood.

use crate::world::{World, above, packet, rtcp, rtp};
use model::{Leg, LegQuality};
use std::net::SocketAddr;
use std::time::Duration;

const CALLER: &str = "192.0.2.10:4000";

fn one_way() -> (World, SocketAddr) {
    let mut world = World::new(40000, 40099);
    world.open(1, 0);
    let (caller, _) = world.opened();
    world.remote(1, Leg::Caller, Some(CALLER), "192.0.2.10");
    (world, caller)
}

#[test]
fn packets_octets_loss_strays_and_the_unrouted_are_counted() {
    let (mut world, caller) = one_way();
    let early = world.send(CALLER, caller, &rtp(0));
    assert_eq!(early, None, "the callee has no address yet");
    world.remote(1, Leg::Callee, Some("203.0.113.20:6000"), "203.0.113.20");
    for seq in (1..100).filter(|s| s % 10 != 5) {
        world.advance(Duration::from_millis(20));
        world.send(CALLER, caller, &rtp(seq)).unwrap();
    }
    world.send("192.0.2.11:4000", caller, &rtp(1));
    world.send(CALLER, caller, &rtcp()).unwrap();
    let (quality, other) = world.close(1);
    let lost = (1..100).filter(|s| s % 10 == 5).count();
    assert_eq!(quality.packets, 100 - u64::try_from(lost).unwrap());
    assert_eq!(
        quality.bytes,
        quality.packets * u64::try_from(rtp(0).len()).unwrap()
    );
    assert_eq!(quality.lost, u64::try_from(lost).unwrap());
    assert_eq!((quality.stray, quality.unrouted, quality.rtcp), (1, 1, 1));
    assert_eq!(other, LegQuality::default());
}

#[test]
fn jitter_of_a_dynamic_payload_type_is_measured_by_its_own_clock() {
    let (mut world, caller) = one_way();
    for seq in 0..500_u16 {
        // 20 ms of Opus, every other packet 4 ms late.
        let (even, odd) = (Duration::from_millis(24), Duration::from_millis(16));
        world.advance(if seq % 2 == 0 { even } else { odd });
        world.send(CALLER, caller, &packet(111, seq, u32::from(seq) * 960));
    }
    let (quality, _) = world.close(1);
    assert!((3900..=4000).contains(&quality.jitter_us), "{quality:?}");
    assert!(quality.jitter_us_max <= 4100, "{quality:?}");
}

const CALLEE: &str = "203.0.113.20:6000";
const MS: Duration = Duration::from_millis(1);

/// A call with both legs described, and where each sends.
fn call() -> (World, SocketAddr, SocketAddr) {
    let mut world = World::new(40000, 40099);
    world.open(1, 0);
    let (caller, callee) = world.opened();
    world.remote(1, Leg::Caller, Some(CALLER), "192.0.2.10");
    world.remote(1, Leg::Callee, Some(CALLEE), "203.0.113.20");
    (world, caller, callee)
}

/// 20 ms of the callee's voice, of another source than the caller's.
fn other_voice(seq: u16) -> Vec<u8> {
    let mut packet = rtp(seq);
    packet[11] = 8;
    packet
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// A sender report of that source at this time of its own clock.
fn sender_report(ssrc: u32, middle: u32) -> Vec<u8> {
    words(&[0x80C8_0006, ssrc, middle >> 16, middle << 16, 0, 100, 16_000])
}

/// A receiver report about that source.
fn receiver_report(ssrc: u32, lost: u32, last: u32, delay: u32) -> Vec<u8> {
    words(&[0x81C9_0007, 99, ssrc, 12 << 24 | lost, 400, 160, last, delay])
}

#[test]
fn losses_are_told_by_bursts_and_gaps_with_disorder_and_percentiles() {
    let (mut world, caller, _) = call();
    let lost = |seq: u16| (200..210).contains(&seq) || seq == 500;
    let mut order: Vec<u16> = (0..1000).filter(|seq| !lost(*seq)).collect();
    order.swap(700, 701);
    order.insert(300, order[299]);
    for seq in order {
        world.advance(MS * 20);
        world.send(CALLER, caller, &rtp(seq)).unwrap();
    }
    let (quality, _) = world.close(1);
    assert_eq!((quality.reordered, quality.late, quality.duplicates), (1, 0, 1));
    let burst = quality.burst;
    assert_eq!(
        (burst.count, burst.density_milli, burst.gap_density_milli),
        (1, 1000, 1)
    );
    assert!((190..=210).contains(&burst.ms), "{burst:?}");
    assert!((9_000..11_000).contains(&burst.gap_ms), "{burst:?}");
    assert!(burst.ratio_milli > 5000, "{burst:?}");
    // One packet came twice and two changed places; all others were on time.
    assert!(
        quality.jitter_us_p50 <= 640 && quality.jitter_us_p99 <= 640,
        "{quality:?}"
    );
    let score = quality.score.unwrap();
    assert!((390..430).contains(&score.mos_hundredths), "{score:?}");
}

#[test]
fn the_round_trip_of_each_leg_follows_from_reports_that_pass() {
    let (mut world, caller, callee) = call();
    for seq in 0..200 {
        world.advance(MS * 20);
        world.send(CALLER, caller, &rtp(seq)).unwrap();
        world.send(CALLEE, callee, &other_voice(seq)).unwrap();
    }
    // The caller's report passes; the callee keeps it for half a second, and is 80 ms away and back.
    let (from_caller, from_callee) = ("192.0.2.10:4001", "203.0.113.20:6001");
    world
        .send(from_caller, above(caller), &sender_report(7, 0xAAAA_BBBB))
        .unwrap();
    world
        .send(from_callee, above(callee), &sender_report(8, 0x1111_2222))
        .unwrap();
    world.advance(MS * 580);
    let half = 65_536 / 2;
    let said = receiver_report(7, 9, 0xAAAA_BBBB, half);
    world.send(from_callee, above(callee), &said).unwrap();
    // An answer to something that never passed, one about a stranger's stream, and one that knows nothing.
    world
        .send(from_callee, above(callee), &receiver_report(7, 9, 5, half))
        .unwrap();
    world
        .send(
            from_callee,
            above(callee),
            &receiver_report(77, 9, 0xAAAA_BBBB, 0),
        )
        .unwrap();
    world
        .send(from_caller, above(caller), &receiver_report(8, 0, 0, 0))
        .unwrap();
    let (caller, callee) = world.close(1);
    assert_eq!(
        (callee.round_trip_us, callee.round_trip_us_max),
        (Some(80_000), Some(80_000))
    );
    assert_eq!(caller.round_trip_us, None);
    let far = callee.far.unwrap();
    assert_eq!(
        (far.reports, far.lost, far.fraction_lost, far.jitter_us),
        (2, 9, 12, 20_000)
    );
    let heard = far.score.unwrap();
    assert!(
        heard.mos_hundredths < callee.score.unwrap().mos_hundredths,
        "{heard:?}"
    );
    assert_eq!(caller.far.map(|far| far.reports), Some(1));
}

#[test]
fn phones_that_only_listen_tell_the_round_trip_by_extended_reports_and_judge_themselves() {
    let (mut world, caller, callee) = call();
    for seq in 0..200 {
        world.advance(MS * 20);
        world.send(CALLER, caller, &rtp(seq)).unwrap();
        world.send(CALLEE, callee, &other_voice(seq)).unwrap();
    }
    let (from_caller, from_callee) = ("192.0.2.10:4001", "203.0.113.20:6001");
    // The callee asks when it is, the caller tells how long ago it was asked: the caller is 40 ms away.
    let time = words(&[0x80CF_0004, 8, 0x0400_0002, 0x0000_1234, 0x5678_0000]);
    world.send(from_callee, above(callee), &time).unwrap();
    world.advance(MS * 1040);
    let delay = words(&[0x80CF_0005, 7, 0x0500_0003, 8, 0x1234_5678, 65_536]);
    world.send(from_caller, above(caller), &delay).unwrap();
    let judged = words(&[
        0x80CF_000A,
        7,
        0x0700_0008,
        8,
        0x0A05_8001,
        0x0064_1388,
        0x00C8_001E,
        0xE0BA_1410,
        0x5D7F_2A7F,
        0x3000_003C,
        0x0078_0096,
    ]);
    world.send(from_caller, above(caller), &judged).unwrap();
    let (caller, _) = world.close(1);
    assert_eq!(caller.round_trip_us, Some(40_000));
    let far = caller.far.unwrap();
    assert_eq!(
        (far.r_factor, far.mos_tenths, far.end_system_ms),
        (Some(93), Some(42), Some(30))
    );
}

#[test]
fn a_short_stream_is_not_judged_and_an_account_of_before_is_read() {
    let (mut world, caller, _) = call();
    for seq in 0..50 {
        world.advance(MS * 20);
        world.send(CALLER, caller, &rtp(seq)).unwrap();
    }
    assert_eq!(world.close(1).0.score, None);
    let before =
        r#"{"packets":9,"bytes":1,"lost":2,"stray":3,"unrouted":4,"jitter_us":5,"jitter_us_max":6,"rtcp":7}"#;
    let read: LegQuality = serde_json::from_str(before).unwrap();
    assert_eq!(
        (read.packets, read.rtcp, read.refused, read.burst.count, read.far),
        (9, 7, 0, 0, None)
    );
    let now = serde_json::to_string(&world.close(1).0).unwrap();
    assert_eq!(
        serde_json::from_str::<LegQuality>(&now).unwrap(),
        LegQuality::default()
    );
}
