//! Phones without a codec in common, and those that have one: who is told what, and whether the server speaks for them.
//!
//! Phones send two packets a second. Who gets fifty is spoken to by the server.

use super::by_hand::code;
use super::{Hand, Scene};
use expect_test::expect;
use model::{MediaPolicy, Policy};
use sim::phone::Answer;

const PCMU: u8 = 0;
const PCMA: u8 = 8;
const G722: u8 = 9;
const OPUS: u8 = 111;

/// Phones of 101, 102 and so on with these codecs that pick up after 100 ms, the ladder empty.
fn phones(policy: Policy, codecs: &[&[u8]]) -> (Scene, Vec<usize>) {
    let mut scene = Scene::with(policy);
    let phones = ["101", "102", "103"].into_iter().zip(codecs);
    let phones = phones.map(|(user, codecs)| {
        let phone = scene.phone(user, Answer::PickUp(100));
        scene.act(phone, |p, _| p.codecs = codecs.to_vec());
        phone
    });
    let phones = phones.collect();
    scene.curtain();
    (scene, phones)
}

/// What a phone hears within two seconds: the payload types, and whether it is the server that speaks. A phone says a few
/// milliseconds each half second, and is spoken for until a quarter of a second has passed without a word.
pub(super) fn hears(scene: &mut Scene, phones: &[usize]) -> Vec<(Vec<u8>, bool)> {
    for phone in phones {
        scene.act(*phone, |p, _| p.formats.clear());
    }
    scene.run(2000);
    let heard = phones.iter().map(|phone| {
        let formats = &scene.world.phones[*phone].formats;
        let packets: u64 = formats.values().sum();
        assert!(
            packets <= 6 || packets >= 40,
            "{formats:?}\n{}",
            scene.world.ladder.text()
        );
        (formats.keys().copied().collect(), packets >= 40)
    });
    heard.collect()
}

fn relayed(pt: u8) -> (Vec<u8>, bool) {
    (vec![pt], false)
}

fn spoken(pt: u8) -> (Vec<u8>, bool) {
    (vec![pt], true)
}

#[test]
fn opus_and_g711() {
    let (mut scene, phones) = phones(Policy::default(), &[&[OPUS], &[PCMA]]);
    scene.call(phones[0], "102");
    scene.run(500);
    assert_eq!(hears(&mut scene, &phones), [spoken(OPUS), spoken(PCMA)]);
    scene.hang_up(phones[0]);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 111}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 111}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 111,9,8,0,13}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 8}
        105      server -> acme/102 ACK 102
        105      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 111}
        106    acme/101 -> server   ACK 1
        2500   acme/101 -> server   BYE 1
        2501     server -> acme/102 BYE 102
        2501     server -> acme/101 200 OK (BYE)
        2502   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2396 ms (ring 102, answered), packets 5 and 5
    "#]]);
}

/// Each pair of codecs, called from either side.
#[test]
fn every_pair() {
    let all = [PCMU, PCMA, G722, OPUS];
    for one in all {
        for other in all {
            let (mut scene, phones) = phones(Policy::default(), &[&[one], &[other]]);
            scene.call(phones[0], "102");
            scene.run(500);
            let expected = match one == other {
                true => [relayed(one), relayed(other)],
                false => [spoken(one), spoken(other)],
            };
            assert_eq!(hears(&mut scene, &phones), expected, "{one} and {other}");
        }
    }
}

#[test]
fn a_codec_in_common_is_never_left_for_another() {
    for codecs in [[&[OPUS, PCMA][..], &[PCMA]], [&[PCMA], &[OPUS, G722, PCMA]]] {
        let (mut scene, phones) = phones(Policy::default(), &codecs);
        scene.call(phones[0], "102");
        scene.run(500);
        assert_eq!(hears(&mut scene, &phones), [relayed(PCMA), relayed(PCMA)]);
    }
}

