//! Blind transfer by REFER, and back to the transferrer (RFC 3515, RFC 5589 §6, RFC 5359 §2.4).

use super::Scene;
use expect_test::expect;
use model::Policy;
use sim::phone::Answer;
use sip::Name;

/// The usual pair in a call and a third phone.
pub(super) fn three(policy: Policy, third: Answer) -> (Scene, usize, usize, usize) {
    let mut scene = Scene::with(policy);
    let (ann, bea) = scene.talking();
    let cid = scene.phone("103", third);
    scene.refresh_voices();
    (scene, ann, bea, cid)
}

pub(super) fn usual(third: Answer) -> (Scene, usize, usize, usize) {
    three(Policy::default(), third)
}

#[test]
fn by_the_caller() {
    let (mut scene, ann, bea, cid) = usual(Answer::PickUp(1000));
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(3000);
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
        1002   acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        1003     server -> acme/103 ACK 103
        1003     server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1003     server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        1004   acme/101 -> server   200 OK (NOTIFY)
        1004   acme/101 -> server   BYE 1
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/101 200 OK (BYE)
        1005     server -> acme/102 ACK 102
        3000   acme/102 -> server   BYE 1
        3001     server -> acme/103 BYE 103
        3001     server -> acme/102 200 OK (BYE)
        3002   acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2098 ms (ring 102, answered), transferred to 103, packets 5 and 5
        record 102 -> 103: 200/16 by Caller, rang, talked 1998 ms (ring 103, answered), transferred by 101, packets 4 and 4
    "#]]);
}

#[test]
fn by_the_callee_who_holds_first() {
    let (mut scene, ann, bea, cid) = usual(Answer::PickUp(1000));
    scene.reinvite(bea, "sendonly");
    scene.run(100);
    scene.act(bea, |p, now| p.refer(0, "103", now));
    scene.run(3000);
    scene.talk_to_each_other(ann, cid);
    scene.hang_up(cid);
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 sendonly}
        1        server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8 sendonly}
        1        server -> acme/102 100 Trying (INVITE)
        2      acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 recvonly}
        3        server -> acme/101 ACK 101
        3        server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 0,8 recvonly}
        4      acme/102 -> server   ACK 1
        100    acme/102 -> server   REFER 1 Referred-By <sip:102@acme.example> to <sip:103@acme.example>
        101      server -> acme/102 202 Accepted (REFER)
        101      server -> acme/102 NOTIFY 102 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        101      server -> acme/103 INVITE 103 Referred-By <sip:102@acme.example> {10.0.0.1:10006 0,8}
        102    acme/102 -> server   200 OK (NOTIFY)
        102    acme/103 -> server   180 Ringing (INVITE)
        103      server -> acme/102 NOTIFY 102 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        104    acme/102 -> server   200 OK (NOTIFY)
        1102   acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        1103     server -> acme/103 ACK 103
        1103     server -> acme/102 NOTIFY 102 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1103     server -> acme/101 INVITE 101 {10.0.0.1:10004 0,8}
        1104   acme/102 -> server   200 OK (NOTIFY)
        1104   acme/102 -> server   BYE 1
        1104   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1105     server -> acme/102 200 OK (BYE)
        1105     server -> acme/101 ACK 101
        3100   acme/103 -> server   BYE 1
        3101     server -> acme/101 BYE 101
        3101     server -> acme/103 200 OK (BYE)
        3102   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 2198 ms (ring 102, answered), transferred to 103, packets 3 and 5
        record 101 -> 103: 200/16 by Callee, rang, talked 1998 ms (ring 103, answered), transferred by 102, packets 4 and 4
    "#]]);
}

#[test]
fn the_transferrer_hangs_up_at_once() {
    let (mut scene, ann, bea, cid) = usual(Answer::PickUp(1000));
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(20);
    scene.hang_up(ann);
    scene.run(3000);
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
        1002   acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        1003     server -> acme/103 ACK 103
        1003     server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/102 ACK 102
        3020   acme/103 -> server   BYE 1
        3021     server -> acme/102 BYE 102
        3021     server -> acme/103 200 OK (BYE)
        3022   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1116 ms (ring 102, answered), transferred to 103, packets 3 and 3
        record 102 -> 103: 200/16 by Callee, rang, talked 2018 ms (ring 103, answered), transferred by 101, packets 4 and 5
    "#]]);
}

