//! Legs with keys: each is opened and protected by its own, and only what authenticates is believed (SECURITY row 6).

use crate::world::{World, above, rtcp, rtp};
use model::{
    AudioFault, Codec, Leg, MediaCommand, MediaReport, MediaSessionId, Over, Program, SrtpKey, SrtpKeys,
    SrtpSuite, ToneName, Voice,
};
use rtp::srtp::{Receiver, Sender, Suite};
use std::net::SocketAddr;
use std::time::Duration;

const CALLER: &str = "192.0.2.1:4000";
const CALLEE: &str = "192.0.2.2:5000";

/// A phone's end of a leg.
struct End {
    send: Sender,
    receive: Receiver,
}

fn key(first: u8, suite: Suite) -> Vec<u8> {
    (0..suite.master_len() as u8).map(|n| n ^ first).collect()
}

fn keys(suite: SrtpSuite, ours: &[u8], theirs: &[u8]) -> Option<Box<SrtpKeys>> {
    Some(Box::new(SrtpKeys {
        suite,
        ours: SrtpKey::new(ours).unwrap(),
        theirs: SrtpKey::new(theirs).unwrap(),
    }))
}

impl End {
    fn protect(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut buffer = plain.to_vec();
        buffer.resize(plain.len() + 20, 0);
        let len = self.send.protect_rtp(&mut buffer, plain.len()).unwrap();
        buffer.truncate(len);
        buffer
    }

    fn open(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let mut packet = packet.to_vec();
        let len = self.receive.unprotect_rtp(&mut packet).ok()?;
        packet.truncate(len);
        Some(packet)
    }
}

fn remote(world: &mut World, leg: Leg, at: &str, srtp: Option<Box<SrtpKeys>>) {
    let rtp: SocketAddr = at.parse().unwrap();
    world.command(MediaCommand::Remote {
        session: MediaSessionId(1),
        leg,
        rtp: Some(rtp),
        rtcp: Some(above(rtp)),
        signalling_ip: rtp.ip(),
        srtp,
        web: None,
        voice: None,
    });
}

/// Gives a leg keys, and the phone its end of them.
fn secure(world: &mut World, leg: Leg, at: &str, (named, suite): (SrtpSuite, Suite), first: u8) -> End {
    let (ours, theirs) = (key(first, suite), key(first ^ 0x80, suite));
    remote(world, leg, at, keys(named, &ours, &theirs));
    End {
        send: Sender::new(suite, &theirs).unwrap(),
        receive: Receiver::new(suite, &ours).unwrap(),
    }
}

const GCM: (SrtpSuite, Suite) = (SrtpSuite::AeadAes256Gcm, Suite::AeadAes256Gcm);
const CM: (SrtpSuite, Suite) = (SrtpSuite::AesCm128HmacSha1_80, Suite::AesCm128HmacSha1_80);

#[test]
fn a_plain_and_a_protected_leg_understand_each_other() {
    for suite in [GCM, CM] {
        let mut world = World::new(40000, 40099);
        world.open(1, 0);
        let (to_caller, to_callee) = world.opened();
        let mut caller = secure(&mut world, Leg::Caller, CALLER, suite, 1);
        remote(&mut world, Leg::Callee, CALLEE, None);
        for seq in 0..300 {
            let plain = rtp(seq);
            let (forward, out) = world.carry(CALLER, to_caller, &caller.protect(&plain)).unwrap();
            assert_eq!((forward.to.to_string().as_str(), out), (CALLEE, plain.clone()));
            let (forward, out) = world.carry(CALLEE, to_callee, &plain).unwrap();
            assert_eq!(forward.to.to_string(), CALLER);
            assert_ne!(out[12..172], plain[12..172]);
            assert_eq!(caller.open(&out), Some(plain));
        }
        let (caller, callee) = world.close(1);
        assert_eq!((caller.packets, caller.refused, caller.lost), (300, 0, 0));
        assert_eq!((callee.packets, callee.refused), (300, 0));
    }
}

