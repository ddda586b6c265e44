//! Services of RFC 5359 that several steps make up, beyond those that have a file of their own: consultation hold, the
//! third party that wants to join, park at another phone, automatic redial.

use super::by_hand::{request, sdp};
use super::taken::{replaces, talking};
use super::{Hand, Scene};
use expect_test::expect;
use model::Policy;
use sim::phone::Answer;

/// RFC 5359 §2.2: Ann puts Bea on hold, asks Cid, and talks to Bea again.
#[test]
fn consultation_hold() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let cid = scene.phone("103", Answer::PickUp(100));
    scene.reinvite(ann, "sendonly");
    scene.run(100);
    let second = scene.call(ann, "103");
    scene.run(1000);
    scene.talk_to_each_other(ann, cid);
    scene.act(ann, |phone, now| phone.hang_up(second, now));
    scene.run(100);
    scene.reinvite(ann, "sendrecv");
    scene.refresh_voices();
    scene.run(1000);
    scene.talk_to_each_other(ann, bea);
    scene.hang_up(ann);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        3        server -> acme/102 ACK 102
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
        4      acme/101 -> server   ACK 1
        100    acme/101 -> server   INVITE 103 {10.0.1.2:6060 0,8}
        101      server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        102    acme/101 -> server   ACK 103
        102    acme/101 -> server   INVITE 103 +credentials {10.0.1.2:6060 0,8}
        103      server -> acme/101 100 Trying (INVITE)
        103      server -> acme/103 INVITE 103 {10.0.0.1:10006 0,8}
        104    acme/103 -> server   180 Ringing (INVITE)
        105      server -> acme/101 180 Ringing (INVITE)
        204    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        205      server -> acme/103 ACK 103
        205      server -> acme/101 200 OK (INVITE) {10.0.0.1:10004 0,8}
        206    acme/101 -> server   ACK 1
        1100   acme/101 -> server   BYE 1
        1101     server -> acme/103 BYE 103
        1101     server -> acme/101 200 OK (BYE)
        1102   acme/103 -> server   200 OK (BYE)
        1200   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8}
        1201     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        1201     server -> acme/101 100 Trying (INVITE)
        1202   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1203     server -> acme/102 ACK 102
        1203     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1204   acme/101 -> server   ACK 1
        2200   acme/101 -> server   BYE 1
        2201     server -> acme/102 BYE 102
        2201     server -> acme/101 200 OK (BYE)
        2202   acme/102 -> server   200 OK (BYE)
        record 101 -> 103: 200/16 by Caller, rang, talked 896 ms (ring 103, answered), packets 2 and 2
        record 101 -> 102: 200/16 by Caller, rang, talked 3296 ms (ring 102, answered), packets 7 and 5
    "#]]);
}

