//! Legs with ICE and DTLS-SRTP (SECURITY rows 6 to 8): who is believed, when audio passes, and what ends nothing.

mod alone;
mod toy;

use crate::world::{addr, packet, rtp, secs};
use model::{
    AudioFault, Codec, Insecurity, Leg, MediaCommand, MediaReport, MediaSessionId, Over, Program, SrtpSuite,
    ToneName, Voice, WebTransport,
};
use rtp::rtcp::{Packet, packets};
use rtp::stun::connectivity::Role;
use std::time::Duration;
use toy::{BROWSER, CERTIFICATE, ELSEWHERE, PHONE, Scene, agreed, agreed_with, candidate, message};

const CM: SrtpSuite = SrtpSuite::AesCm128HmacSha1_80;

#[test]
fn audio_passes_when_there_are_a_path_and_keys_and_not_before() {
    let mut scene = Scene::new(agreed());
    assert_eq!(scene.world.carry(BROWSER, scene.near, &rtp(1)), None);
    assert_eq!(scene.heard_by_browser(1), None);
    scene.check(BROWSER, true);
    // A path, and no keys: neither what is plain nor what is sealed passes, and nothing leaves in the clear.
    assert_eq!(scene.world.carry(BROWSER, scene.near, &rtp(2)), None);
    assert_eq!(scene.heard_by_browser(2), None);
    scene.say(BROWSER, &message(b'H', CERTIFICATE));
    assert_eq!(scene.told(), [Ok(CM)]);
    assert_eq!(scene.dtls, [message(b'R', b"")]);
    for seq in 10..60 {
        scene.talks(BROWSER, seq);
    }
    let (caller, _) = scene.world.close(1);
    assert_eq!((caller.packets, caller.refused, caller.stray), (50, 1, 1));
}

/// SECURITY row 8.
#[test]
fn a_hello_from_elsewhere_is_dropped_whenever_it_comes() {
    let mut scene = Scene::new(agreed());
    scene.say(ELSEWHERE, &message(b'H', b"a stranger's"));
    scene.say(BROWSER, &message(b'H', CERTIFICATE));
    scene.check(BROWSER, true);
    scene.say(ELSEWHERE, &message(b'H', b"a stranger's"));
    assert!(scene.dtls.is_empty() && scene.told().is_empty());
    scene.say(BROWSER, &message(b'H', CERTIFICATE));
    assert_eq!(scene.told(), [Ok(CM)]);
    scene.say(ELSEWHERE, &message(b'H', b"a stranger's"));
    assert_eq!(scene.dtls.len(), 1);
    scene.talks(BROWSER, 1);
    assert_eq!(scene.world.close(1).0.stray, 4);
}

#[test]
fn a_wrong_certificate_is_told_once_and_the_right_one_still_counts() {
    let mut scene = Scene::new(agreed());
    scene.check(BROWSER, true);
    for seq in 0..3 {
        scene.say(BROWSER, &message(b'H', b"somebody else's"));
        assert_eq!(scene.heard_by_phone(BROWSER, seq), None);
        assert_eq!(scene.heard_by_browser(seq), None);
    }
    assert_eq!(scene.told(), [Err(Insecurity::Fingerprint)]);
    scene.say(BROWSER, &message(b'H', CERTIFICATE));
    assert_eq!(scene.told(), [Ok(CM)]);
    scene.talks(BROWSER, 1000);
}

#[test]
fn handshakes_that_fail_end_nothing_until_there_were_many() {
    let mut scene = Scene::new(agreed());
    scene.check(BROWSER, true);
    for _ in 1..media::MOST_HANDSHAKES {
        scene.say(BROWSER, &message(b'X', b""));
    }
    assert!(scene.told().is_empty());
    scene.say(BROWSER, &message(b'X', b""));
    scene.say(BROWSER, &message(b'H', CERTIFICATE));
    scene.say(BROWSER, &message(b'H', CERTIFICATE));
    assert_eq!(scene.told(), [Err(Insecurity::Handshake)]);
    // Who describes himself anew may try again.
    scene.ice_mut().candidates.push(candidate(BROWSER));
    scene.describe();
    scene.say(BROWSER, &message(b'H', CERTIFICATE));
    assert_eq!(scene.told(), [Ok(CM)]);
}

