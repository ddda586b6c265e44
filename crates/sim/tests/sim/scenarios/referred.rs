//! REFER that is refused, comes at a bad moment, or asks for what nobody should get (RFC 3515 §2.4, RFC 3261 §19.1.5).

use super::{Hand, Scene};
use expect_test::expect;
use model::Transport;
use sim::phone::Answer;
use sip::Name;

fn to(target: &str) -> (Name, String) {
    (Name::ReferTo, target.to_owned())
}

#[test]
fn to_what_can_not_be_read() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let bad: [&[(Name, String)]; 7] = [
        &[],
        &[to("<sip:103@acme.example>"), to("<sip:104@acme.example>")],
        &[to("<sip:103@acme.example>, <sip:104@acme.example>")],
        &[to("<sip:103@acme.example;method=BYE>")],
        &[to("<mailto:cid@acme.example>")],
        &[to("<sip:acme.example>")],
        &[to("<sip:103@acme.example?Replaces=nonsense>")],
    ];
    for headers in bad {
        scene.act(ann, |p, now| p.refer_with(0, headers, now));
        scene.run(10);
    }
    let counts = scene.world.server.tenant(super::scene::ACME).unwrap().counts();
    assert_eq!((counts.invalid, counts.forbidden, counts.transfers), (6, 1, 0));
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example>
        1        server -> acme/101 400 Bad Request (REFER)
        10     acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> to <sip:104@acme.example>
        11       server -> acme/101 400 Bad Request (REFER)
        20     acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>, <sip:104@acme.example>
        21       server -> acme/101 400 Bad Request (REFER)
        30     acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example;method=BYE>
        31       server -> acme/101 403 Forbidden (REFER)
        40     acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <mailto:cid@acme.example>
        41       server -> acme/101 416 Unsupported URI Scheme (REFER)
        50     acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:acme.example>
        51       server -> acme/101 400 Bad Request (REFER)
        60     acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> ?Replaces
        61       server -> acme/101 400 Bad Request (REFER)
        70     acme/102 -> server   BYE 1
        71       server -> acme/101 BYE 101
        71       server -> acme/102 200 OK (BYE)
        72     acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1066 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

#[test]
fn headers_inside_the_target_are_not_passed_on() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(&mut scene, "103", 1, "<sip:hand@10.0.2.1:5060>");
    let target = "<sip:103@acme.example?Subject=evil&From=%3Csip:999%40bad.example%3E&body=x>";
    scene.act(ann, |p, now| p.refer(0, target, now));
    let invite = hand.hears(&mut scene).pop().unwrap();
    assert!(invite.starts_with("INVITE"), "{invite}");
    assert!(
        !invite.contains("evil") && !invite.contains("bad.example"),
        "{invite}"
    );
    assert!(
        invite.contains("\r\nFrom: \"User 102\" <sip:102@acme.example>;tag="),
        "{invite}"
    );
    assert!(
        invite.contains("\r\nReferred-By: <sip:101@acme.example>\r\n"),
        "{invite}"
    );
    hand.responds(&mut scene, &invite, 486, "");
    scene.run(10);
    scene.hang_up(bea);
    scene.run(70_000);
}

#[test]
fn to_a_telephone_number() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let cid = scene.phone("103", Answer::PickUp(100));
    scene.refresh_voices();
    scene.act(ann, |p, now| p.refer(0, "tel:103", now));
    scene.run(2000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to tel:103
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
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        105      server -> acme/101 200 OK (BYE)
        105      server -> acme/102 ACK 102
        2000   acme/102 -> server   BYE 1
        2001     server -> acme/103 BYE 103
        2001     server -> acme/102 200 OK (BYE)
        2002   acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1198 ms (ring 102, answered), transferred to 103, packets 3 and 3
        record 102 -> 103: 200/16 by Caller, rang, talked 1898 ms (ring 103, answered), transferred by 101, packets 4 and 4
    "#]]);
}

