//! Row 6 of the security rules: whom a leg believes.

use crate::world::{World, above, addr, rtcp, rtp, secs};
use media::Forward;
use model::Leg;
use std::net::SocketAddr;

const CALLER: &str = "192.0.2.10:4000";
const CALLEE: &str = "203.0.113.20:6000";
const STRANGER: &str = "233.252.0.66:6666";

/// A call between two phones on the open network. Gives the addresses that face caller and callee.
fn call() -> (World, SocketAddr, SocketAddr) {
    let mut world = World::new(40000, 40099);
    world.open(1, 0);
    let (caller, callee) = world.opened();
    world.remote(1, Leg::Caller, Some(CALLER), "192.0.2.10");
    world.remote(1, Leg::Callee, Some(CALLEE), "203.0.113.20");
    (world, caller, callee)
}

/// A caller behind NAT: described by a private address, signalling and media from 192.0.2.99.
fn call_behind_nat() -> (World, SocketAddr, SocketAddr) {
    let (mut world, caller, callee) = call();
    world.remote(1, Leg::Caller, Some("10.0.0.5:4000"), "192.0.2.99");
    (world, caller, callee)
}

#[test]
fn packets_cross_unchanged_from_socket_to_socket() {
    let (mut world, caller, callee) = call();
    let far = world.pair(callee);
    let near = world.pair(caller);
    assert_eq!(
        world.send(CALLER, caller, &rtp(1)),
        Some(Forward {
            pair: far,
            rtcp: false,
            to: addr(CALLEE),
            len: 172
        })
    );
    assert_eq!(
        world.send(CALLEE, callee, &rtp(1)),
        Some(Forward {
            pair: near,
            rtcp: false,
            to: addr(CALLER),
            len: 172
        })
    );
    let to = addr("203.0.113.20:6001");
    assert_eq!(
        world.send("192.0.2.10:4001", above(caller), &rtcp()),
        Some(Forward {
            pair: far,
            rtcp: true,
            to,
            len: 8
        })
    );
}

/// Whoever has the old address now is nobody that was agreed on.
#[test]
fn a_phone_that_moves_before_it_is_locked_is_not_sent_to_where_it_was() {
    let (mut world, caller, callee) = call_behind_nat();
    assert!(world.send("192.0.2.99:5000", caller, &rtp(1)).is_some());
    assert_eq!(world.to(CALLEE, callee, &rtp(1)).unwrap(), "192.0.2.99:5000");
    world.remote(1, Leg::Caller, Some("10.0.0.5:4000"), "192.0.2.77");
    assert_eq!(world.to(CALLEE, callee, &rtp(2)).unwrap(), "10.0.0.5:4000");
    assert!(world.send("192.0.2.99:5000", caller, &rtp(2)).is_none());
    assert!(world.send("192.0.2.77:5000", caller, &rtp(3)).is_some());
    assert_eq!(world.to(CALLEE, callee, &rtp(3)).unwrap(), "192.0.2.77:5000");
}

#[test]
fn strangers_are_never_believed_nor_answered_before_the_lock() {
    let (mut world, caller, callee) = call();
    for seq in 0..1000 {
        assert_eq!(world.to(STRANGER, caller, &rtp(seq)), None);
        assert_eq!(world.to(STRANGER, callee, &rtp(seq)), None);
        assert_eq!(world.to(STRANGER, above(caller), &rtcp()), None);
    }
    // Both legs still send to, and accept from, the described addresses.
    assert_eq!(world.to(CALLER, caller, &rtp(1)).unwrap(), CALLEE);
    assert_eq!(world.to(CALLEE, callee, &rtp(1)).unwrap(), CALLER);
    let (from_caller, from_callee) = world.close(1);
    assert_eq!((from_caller.stray, from_callee.stray), (2000, 1000));
    assert_eq!((from_caller.packets, from_caller.rtcp), (1, 0));
}

#[test]
fn after_the_lock_only_the_locked_source_is_believed() {
    let (mut world, caller, callee) = call();
    assert!(world.to(CALLER, caller, &rtp(1)).is_some());
    for from in [STRANGER, "192.0.2.10:4002", "192.0.2.10:9"] {
        for seq in 0..100 {
            assert_eq!(world.to(from, caller, &rtp(seq)), None);
        }
    }
    assert_eq!(world.to(CALLEE, callee, &rtp(1)).unwrap(), CALLER);
    assert_eq!(world.close(1).0.stray, 300);
}