#[test]
fn who_answers_with_what_only_we_have_offered_first_is_spoken_for() {
    let (mut scene, phones) = phones(Policy::default(), &[&[PCMU]]);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(&mut scene, "102", 1, "<sip:102@10.0.2.1>");
    scene.curtain();
    scene.call(phones[0], "102");
    scene.run(10);
    let invite = hand.hears(&mut scene).pop().expect("an INVITE");
    assert!(invite.contains("m=audio 10002 RTP/AVP 0 8 9 111\r\n"), "{invite}");
    let answer =
        "v=0\r\no=- 7 7 IN IP4 10.0.2.1\r\ns=-\r\nc=IN IP4 10.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 9 0\r\n";
    hand.responds(&mut scene, &invite, 200, answer);
    scene.run(100);
    // The server speaks PCMU to the caller although nothing comes from the other side.
    scene.sees(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> hand     INVITE 102 {10.0.0.1:10002 0,8}
        20         hand -> server   200 OK (INVITE) {10.0.2.1:4000 9,0}
        21       server -> hand     ACK hand
        21       server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        22     acme/101 -> server   ACK 1
    "#]]);
}

#[test]
fn a_tenant_that_wants_none_of_it() {
    let policy = Policy {
        transcode: false,
        ..Policy::default()
    };
    let (mut scene, phones) = phones(policy, &[&[OPUS], &[PCMA]]);
    scene.call(phones[0], "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 111}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 111}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 111}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        104    acme/102 -> server   488 Not Acceptable Here (INVITE)
        105      server -> acme/102 ACK 102
        105      server -> acme/101 488 Not Acceptable Here (INVITE) [Q.850;cause=88]
        106    acme/101 -> server   ACK 102
        record 101 -> 102: 488/88 by Callee, rang (ring 102, media refused)
    "#]]);
}

#[test]
fn the_tenants_codecs_bound_what_we_speak() {
    let policy = Policy {
        codecs: vec!["pcmu".to_owned(), "g722".to_owned()],
        ..Policy::default()
    };
    let (mut scene, phones) = phones(policy, &[&[G722, OPUS], &[OPUS, PCMU]]);
    scene.call(phones[0], "102");
    scene.run(500);
    assert_eq!(hears(&mut scene, &phones), [spoken(G722), spoken(PCMU)]);
    scene.hang_up(phones[0]);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 9,111}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 9,111}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 9,0}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0}
        105      server -> acme/102 ACK 102
        105      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 9}
        106    acme/101 -> server   ACK 1
        2500   acme/101 -> server   BYE 1
        2501     server -> acme/102 BYE 102
        2501     server -> acme/101 200 OK (BYE)
        2502   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2396 ms (ring 102, answered), packets 5 and 5
    "#]]);
}

#[test]
fn early_media_and_an_answer_by_another_phone() {
    let (mut scene, phones) = phones(Policy::default(), &[&[PCMU, PCMA], &[OPUS], &[PCMA]]);
    scene.answers(phones[1], Answer::EarlyMedia(3000));
    scene.answers(phones[2], Answer::PickUp(60_000));
    scene.call(phones[0], "102");
    scene.run(500);
    assert_eq!(hears(&mut scene, &phones[..1]), [spoken(PCMU)]);
    scene.run(1000);
    assert_eq!(hears(&mut scene, &phones[..2]), [spoken(PCMU), spoken(OPUS)]);
    scene.hang_up(phones[0]);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   183 Session Progress (INVITE) {10.0.1.3:6060 111}
        5        server -> acme/101 183 Session Progress (INVITE) {10.0.0.1:10000 0}
        3004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 111}
        3005     server -> acme/102 ACK 102
        3005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        3006   acme/101 -> server   ACK 1
        5500   acme/101 -> server   BYE 1
        5501     server -> acme/102 BYE 102
        5501     server -> acme/101 200 OK (BYE)
        5502   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2496 ms (ring 102, answered), packets 5 and 11
    "#]]);
}

#[test]
fn codecs_change_in_a_call() {
    let (mut scene, phones) = phones(Policy::default(), &[&[PCMU, PCMA], &[PCMU]]);
    scene.call(phones[0], "102");
    scene.run(500);
    assert_eq!(hears(&mut scene, &phones), [relayed(PCMU), relayed(PCMU)]);
    scene.act(phones[0], |p, _| p.codecs = vec![OPUS]);
    scene.reinvite(phones[0], "sendrecv");
    scene.run(500);
    assert_eq!(hears(&mut scene, &phones), [spoken(OPUS), spoken(PCMU)]);
    scene.act(phones[1], |p, _| p.codecs = vec![G722, OPUS]);
    scene.reinvite(phones[1], "sendrecv");
    scene.run(500);
    assert_eq!(hears(&mut scene, &phones), [relayed(OPUS), relayed(OPUS)]);
    scene.hang_up(phones[0]);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0}
        105      server -> acme/102 ACK 102
        105      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        106    acme/101 -> server   ACK 1
        2500   acme/101 -> server   INVITE 1 {10.0.1.2:6060 111}
        2501     server -> acme/102 INVITE 102 {10.0.0.1:10002 111,9,8,0,13}
        2501     server -> acme/101 100 Trying (INVITE)
        2502   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0}
        2503     server -> acme/102 ACK 102
        2503     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 111}
        2504   acme/101 -> server   ACK 1
        5000   acme/102 -> server   INVITE 1 {10.0.1.3:6060 9,111}
        5001     server -> acme/101 INVITE 101 {10.0.0.1:10000 9,111,8,0,13}
        5001     server -> acme/102 100 Trying (INVITE)
        5002   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 111}
        5003     server -> acme/101 ACK 101
        5003     server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 111}
        5004   acme/102 -> server   ACK 1
        7500   acme/101 -> server   BYE 1
        7501     server -> acme/102 BYE 102
        7501     server -> acme/101 200 OK (BYE)
        7502   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 7396 ms (ring 102, answered), packets 15 and 15
    "#]]);
}

