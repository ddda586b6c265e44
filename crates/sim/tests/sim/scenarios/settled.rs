//! What comes over with a transferred party: audio, session timers, reliable responses, its name and its lamp.

use super::transferred::{three, usual};
use super::{Hand, Scene};
use expect_test::expect;
use model::{MediaPolicy, Policy};
use sim::phone::{Abilities, Answer};
use sip::Name;

#[test]
fn to_a_phone_with_one_codec() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let cid = scene.phone("103", Answer::PickUp(100));
    scene.act(cid, |p, _| p.codecs = vec![8]);
    scene.refresh_voices();
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(2000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/103 INVITE 103 Referred-By <sip:101@acme.example> {10.0.0.1:10006 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/103 -> server   180 Ringing (INVITE)
        3        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        4      acme/101 -> server   200 OK (NOTIFY)
        102    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 8}
        103      server -> acme/103 ACK 103
        103      server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        103      server -> acme/102 INVITE 102 {10.0.0.1:10004 8,0}
        104    acme/101 -> server   200 OK (NOTIFY)
        104    acme/101 -> server   BYE 1
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 8,0}
        105      server -> acme/101 200 OK (BYE)
        105      server -> acme/102 ACK 102
        105      server -> acme/103 INVITE 103 {10.0.0.1:10006 8,0}
        106    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 8}
        107      server -> acme/103 ACK 103
        2000   acme/102 -> server   BYE 1
        2001     server -> acme/103 BYE 103
        2001     server -> acme/102 200 OK (BYE)
        2002   acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1198 ms (ring 102, answered), transferred to 103, packets 3 and 3
        record 102 -> 103: 200/16 by Caller, rang, talked 1898 ms (ring 103, answered), transferred by 101, packets 4 and 4
    "#]]);
}

#[test]
fn to_a_phone_without_a_common_codec() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let cid = scene.phone("103", Answer::PickUp(100));
    scene.act(cid, |p, _| p.codecs = vec![18]);
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(2000);
    scene.refresh_voices();
    scene.run(1000);
    scene.talk_to_each_other(ann, bea);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/103 INVITE 103 Referred-By <sip:101@acme.example> {10.0.0.1:10006 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/103 -> server   180 Ringing (INVITE)
        3        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        4      acme/101 -> server   200 OK (NOTIFY)
        102    acme/103 -> server   488 Not Acceptable Here (INVITE)
        103      server -> acme/103 ACK 103
        103      server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 488 Not Acceptable Here"
        104    acme/101 -> server   200 OK (NOTIFY)
        3000   acme/102 -> server   BYE 1
        3001     server -> acme/101 BYE 101
        3001     server -> acme/102 200 OK (BYE)
        3002   acme/101 -> server   200 OK (BYE)
        record 102 -> 103: 488/88 by Callee, rang (ring 103, media refused), transferred by 101
        record 101 -> 102: 200/16 by Callee, rang, talked 4096 ms (ring 102, answered), packets 9 and 9
    "#]]);
}

