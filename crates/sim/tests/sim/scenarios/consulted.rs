//! Attended transfer: REFER with Replaces, while the second call is up or still rings (RFC 3891, RFC 5589 §7, RFC 5359
//! §2.5), and what a phone that mixes two calls by itself may do with them (RFC 5359 §2.10).

use super::Scene;
use expect_test::expect;
use model::{MediaPolicy, Policy};
use sim::phone::{Answer, State};
use std::time::Duration;

/// Ann talks to Bea, puts her on hold and calls Cid.
fn consulting(policy: Policy, third: Answer) -> (Scene, usize, usize, usize) {
    let mut scene = Scene::with(policy);
    let (ann, bea) = scene.talking();
    let cid = scene.phone("103", third);
    scene.reinvite(ann, "sendonly");
    scene.run(100);
    scene.call(ann, "103");
    scene.run(400);
    scene.curtain();
    scene.refresh_voices();
    (scene, ann, bea, cid)
}

fn usual() -> (Scene, usize, usize, usize) {
    consulting(Policy::default(), Answer::PickUp(100))
}

#[test]
fn both_calls_were_made_by_the_transferrer() {
    let (mut scene, ann, bea, cid) = usual();
    scene.act(ann, |p, now| p.refer_to_call(0, 1, now));
    scene.run(2000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> ?Replaces
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1        server -> acme/101 BYE 101
        1        server -> acme/102 INVITE 102 {10.0.0.1:10008 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   BYE 1
        2      acme/101 -> server   200 OK (BYE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        3        server -> acme/101 200 OK (BYE)
        3        server -> acme/102 ACK 102
        3        server -> acme/103 INVITE 103 {10.0.0.1:10010 0,8}
        4      acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        5        server -> acme/103 ACK 103
        2000   acme/102 -> server   BYE 1
        2001     server -> acme/103 BYE 103
        2001     server -> acme/102 200 OK (BYE)
        2002   acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1596 ms (ring 102, answered), transferred to 103, packets 4 and 3
        record 101 -> 103: 200/16 by Caller, rang, talked 296 ms (ring 103, answered), transferred to 102, packets 1 and 1
        record 102 -> 103: 200/16 by Caller, talked 2000 ms (joined, answered), transferred by 101, packets 4 and 4
    "#]]);
}

#[test]
fn the_second_call_is_asked_to_take_the_first() {
    let (mut scene, ann, bea, cid) = usual();
    scene.act(ann, |p, now| p.refer_to_call(1, 0, now));
    scene.run(2000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(cid);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:102@acme.example> ?Replaces
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1        server -> acme/101 BYE 101
        1        server -> acme/103 INVITE 103 {10.0.0.1:10008 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   BYE 1
        2      acme/101 -> server   200 OK (BYE)
        2      acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        3        server -> acme/101 200 OK (BYE)
        3        server -> acme/103 ACK 103
        3        server -> acme/102 INVITE 102 {10.0.0.1:10010 0,8}
        4      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        5        server -> acme/102 ACK 102
        2000   acme/103 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/103 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 103: 200/16 by Caller, rang, talked 296 ms (ring 103, answered), transferred to 102, packets 1 and 1
        record 101 -> 102: 200/16 by Caller, rang, talked 1596 ms (ring 102, answered), transferred to 103, packets 4 and 3
        record 103 -> 102: 200/16 by Caller, talked 2000 ms (joined, answered), transferred by 101, packets 4 and 4
    "#]]);
}

#[test]
fn a_waiting_caller_is_given_to_the_other() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let cid = scene.phone("103", Answer::PickUp(100));
    scene.answers(ann, Answer::PickUp(200));
    scene.call(cid, "101");
    scene.run(100);
    scene.reinvite(ann, "sendonly");
    scene.run(500);
    scene.refresh_voices();
    scene.run(1000);
    scene.talk_to_each_other(ann, cid);
    scene.curtain();
    scene.refresh_voices();
    scene.act(ann, |p, now| p.refer_to_call(0, 1, now));
    scene.run(2000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(cid);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> ?Replaces
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1        server -> acme/101 BYE 101
        1        server -> acme/102 INVITE 102 {10.0.0.1:10008 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   BYE 1
        2      acme/101 -> server   200 OK (BYE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        3        server -> acme/101 200 OK (BYE)
        3        server -> acme/102 ACK 102
        3        server -> acme/103 INVITE 103 {10.0.0.1:10010 0,8}
        4      acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        5        server -> acme/103 ACK 103
        2000   acme/103 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/103 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2696 ms (ring 102, answered), transferred to 103, packets 6 and 3
        record 103 -> 101: 200/16 by Callee, rang, talked 1396 ms (ring 101, answered), transferred to 102, packets 3 and 3
        record 102 -> 103: 200/16 by Callee, talked 2000 ms (joined, answered), transferred by 101, packets 4 and 4
    "#]]);
}

#[test]
fn a_phone_that_mixed_three_leaves_the_other_two() {
    let (mut scene, ann, bea, cid) = usual();
    scene.reinvite(ann, "sendrecv");
    scene.run(1000);
    scene.talk_to_each_other(ann, bea);
    scene.talk_to_each_other(ann, cid);
    scene.curtain();
    scene.refresh_voices();
    scene.act(ann, |p, now| p.refer_to_call(0, 1, now));
    scene.run(2000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> ?Replaces
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1        server -> acme/101 BYE 101
        1        server -> acme/102 INVITE 102 {10.0.0.1:10008 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   BYE 1
        2      acme/101 -> server   200 OK (BYE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        3        server -> acme/101 200 OK (BYE)
        3        server -> acme/102 ACK 102
        3        server -> acme/103 INVITE 103 {10.0.0.1:10010 0,8}
        4      acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        5        server -> acme/103 ACK 103
        2000   acme/102 -> server   BYE 1
        2001     server -> acme/103 BYE 103
        2001     server -> acme/102 200 OK (BYE)
        2002   acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2596 ms (ring 102, answered), transferred to 103, packets 6 and 5
        record 101 -> 103: 200/16 by Caller, rang, talked 1296 ms (ring 103, answered), transferred to 102, packets 3 and 3
        record 102 -> 103: 200/16 by Caller, talked 2000 ms (joined, answered), transferred by 101, packets 4 and 4
    "#]]);
}

#[test]
fn a_phone_that_mixes_three_loses_one() {
    let (mut scene, ann, bea, cid) = usual();
    scene.reinvite(ann, "sendrecv");
    scene.run(1000);
    scene.hang_up(bea);
    scene.run(100);
    scene.refresh_voices();
    scene.run(1000);
    scene.talk_to_each_other(ann, cid);
    scene.hang_up(cid);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        3        server -> acme/102 ACK 102
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        4      acme/101 -> server   ACK 1
        1000   acme/102 -> server   BYE 1
        1001     server -> acme/101 BYE 101
        1001     server -> acme/102 200 OK (BYE)
        1002   acme/101 -> server   200 OK (BYE)
        2100   acme/103 -> server   BYE 1
        2101     server -> acme/101 BYE 101
        2101     server -> acme/103 200 OK (BYE)
        2102   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 2596 ms (ring 102, answered), packets 6 and 5
        record 101 -> 103: 200/16 by Callee, rang, talked 2396 ms (ring 103, answered), packets 5 and 5
    "#]]);
}

#[test]
fn audio_straight_between_the_phones() {
    let policy = Policy {
        media: MediaPolicy::Direct,
        ..Policy::default()
    };
    let (mut scene, ann, bea, cid) = consulting(policy, Answer::PickUp(100));
    scene.act(ann, |p, now| p.refer_to_call(0, 1, now));
    scene.run(2000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> ?Replaces
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1        server -> acme/101 BYE 101
        1        server -> acme/102 INVITE 102 {10.0.1.4:6060 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   BYE 1
        2      acme/101 -> server   200 OK (BYE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        3        server -> acme/101 200 OK (BYE)
        3        server -> acme/102 ACK 102
        3        server -> acme/103 INVITE 103 {10.0.1.3:6060 0,8}
        4      acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        5        server -> acme/103 ACK 103
        2000   acme/102 -> server   BYE 1
        2001     server -> acme/103 BYE 103
        2001     server -> acme/102 200 OK (BYE)
        2002   acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1596 ms (ring 102, answered), transferred to 103
        record 101 -> 103: 200/16 by Caller, rang, talked 296 ms (ring 103, answered), transferred to 102
        record 102 -> 103: 200/16 by Caller, talked 2000 ms (joined, answered), transferred by 101
    "#]]);
}

#[test]
fn the_second_call_still_rings() {
    let (mut scene, ann, bea, cid) = consulting(Policy::default(), Answer::PickUp(2000));
    scene.act(ann, |p, now| p.refer_to_call(0, 1, now));
    scene.run(4000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> ?Replaces
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   ACK 103
        2      acme/101 -> server   200 OK (NOTIFY)
        1604   acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        1605     server -> acme/103 ACK 103
        1605     server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1605     server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        1606   acme/101 -> server   200 OK (NOTIFY)
        1606   acme/101 -> server   BYE 1
        1606   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1607     server -> acme/101 200 OK (BYE)
        1607     server -> acme/102 ACK 102
        4000   acme/102 -> server   BYE 1
        4001     server -> acme/103 BYE 103
        4001     server -> acme/102 200 OK (BYE)
        4002   acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 3200 ms (ring 102, answered), transferred to 103, packets 7 and 3
        record 102 -> 103: 200/16 by Caller, rang, talked 2396 ms (ring 103, taken over, answered), transferred by 101, packets 5 and 5
    "#]]);
}

#[test]
fn the_second_call_still_rings_and_is_cancelled_too_late() {
    let (mut scene, ann, bea, cid) = consulting(Policy::default(), Answer::PickUp(2000));
    scene.act(ann, |p, now| p.refer_to_call(0, 1, now));
    scene.act(ann, |p, now| p.cancel(1, now));
    scene.run(4000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> ?Replaces
        0      acme/101 -> server   CANCEL 103
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        1        server -> acme/101 200 OK (CANCEL)
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   ACK 103
        2      acme/101 -> server   200 OK (NOTIFY)
        1604   acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        1605     server -> acme/103 ACK 103
        1605     server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1605     server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        1606   acme/101 -> server   200 OK (NOTIFY)
        1606   acme/101 -> server   BYE 1
        1606   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1607     server -> acme/101 200 OK (BYE)
        1607     server -> acme/102 ACK 102
        4000   acme/102 -> server   BYE 1
        4001     server -> acme/103 BYE 103
        4001     server -> acme/102 200 OK (BYE)
        4002   acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 3200 ms (ring 102, answered), transferred to 103, packets 7 and 3
        record 102 -> 103: 200/16 by Caller, rang, talked 2396 ms (ring 103, taken over, answered), transferred by 101, packets 5 and 5
    "#]]);
}

#[test]
fn the_second_call_still_rings_and_is_cancelled_first() {
    let (mut scene, ann, bea, _) = consulting(Policy::default(), Answer::PickUp(2000));
    scene.act(ann, |p, now| p.cancel(1, now));
    scene.act(ann, |p, now| p.refer_to_call(0, 1, now));
    scene.run(1000);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   CANCEL 103
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> ?Replaces
        1        server -> acme/101 200 OK (CANCEL)
        1        server -> acme/103 CANCEL 103
        1        server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 481 Call/Transaction Does Not Exist"
        2      acme/103 -> server   200 OK (CANCEL)
        2      acme/103 -> server   487 Request Terminated (INVITE)
        2      acme/101 -> server   ACK 103
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   200 OK (NOTIFY)
        3        server -> acme/103 ACK 103
        1000   acme/102 -> server   BYE 1
        1001     server -> acme/101 BYE 101
        1001     server -> acme/102 200 OK (BYE)
        1002   acme/101 -> server   200 OK (BYE)
        record 101 -> 103: 487/16 by Caller, rang (ring 103)
        record 101 -> 102: 200/16 by Callee, rang, talked 2596 ms (ring 102, answered), packets 6 and 3
    "#]]);
}

#[test]
fn the_second_call_rings_in_vain_and_the_transferrer_is_called_back() {
    let (mut scene, ann, bea, _) = consulting(Policy::default(), Answer::Refuse(486, 1000));
    scene.act(ann, |p, now| p.refer_to_call(0, 1, now));
    scene.run(50);
    scene.hang_up(ann);
    scene.run(4000);
    scene.talk_to_each_other(ann, bea);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> ?Replaces
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   ACK 103
        2      acme/101 -> server   200 OK (NOTIFY)
        50     acme/101 -> server   BYE 1
        51       server -> acme/101 200 OK (BYE)
        604    acme/103 -> server   486 Busy Here (INVITE)
        605      server -> acme/103 ACK 103
        605      server -> acme/101 INVITE 101 {10.0.0.1:10006 0,8}
        606    acme/101 -> server   180 Ringing (INVITE)
        1606   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1607     server -> acme/101 ACK 101
        1607     server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        1608   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1609     server -> acme/102 ACK 102
        4050   acme/102 -> server   BYE 1
        4051     server -> acme/101 BYE 101
        4051     server -> acme/102 200 OK (BYE)
        4052   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1646 ms (ring 102, answered), transferred to 103, packets 4 and 3
        record 102 -> 101: 200/16 by Caller, rang, talked 2444 ms (ring 103, taken over, busy, back to the transferrer, ring 101, answered), transferred by 101, packets 5 and 5
    "#]]);
}

#[test]
fn the_transferrer_hangs_up_both_at_once() {
    let (mut scene, ann, bea, cid) = usual();
    scene.world.server.media_lag = Duration::from_millis(30);
    scene.act(ann, |p, now| p.refer_to_call(0, 1, now));
    scene.run(5);
    scene.act(ann, |p, now| p.hang_up(0, now));
    scene.act(ann, |p, now| p.hang_up(1, now));
    scene.run(2000);
    scene.talk_to_each_other(bea, cid);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> ?Replaces
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        2      acme/101 -> server   200 OK (NOTIFY)
        5      acme/101 -> server   BYE 1
        5      acme/101 -> server   BYE 1
        61       server -> acme/102 INVITE 102 {10.0.0.1:10008 0,8}
        62     acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        63       server -> acme/102 ACK 102
        63       server -> acme/103 INVITE 103 {10.0.0.1:10010 0,8}
        64     acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        65       server -> acme/103 ACK 103
        66       server -> acme/101 200 OK (BYE)
        66       server -> acme/101 200 OK (BYE)
        2005   acme/102 -> server   BYE 1
        2006     server -> acme/103 BYE 103
        2007   acme/103 -> server   200 OK (BYE)
        2066     server -> acme/102 200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1601 ms (ring 102, answered), transferred to 103, packets 4 and 3
        record 101 -> 103: 200/16 by Caller, rang, talked 301 ms (ring 103, answered), transferred to 102, packets 1 and 1
        record 102 -> 103: 200/16 by Caller, talked 1945 ms (joined, answered), transferred by 101, packets 4 and 4
    "#]]);
}

#[test]
fn the_first_party_hangs_up_meanwhile() {
    let (mut scene, ann, bea, cid) = usual();
    scene.world.server.media_lag = Duration::from_millis(30);
    scene.act(ann, |p, now| p.refer_to_call(0, 1, now));
    scene.run(5);
    scene.hang_up(bea);
    scene.run(2000);
    scene.refresh_voices();
    scene.run(1000);
    scene.talk_to_each_other(ann, cid);
    scene.hang_up(cid);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> ?Replaces
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        2      acme/101 -> server   200 OK (NOTIFY)
        5      acme/102 -> server   BYE 1
        6        server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 487 Request Terminated"
        6        server -> acme/101 BYE 101
        7      acme/101 -> server   200 OK (NOTIFY)
        7      acme/101 -> server   200 OK (BYE)
        66       server -> acme/102 200 OK (BYE)
        3005   acme/103 -> server   BYE 1
        3006     server -> acme/101 BYE 101
        3007   acme/101 -> server   200 OK (BYE)
        3066     server -> acme/103 200 OK (BYE)
        record 102 -> 103: 487/16 by Caller (joined), transferred by 101
        record 101 -> 102: 200/16 by Callee, rang, talked 1601 ms (ring 102, answered), packets 4 and 3
        record 101 -> 103: 200/16 by Callee, rang, talked 3301 ms (ring 103, answered), packets 7 and 7
    "#]]);
}

#[test]
fn the_second_party_hangs_up_meanwhile() {
    let (mut scene, ann, bea, cid) = usual();
    scene.world.server.media_lag = Duration::from_millis(30);
    scene.act(ann, |p, now| p.refer_to_call(0, 1, now));
    scene.run(5);
    scene.hang_up(cid);
    scene.run(2000);
    assert_eq!(scene.world.phones[bea].calls(), [(0, State::Up)]);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> ?Replaces
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        2      acme/101 -> server   200 OK (NOTIFY)
        5      acme/103 -> server   BYE 1
        6        server -> acme/101 BYE 101
        6        server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 487 Request Terminated"
        7      acme/101 -> server   200 OK (BYE)
        7      acme/101 -> server   200 OK (NOTIFY)
        66       server -> acme/103 200 OK (BYE)
        2005   acme/102 -> server   BYE 1
        2006     server -> acme/101 BYE 101
        2007   acme/101 -> server   200 OK (BYE)
        2066     server -> acme/102 200 OK (BYE)
        record 102 -> 103: 487/16 by Caller (joined), transferred by 101
        record 101 -> 103: 200/16 by Callee, rang, talked 301 ms (ring 103, answered), packets 1 and 1
        record 101 -> 102: 200/16 by Callee, rang, talked 3601 ms (ring 102, answered), packets 8 and 3
    "#]]);
}

#[test]
fn everybody_hangs_up_meanwhile() {
    let (mut scene, ann, bea, cid) = usual();
    scene.world.server.media_lag = Duration::from_millis(30);
    scene.act(ann, |p, now| p.refer_to_call(0, 1, now));
    scene.run(5);
    scene.hang_up(ann);
    scene.run(5);
    scene.hang_up(bea);
    scene.run(5);
    scene.act(ann, |p, now| p.hang_up(1, now));
    scene.run(5);
    scene.hang_up(cid);
    scene.run(1000);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> ?Replaces
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        2      acme/101 -> server   200 OK (NOTIFY)
        5      acme/101 -> server   BYE 1
        10     acme/102 -> server   BYE 1
        11       server -> acme/102 200 OK (BYE)
        15     acme/101 -> server   BYE 1
        16       server -> acme/103 BYE 103
        17     acme/103 -> server   200 OK (BYE)
        66       server -> acme/101 200 OK (BYE)
        76       server -> acme/101 200 OK (BYE)
        record 102 -> 103: 487/16 by Caller (joined), transferred by 101
        record 101 -> 102: 200/16 by Caller, rang, talked 1601 ms (ring 102, answered), transferred to 103, packets 4 and 3
        record 101 -> 103: 200/16 by Caller, rang, talked 311 ms (ring 103, answered), packets 1 and 1
    "#]]);
}

#[test]
fn parties_without_a_common_codec_stay_where_they_are() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.pair();
    // Codecs that the server only passes on.
    scene.act(ann, |p, _| p.codecs = vec![3, 18]);
    scene.act(bea, |p, _| p.codecs = vec![3]);
    let cid = scene.phone("103", Answer::PickUp(100));
    scene.act(cid, |p, _| p.codecs = vec![18]);
    scene.call(ann, "102");
    scene.run(2000);
    scene.reinvite(ann, "sendonly");
    scene.run(100);
    scene.call(ann, "103");
    scene.run(400);
    scene.curtain();
    scene.act(ann, |p, now| p.refer_to_call(0, 1, now));
    scene.run(1000);
    scene.refresh_voices();
    scene.run(1000);
    scene.talk_to_each_other(ann, cid);
    scene.hang_up(bea);
    scene.hang_up(cid);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example> ?Replaces
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 488 Not Acceptable Here"
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   200 OK (NOTIFY)
        2000   acme/102 -> server   BYE 1
        2000   acme/103 -> server   BYE 1
        2001     server -> acme/101 BYE 101
        2001     server -> acme/102 200 OK (BYE)
        2001     server -> acme/101 BYE 101
        2001     server -> acme/103 200 OK (BYE)
        2002   acme/101 -> server   200 OK (BYE)
        2002   acme/101 -> server   200 OK (BYE)
        record 102 -> 103: 488/88 by System (joined), transferred by 101
        record 101 -> 102: 200/16 by Callee, rang, talked 3496 ms (ring 102, answered), packets 8 and 2
        record 101 -> 103: 200/16 by Callee, rang, talked 2296 ms (ring 103, answered), packets 5 and 5
    "#]]);
}
