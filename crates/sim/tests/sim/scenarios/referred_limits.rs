//! REFER outside of a dialog, beyond a limit, from a stranger, or in a thousand copies.

use super::{Hand, Scene};
use expect_test::expect;
use model::{Policy, Transport};
use sim::phone::Answer;

#[test]
fn outside_of_any_dialog() {
    let mut scene = Scene::new();
    let (_, bea) = scene.talking();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let head = "REFER sip:102@acme.example SIP/2.0
Via: SIP/2.0/UDP {at};branch={branch}
Max-Forwards: 70
From: <sip:101@acme.example>;tag=h
To: <sip:102@acme.example>
Call-ID: outside
CSeq: 1 REFER
Contact: <sip:hand@{at}>
Refer-To: <sip:103@acme.example>";
    let answer = hand.insists(&mut scene, "101", head, "");
    assert!(answer.starts_with("SIP/2.0 403"), "{answer}");
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        10         hand -> server   REFER 102 to <sip:103@acme.example>
        11       server -> hand     407 Proxy Authentication Required (REFER) ?SHA-256 ?MD5
        30         hand -> server   REFER 102 +credentials to <sip:103@acme.example>
        31       server -> hand     403 Forbidden (REFER) Warning 399 carillon "REFER is served inside the dialog of the call only"
        40     acme/102 -> server   BYE 1
        41       server -> acme/101 BYE 101
        41       server -> acme/102 200 OK (BYE)
        42     acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1036 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

#[test]
fn with_more_calls_than_policy_allows() {
    let mut scene = Scene::with(Policy {
        max_calls: 1,
        ..Policy::default()
    });
    let (ann, bea) = scene.talking();
    scene.phone("103", Answer::PickUp(100));
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(100);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        1        server -> acme/101 503 Service Unavailable (REFER) Retry-After 5
        100    acme/102 -> server   BYE 1
        101      server -> acme/101 BYE 101
        101      server -> acme/102 200 OK (BYE)
        102    acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1196 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

#[test]
fn while_the_node_goes_down() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    scene.phone("103", Answer::PickUp(100));
    scene.input(pbx::Input::Drain);
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(100);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 503 Service Unavailable"
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   200 OK (NOTIFY)
        100    acme/102 -> server   BYE 1
        101      server -> acme/101 BYE 101
        101      server -> acme/102 200 OK (BYE)
        102    acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1196 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

#[test]
fn while_the_node_hangs_everybody_up() {
    let mut scene = Scene::new();
    let (ann, _) = scene.talking();
    scene.phone("103", Answer::Ring);
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(100);
    scene.input(pbx::Input::HangUpAll);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/103 INVITE 103 Referred-By <sip:101@acme.example> {10.0.0.1:10006 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/103 -> server   180 Ringing (INVITE)
        3        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        4      acme/101 -> server   200 OK (NOTIFY)
        100      server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 487 Request Terminated"
        100      server -> acme/101 BYE 101 [Q.850;cause=41;text="shutdown"]
        100      server -> acme/102 BYE 102 [Q.850;cause=41;text="shutdown"]
        100      server -> acme/103 CANCEL 103
        101    acme/101 -> server   200 OK (NOTIFY)
        101    acme/101 -> server   200 OK (BYE)
        101    acme/102 -> server   200 OK (BYE)
        101    acme/103 -> server   200 OK (CANCEL)
        101    acme/103 -> server   487 Request Terminated (INVITE)
        102      server -> acme/103 ACK 103
        record 102 -> 103: 503/41 by System, rang (ring 103), transferred by 101
        record 101 -> 102: 200/41 by System, rang, talked 1195 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

#[test]
fn somebody_elses_dialog() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let cid = scene.phone("103", Answer::Ring);
    let dan = scene.phone("104", Answer::PickUp(0));
    let eve = scene.phone_at("beta.example", "101", Transport::Udp, Answer::Ring);
    let fay = scene.phone_at("beta.example", "102", Transport::Udp, Answer::PickUp(0));
    scene.call(cid, "104");
    scene.call(eve, "102");
    scene.run(100);
    scene.curtain();
    let own = scene.world.phones[ann].refer_to(0).unwrap();
    let foreign = scene.world.phones[ann].refer_to(0).unwrap();
    let unknown = "<sip:102@acme.example?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>";
    scene.act(ann, |p, now| p.refer(0, &own, now));
    scene.run(10);
    scene.act(ann, |p, now| p.refer(0, unknown, now));
    scene.run(10);
    scene.act(cid, |p, now| p.refer(0, &foreign, now));
    scene.run(10);
    scene.act(eve, |p, now| p.refer(0, &foreign, now));
    scene.run(10);
    for phone in [bea, dan, fay] {
        scene.hang_up(phone);
    }
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:102@acme.example> ?Replaces
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 403 Forbidden"
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   200 OK (NOTIFY)
        10     acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:102@acme.example> ?Replaces
        11       server -> acme/101 202 Accepted (REFER)
        11       server -> acme/101 NOTIFY 101 Event refer;id=4 Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        11       server -> acme/101 NOTIFY 101 Event refer;id=4 Subscription-State terminated;reason=noresource "SIP/2.0 481 Call/Transaction Does Not Exist"
        12     acme/101 -> server   200 OK (NOTIFY)
        12     acme/101 -> server   200 OK (NOTIFY)
        20     acme/103 -> server   REFER 1 Referred-By <sip:103@acme.example> to <sip:102@acme.example> ?Replaces
        21       server -> acme/103 202 Accepted (REFER)
        21       server -> acme/103 NOTIFY 103 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        21       server -> acme/103 NOTIFY 103 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 403 Forbidden"
        22     acme/103 -> server   200 OK (NOTIFY)
        22     acme/103 -> server   200 OK (NOTIFY)
        30     beta/101 -> server   REFER 2 Referred-By <sip:101@beta.example> to <sip:102@acme.example> ?Replaces
        31       server -> beta/101 202 Accepted (REFER)
        31       server -> beta/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        31       server -> beta/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 481 Call/Transaction Does Not Exist"
        32     beta/101 -> server   200 OK (NOTIFY)
        32     beta/101 -> server   200 OK (NOTIFY)
        40     acme/102 -> server   BYE 1
        40     acme/104 -> server   BYE 1
        40     beta/102 -> server   BYE 2
        41       server -> acme/101 BYE 101
        41       server -> acme/102 200 OK (BYE)
        41       server -> acme/103 BYE 103
        41       server -> acme/104 200 OK (BYE)
        41       server -> beta/101 BYE 101
        41       server -> beta/102 200 OK (BYE)
        42     acme/101 -> server   200 OK (BYE)
        42     acme/103 -> server   200 OK (BYE)
        42     beta/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1536 ms (ring 102, answered), packets 4 and 4
        record 103 -> 104: 200/16 by Callee, rang, talked 136 ms (ring 104, answered), packets 1 and 1
        record 101 -> 102: 200/16 by Callee, rang, talked 136 ms (ring 102, answered), packets 1 and 1
    "#]]);
}

#[test]
fn a_thousand_at_once() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    scene.phone("103", Answer::Ring);
    for _ in 0..1000 {
        scene.act(ann, |p, now| p.refer(0, "103", now));
    }
    scene.run(1000);
    let tenant = scene.world.server.tenant(super::scene::ACME).unwrap();
    assert_eq!((tenant.counts().transfers, tenant.calls().len()), (1, 2));
    scene.hang_up(bea);
    scene.run(1000);
    scene.curtain();
    scene.ends(expect![[r#"
        record 102 -> 103: 487/16 by Caller, rang (ring 103), transferred by 101
        record 101 -> 102: 200/16 by Callee, rang, talked 2096 ms (ring 102, answered), packets 5 and 5
    "#]]);
}

/// Cid called Ann, and her 2xx is lost on its way to him: he can't be given to Bea before he has it.
#[test]
fn before_the_second_party_has_its_2xx() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let cid = scene.phone("103", Answer::Ring);
    scene.answers(ann, Answer::PickUp(100));
    scene.call(cid, "101");
    scene.run(50);
    scene.lose_to(cid, "SIP/2.0 200 OK", 1);
    scene.run(60);
    scene.curtain();
    scene.act(ann, |phone, now| phone.refer_to_call(0, 1, now));
    scene.run(1000);
    scene.refresh_voices();
    scene.act(ann, |phone, now| phone.refer_to_call(0, 1, now));
    scene.run(2000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(cid);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> ?Replaces
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 491 Request Pending"
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   200 OK (NOTIFY)
        495      server -> acme/103 200 OK (INVITE) {10.0.0.1:10004 0,8}
        496    acme/103 -> server   ACK 1
        1000   acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> ?Replaces
        1001     server -> acme/101 202 Accepted (REFER)
        1001     server -> acme/101 NOTIFY 101 Event refer;id=4 Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1001     server -> acme/101 NOTIFY 101 Event refer;id=4 Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1001     server -> acme/101 BYE 101
        1001     server -> acme/102 INVITE 102 {10.0.0.1:10008 0,8}
        1002   acme/101 -> server   200 OK (NOTIFY)
        1002   acme/101 -> server   200 OK (NOTIFY)
        1002   acme/101 -> server   BYE 1
        1002   acme/101 -> server   200 OK (BYE)
        1002   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1003     server -> acme/101 200 OK (BYE)
        1003     server -> acme/102 ACK 102
        1003     server -> acme/103 INVITE 103 {10.0.0.1:10010 0,8}
        1004   acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        1005     server -> acme/103 ACK 103
        3000   acme/103 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/103 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2206 ms (ring 102, answered), transferred to 103, packets 6 and 5
        record 103 -> 101: 200/16 by Callee, rang, talked 1006 ms (ring 101, answered), transferred to 102, packets 2 and 3
        record 102 -> 103: 200/16 by Callee, talked 2000 ms (joined, answered), transferred by 101, packets 4 and 4
    "#]]);
}