#[test]
fn two_protected_legs_have_keys_of_their_own() {
    let mut world = World::new(40000, 40099);
    world.open(1, 0);
    let (to_caller, _) = world.opened();
    let mut caller = secure(&mut world, Leg::Caller, CALLER, GCM, 1);
    let mut callee = secure(&mut world, Leg::Callee, CALLEE, CM, 2);
    let plain = rtp(9);
    let sent = caller.protect(&plain);
    let (_, out) = world.carry(CALLER, to_caller, &sent).unwrap();
    assert_eq!(caller.open(&out), None);
    assert_eq!(callee.open(&out), Some(plain));

    let mut report = rtcp();
    let plain = report.clone();
    report.resize(plain.len() + 20, 0);
    let len = caller.send.protect_rtcp(&mut report, plain.len()).unwrap();
    let (forward, mut out) = world
        .carry("192.0.2.1:4001", above(to_caller), &report[..len])
        .unwrap();
    assert!(forward.rtcp);
    let opened = callee.receive.unprotect_rtcp(&mut out).unwrap();
    assert_eq!(out[..opened], plain);
    // In the clear, damaged or again it is nothing.
    let mut damaged = report[..len].to_vec();
    damaged[9] ^= 1;
    for bad in [&plain[..], &damaged, &report[..len]] {
        assert!(world.carry("192.0.2.1:4001", above(to_caller), bad).is_none());
    }
    assert_eq!(world.close(1).0.refused, 3);
}

/// Spray from the phone's own host, where NAT lets any port be believed: none locks, none is answered.
#[test]
fn what_does_not_authenticate_never_latches() {
    let mut world = World::new(40000, 40099);
    world.open(1, 0);
    let (to_caller, to_callee) = world.opened();
    let mut caller = secure(&mut world, Leg::Caller, CALLER, GCM, 1);
    remote(&mut world, Leg::Callee, CALLEE, None);
    let mut stranger = secure_elsewhere();
    for seq in 0..200 {
        let forged = [rtp(seq), stranger.protect(&rtp(seq))];
        for packet in &forged {
            let from = format!("192.0.2.1:{}", 6000 + seq);
            assert_eq!(world.to(&from, to_caller, packet), None);
            assert_eq!(world.to(CALLER, to_caller, packet), None);
        }
        let (forward, _) = world.carry(CALLEE, to_callee, &rtp(seq)).unwrap();
        assert_eq!(
            forward.to.to_string(),
            CALLER,
            "where the description says, not where forgers are"
        );
    }
    // The phone behind its NAT is found by one packet of its own, and five lock.
    for seq in 0..5 {
        let packet = caller.protect(&rtp(seq));
        assert!(world.to("192.0.2.1:7777", to_caller, &packet).is_some());
        let again = world.to("192.0.2.1:7777", to_caller, &packet);
        assert_eq!(again, None, "a replay");
    }
    assert_eq!(
        world.to(CALLEE, to_callee, &rtp(900)).as_deref(),
        Some("192.0.2.1:7777")
    );
    let (caller, _) = world.close(1);
    assert_eq!((caller.packets, caller.refused), (5, 805));
}

fn secure_elsewhere() -> End {
    End {
        send: Sender::new(Suite::AeadAes256Gcm, &key(77, Suite::AeadAes256Gcm)).unwrap(),
        receive: Receiver::new(Suite::AeadAes256Gcm, &key(78, Suite::AeadAes256Gcm)).unwrap(),
    }
}

/// A phone that keeps its source and numbers anew after a description is heard by a phone with keys, for which half of all numbers
/// would be old ones: for eleven minutes it would hear nothing.
#[test]
fn who_numbers_anew_is_heard_by_a_leg_with_keys() {
    for first in [20_000_u16, 39_000, 60_000] {
        let mut world = World::new(40000, 40099);
        world.open(1, 0);
        let (_, to_callee) = world.opened();
        let mut caller = secure(&mut world, Leg::Caller, CALLER, GCM, 1);
        remote(&mut world, Leg::Callee, CALLEE, None);
        let mut heard = |seq: u16| {
            world.now += Duration::from_millis(20);
            let sent = world.carry(CALLEE, to_callee, &rtp(seq));
            sent.is_some_and(|(_, out)| caller.open(&out).is_some())
        };
        assert!((40_000..40_200).all(&mut heard));
        assert!(
            (first..first + 200).filter(|seq| heard(*seq)).count() >= 199,
            "{first}"
        );
        assert!((first + 200..first + 400).all(&mut heard), "{first}");
    }
}