#[test]
fn to_numbers_that_lead_nowhere() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    scene.phone_at("beta.example", "101", Transport::Udp, Answer::PickUp(0));
    for target in [
        "999",
        "104",
        "<sip:101@beta.example>",
        "<sip:101@10.0.0.1>",
        "<sip:103@nowhere.example>",
    ] {
        scene.act(ann, |p, now| p.refer(0, target, now));
        scene.run(10);
    }
    let counts = scene.world.server.tenant(super::scene::ACME).unwrap().counts();
    assert_eq!(
        (counts.transfers, counts.transfers_failed, counts.forbidden),
        (5, 5, 3)
    );
    scene.refresh_voices();
    scene.run(1000);
    scene.talk_to_each_other(ann, bea);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:999@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 404 Not Found"
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   200 OK (NOTIFY)
        10     acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:104@acme.example>
        11       server -> acme/101 202 Accepted (REFER)
        11       server -> acme/101 NOTIFY 101 Event refer;id=4 Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        11       server -> acme/101 NOTIFY 101 Event refer;id=4 Subscription-State terminated;reason=noresource "SIP/2.0 480 Temporarily Unavailable"
        12     acme/101 -> server   200 OK (NOTIFY)
        12     acme/101 -> server   200 OK (NOTIFY)
        20     acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:101@beta.example>
        21       server -> acme/101 202 Accepted (REFER)
        21       server -> acme/101 NOTIFY 101 Event refer;id=5 Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        21       server -> acme/101 NOTIFY 101 Event refer;id=5 Subscription-State terminated;reason=noresource "SIP/2.0 403 Forbidden"
        22     acme/101 -> server   200 OK (NOTIFY)
        22     acme/101 -> server   200 OK (NOTIFY)
        30     acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:101@10.0.0.1>
        31       server -> acme/101 202 Accepted (REFER)
        31       server -> acme/101 NOTIFY 101 Event refer;id=6 Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        31       server -> acme/101 NOTIFY 101 Event refer;id=6 Subscription-State terminated;reason=noresource "SIP/2.0 403 Forbidden"
        32     acme/101 -> server   200 OK (NOTIFY)
        32     acme/101 -> server   200 OK (NOTIFY)
        40     acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@nowhere.example>
        41       server -> acme/101 202 Accepted (REFER)
        41       server -> acme/101 NOTIFY 101 Event refer;id=7 Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        41       server -> acme/101 NOTIFY 101 Event refer;id=7 Subscription-State terminated;reason=noresource "SIP/2.0 403 Forbidden"
        42     acme/101 -> server   200 OK (NOTIFY)
        42     acme/101 -> server   200 OK (NOTIFY)
        1050   acme/102 -> server   BYE 1
        1051     server -> acme/101 BYE 101
        1051     server -> acme/102 200 OK (BYE)
        1052   acme/101 -> server   200 OK (BYE)
        record 102 -> 999: 404/1 by System (unknown number), transferred by 101
        record 102 -> 104: 480/20 by System (ring 104, unreachable), transferred by 101
        record 102 -> 101: 403/21 by System (foreign domain), transferred by 101
        record 102 -> 101: 403/21 by System (foreign domain), transferred by 101
        record 102 -> 103: 403/21 by System (foreign domain), transferred by 101
        record 101 -> 102: 200/16 by Callee, rang, talked 2146 ms (ring 102, answered), packets 5 and 5
    "#]]);
}

#[test]
fn to_oneself_and_to_the_other_party() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    for target in ["101", "102"] {
        scene.act(ann, |p, now| p.refer(0, target, now));
        scene.run(10);
    }
    scene.refresh_voices();
    scene.run(1000);
    scene.talk_to_each_other(ann, bea);
    scene.hang_up(ann);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:101@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 480 Temporarily Unavailable"
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   200 OK (NOTIFY)
        10     acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:102@acme.example>
        11       server -> acme/101 202 Accepted (REFER)
        11       server -> acme/101 NOTIFY 101 Event refer;id=4 Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        11       server -> acme/101 NOTIFY 101 Event refer;id=4 Subscription-State terminated;reason=noresource "SIP/2.0 480 Temporarily Unavailable"
        12     acme/101 -> server   200 OK (NOTIFY)
        12     acme/101 -> server   200 OK (NOTIFY)
        1020   acme/101 -> server   BYE 1
        1021     server -> acme/102 BYE 102
        1021     server -> acme/101 200 OK (BYE)
        1022   acme/102 -> server   200 OK (BYE)
        record 102 -> 101: 480/20 by System (ring 101, unreachable), transferred by 101
        record 102 -> 102: 480/20 by System (ring 102, unreachable), transferred by 101
        record 101 -> 102: 200/16 by Caller, rang, talked 2016 ms (ring 102, answered), packets 5 and 5
    "#]]);
}