#[test]
fn the_described_address_is_preferred_and_locks_at_once() {
    let (mut world, caller, callee) = call();
    for seq in 0..4 {
        assert!(world.to("192.0.2.10:5555", caller, &rtp(seq)).is_some());
    }
    assert!(world.to(CALLER, caller, &rtp(4)).is_some());
    assert_eq!(world.to("192.0.2.10:5555", caller, &rtp(5)), None);
    assert_eq!(world.to(CALLEE, callee, &rtp(1)).unwrap(), CALLER);
}

#[test]
fn a_phone_behind_nat_is_believed_by_its_signalling_host_and_locks_with_the_fifth_packet() {
    let (mut world, caller, callee) = call_behind_nat();
    let nat = "192.0.2.99:31000";
    assert_eq!(world.to(CALLEE, callee, &rtp(0)).unwrap(), "10.0.0.5:4000");
    for seq in 1..=5 {
        assert_eq!(world.to(nat, caller, &rtp(seq)).unwrap(), CALLEE);
        assert_eq!(world.to(CALLEE, callee, &rtp(seq)).unwrap(), nat);
    }
    // The phone next door, behind the same NAT, is late.
    assert_eq!(world.to("192.0.2.99:31002", caller, &rtp(6)), None);
    assert_eq!(world.to("10.0.0.5:4000", caller, &rtp(6)), None);
    assert!(world.to(nat, caller, &rtp(6)).is_some());
}

#[test]
fn rtcp_behind_nat_goes_back_where_it_came_from_and_nowhere_before() {
    let (mut world, caller, callee) = call_behind_nat();
    for seq in 1..=5 {
        world.to("192.0.2.99:31000", caller, &rtp(seq)).unwrap();
    }
    let report = rtcp();
    assert_eq!(world.to("203.0.113.20:6001", above(callee), &report), None);
    assert_eq!(world.to("192.0.2.98:31001", above(caller), &report), None);
    assert_eq!(
        world.to("192.0.2.99:31001", above(caller), &report).unwrap(),
        "203.0.113.20:6001"
    );
    assert_eq!(world.to("192.0.2.99:7", above(caller), &report), None);
    assert_eq!(
        world.to("203.0.113.20:6001", above(callee), &report).unwrap(),
        "192.0.2.99:31001"
    );
}

#[test]
fn rtcp_on_the_rtp_port_is_told_apart_and_answered_there() {
    let (mut world, caller, callee) = call();
    world.to(CALLER, caller, &rtp(1)).unwrap();
    assert_eq!(world.to(CALLER, caller, &rtcp()).unwrap(), "203.0.113.20:6001");
    let back = world.send("203.0.113.20:6001", above(callee), &rtcp()).unwrap();
    assert_eq!((back.rtcp, back.to), (false, addr(CALLER)));
    assert_eq!(
        world.to(CALLER, above(caller), &rtp(2)),
        None,
        "RTP has no place on the RTCP port"
    );
}

#[test]
fn a_new_described_address_relatches_and_the_same_one_does_not() {
    let (mut world, caller, callee) = call();
    world.to(CALLER, caller, &rtp(1)).unwrap();
    world.remote(1, Leg::Caller, Some(CALLER), "192.0.2.10");
    assert_eq!(world.to("192.0.2.10:4010", caller, &rtp(2)), None);

    world.remote(1, Leg::Caller, Some("192.0.2.44:4000"), "192.0.2.10");
    assert_eq!(world.to(CALLEE, callee, &rtp(1)).unwrap(), "192.0.2.44:4000");
    assert!(world.to("192.0.2.44:4000", caller, &rtp(3)).is_some());
    assert_eq!(world.to(CALLER, caller, &rtp(4)), None);
}

#[test]
fn a_phone_behind_nat_that_changes_networks_relatches_by_its_signalling() {
    let (mut world, caller, callee) = call_behind_nat();
    for seq in 1..=5 {
        world.to("192.0.2.99:31000", caller, &rtp(seq)).unwrap();
    }
    world.remote(1, Leg::Caller, Some("10.0.0.5:4000"), "192.0.2.77");
    assert_eq!(world.to("192.0.2.99:31000", caller, &rtp(6)), None);
    assert!(world.to("192.0.2.77:9000", caller, &rtp(6)).is_some());
    assert_eq!(world.to(CALLEE, callee, &rtp(1)).unwrap(), "192.0.2.77:9000");
}