/// RFC 5359 §2.11 by Join (RFC 3911), which needs somebody who mixes: the phone hears that nobody does.
#[test]
fn a_third_party_that_wants_to_join() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let join = format!("Join: {}", replaces(&scene, bea, ""));
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let body = sdp(hand.at, 4000, "");
    let insisting = request("INVITE", "103@acme.example", "102@acme.example", "join", 1);
    let insisting = format!("{insisting}\nRequire: join\n{join}");
    hand.insists(&mut scene, "103", &insisting, &body);
    scene.run(100);
    scene.talk_to_each_other(ann, bea);
    scene.hang_up(ann);
    scene.ends(expect![[r#"
        10         hand -> server   INVITE 102 Require join {10.0.2.1:4000 0,8}
        11       server -> hand     420 Bad Extension (INVITE) Unsupported join
        120    acme/101 -> server   BYE 1
        121      server -> acme/102 BYE 102
        121      server -> acme/101 200 OK (BYE)
        122    acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1116 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

/// RFC 5359 §2.15 without a park server: Bea leaves Ann at another phone of hers and fetches her from there.
#[test]
fn parked_at_another_phone_of_the_user() {
    let (mut scene, ann, bea, second) = talking(Policy::default());
    scene.answers(second, Answer::PickUp(100));
    scene.act(bea, |phone, now| phone.refer(0, "102", now));
    scene.run(1000);
    scene.talk_to_each_other(ann, second);
    let name = replaces(&scene, second, "");
    scene.refresh_voices();
    scene.act(bea, |phone, now| phone.call_replacing("101", &name, now));
    scene.run(1000);
    scene.talk_to_each_other(ann, bea);
    scene.hang_up(ann);
    scene.ends(expect![[r#"
        0      acme/102 -> server   REFER 1 Referred-By <sip:102@acme.example> to <sip:102@acme.example>
        1        server -> acme/102 202 Accepted (REFER)
        1        server -> acme/102 NOTIFY 102 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/102' INVITE 102 Referred-By <sip:102@acme.example> {10.0.0.1:10006 0,8}
        2      acme/102 -> server   200 OK (NOTIFY)
        2      acme/102' -> server   180 Ringing (INVITE)
        3        server -> acme/102 NOTIFY 102 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        4      acme/102 -> server   200 OK (NOTIFY)
        102    acme/102' -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        103      server -> acme/102' ACK 102
        103      server -> acme/102 NOTIFY 102 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        103      server -> acme/101 INVITE 101 {10.0.0.1:10004 0,8}
        104    acme/102 -> server   200 OK (NOTIFY)
        104    acme/102 -> server   BYE 1
        104    acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        105      server -> acme/102 200 OK (BYE)
        105      server -> acme/101 ACK 101
        1000   acme/102 -> server   INVITE 101 Require replaces +replaces {10.0.1.3:6060 0,8}
        1001     server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        1002   acme/102 -> server   ACK 101
        1002   acme/102 -> server   INVITE 101 +credentials Require replaces +replaces {10.0.1.3:6060 0,8}
        1003     server -> acme/102 100 Trying (INVITE)
        1003     server -> acme/102' BYE 102
        1003     server -> acme/102 200 OK (INVITE) {10.0.0.1:10008 0,8}
        1003     server -> acme/101 INVITE 101 {10.0.0.1:10010 0,8}
        1004   acme/102' -> server   200 OK (BYE)
        1004   acme/102 -> server   ACK 1
        1004   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1005     server -> acme/101 ACK 101
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1198 ms (ring 102, answered), transferred to 102, packets 3 and 3
        record 101 -> 102: 200/16 by Callee, rang, talked 900 ms (ring 102, answered), transferred by 102, transferred to 102, packets 2 and 2
        record 102 -> 101: 200/16 by Callee, talked 998 ms (taken over, answered), packets 2 and 2
    "#]]);
}

/// Bea talks to Cid and is busy for others; Ann has a phone as well.
fn busy() -> (Scene, usize, usize, usize) {
    let mut scene = Scene::new();
    let ann = scene.phone("101", Answer::Ring);
    let bea = scene.phone("102", Answer::Refuse(486, 0));
    let cid = scene.phone("103", Answer::PickUp(0));
    scene.call(bea, "103");
    scene.run(1000);
    scene.curtain();
    (scene, ann, bea, cid)
}

/// RFC 5359 §2.17: Bea is busy; Ann's phone watches her lamp and calls again when it goes out.
#[test]
fn automatic_redial() {
    let (mut scene, ann, bea, cid) = busy();
    scene.call(ann, "102");
    scene.run(100);
    scene.act(ann, |phone, now| phone.watch("dialog", "102", 600, now));
    scene.run(1000);
    scene.answers(bea, Answer::PickUp(100));
    scene.hang_up(cid);
    scene.run(300);
    scene.refresh_voices();
    scene.call(ann, "102");
    scene.run(1000);
    scene.talk_to_each_other(ann, bea);
    scene.act(ann, |phone, now| phone.subscribe(0, 0, now));
    scene.run(500);
    scene.act(ann, |phone, now| phone.hang_up(1, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10006 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        4      acme/102 -> server   486 Busy Here (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        5        server -> acme/102 ACK 102
        5        server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        6      acme/101 -> server   ACK 102
        100    acme/101 -> server   SUBSCRIBE 102 Expires 600 Event dialog
        101      server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        102    acme/101 -> server   SUBSCRIBE 102 +credentials Expires 600 Event dialog
        103      server -> acme/101 200 OK (SUBSCRIBE) Expires 600
        103      server -> acme/101 NOTIFY 101 Event dialog Subscription-State active;expires=600 {<dialog-info version="0" state="full" entity="sip:102@acme.example"><dialog id="1-caller" direction="initiator"><state>confirmed</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        104    acme/101 -> server   200 OK (NOTIFY)
        1100   acme/103 -> server   BYE 1
        1101     server -> acme/102 BYE 102
        1101     server -> acme/101 NOTIFY 101 Event dialog Subscription-State active;expires=599 {<dialog-info version="1" state="full" entity="sip:102@acme.example"></dialog-info>}
        1101     server -> acme/103 200 OK (BYE)
        1102   acme/102 -> server   200 OK (BYE)
        1102   acme/101 -> server   200 OK (NOTIFY)
        1400   acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1401     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        1402   acme/101 -> server   ACK 102
        1402   acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        1403     server -> acme/101 100 Trying (INVITE)
        1403     server -> acme/102 INVITE 102 {10.0.0.1:10010 0,8}
        1403     server -> acme/101 NOTIFY 101 Event dialog Subscription-State active;expires=598 {<dialog-info version="2" state="full" entity="sip:102@acme.example"><dialog id="3-callee" direction="recipient"><state>trying</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        1404   acme/102 -> server   180 Ringing (INVITE)
        1404   acme/101 -> server   200 OK (NOTIFY)
        1405     server -> acme/101 180 Ringing (INVITE)
        1504   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1505     server -> acme/102 ACK 102
        1505     server -> acme/101 200 OK (INVITE) {10.0.0.1:10008 0,8}
        1506   acme/101 -> server   ACK 1
        1603     server -> acme/101 NOTIFY 101 Event dialog Subscription-State active;expires=598 {<dialog-info version="3" state="full" entity="sip:102@acme.example"><dialog id="3-callee" direction="recipient"><state>confirmed</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        1604   acme/101 -> server   200 OK (NOTIFY)
        2400   acme/101 -> server   SUBSCRIBE 1 Expires 0 Event dialog
        2401     server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2402   acme/101 -> server   SUBSCRIBE 1 +credentials Expires 0 Event dialog
        2403     server -> acme/101 200 OK (SUBSCRIBE) Expires 0
        2403     server -> acme/101 NOTIFY 101 Event dialog Subscription-State terminated;reason=timeout {<dialog-info version="4" state="full" entity="sip:102@acme.example"><dialog id="3-callee" direction="recipient"><state>confirmed</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        2404   acme/101 -> server   200 OK (NOTIFY)
        2900   acme/101 -> server   BYE 1
        2901     server -> acme/102 BYE 102
        2901     server -> acme/101 200 OK (BYE)
        2902   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 486/17 by Callee, rang (ring 102, busy)
        record 102 -> 103: 200/16 by Callee, rang, talked 2096 ms (ring 103, answered), packets 5 and 5
        record 101 -> 102: 200/16 by Caller, rang, talked 1396 ms (ring 102, answered), packets 3 and 3
    "#]]);
}