#[test]
fn the_transferrer_never_hangs_up() {
    let (mut scene, ann, bea, _) = usual(Answer::PickUp(500));
    scene.act(ann, |p, _| p.leaves = false);
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(6000);
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
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        505      server -> acme/102 ACK 102
        4503     server -> acme/101 BYE 101
        4504   acme/101 -> server   200 OK (BYE)
        6000   acme/102 -> server   BYE 1
        6001     server -> acme/103 BYE 103
        6001     server -> acme/102 200 OK (BYE)
        6002   acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1598 ms (ring 102, answered), transferred to 103, packets 4 and 4
        record 102 -> 103: 200/16 by Caller, rang, talked 5498 ms (ring 103, answered), transferred by 101, packets 11 and 11
    "#]]);
}

#[test]
fn busy_and_the_transferrer_still_there() {
    let (mut scene, ann, bea, _) = usual(Answer::Refuse(486, 300));
    scene.reinvite(ann, "sendonly");
    scene.run(100);
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(1000);
    scene.reinvite(ann, "sendrecv");
    scene.run(100);
    scene.refresh_voices();
    scene.run(2000);
    scene.talk_to_each_other(ann, bea);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        3        server -> acme/102 ACK 102
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
        4      acme/101 -> server   ACK 1
        100    acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        101      server -> acme/101 202 Accepted (REFER)
        101      server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        101      server -> acme/103 INVITE 103 Referred-By <sip:101@acme.example> {10.0.0.1:10006 0,8}
        102    acme/101 -> server   200 OK (NOTIFY)
        102    acme/103 -> server   180 Ringing (INVITE)
        103      server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        104    acme/101 -> server   200 OK (NOTIFY)
        402    acme/103 -> server   486 Busy Here (INVITE)
        403      server -> acme/103 ACK 103
        403      server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 486 Busy Here"
        404    acme/101 -> server   200 OK (NOTIFY)
        1100   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8}
        1101     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        1101     server -> acme/101 100 Trying (INVITE)
        1102   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1103     server -> acme/102 ACK 102
        1103     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1104   acme/101 -> server   ACK 1
        3200   acme/102 -> server   BYE 1
        3201     server -> acme/101 BYE 101
        3201     server -> acme/102 200 OK (BYE)
        3202   acme/101 -> server   200 OK (BYE)
        record 102 -> 103: 486/17 by Callee, rang (ring 103, busy), transferred by 101
        record 101 -> 102: 200/16 by Callee, rang, talked 4296 ms (ring 102, answered), packets 9 and 7
    "#]]);
}

#[test]
fn declined_and_the_transferrer_called_back() {
    let (mut scene, ann, bea, _) = usual(Answer::Refuse(603, 300));
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(20);
    scene.hang_up(ann);
    scene.run(4000);
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
        20     acme/101 -> server   BYE 1
        21       server -> acme/101 200 OK (BYE)
        302    acme/103 -> server   603 Decline (INVITE)
        303      server -> acme/103 ACK 103
        303      server -> acme/101 INVITE 101 {10.0.0.1:10006 0,8}
        304    acme/101 -> server   180 Ringing (INVITE)
        1304   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1305     server -> acme/101 ACK 101
        1305     server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        1306   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1307     server -> acme/102 ACK 102
        4020   acme/102 -> server   BYE 1
        4021     server -> acme/101 BYE 101
        4021     server -> acme/102 200 OK (BYE)
        4022   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1116 ms (ring 102, answered), transferred to 103, packets 3 and 3
        record 102 -> 101: 200/16 by Caller, rang, talked 2716 ms (ring 103, declined, back to the transferrer, ring 101, answered), transferred by 101, packets 6 and 6
    "#]]);
}