#[test]
fn the_callee_offers() {
    let (mut scene, phones) = phones(Policy::default(), &[&[PCMU], &[G722]]);
    scene.act(phones[0], |p, _| p.abilities.offerless = true);
    scene.call(phones[0], "102");
    scene.run(500);
    assert_eq!(hears(&mut scene, &phones), [spoken(PCMU), spoken(G722)]);
    scene.hang_up(phones[0]);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 9}
        105      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 9,111,8,0}
        106    acme/101 -> server   ACK 1 {10.0.1.2:6060 0}
        107      server -> acme/102 ACK 102 {10.0.0.1:10002 9}
        2500   acme/101 -> server   BYE 1
        2501     server -> acme/102 BYE 102
        2501     server -> acme/101 200 OK (BYE)
        2502   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2396 ms (ring 102, answered), packets 5 and 4
    "#]]);
}

#[test]
fn a_transfer_to_a_phone_with_other_codecs() {
    let (mut scene, phones) = phones(Policy::default(), &[&[PCMU], &[PCMU], &[OPUS]]);
    scene.call(phones[0], "102");
    scene.run(500);
    scene.curtain();
    scene.act(phones[0], |p, now| p.refer(0, "103", now));
    scene.run(1000);
    assert_eq!(hears(&mut scene, &phones[1..]), [spoken(PCMU), spoken(OPUS)]);
    scene.hang_up(phones[1]);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/103 INVITE 103 Referred-By <sip:101@acme.example> {10.0.0.1:10006 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/103 -> server   180 Ringing (INVITE)
        3        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        4      acme/101 -> server   200 OK (NOTIFY)
        102    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 111}
        103      server -> acme/103 ACK 103
        103      server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        103      server -> acme/102 INVITE 102 {10.0.0.1:10004 111,9,8,0,13}
        104    acme/101 -> server   200 OK (NOTIFY)
        104    acme/101 -> server   BYE 1
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0}
        105      server -> acme/101 200 OK (BYE)
        105      server -> acme/102 ACK 102
        3000   acme/102 -> server   BYE 1
        3001     server -> acme/103 BYE 103
        3001     server -> acme/102 200 OK (BYE)
        3002   acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 498 ms (ring 102, answered), transferred to 103, packets 1 and 1
        record 102 -> 103: 200/16 by Caller, rang, talked 2898 ms (ring 103, answered), transferred by 101, packets 6 and 6
    "#]]);
}

/// Both were spoken for by the server, or not; together they have a codec, and are brought to it.
#[test]
fn parties_that_come_together() {
    let sets: [[&[u8]; 3]; 2] = [
        [&[PCMU, OPUS], &[OPUS, PCMA], &[PCMA]],
        [&[PCMU, OPUS], &[OPUS], &[PCMU]],
    ];
    for (set, expected) in sets
        .iter()
        .zip([[relayed(PCMA), relayed(PCMA)], [spoken(OPUS), spoken(PCMU)]])
    {
        let (mut scene, phones) = phones(Policy::default(), set);
        scene.call(phones[0], "102");
        scene.run(500);
        scene.call(phones[0], "103");
        scene.run(500);
        scene.act(phones[0], |p, now| p.refer_to_call(0, 1, now));
        scene.run(1000);
        assert_eq!(hears(&mut scene, &phones[1..]), expected, "{set:?}");
        scene.hang_up(phones[1]);
        scene.run(1000);
    }
}

fn direct() -> Policy {
    Policy {
        media: MediaPolicy::Direct,
        ..Policy::default()
    }
}