/// Hold and resume repeat the keys: counters go on, so an old packet stays old after the sequence number has rolled.
#[test]
fn the_same_keys_again_keep_their_counters() {
    let mut world = World::new(40000, 40099);
    world.open(1, 0);
    let (to_caller, to_callee) = world.opened();
    let mut caller = secure(&mut world, Leg::Caller, CALLER, GCM, 1);
    remote(&mut world, Leg::Callee, CALLEE, None);
    let mut kept = Vec::new();
    for seq in [65_000_u16, 65_500, 400] {
        let packet = caller.protect(&rtp(seq));
        assert!(world.to(CALLER, to_caller, &packet).is_some());
        kept.push(packet);
        let (_, out) = world.carry(CALLEE, to_callee, &rtp(seq)).unwrap();
        assert!(caller.open(&out).is_some());
    }
    let again = keys(GCM.0, &key(1, GCM.1), &key(0x81, GCM.1));
    for srtp in [again.clone(), None, again] {
        remote(&mut world, Leg::Caller, CALLER, srtp);
    }
    for packet in &kept {
        assert_eq!(world.to(CALLER, to_caller, packet), None);
    }
    assert!(world.to(CALLER, to_caller, &caller.protect(&rtp(401))).is_some());
    let (_, out) = world.carry(CALLEE, to_callee, &rtp(401)).unwrap();
    assert_eq!(caller.open(&out), Some(rtp(401)));
    // The other phone can't have a key stream used twice.
    assert!(world.carry(CALLEE, to_callee, &rtp(401)).is_none());
}

#[test]
fn a_new_key_of_the_phone_replaces_the_old_one_alone() {
    let mut world = World::new(40000, 40099);
    world.open(1, 0);
    let (to_caller, to_callee) = world.opened();
    let mut caller = secure(&mut world, Leg::Caller, CALLER, CM, 1);
    remote(&mut world, Leg::Callee, CALLEE, None);
    assert!(world.to(CALLER, to_caller, &caller.protect(&rtp(1))).is_some());
    let other = key(9, CM.1);
    remote(&mut world, Leg::Caller, CALLER, keys(CM.0, &key(1, CM.1), &other));
    assert_eq!(world.to(CALLER, to_caller, &caller.protect(&rtp(2))), None);
    caller.send = Sender::new(CM.1, &other).unwrap();
    assert!(world.to(CALLER, to_caller, &caller.protect(&rtp(3))).is_some());
    let (_, out) = world.carry(CALLEE, to_callee, &rtp(1)).unwrap();
    assert!(caller.open(&out).is_some());
}

/// A phone takes another suite in one answer and the first one again in the next; each has a key of ours.
#[test]
fn a_key_of_ours_that_comes_back_goes_on_with_its_numbers() {
    let mut world = World::new(40000, 40099);
    world.open(1, 0);
    let (_, to_callee) = world.opened();
    let mut caller = secure(&mut world, Leg::Caller, CALLER, CM, 1);
    remote(&mut world, Leg::Callee, CALLEE, None);
    for seq in [65_500_u16, 300] {
        let (_, out) = world.carry(CALLEE, to_callee, &rtp(seq)).unwrap();
        assert!(caller.open(&out).is_some());
    }
    let mut elsewhere = secure(&mut world, Leg::Caller, CALLER, GCM, 5);
    let (_, out) = world.carry(CALLEE, to_callee, &rtp(301)).unwrap();
    assert!(elsewhere.open(&out).is_some());
    let first = keys(CM.0, &key(1, CM.1), &key(0x81, CM.1));
    remote(&mut world, Leg::Caller, CALLER, first);
    // The key stream of that number has been used.
    assert!(world.carry(CALLEE, to_callee, &rtp(300)).is_none());
    let (_, out) = world.carry(CALLEE, to_callee, &rtp(302)).unwrap();
    assert_eq!(
        caller.open(&out),
        Some(rtp(302)),
        "the roll-over counter has not begun anew"
    );
}