/// SECURITY rows 6 and 7.
#[test]
fn what_is_sprayed_forged_or_replayed_is_not_answered_and_changes_nothing() {
    let mut scene = Scene::new(agreed());
    let mut stranger = Scene::new(agreed_with(|ice| {
        ice.ours.pwd = "guessed and guessed again".into()
    }));
    scene.check(BROWSER, true);
    scene.say(BROWSER, &message(b'H', CERTIFICATE));
    scene.told();
    let checks = scene.checks.len();
    for n in 0..200_u8 {
        for datagram in [
            vec![n; 40],
            rtp(n.into()),
            stranger.sealed(n.into()),
            message(b'H', &[n]),
        ] {
            scene.say(ELSEWHERE, &datagram);
        }
    }
    // Under the right name and a wrong password.
    let forged = scene.path.clone();
    scene.ice_mut().ours.pwd = "guessed and guessed again".into();
    scene.check(ELSEWHERE, true);
    scene.path = forged;
    assert_eq!(
        scene.checks.len(),
        checks,
        "nobody but the browser was sent anything"
    );
    let sealed = scene.sealed(5);
    assert!(scene.world.carry(BROWSER, scene.near, &sealed).is_some());
    assert!(scene.world.carry(BROWSER, scene.near, &sealed).is_none());
    assert!(scene.world.carry(BROWSER, scene.near, &packet(0, 6, 6)).is_none());
    scene.talks(BROWSER, 7);
    let (caller, _) = scene.world.close(1);
    assert_eq!((caller.packets, caller.refused), (2, 2));
    assert!(caller.stray > 700, "{caller:?}");
    assert!(scene.told().is_empty());
}

#[test]
fn an_answer_from_elsewhere_makes_no_path() {
    let mut scene = Scene::new(agreed_with(|ice| ice.candidates = vec![candidate(BROWSER)]));
    scene.answers = false;
    scene.check(ELSEWHERE, true);
    scene.say(ELSEWHERE, &message(b'H', CERTIFICATE));
    assert!(scene.dtls.is_empty(), "it asked, but did not answer");
    scene.answers = true;
    scene.advance(2_000);
    assert!(scene.checks.iter().any(|(to, _)| to.to_string() == BROWSER));
    scene.say(ELSEWHERE, &message(b'H', CERTIFICATE));
    assert_eq!(scene.told(), [Ok(CM)]);
}

#[test]
fn a_restart_keeps_the_keys_and_moves_the_path() {
    let mut scene = Scene::new(agreed());
    scene.connect();
    scene.talks(BROWSER, 1);
    scene.ice_mut().ours.ufrag = "new".into();
    scene.ice_mut().theirs.ufrag = "newer".into();
    scene.describe();
    // The old path serves until the new one is there.
    scene.talks(BROWSER, 2);
    scene.check(ELSEWHERE, true);
    scene.talks(ELSEWHERE, 3);
    scene.say(ELSEWHERE, &message(b'H', CERTIFICATE));
    assert_eq!(scene.told(), [Ok(CM)], "the association goes on");
    // Back to where it was, with what is known already told again.
    scene.describe();
    scene.talks(ELSEWHERE, 4);
    scene.advance(60_000);
    scene.talks(ELSEWHERE, 5);
    assert!(scene.told().is_empty());
}

#[test]
fn another_fingerprint_begins_dtls_anew() {
    let mut scene = Scene::new(agreed());
    scene.connect();
    scene.talks(BROWSER, 1);
    scene.path.certificate = 1;
    scene.describe();
    assert_eq!(scene.heard_by_browser(2), None);
    scene.say(BROWSER, &message(b'H', CERTIFICATE));
    assert_eq!(scene.told(), [Ok(CM), Ok(CM)]);
}