#[test]
fn to_ones_own_second_phone() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let mobile = scene.phone("101", Answer::PickUp(100));
    scene.refresh_voices();
    scene.act(ann, |p, now| p.refer(0, "101", now));
    scene.run(1000);
    scene.talk_to_each_other(mobile, bea);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:101@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101' INVITE 101 Referred-By <sip:101@acme.example> {10.0.0.1:10006 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101' -> server   180 Ringing (INVITE)
        3        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        4      acme/101 -> server   200 OK (NOTIFY)
        102    acme/101' -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        103      server -> acme/101' ACK 101
        103      server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        103      server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        104    acme/101 -> server   200 OK (NOTIFY)
        104    acme/101 -> server   BYE 1
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        105      server -> acme/101 200 OK (BYE)
        105      server -> acme/102 ACK 102
        1000   acme/102 -> server   BYE 1
        1001     server -> acme/101' BYE 101
        1001     server -> acme/102 200 OK (BYE)
        1002   acme/101' -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1198 ms (ring 102, answered), transferred to 101, packets 3 and 3
        record 102 -> 101: 200/16 by Caller, rang, talked 898 ms (ring 101, answered), transferred by 101, packets 2 and 2
    "#]]);
}

#[test]
fn there_and_back() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let cid = scene.phone("103", Answer::PickUp(100));
    scene.answers(ann, Answer::PickUp(100));
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(1000);
    scene.act(cid, |p, now| p.refer(0, "101", now));
    scene.run(1000);
    scene.refresh_voices();
    scene.run(1000);
    scene.talk_to_each_other(ann, bea);
    scene.act(ann, |p, now| p.hang_up(1, now));
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
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        105      server -> acme/101 200 OK (BYE)
        105      server -> acme/102 ACK 102
        1000   acme/103 -> server   REFER 1 Referred-By <sip:103@acme.example> to <sip:101@acme.example>
        1001     server -> acme/103 202 Accepted (REFER)
        1001     server -> acme/103 NOTIFY 103 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1001     server -> acme/101 INVITE 101 Referred-By <sip:103@acme.example> {10.0.0.1:10010 0,8}
        1002   acme/103 -> server   200 OK (NOTIFY)
        1002   acme/101 -> server   180 Ringing (INVITE)
        1003     server -> acme/103 NOTIFY 103 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        1004   acme/103 -> server   200 OK (NOTIFY)
        1102   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1103     server -> acme/101 ACK 101
        1103     server -> acme/103 NOTIFY 103 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1103     server -> acme/102 INVITE 102 {10.0.0.1:10008 0,8}
        1104   acme/103 -> server   200 OK (NOTIFY)
        1104   acme/103 -> server   BYE 1
        1104   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1105     server -> acme/103 200 OK (BYE)
        1105     server -> acme/102 ACK 102
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1198 ms (ring 102, answered), transferred to 103, packets 3 and 3
        record 102 -> 103: 200/16 by Callee, rang, talked 1000 ms (ring 103, answered), transferred by 101, transferred to 101, packets 2 and 2
        record 102 -> 101: 200/16 by Callee, rang, talked 1898 ms (ring 101, answered), transferred by 103, packets 4 and 4
    "#]]);
}