#[test]
fn nobody_answers_not_even_the_transferrer() {
    let policy = Policy {
        ring_timeout_s: 3,
        recall_timeout_s: 2,
        ..Policy::default()
    };
    let (mut scene, ann, bea, _) = three(policy, Answer::Ring);
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(20);
    scene.hang_up(ann);
    scene.answers(ann, Answer::Ring);
    scene.run(8000);
    assert_eq!(scene.world.phones[bea].calls(), [(0, sim::phone::State::Over)]);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=63 "SIP/2.0 100 Trying"
        1        server -> acme/103 INVITE 103 Referred-By <sip:101@acme.example> {10.0.0.1:10006 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/103 -> server   180 Ringing (INVITE)
        3        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=63 "SIP/2.0 180 Ringing"
        4      acme/101 -> server   200 OK (NOTIFY)
        20     acme/101 -> server   BYE 1
        21       server -> acme/101 200 OK (BYE)
        3001     server -> acme/103 CANCEL 103 [Q.850;cause=19;text="no answer"]
        3001     server -> acme/101 INVITE 101 {10.0.0.1:10006 0,8}
        3002   acme/103 -> server   200 OK (CANCEL)
        3002   acme/103 -> server   487 Request Terminated (INVITE)
        3002   acme/101 -> server   180 Ringing (INVITE)
        3003     server -> acme/103 ACK 103
        5001     server -> acme/101 CANCEL 101 [Q.850;cause=19;text="no answer"]
        5001     server -> acme/102 BYE 102 [Q.850;cause=19]
        5002   acme/101 -> server   200 OK (CANCEL)
        5002   acme/101 -> server   487 Request Terminated (INVITE)
        5002   acme/102 -> server   200 OK (BYE)
        5003     server -> acme/101 ACK 101
        record 101 -> 102: 200/16 by Caller, rang, talked 1116 ms (ring 102, answered), transferred to 103, packets 3 and 3
        record 102 -> 101: 480/19 by System, rang (ring 103, no answer, back to the transferrer, ring 101, no answer), transferred by 101
    "#]]);
}

#[test]
fn no_call_back_where_policy_wants_none() {
    let policy = Policy {
        recall_timeout_s: 0,
        ..Policy::default()
    };
    let (mut scene, ann, _, _) = three(policy, Answer::Refuse(486, 100));
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(20);
    scene.hang_up(ann);
    scene.run(1000);
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
        102    acme/103 -> server   486 Busy Here (INVITE)
        103      server -> acme/103 ACK 103
        103      server -> acme/102 BYE 102 [Q.850;cause=20]
        104    acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1116 ms (ring 102, answered), transferred to 103, packets 3 and 3
        record 102 -> 101: 480/20 by System, rang (ring 103, busy, back to the transferrer, unreachable), transferred by 101
    "#]]);
}

#[test]
fn the_party_hangs_up_while_the_target_rings() {
    let (mut scene, ann, bea, _) = usual(Answer::Ring);
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(500);
    scene.hang_up(bea);
    scene.run(1000);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/103 INVITE 103 Referred-By <sip:101@acme.example> {10.0.0.1:10006 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/103 -> server   180 Ringing (INVITE)
        3        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        4      acme/101 -> server   200 OK (NOTIFY)
        500    acme/102 -> server   BYE 1
        501      server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 487 Request Terminated"
        501      server -> acme/101 BYE 101
        501      server -> acme/103 CANCEL 103
        501      server -> acme/102 200 OK (BYE)
        502    acme/101 -> server   200 OK (NOTIFY)
        502    acme/101 -> server   200 OK (BYE)
        502    acme/103 -> server   200 OK (CANCEL)
        502    acme/103 -> server   487 Request Terminated (INVITE)
        503      server -> acme/103 ACK 103
        record 102 -> 103: 487/16 by Caller, rang (ring 103), transferred by 101
        record 101 -> 102: 200/16 by Callee, rang, talked 1596 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn the_party_hangs_up_while_it_waits_alone() {
    let (mut scene, ann, bea, _) = usual(Answer::Ring);
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(20);
    scene.hang_up(ann);
    scene.run(500);
    scene.hang_up(bea);
    scene.run(1000);
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
        520    acme/102 -> server   BYE 1
        521      server -> acme/103 CANCEL 103
        521      server -> acme/102 200 OK (BYE)
        522    acme/103 -> server   200 OK (CANCEL)
        522    acme/103 -> server   487 Request Terminated (INVITE)
        523      server -> acme/103 ACK 103
        record 101 -> 102: 200/16 by Caller, rang, talked 1116 ms (ring 102, answered), transferred to 103, packets 3 and 3
        record 102 -> 103: 487/16 by Caller, rang (ring 103), transferred by 101
    "#]]);
}

#[test]
fn all_hang_up_at_once() {
    let (mut scene, ann, bea, cid) = usual(Answer::PickUp(500));
    scene.act(ann, |p, _| p.leaves = false);
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(503);
    for phone in [ann, bea, cid] {
        scene.hang_up(phone);
    }
    scene.run(1000);
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
        503    acme/101 -> server   BYE 1
        503    acme/102 -> server   BYE 1
        503    acme/103 -> server   BYE 1
        504    acme/101 -> server   200 OK (NOTIFY)
        504    acme/102 -> server   481 Call/Transaction Does Not Exist (INVITE)
        504      server -> acme/101 200 OK (BYE)
        504      server -> acme/103 BYE 103
        504      server -> acme/102 200 OK (BYE)
        504      server -> acme/103 481 Call/Transaction Does Not Exist (BYE)
        505      server -> acme/102 ACK 102
        505    acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1598 ms (ring 102, answered), transferred to 103, packets 4 and 4
        record 102 -> 103: 200/16 by Caller, rang, talked 1 ms (ring 103, answered), transferred by 101, packets 0 and 1
    "#]]);
}

#[test]
fn without_notifications() {
    let (mut scene, ann, bea, cid) = usual(Answer::PickUp(100));
    let headers = [
        (Name::ReferTo, "<sip:103@acme.example>".to_owned()),
        (Name::ReferSub, "false".to_owned()),
        (Name::Require, "norefersub".to_owned()),
    ];
    scene.act(ann, |p, now| p.refer_with(0, &headers, now));
    scene.run(1000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(ann);
    scene.hang_up(cid);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Refer-Sub false Referred-By <sip:101@acme.example> Require norefersub to <sip:103@acme.example>
        1        server -> acme/101 202 Accepted (REFER) Refer-Sub false
        1        server -> acme/103 INVITE 103 Referred-By <sip:101@acme.example> {10.0.0.1:10006 0,8}
        2      acme/103 -> server   180 Ringing (INVITE)
        102    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        103      server -> acme/103 ACK 103
        103      server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        105      server -> acme/102 ACK 102
        1000   acme/101 -> server   BYE 1
        1000   acme/103 -> server   BYE 1
        1001     server -> acme/101 200 OK (BYE)
        1001     server -> acme/102 BYE 102
        1001     server -> acme/103 200 OK (BYE)
        1002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1198 ms (ring 102, answered), transferred to 103, packets 3 and 3
        record 102 -> 103: 200/16 by Callee, rang, talked 898 ms (ring 103, answered), transferred by 101, packets 2 and 2
    "#]]);
}

/// The session timer of a transferred phone goes on in its new call (RFC 4028), and so does the one who refreshes.
#[test]
fn a_session_timer_goes_on_in_the_new_call() {
    for refreshes in [true, false] {
        let mut scene = Scene::with(Policy {
            session_expires_s: 90,
            media_silence_s: 0,
            ..Policy::default()
        });
        let (ann, bea) = scene.pair();
        let cid = scene.phone("103", Answer::PickUp(1000));
        scene.mute(&[ann, bea, cid]);
        scene.act(bea, |phone, _| {
            phone.abilities.timer = 90;
            phone.abilities.refreshes = refreshes;
        });
        scene.call(ann, "102");
        scene.run(2000);
        scene.act(ann, |phone, now| phone.refer(0, "103", now));
        scene.run(2000);
        scene.curtain();
        scene.run(200_000);
        assert_eq!(scene.world.phones[bea].expired, 0);
        let ladder = scene.text();
        let refreshed = ["server -> acme/102 INVITE 102", "acme/102 -> server   INVITE 1"].map(|way| {
            ladder
                .matches(&format!("{way} Session-Expires 90;refresher=uac"))
                .count()
        });
        assert_eq!(refreshed, if refreshes { [0, 4] } else { [4, 0] }, "{ladder}");
        scene.hang_up(bea);
        scene.rests();
    }
}