#[test]
fn who_answers_no_more_is_sent_no_more_and_may_come_back() {
    let mut scene = Scene::new(agreed());
    scene.connect();
    scene.advance(40_000);
    let asked = scene.checks.len();
    assert!((5..=20).contains(&asked), "{asked} checks in 40 s");
    scene.talks(BROWSER, 1);
    scene.told();
    scene.answers = false;
    scene.advance(36_000);
    assert_eq!(scene.told(), [Err(Insecurity::ConsentLost)]);
    assert_eq!(scene.heard_by_browser(2), None);
    let checks = scene.checks.len();
    scene.advance(60_000);
    assert_eq!(scene.checks.len(), checks, "nothing is sent to who is gone");
    scene.answers = true;
    scene.check(BROWSER, true);
    scene.talks(BROWSER, 3);
}

#[test]
fn no_path_is_told_once_and_the_number_of_checks_is_limited() {
    let mut scene = Scene::new(agreed_with(|ice| ice.candidates = vec![candidate(ELSEWHERE)]));
    scene.answers = false;
    scene.advance(120_000);
    assert_eq!(scene.told(), [Err(Insecurity::NoPath)]);
    assert!(scene.checks.len() <= 8, "{} checks", scene.checks.len());
    scene.answers = true;
    scene.connect();
    assert_eq!(scene.told(), [Ok(CM)]);
}

/// SECURITY row 6: who has the password may forge where a check comes from, and let others be sent what they did not ask for.
#[test]
fn addresses_that_have_not_answered_are_sent_little_however_often_they_seem_to_ask() {
    for victims in [1, 1_000] {
        let mut scene = Scene::new(agreed_with(|ice| ice.candidates = vec![candidate(BROWSER)]));
        scene.answers = false;
        for n in 0..2_000 {
            scene.check(&format!("192.0.2.66:{}", 1_024 + n % victims), n % 2 == 0);
            scene.world.advance(Duration::from_millis(5));
            scene.exchange();
        }
        scene.advance(30_000);
        let forged = scene
            .sent
            .iter()
            .filter(|to| to.ip() == addr("192.0.2.66:1").ip());
        // 24 at once and ten a second, for ten seconds and the repetitions after them.
        let count = forged.count();
        assert!(
            (20..=24 + 110 + 40).contains(&count),
            "{count} packets for 2000 to {victims}"
        );
        scene.answers = true;
        scene.connect();
        assert_eq!(scene.told().last(), Some(&Ok(CM)), "the browser itself is served");
        scene.talks(BROWSER, 1);
    }
}

#[test]
fn a_lite_agent_is_checked_nominated_and_greeted() {
    let path = agreed_with(|ice| {
        ice.candidates = vec![candidate(BROWSER)];
        (ice.lite, ice.controlling) = (true, true);
    });
    let mut scene = Scene::new(WebTransport { active: true, ..path });
    scene.advance(500);
    assert_eq!(
        scene
            .checks
            .iter()
            .map(|(_, nominates)| *nominates)
            .collect::<Vec<_>>(),
        [false, true]
    );
    assert_eq!(scene.dtls, [message(b'H', &[0])]);
    scene.say(BROWSER, &message(b'R', CERTIFICATE));
    assert_eq!(scene.told(), [Ok(CM)]);
    scene.talks(BROWSER, 1);
}

#[test]
fn two_that_nominate_settle_it_by_their_tie_breakers() {
    for (theirs, nominates) in [(0, true), (u64::MAX, false)] {
        let mut scene = Scene::new(agreed_with(|ice| ice.controlling = true));
        scene.role = Role::Controlling(theirs);
        scene.check(BROWSER, true);
        // The loser is told, changes, and asks again.
        scene.role = if nominates {
            Role::Controlled(theirs)
        } else {
            scene.role
        };
        scene.check(BROWSER, !nominates);
        scene.advance(500);
        assert_eq!(scene.checks.iter().any(|(_, nominated)| *nominated), nominates);
        scene.say(BROWSER, &message(b'H', CERTIFICATE));
        scene.talks(BROWSER, 1);
    }
}