#[test]
fn a_hold_without_address_mutes_and_the_same_address_resumes_without_relatching() {
    let (mut world, caller, callee) = call();
    world.to(CALLER, caller, &rtp(1)).unwrap();
    for mute in [
        None,
        Some("0.0.0.0:4000"),
        Some("192.0.2.10:0"),
        Some("224.0.0.1:4000"),
    ] {
        world.remote(1, Leg::Caller, mute, "192.0.2.10");
        assert_eq!(world.to(CALLEE, callee, &rtp(1)), None, "{mute:?}");
        assert!(
            world.to(CALLER, caller, &rtp(2)).is_some(),
            "held music still comes"
        );
    }
    world.remote(1, Leg::Caller, Some(CALLER), "192.0.2.10");
    assert_eq!(world.to(CALLEE, callee, &rtp(2)).unwrap(), CALLER);
    assert_eq!(world.to("192.0.2.10:4002", caller, &rtp(3)), None);
    assert_eq!(world.close(1).1.unrouted, 4);
}

#[test]
fn a_million_bad_packets_change_nothing() {
    let (mut world, caller, callee) = call();
    // The first half comes before the lock, all of it from the right address.
    let mut state = 0x1234_5678_9ABC_DEF1_u64;
    let mut bytes = [0_u8; 40];
    for round in 0..1_000_000_u32 {
        for chunk in bytes.chunks_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            chunk.copy_from_slice(&state.to_le_bytes());
        }
        // Any version but 2, or too short.
        bytes[0] &= 0x7F;
        let bad = if round % 8 == 0 { &rtp(1)[..11] } else { &bytes[..] };
        assert_eq!(world.send(CALLER, caller, bad), None);
        if round == 500_000 {
            assert!(world.send(CALLER, caller, &rtp(1)).is_some());
        }
    }
    assert!(world.send(CALLER, caller, &rtp(2)).is_some());
    assert_eq!(world.to(CALLEE, callee, &rtp(1)).unwrap(), CALLER);
    let (quality, _) = world.close(1);
    assert_eq!((quality.packets, quality.lost, quality.stray), (2, 0, 1_000_000));
}

#[test]
fn malformed_packets_never_latch() {
    let (mut world, caller, _) = call_behind_nat();
    for _ in 0..50 {
        assert_eq!(world.to("192.0.2.99:1", caller, &rtp(1)[..11]), None);
        assert_eq!(world.to("192.0.2.99:1", caller, &[0x90; 14]), None);
    }
    for seq in 0..4 {
        world.to("192.0.2.99:31000", caller, &rtp(seq)).unwrap();
    }
    assert!(
        world.to("192.0.2.99:31002", caller, &rtp(5)).is_some(),
        "not locked before the fifth"
    );
}

#[test]
fn nothing_is_sent_to_our_own_ports() {
    let (mut world, caller, callee) = call();
    world.remote(1, Leg::Callee, Some(&caller.to_string()), "203.0.113.20");
    assert_eq!(world.to(CALLER, caller, &rtp(1)), None);
    world.remote(1, Leg::Callee, Some(&callee.to_string()), "203.0.113.20");
    assert_eq!(world.to(CALLER, caller, &rtp(2)), None);
}

#[test]
fn an_ipv4_phone_on_an_ipv6_socket_is_the_same_phone() {
    let (mut world, caller, _) = call();
    assert_eq!(
        world.to("[::ffff:192.0.2.10]:4000", caller, &rtp(1)).unwrap(),
        CALLEE
    );
    assert!(world.to(CALLER, caller, &rtp(2)).is_some());
}

#[test]
fn late_packets_of_a_closed_call_reach_nobody() {
    let (mut world, caller, _) = call();
    world.close(1);
    assert_eq!(world.to(CALLER, caller, &rtp(1)), None);
    world.advance(secs(5));
    assert_eq!(world.to(CALLER, caller, &rtp(2)), None);
    assert_eq!(world.relay.counts().unclaimed, 2);
}

#[test]
fn calls_that_describe_each_others_ports_pass_nothing_on() {
    let (mut world, caller, _) = call();
    // The port is described before the second call has it.
    let next = SocketAddr::new(caller.ip(), caller.port() + 2);
    world.remote(1, Leg::Caller, Some(&next.to_string()), "192.0.2.10");
    world.open(2, 0);
    let (second, _) = world.opened();
    assert_eq!(second, next);
    world.remote(2, Leg::Callee, Some(CALLEE), "203.0.113.20");
    assert_eq!(world.send(&second.to_string(), caller, &rtp(1)), None);
    let (quality, _) = world.close(1);
    assert_eq!((quality.packets, quality.stray), (0, 1));
    world.relay.refuse_packet(world.pair(second));
    assert_eq!(world.close(2).0.stray, 1);
}