#[test]
fn with_audio_straight_between_the_phones() {
    let policy = Policy {
        media: MediaPolicy::Direct,
        ..Policy::default()
    };
    let (mut scene, ann, bea, cid) = three(policy, Answer::PickUp(100));
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(2000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/103 INVITE 103 Referred-By <sip:101@acme.example> {10.0.1.3:6060 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/103 -> server   180 Ringing (INVITE)
        3        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        4      acme/101 -> server   200 OK (NOTIFY)
        102    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        103      server -> acme/103 ACK 103
        103      server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        103      server -> acme/102 INVITE 102 {10.0.1.4:6060 0,8}
        104    acme/101 -> server   200 OK (NOTIFY)
        104    acme/101 -> server   BYE 1
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        105      server -> acme/101 200 OK (BYE)
        105      server -> acme/102 ACK 102
        2000   acme/102 -> server   BYE 1
        2001     server -> acme/103 BYE 103
        2001     server -> acme/102 200 OK (BYE)
        2002   acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1198 ms (ring 102, answered), transferred to 103
        record 102 -> 103: 200/16 by Caller, rang, talked 1898 ms (ring 103, answered), transferred by 101
    "#]]);
}

#[test]
fn the_party_refuses_its_new_session() {
    let (mut scene, ann, bea, _) = usual(Answer::PickUp(100));
    scene.act(bea, |p, _| p.refuses_reinvite = Some(488));
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(2000);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/103 INVITE 103 Referred-By <sip:101@acme.example> {10.0.0.1:10006 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/103 -> server   180 Ringing (INVITE)
        3        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        4      acme/101 -> server   200 OK (NOTIFY)
        102    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        103      server -> acme/103 ACK 103
        103      server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        103      server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        104    acme/101 -> server   200 OK (NOTIFY)
        104    acme/101 -> server   BYE 1
        104    acme/102 -> server   488 Not Acceptable Here (INVITE)
        105      server -> acme/101 200 OK (BYE)
        105      server -> acme/102 ACK 102
        105      server -> acme/102 BYE 102 [Q.850;cause=88;text="no common media"]
        105      server -> acme/103 BYE 103 [Q.850;cause=88;text="no common media"]
        106    acme/102 -> server   200 OK (BYE)
        106    acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1198 ms (ring 102, answered), transferred to 103, packets 3 and 3
        record 102 -> 103: 200/88 by System, rang, talked 2 ms (ring 103, answered), transferred by 101, packets 0 and 1
    "#]]);
}

#[test]
fn the_party_is_busy_with_its_own_reinvite() {
    let (mut scene, ann, bea, cid) = usual(Answer::PickUp(500));
    scene.act(bea, |p, _| p.refuses_reinvite = Some(491));
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(600);
    scene.act(bea, |p, _| p.refuses_reinvite = None);
    scene.run(4000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/103 INVITE 103 Referred-By <sip:101@acme.example> {10.0.0.1:10006 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/103 -> server   180 Ringing (INVITE)
        3        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        4      acme/101 -> server   200 OK (NOTIFY)
        502    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        503      server -> acme/103 ACK 103
        503      server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        503      server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        504    acme/101 -> server   200 OK (NOTIFY)
        504    acme/101 -> server   BYE 1
        504    acme/102 -> server   491 Request Pending (INVITE)
        505      server -> acme/101 200 OK (BYE)
        505      server -> acme/102 ACK 102
        3885     server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        3886   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        3887     server -> acme/102 ACK 102
        4600   acme/102 -> server   BYE 1
        4601     server -> acme/103 BYE 103
        4601     server -> acme/102 200 OK (BYE)
        4602   acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1598 ms (ring 102, answered), transferred to 103, packets 4 and 4
        record 102 -> 103: 200/16 by Caller, rang, talked 4098 ms (ring 103, answered), transferred by 101, packets 2 and 9, Caller: has no address to send to
    "#]]);
}

#[test]
fn a_party_that_waits_asks_for_hold_in_vain() {
    let (mut scene, ann, bea, cid) = usual(Answer::PickUp(500));
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(20);
    scene.hang_up(ann);
    scene.run(100);
    scene.reinvite(bea, "sendonly");
    scene.run(2000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(cid);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/103 INVITE 103 Referred-By <sip:101@acme.example> {10.0.0.1:10006 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/103 -> server   180 Ringing (INVITE)
        3        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        4      acme/101 -> server   200 OK (NOTIFY)
        20     acme/101 -> server   BYE 1
        21       server -> acme/101 200 OK (BYE)
        120    acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 sendonly}
        121      server -> acme/102 491 Request Pending (INVITE)
        122    acme/102 -> server   ACK 1
        502    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        503      server -> acme/103 ACK 103
        503      server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        505      server -> acme/102 ACK 102
        2120   acme/103 -> server   BYE 1
        2121     server -> acme/102 BYE 102
        2121     server -> acme/103 200 OK (BYE)
        2122   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1116 ms (ring 102, answered), transferred to 103, packets 3 and 3
        record 102 -> 103: 200/16 by Callee, rang, talked 1618 ms (ring 103, answered), transferred by 101, packets 3 and 4
    "#]]);
}

#[test]
fn session_timers_go_on_with_the_new_partner() {
    let policy = Policy {
        session_expires_s: 200,
        media_silence_s: 0,
        ..Policy::default()
    };
    let mut scene = Scene::with(policy);
    let abilities = Abilities {
        update: true,
        timer: 200,
        ..Abilities::default()
    };
    let (ann, bea) = scene.pair();
    let cid = scene.phone("103", Answer::PickUp(100));
    for phone in [ann, bea, cid] {
        scene.act(phone, |p, _| p.abilities = abilities);
    }
    scene.mute(&[ann, bea, cid]);
    scene.call(ann, "102");
    scene.run(2000);
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(2000);
    scene.curtain();
    scene.run(250_000);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        98103    server -> acme/103 UPDATE 103 Session-Expires 200;refresher=uac
        98104  acme/103 -> server   200 OK (UPDATE) Require timer Session-Expires 200;refresher=uac
        98105    server -> acme/102 UPDATE 102 Session-Expires 200;refresher=uac
        98106  acme/102 -> server   200 OK (UPDATE) Require timer Session-Expires 200;refresher=uac
        198105   server -> acme/103 UPDATE 103 Session-Expires 200;refresher=uac
        198106 acme/103 -> server   200 OK (UPDATE) Require timer Session-Expires 200;refresher=uac
        198107   server -> acme/102 UPDATE 102 Session-Expires 200;refresher=uac
        198108 acme/102 -> server   200 OK (UPDATE) Require timer Session-Expires 200;refresher=uac
        250000 acme/102 -> server   BYE 1
        250001   server -> acme/103 BYE 103
        250001   server -> acme/102 200 OK (BYE)
        250002 acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1098 ms (ring 102, answered), transferred to 103, packets 0 and 0
        record 102 -> 103: 200/16 by Caller, rang, talked 251898 ms (ring 103, answered), transferred by 101, packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn phones_with_reliable_provisional_responses() {
    let mut scene = Scene::new();
    let abilities = Abilities {
        reliable: true,
        ..Abilities::default()
    };
    let (ann, bea) = scene.pair();
    let cid = scene.phone("103", Answer::EarlyMedia(500));
    for phone in [ann, bea, cid] {
        scene.act(phone, |p, _| p.abilities = abilities);
    }
    scene.call(ann, "102");
    scene.run(2000);
    scene.curtain();
    scene.refresh_voices();
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(2000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/103 INVITE 103 Referred-By <sip:101@acme.example> {10.0.0.1:10006 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/103 -> server   183 Session Progress (INVITE) Require 100rel {10.0.1.4:6060 0,8}
        3        server -> acme/103 PRACK 103 RAck 12 1 INVITE
        3        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 183 Session Progress"
        4      acme/103 -> server   200 OK (PRACK)
        4      acme/101 -> server   200 OK (NOTIFY)
        502    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        503      server -> acme/103 ACK 103
        503      server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        503      server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        504    acme/101 -> server   200 OK (NOTIFY)
        504    acme/101 -> server   BYE 1
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        505      server -> acme/101 200 OK (BYE)
        505      server -> acme/102 ACK 102
        2000   acme/102 -> server   BYE 1
        2001     server -> acme/103 BYE 103
        2001     server -> acme/102 200 OK (BYE)
        2002   acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1498 ms (ring 102, answered), transferred to 103, packets 3 and 3
        record 102 -> 103: 200/16 by Caller, rang, talked 1498 ms (ring 103, answered), transferred by 101, packets 3 and 3
    "#]]);
}

#[test]
fn a_call_that_began_without_an_offer() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.pair();
    let cid = scene.phone("103", Answer::PickUp(100));
    scene.act(ann, |p, _| p.abilities.offerless = true);
    scene.call(ann, "102");
    scene.run(2000);
    scene.curtain();
    scene.refresh_voices();
    scene.act(bea, |p, now| p.refer(0, "103", now));
    scene.run(2000);
    scene.talk_to_each_other(ann, cid);
    scene.hang_up(ann);
    scene.ends(expect![[r#"
        0      acme/102 -> server   REFER 1 Referred-By <sip:102@acme.example> to <sip:103@acme.example>
        1        server -> acme/102 202 Accepted (REFER)
        1        server -> acme/102 NOTIFY 102 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/103 INVITE 103 Referred-By <sip:102@acme.example> {10.0.0.1:10006 0,8}
        2      acme/102 -> server   200 OK (NOTIFY)
        2      acme/103 -> server   180 Ringing (INVITE)
        3        server -> acme/102 NOTIFY 102 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        4      acme/102 -> server   200 OK (NOTIFY)
        102    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        103      server -> acme/103 ACK 103
        103      server -> acme/102 NOTIFY 102 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        103      server -> acme/101 INVITE 101 {10.0.0.1:10004 0,8}
        104    acme/102 -> server   200 OK (NOTIFY)
        104    acme/102 -> server   BYE 1
        104    acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        105      server -> acme/102 200 OK (BYE)
        105      server -> acme/101 ACK 101
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/103 BYE 103
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1098 ms (ring 102, answered), transferred to 103, packets 3 and 2
        record 101 -> 103: 200/16 by Caller, rang, talked 1898 ms (ring 103, answered), transferred by 102, packets 3 and 4
    "#]]);
}

#[test]
fn a_caller_without_a_name_stays_without_one() {
    let mut scene = Scene::with(Policy {
        trust_phones: true,
        ..Policy::default()
    });
    let (ann, bea) = scene.pair();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(&mut scene, "103", 1, "<sip:hand@10.0.2.1:5060>");
    scene.act(ann, |p, now| {
        p.call_with("102", &[(Name::Privacy, "id".to_owned())], now)
    });
    scene.run(2000);
    scene.act(bea, |p, now| p.refer(0, "103", now));
    let invite = hand.hears(&mut scene).pop().unwrap();
    let shown: Vec<&str> = invite
        .lines()
        .filter(|line| {
            ["From", "P-Ass", "Privacy", "Referred"]
                .iter()
                .any(|n| line.starts_with(n))
        })
        .map(|line| line.split(";tag").next().unwrap())
        .collect();
    assert_eq!(
        shown,
        [
            "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>",
            "Privacy: id",
            "P-Asserted-Identity: \"User 101\" <sip:101@acme.example>",
            "Referred-By: <sip:102@acme.example>",
        ]
    );
    hand.responds(&mut scene, &invite, 486, "");
    scene.run(10);
    scene.hang_up(ann);
    scene.run(70_000);
}

#[test]
fn the_session_of_a_party_that_waits_is_refreshed() {
    let mut scene = Scene::with(Policy {
        session_expires_s: 40,
        min_se_s: 20,
        ..Policy::default()
    });
    let abilities = Abilities {
        timer: 40,
        ..Abilities::default()
    };
    let (ann, bea) = scene.pair();
    let cid = scene.phone("103", Answer::PickUp(30_000));
    scene.act(bea, |p, _| p.abilities = abilities);
    scene.call(bea, "101");
    scene.run(2000);
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(50);
    scene.hang_up(ann);
    scene.run(50);
    scene.curtain();
    scene.refresh_voices();
    scene.run(35_000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(cid);
    scene.ends(expect![[r#"
        18905    server -> acme/102 INVITE 102 Session-Expires 40;refresher=uac {10.0.0.1:10000 0,8}
        18906  acme/102 -> server   200 OK (INVITE) Require timer Session-Expires 40;refresher=uac {10.0.1.3:6060 0,8}
        18907    server -> acme/102 ACK 102
        29902  acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        29903    server -> acme/103 ACK 103
        29903    server -> acme/102 INVITE 102 Session-Expires 40;refresher=uac {10.0.0.1:10004 0,8}
        29904  acme/102 -> server   200 OK (INVITE) Require timer Session-Expires 40;refresher=uac {10.0.1.3:6060 0,8}
        29905    server -> acme/102 ACK 102
        35000  acme/103 -> server   BYE 1
        35001    server -> acme/102 BYE 102
        35001    server -> acme/103 200 OK (BYE)
        35002  acme/102 -> server   200 OK (BYE)
        record 102 -> 101: 200/16 by Callee, rang, talked 1046 ms (ring 101, answered), transferred to 103, packets 3 and 3
        record 102 -> 103: 200/16 by Callee, rang, talked 5098 ms (ring 103, answered), transferred by 101, packets 11 and 11
    "#]]);
}

#[test]
fn lamps_follow_a_transfer() {
    let (mut scene, ann, bea, cid) = usual(Answer::PickUp(1000));
    let dan = scene.phone("104", Answer::Ring);
    let watched = ["101", "102", "103"];
    for user in watched {
        scene.act(dan, |p, now| p.watch("dialog", user, 600, now));
    }
    let lamps = |scene: &mut Scene| {
        scene.run(300);
        let watches = scene.world.phones[dan].watches();
        let states = watches.iter().map(|watch| {
            let states = watch.body.split("<state>").skip(1);
            let states: Vec<&str> = states.filter_map(|state| state.split('<').next()).collect();
            states.join("+")
        });
        states.collect::<Vec<String>>()
    };
    assert_eq!(lamps(&mut scene), ["confirmed", "confirmed", ""]);
    scene.act(ann, |p, now| p.refer(0, "103", now));
    assert_eq!(lamps(&mut scene), ["confirmed", "confirmed", "early"]);
    scene.hang_up(ann);
    assert_eq!(lamps(&mut scene), ["", "confirmed", "early"]);
    scene.run(1000);
    assert_eq!(lamps(&mut scene), ["", "confirmed", "confirmed"]);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(bea);
    assert_eq!(lamps(&mut scene), ["", "", ""]);
}