#[test]
fn candidates_that_come_later_are_tried_and_too_many_are_not() {
    let mut scene = Scene::new(agreed());
    scene.advance(1_000);
    assert!(scene.checks.is_empty());
    scene.ice_mut().candidates = (1..60).map(|n| candidate(&format!("203.0.113.{n}:9"))).collect();
    let own = candidate(&scene.near.to_string());
    scene.ice_mut().candidates.push(own);
    scene.answers = false;
    scene.describe();
    scene.advance(30_000);
    let mut tried: Vec<_> = scene.checks.iter().map(|(to, _)| *to).collect();
    tried.sort_unstable();
    tried.dedup();
    assert_eq!(tried.len(), 16);
    assert!(!tried.contains(&scene.near), "our own ports are nobody's address");
    // One that shows itself finds room all the same.
    scene.answers = true;
    scene.check(BROWSER, true);
    scene.say(BROWSER, &message(b'H', CERTIFICATE));
    scene.talks(BROWSER, 1);
}

#[test]
fn a_leg_that_becomes_plain_is_believed_as_plain_ones_are() {
    let mut scene = Scene::new(agreed());
    scene.connect();
    scene.talks(BROWSER, 1);
    scene
        .world
        .remote(1, Leg::Caller, Some("203.0.113.20:7000"), "203.0.113.20");
    let near = scene.near;
    assert_eq!(
        scene.world.to("203.0.113.20:7000", near, &rtp(9)).as_deref(),
        Some(PHONE)
    );
    assert_eq!(
        scene.world.carry(PHONE, scene.far, &rtp(9)).map(|(_, out)| out),
        Some(rtp(9))
    );
    // And everything is given back in the end.
    scene.world.close(1);
    assert_eq!(scene.world.relay.poll_timeout(), None);
    scene.world.advance(secs(100));
    assert_eq!(scene.world.relay.counts().pairs_used, 0);
}

/// What was told of the browser's audio since.
fn faults(scene: &mut Scene) -> Vec<Vec<AudioFault>> {
    let told = std::mem::take(&mut scene.world.reports).into_iter();
    let diagnoses = told.filter_map(|report| match report {
        MediaReport::Diagnosed { troubles, .. } => Some(troubles),
        _ => None,
    });
    diagnoses
        .map(|troubles| {
            let own = troubles.iter().filter(|trouble| trouble.leg == Leg::Caller);
            own.map(|trouble| trouble.fault).collect()
        })
        .collect()
}

#[test]
fn a_path_that_brings_no_audio_is_told_and_a_new_one_is_given_time() {
    // ICE has proven it, so that it is private is not what is wrong.
    const HOME: &str = "192.168.7.7:50000";
    let mut scene = Scene::new(agreed());
    scene.world.watch(1, false);
    scene.advance(2_600);
    assert_eq!(faults(&mut scene), [[AudioFault::NoPath]]);
    scene.check(HOME, true);
    scene.say(HOME, &message(b'H', CERTIFICATE));
    scene.advance(2_400);
    assert!(faults(&mut scene).is_empty());
    scene.advance(200);
    assert_eq!(faults(&mut scene), [[AudioFault::NothingReceived]]);
    scene.talks(HOME, 1);
    scene.advance(1_100);
    assert_eq!(faults(&mut scene), [[]]);
    // It moves, and what came before says nothing of the new path.
    scene.ice_mut().ours.ufrag = "new".into();
    scene.ice_mut().theirs.ufrag = "newer".into();
    scene.describe();
    scene.check(BROWSER, true);
    scene.advance(2_400);
    assert!(faults(&mut scene).is_empty());
    scene.advance(200);
    assert_eq!(faults(&mut scene), [[AudioFault::NothingReceived]]);
}

