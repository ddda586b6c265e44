//! The figures in `Closed` are exact.

use crate::world::{World, packet, rtcp, rtp};
use model::{Leg, LegQuality};
use std::time::Duration;

const CALLER: &str = "192.0.2.10:4000";

fn one_way() -> (World, std::net::SocketAddr) {
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