/// A key of the wrong length can't be: but if it were, nothing would pass rather than pass in the clear.
#[test]
fn without_a_context_nothing_passes() {
    let mut world = World::new(40000, 40099);
    world.open(1, 0);
    let (to_caller, to_callee) = world.opened();
    remote(&mut world, Leg::Caller, CALLER, keys(GCM.0, &[1; 3], &[2; 3]));
    remote(&mut world, Leg::Callee, CALLEE, None);
    assert_eq!(world.to(CALLER, to_caller, &rtp(1)), None);
    assert_eq!(world.to(CALLEE, to_callee, &rtp(1)), None);
}

#[test]
fn commands_with_keys_cross_a_wire_and_print_none() {
    let srtp = keys(GCM.0, &key(1, GCM.1), &key(2, GCM.1));
    let command = MediaCommand::Remote {
        session: MediaSessionId(1),
        leg: Leg::Caller,
        rtp: None,
        rtcp: None,
        signalling_ip: "192.0.2.1".parse().unwrap(),
        srtp,
        web: None,
        voice: None,
    };
    let wire = serde_json::to_string(&command).unwrap();
    assert_eq!(serde_json::from_str::<MediaCommand>(&wire).unwrap(), command);
    assert!(wire.contains("AEAD_AES_256_GCM"));
    let printed = format!("{command:?}");
    assert!(printed.contains("SrtpKey(…)") && !printed.contains("[1, 0, 3"));
    let long = wire.replacen(
        "\"ours\":[",
        "\"ours\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,",
        1,
    );
    assert!(serde_json::from_str::<MediaCommand>(&long).is_err());
}

/// Whether relayed, made by us or relayed again: all that reaches a leg with keys opens, and nothing is taken for a copy.
#[test]
fn what_we_say_ourselves_is_protected_as_well() {
    for suite in [GCM, CM] {
        let mut world = World::new(40000, 40099);
        world.open(1, 0);
        let (to_caller, to_callee) = world.opened();
        let mut caller = secure(&mut world, Leg::Caller, CALLER, suite, 1);
        for (leg, at) in [(Leg::Caller, CALLER), (Leg::Callee, CALLEE)] {
            let rtp: SocketAddr = at.parse().unwrap();
            let (ours, theirs) = (key(1, suite.1), key(1 ^ 0x80, suite.1));
            let srtp = keys(suite.0, &ours, &theirs).filter(|_| leg == Leg::Caller);
            world.command(MediaCommand::Remote {
                session: MediaSessionId(1),
                leg,
                rtp: Some(rtp),
                rtcp: None,
                signalling_ip: rtp.ip(),
                srtp,
                web: None,
                voice: Some(Box::new(Voice::new(0, Codec::Pcmu))),
            });
        }
        let (mut relayed, mut ours) = (0, 0);
        let mut next = 0_u16;
        // Under one key no number is used twice, and the source that was heard first stays.
        let mut goes_on = |plain: &[u8]| {
            assert_eq!(plain[2..4], next.to_be_bytes());
            assert_eq!(plain[8..12], rtp(0)[8..12]);
            next += 1;
        };
        for seq in 0..500_u16 {
            if seq % 100 == 50 {
                world.command(MediaCommand::Play {
                    session: MediaSessionId(1),
                    leg: Leg::Caller,
                    id: 1,
                    program: Some(Program::tone(ToneName::Busy, "de", 500)),
                    over: Over::Mixed,
                });
            }
            world.carry(CALLER, to_caller, &caller.protect(&rtp(seq)));
            if let Some((forward, out)) = world.carry(CALLEE, to_callee, &rtp(seq)) {
                assert_eq!(forward.to.to_string(), CALLER);
                let plain = caller.open(&out).unwrap();
                assert_eq!(plain[12..], rtp(seq)[12..]);
                goes_on(&plain);
                relayed += 1;
            }
            world.advance(Duration::from_millis(20));
            while let Some(frame) = world.relay.poll_frame() {
                if frame.to.to_string() == CALLER {
                    goes_on(&caller.open(&frame.octets).unwrap());
                    ours += 1;
                }
            }
        }
        assert_eq!((relayed, ours), (375, 125));
        let (caller, _) = world.close(1);
        assert_eq!((caller.packets, caller.refused), (500, 0));
    }
}