/// The browser says that it sends nothing.
fn listens_only(scene: &mut Scene) {
    scene.world.command(MediaCommand::Watch {
        session: MediaSessionId(1),
        hold: false,
        quiet: [true, false],
    });
}

/// A tone without end for the browser.
fn plays(scene: &mut Scene) {
    let session = MediaSessionId(1);
    scene.world.command(MediaCommand::Remote {
        session,
        leg: Leg::Caller,
        rtp: None,
        rtcp: None,
        signalling_ip: addr(BROWSER).ip(),
        srtp: None,
        web: Some(Box::new(scene.path.clone())),
        voice: Some(Box::new(Voice::new(0, Codec::Pcmu))),
    });
    scene.world.command(MediaCommand::Play {
        session,
        leg: Leg::Caller,
        id: 7,
        program: Some(Program::tone(ToneName::Busy, "de", 0)),
        over: Over::Instead,
    });
}

/// Its checks prove that it is there and wants to be sent to; a packet of audio need not.
#[test]
fn who_only_listens_is_sent_to_as_long_as_he_likes_and_nothing_is_wrong_with_him() {
    let mut scene = Scene::new(agreed());
    scene.connect();
    listens_only(&mut scene);
    plays(&mut scene);
    let mut said = 0;
    for _ in 0..1000 {
        scene.world.advance(Duration::from_millis(20));
        while let Some(frame) = scene.world.relay.poll_frame() {
            said += usize::from(rtp::protocol(&frame.octets) == rtp::Protocol::Rtp);
        }
    }
    assert_eq!(said, 1000);
    // The phone says nothing either, which is told.
    assert_eq!(faults(&mut scene), [[]]);
    // He begins to speak, as he says, and nothing comes.
    scene.world.watch(1, false);
    scene.world.advance(Duration::from_millis(2_600));
    assert_eq!(faults(&mut scene), [[AudioFault::NothingReceived]]);
    listens_only(&mut scene);
    scene.world.advance(Duration::from_millis(2_600));
    assert_eq!(faults(&mut scene), [[]]);
}

#[test]
fn a_listener_without_a_path_and_one_that_is_gone_are_told() {
    let mut scene = Scene::new(agreed());
    listens_only(&mut scene);
    scene.advance(2_600);
    assert_eq!(faults(&mut scene), [[AudioFault::NoPath]]);
    scene.connect();
    scene.advance(2_600);
    assert_eq!(faults(&mut scene), [[]]);
    scene.answers = false;
    scene.advance(30_000 + 6_000 + 2_600);
    assert_eq!(faults(&mut scene), [[AudioFault::NoPath]]);
    scene.answers = true;
    scene.connect();
    scene.advance(2_600);
    assert_eq!(faults(&mut scene), [[]]);
}

#[test]
fn a_wrong_certificate_is_the_fault_that_is_told() {
    let mut scene = Scene::new(agreed());
    scene.world.watch(1, false);
    scene.check(BROWSER, true);
    scene.say(BROWSER, &message(b'H', b"somebody else's"));
    scene.advance(2_600);
    assert_eq!(faults(&mut scene), [[AudioFault::WrongFingerprint]]);
}