#[test]
fn phones_with_straight_audio_are_asked_again_over_the_relay() {
    let (mut scene, phones) = phones(direct(), &[&[OPUS], &[PCMA]]);
    scene.call(phones[0], "102");
    scene.run(500);
    assert_eq!(hears(&mut scene, &phones), [spoken(OPUS), spoken(PCMA)]);
    scene.hang_up(phones[0]);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 111}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 111}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.1.2:6060 111}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        104    acme/102 -> server   488 Not Acceptable Here (INVITE)
        105      server -> acme/102 ACK 102
        105      server -> acme/102 INVITE 102 {10.0.0.1:10002 111,9,8,0,13}
        106    acme/102 -> server   180 Ringing (INVITE)
        206    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 8}
        207      server -> acme/102 ACK 102
        207      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 111}
        208    acme/101 -> server   ACK 1
        2500   acme/101 -> server   BYE 1
        2501     server -> acme/102 BYE 102
        2501     server -> acme/101 200 OK (BYE)
        2502   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2294 ms (ring 102, relayed, answered), packets 5 and 5
    "#]]);
}

#[test]
fn the_relay_is_no_help_to_who_is_busy() {
    let (mut scene, phones) = phones(direct(), &[&[OPUS], &[OPUS]]);
    scene.answers(phones[1], Answer::Refuse(486, 100));
    scene.call(phones[0], "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 111}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 111}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.1.2:6060 111}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        104    acme/102 -> server   486 Busy Here (INVITE)
        105      server -> acme/102 ACK 102
        105      server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        106    acme/101 -> server   ACK 102
        record 101 -> 102: 486/17 by Callee, rang (ring 102, busy)
    "#]]);
}

#[test]
fn no_port_is_left_to_ask_again() {
    let (mut scene, phones) = phones(direct(), &[&[OPUS], &[PCMA]]);
    scene.world.server.bindable = false;
    scene.call(phones[0], "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 111}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 111}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.1.2:6060 111}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        104    acme/102 -> server   488 Not Acceptable Here (INVITE)
        105      server -> acme/102 ACK 102
        105      server -> acme/101 503 Service Unavailable (INVITE) Retry-After 5 [Q.850;cause=47]
        106    acme/101 -> server   ACK 102
        record 101 -> 102: 503/47 by System, rang (ring 102, relayed)
    "#]]);
}

#[test]
fn parties_with_straight_audio_come_together_over_the_relay() {
    let (mut scene, phones) = phones(direct(), &[&[PCMU, OPUS], &[OPUS], &[PCMU]]);
    scene.call(phones[0], "102");
    scene.run(500);
    scene.call(phones[0], "103");
    scene.run(500);
    scene.act(phones[0], |p, now| p.refer_to_call(0, 1, now));
    scene.run(1000);
    assert_eq!(hears(&mut scene, &phones[1..]), [spoken(OPUS), spoken(PCMU)]);
    scene.hang_up(phones[1]);
    scene.run(1000);
}

#[test]
fn a_transcoded_call_goes_on_after_a_restart() {
    let (mut scene, phones) = phones(Policy::default(), &[&[OPUS], &[PCMA]]);
    scene.call(phones[0], "102");
    scene.run(3000);
    let now = scene.world.now();
    scene.world.server.restart(now);
    scene.run(1000);
    assert_eq!(hears(&mut scene, &phones), [spoken(OPUS), spoken(PCMA)]);
}

#[test]
fn who_says_nothing_usable() {
    let (mut scene, phones) = phones(Policy::default(), &[&[PCMU]]);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(&mut scene, "102", 1, "<sip:102@10.0.2.1>");
    scene.call(phones[0], "102");
    scene.run(10);
    let invite = hand.hears(&mut scene).pop().expect("an INVITE");
    let answer = "v=0\r\no=- 7 7 IN IP4 10.0.2.1\r\ns=-\r\nc=IN IP4 10.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 111\r\n\
                  a=rtpmap:111 opus/48000/2\r\na=fmtp:111 maxplaybackrate=;;maxaveragebitrate=-1;usedtx=99999999999\r\n";
    hand.responds(&mut scene, &invite, 200, answer);
    scene.run(100);
    let acknowledged = hand.hears(&mut scene).pop().expect("an ACK");
    assert!(
        acknowledged.starts_with("ACK ") && code(&acknowledged) == 0,
        "{acknowledged}"
    );
}
