//! Streams beside audio: pictures are RTP that nobody looks into, faxes are datagrams of UDPTL (T.38); both by the rules of latching.

use crate::world::{World, above, addr, packet, rtcp, rtp, secs};
use model::{Leg, MediaCommand, MediaReport, MediaSessionId, StreamKind, Voice};
use std::net::SocketAddr;

const PHONE: &str = "192.0.2.9:4002";
const FAX: &str = "203.0.113.20:7002";
const NEIGHBOUR: &str = "203.0.113.20:7999";
const STRANGER: &str = "203.0.113.99:6000";

/// Datagrams that look like nothing, STUN, DTLS, RTP and RTCP by their first octets: a fax counts from 0.
fn datagrams() -> Vec<Vec<u8>> {
    [0x0000_u16, 0x0001, 0x1600, 0x8000, 0x80C9, 0xFFFF]
        .into_iter()
        .map(|seq| [&seq.to_be_bytes()[..], &[6, 0xC0, 1, 0x80, 0, 0, 0xFF, 0, 0]].concat())
        .collect()
}

fn open(stream: StreamKind, silence_s: u32) -> (World, SocketAddr, SocketAddr) {
    let mut world = World::new(40000, 40099);
    world.command(MediaCommand::OpenStream {
        session: MediaSessionId(1),
        stream,
        caller_ip: "198.51.100.1".parse().unwrap(),
        callee_ip: "198.51.100.2".parse().unwrap(),
        silence_s,
    });
    let (near, far) = world.opened();
    (world, near, far)
}

fn described(stream: StreamKind) -> (World, SocketAddr, SocketAddr) {
    let (mut world, near, far) = open(stream, 30);
    world.remote(1, Leg::Caller, Some(FAX), "203.0.113.20");
    world.remote(1, Leg::Callee, Some(PHONE), "192.0.2.9");
    (world, near, far)
}

#[test]
fn datagrams_of_a_fax_pass_unaltered_whatever_they_look_like() {
    let (mut world, near, far) = described(StreamKind::Fax);
    for datagram in datagrams() {
        let (forward, out) = world.carry(FAX, near, &datagram).expect("to the phone");
        assert_eq!(
            (forward.to, forward.rtcp, out),
            (addr(PHONE), false, datagram.clone())
        );
        let (forward, out) = world.carry(PHONE, far, &datagram).expect("to the fax");
        assert_eq!((forward.to, forward.rtcp, out), (addr(FAX), false, datagram));
    }
    // Too short for a number and a length, and on the port above.
    assert_eq!(world.send(FAX, near, &[0, 1]), None);
    assert_eq!(world.send(FAX, above(near), &datagrams()[0]), None);
    let (caller, callee) = world.close(1);
    assert_eq!((caller.packets, caller.bytes, caller.stray), (6, 66, 2));
    assert_eq!((callee.packets, callee.stray, caller.lost), (6, 0, 0));
    assert_eq!(world.relay.counts().pairs_used, 0);
}

/// SECURITY row 6.
#[test]
fn a_fax_is_believed_by_host_and_then_by_source() {
    let (mut world, near, far) = described(StreamKind::Fax);
    let datagram = &datagrams()[0];
    for _ in 0..50 {
        assert_eq!(world.send(STRANGER, near, datagram), None);
    }
    assert_eq!(world.to(PHONE, far, datagram).as_deref(), Some(FAX));
    // Behind NAT: where it comes from it is sent to, and the fifth datagram locks.
    for _ in 0..5 {
        assert_eq!(world.to(NEIGHBOUR, near, datagram).as_deref(), Some(PHONE));
    }
    assert_eq!(world.to(PHONE, far, datagram).as_deref(), Some(NEIGHBOUR));
    assert_eq!(world.send(FAX, near, datagram), None);
    let (caller, _) = world.close(1);
    assert_eq!((caller.packets, caller.stray), (5, 51));
}

#[test]
fn a_fax_without_an_address_is_counted_and_silence_is_told() {
    let (mut world, near, _) = open(StreamKind::Fax, 30);
    world.remote(1, Leg::Caller, Some(FAX), "203.0.113.20");
    assert_eq!(world.send(FAX, near, &datagrams()[0]), None);
    world.watch(1, false);
    world.advance(secs(29));
    assert!(world.reports.is_empty(), "{:?}", world.reports);
    world.advance(secs(32));
    assert!(
        matches!(world.reports[..], [MediaReport::Silent { .. }]),
        "{:?}",
        world.reports
    );
    assert_eq!(world.reports.drain(..).count(), 1);
    assert_eq!(world.close(1).0.unrouted, 1);
}

#[test]
fn pictures_pass_as_they_are_and_are_never_heard_or_judged() {
    let (mut world, near, far) = described(StreamKind::Video);
    // Whatever is said of voices.
    world.command(MediaCommand::Remote {
        session: MediaSessionId(1),
        leg: Leg::Caller,
        rtp: Some(addr(FAX)),
        rtcp: Some(above(addr(FAX))),
        signalling_ip: addr(FAX).ip(),
        srtp: None,
        voice: Some(Box::new(Voice::new(0, model::Codec::Pcmu))),
        web: None,
    });
    world.watch(1, false);
    for seq in 0..100 {
        let picture = packet(99, seq, 3_000);
        let (forward, out) = world.carry(FAX, near, &picture).expect("to the phone");
        assert_eq!((forward.to, out), (addr(PHONE), picture));
        assert_eq!(world.to(PHONE, far, &rtp(seq)).as_deref(), Some(FAX));
    }
    let forward = world.send(PHONE, above(far), &rtcp()).expect("RTCP as well");
    assert!(forward.rtcp && forward.to == above(addr(FAX)));
    assert_eq!(world.relay.counts().ticking, 0);
    world.advance(secs(10));
    assert!(world.reports.is_empty(), "{:?}", world.reports);
    let (caller, callee) = world.close(1);
    assert_eq!((caller.packets, callee.packets, callee.rtcp), (100, 100, 1));
    assert!(caller.score.is_none(), "{caller:?}");
}