/// A browser plays the source that it has heard of last, and not one that comes back behind another.
#[test]
fn whoever_speaks_to_a_browser_does_it_in_one_stream() {
    let mut scene = Scene::new(agreed());
    scene.connect();
    let mut heard = Vec::new();
    let mut hears = |scene: &mut Scene, mut octets: Vec<u8>| {
        let len = scene.receive.unprotect_rtp(&mut octets).expect("a packet");
        let head = rtp::Header::parse(&octets[..len]).expect("a packet");
        heard.push((head.ssrc, head.seq, head.timestamp));
    };
    let mut seq = 0;
    for turn in [false, true, false, true, false] {
        match turn {
            true => plays(&mut scene),
            false => scene.world.command(MediaCommand::Play {
                session: MediaSessionId(1),
                leg: Leg::Caller,
                id: 8,
                program: None,
                over: Over::Instead,
            }),
        }
        for _ in 0..10 {
            seq += 1;
            scene.world.advance(Duration::from_millis(20));
            let far = scene.far;
            if let Some((_, octets)) = scene.world.carry(PHONE, far, &rtp(seq)) {
                hears(&mut scene, octets);
            }
            while let Some(frame) = scene.world.relay.poll_frame() {
                if rtp::protocol(&frame.octets) == rtp::Protocol::Rtp {
                    hears(&mut scene, frame.octets);
                }
            }
        }
    }
    assert!((48..=52).contains(&heard.len()), "{heard:?}");
    for pair in heard.windows(2) {
        let [(ssrc, seq, at), (next_ssrc, next_seq, next_at)] = *pair else {
            panic!("a pair");
        };
        assert_eq!((ssrc, seq + 1), (next_ssrc, next_seq), "{heard:?}");
        assert!((1..=480).contains(&(next_at - at)), "{heard:?}");
    }
}

/// A browser that does not like our certificate gives up, and begins no other handshake.
#[test]
fn a_path_without_a_handshake_that_comes_to_an_end_is_told_once_and_may_still_come_to_one() {
    for fails in [false, true] {
        let mut scene = Scene::new(agreed());
        scene.world.watch(1, false);
        scene.check(BROWSER, true);
        if fails {
            scene.say(BROWSER, &message(b'X', b""));
        }
        scene.advance(2_600);
        assert_eq!(faults(&mut scene), [[AudioFault::NoKeys]]);
        scene.advance(17_000);
        assert!(scene.told().is_empty());
        scene.advance(40_000);
        assert_eq!(scene.told(), [Err(Insecurity::Handshake)]);
        scene.say(BROWSER, &message(b'H', CERTIFICATE));
        assert_eq!(scene.told(), [Ok(CM)]);
        scene.talks(BROWSER, 1);
        scene.advance(60_000);
        assert!(scene.told().is_empty());
    }
}

/// RFC 5761 §5.1.3: it goes where RTP goes, by the same socket.
#[test]
fn reports_to_a_browser_are_sealed_and_leave_by_the_socket_of_its_audio() {
    let mut scene = Scene::new(agreed());
    scene.connect();
    scene.talks(BROWSER, 1);
    plays(&mut scene);
    let (mut said, mut reports) = (0, 0);
    for _ in 0..500 {
        scene.world.advance(Duration::from_millis(20));
        while let Some(mut frame) = scene.world.relay.poll_frame() {
            assert!(!frame.rtcp && frame.to == addr(BROWSER), "{frame:?}");
            match rtp::protocol(&frame.octets) {
                rtp::Protocol::Rtp => said += 1,
                rtp::Protocol::Rtcp => {
                    let len = scene.receive.unprotect_rtcp(&mut frame.octets).unwrap();
                    let first = packets(&frame.octets[..len]).next();
                    assert!(
                        matches!(first, Some(Ok(Packet::SenderReport { .. }))),
                        "{first:?}"
                    );
                    reports += 1;
                }
                _ => {}
            }
        }
    }
    assert!(said > 400, "{said} packets of a tone");
    assert!((1..=4).contains(&reports), "{reports} reports in 10 s");
}

/// Whoever could tell our transactions beforehand could answer them in the name of somebody who never agreed.
#[test]
fn a_leg_that_was_plain_in_between_cannot_tell_our_transactions() {
    let mut scene = Scene::new(agreed());
    scene.connect();
    let before = std::mem::take(&mut scene.transactions);
    scene.advance(1_000);
    scene
        .world
        .remote(1, Leg::Caller, Some("203.0.113.20:7000"), "203.0.113.20");
    scene.advance(1_000);
    scene.describe();
    scene.connect();
    assert!(!before.is_empty() && !scene.transactions.is_empty());
    assert!(
        !scene.transactions.iter().any(|again| before.contains(again)),
        "they are known from the first time"
    );
}