#[test]
fn a_phone_with_other_keys_than_it_said_is_diagnosed() {
    let mut world = World::new(40000, 40099);
    world.open(1, 0);
    let (to_caller, to_callee) = world.opened();
    secure(&mut world, Leg::Caller, CALLER, GCM, 1);
    let mut callee = secure(&mut world, Leg::Callee, CALLEE, GCM, 2);
    let mut wrong = Sender::new(Suite::AeadAes256Gcm, &key(99, Suite::AeadAes256Gcm)).unwrap();
    world.watch(1, false);
    for seq in 0..150 {
        world.advance(Duration::from_millis(20));
        let mut packet = rtp(seq);
        packet.resize(200, 0);
        let len = wrong.protect_rtp(&mut packet, 172).unwrap();
        assert!(world.send(CALLER, to_caller, &packet[..len]).is_none());
        assert!(
            world
                .send(CALLEE, to_callee, &callee.protect(&rtp(seq)))
                .is_some()
        );
    }
    let [MediaReport::Diagnosed { troubles, .. }] = &world.reports[..] else {
        panic!("{:?}", world.reports)
    };
    let told: Vec<_> = troubles
        .iter()
        .map(|trouble| (trouble.leg, trouble.fault))
        .collect();
    assert_eq!(told, [(Leg::Caller, AudioFault::WrongKeys)]);
}

/// SECURITY row 7: a bad packet is counted, and is nothing else.
#[test]
fn a_million_packets_that_do_not_authenticate_change_nothing() {
    let mut world = World::new(40000, 40099);
    world.open(1, 0);
    let (to_caller, _) = world.opened();
    let mut caller = secure(&mut world, Leg::Caller, CALLER, CM, 1);
    remote(&mut world, Leg::Callee, CALLEE, None);
    assert!(world.to(CALLER, to_caller, &caller.protect(&rtp(0))).is_some());
    let good = caller.protect(&rtp(1));
    for round in 0..1_000_000_u32 {
        let mut bad = good.clone();
        // Any octet but the first two and the source, which another test is about.
        let at = [2, 3, 5, 12, 100, 171, 173, 181][round as usize % 8];
        bad[at] ^= u8::try_from(round / 8 % 255 + 1).unwrap();
        assert_eq!(world.send(CALLER, to_caller, &bad), None);
    }
    assert!(world.to(CALLER, to_caller, &good).is_some());
    assert!(world.to(CALLER, to_caller, &caller.protect(&rtp(2))).is_some());
    let (quality, _) = world.close(1);
    assert_eq!(
        (quality.packets, quality.refused, quality.lost),
        (3, 1_000_000, 0)
    );
}

/// Who has the keys may take as many sources as he likes: only so many are remembered, and the rest is refused.
#[test]
fn a_leg_with_countless_sources_is_served_for_a_few_and_costs_no_more() {
    let mut world = World::new(40000, 40099);
    world.open(1, 0);
    let (to_caller, _) = world.opened();
    let mut caller = secure(&mut world, Leg::Caller, CALLER, GCM, 1);
    remote(&mut world, Leg::Callee, CALLEE, None);
    let mut passed = 0;
    for ssrc in 0..2_000_u32 {
        // The phone's own contexts are bounded as well, so it begins anew with the same key.
        if ssrc % 32 == 0 {
            caller = End {
                send: Sender::new(GCM.1, &key(1 ^ 0x80, GCM.1)).unwrap(),
                receive: secure_elsewhere().receive,
            };
        }
        let mut packet = rtp(7);
        packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
        passed += usize::from(world.to(CALLER, to_caller, &caller.protect(&packet)).is_some());
    }
    assert_eq!(passed, rtp::srtp::MAX_SOURCES);
    let (quality, _) = world.close(1);
    assert_eq!(quality.refused, 2_000 - 64);
}