#[test]
fn twice() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let cid = scene.phone("103", Answer::Ring);
    scene.phone("104", Answer::PickUp(100));
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.act(ann, |p, now| p.refer(0, "104", now));
    scene.run(10);
    scene.act(bea, |p, now| p.refer(0, "104", now));
    scene.run(10);
    scene.act(cid, |p, now| p.end(0, now));
    scene.run(10);
    scene.act(ann, |p, now| p.refer(0, "104", now));
    scene.run(1000);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:104@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/103 INVITE 103 Referred-By <sip:101@acme.example> {10.0.0.1:10006 0,8}
        1        server -> acme/101 491 Request Pending (REFER)
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/103 -> server   180 Ringing (INVITE)
        3        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        4      acme/101 -> server   200 OK (NOTIFY)
        10     acme/102 -> server   REFER 1 Referred-By <sip:102@acme.example> to <sip:104@acme.example>
        11       server -> acme/102 491 Request Pending (REFER)
        20     acme/103 -> server   486 Busy Here (INVITE)
        21       server -> acme/103 ACK 103
        21       server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 486 Busy Here"
        22     acme/101 -> server   200 OK (NOTIFY)
        30     acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:104@acme.example>
        31       server -> acme/101 202 Accepted (REFER)
        31       server -> acme/101 NOTIFY 101 Event refer;id=5 Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        31       server -> acme/104 INVITE 104 Referred-By <sip:101@acme.example> {10.0.0.1:10010 0,8}
        32     acme/101 -> server   200 OK (NOTIFY)
        32     acme/104 -> server   180 Ringing (INVITE)
        33       server -> acme/101 NOTIFY 101 Event refer;id=5 Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        34     acme/101 -> server   200 OK (NOTIFY)
        132    acme/104 -> server   200 OK (INVITE) {10.0.1.5:6060 0,8}
        133      server -> acme/104 ACK 104
        133      server -> acme/101 NOTIFY 101 Event refer;id=5 Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        133      server -> acme/102 INVITE 102 {10.0.0.1:10008 0,8}
        134    acme/101 -> server   200 OK (NOTIFY)
        134    acme/101 -> server   BYE 1
        134    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        135      server -> acme/101 200 OK (BYE)
        135      server -> acme/102 ACK 102
        1030   acme/102 -> server   BYE 1
        1031     server -> acme/104 BYE 104
        1031     server -> acme/102 200 OK (BYE)
        1032   acme/104 -> server   200 OK (BYE)
        record 102 -> 103: 486/17 by Callee, rang (ring 103, busy), transferred by 101
        record 101 -> 102: 200/16 by Caller, rang, talked 1328 ms (ring 102, answered), transferred to 104, packets 3 and 3
        record 102 -> 104: 200/16 by Caller, rang, talked 898 ms (ring 104, answered), transferred by 101, packets 2 and 2
    "#]]);
}

#[test]
fn while_a_reinvite_is_pending() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    scene.phone("103", Answer::PickUp(100));
    scene.reinvite(bea, "sendonly");
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(100);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 sendonly}
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        1        server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8 sendonly}
        1        server -> acme/102 100 Trying (INVITE)
        1        server -> acme/101 491 Request Pending (REFER)
        2      acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 recvonly}
        3        server -> acme/101 ACK 101
        3        server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 0,8 recvonly}
        4      acme/102 -> server   ACK 1
        100    acme/102 -> server   BYE 1
        101      server -> acme/101 BYE 101
        101      server -> acme/102 200 OK (BYE)
        102    acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1196 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

#[test]
fn before_the_call_is_answered() {
    let mut scene = Scene::new();
    let ann = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Ring);
    scene.phone("103", Answer::PickUp(100));
    scene.call(ann, "102");
    scene.run(100);
    scene.act(ann, |p, now| p.refer_early(0, "<sip:103@acme.example>", now));
    scene.run(100);
    scene.cancel(ann);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        100    acme/101 -> server   REFER 102 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        101      server -> acme/101 403 Forbidden (REFER)
        200    acme/101 -> server   CANCEL 102
        201      server -> acme/101 200 OK (CANCEL)
        201      server -> acme/102 CANCEL 102
        201      server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        202    acme/102 -> server   200 OK (CANCEL)
        202    acme/102 -> server   487 Request Terminated (INVITE)
        202    acme/101 -> server   ACK 102
        203      server -> acme/102 ACK 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}
