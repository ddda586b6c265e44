//! Before the answer: ringing and early media in every order, from one phone or several (RFC 3261 §13.2.1, RFC 3960).

use super::by_hand::sdp;
use super::{Hand, Scene};
use expect_test::expect;
use sim::phone::Answer;

/// Two phones of 102 by hand and the INVITEs that they got from 101.
fn rung() -> (Scene, usize, [(Hand, String); 2]) {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.mute(&[caller]);
    let mut hands = [
        Hand::new(&mut scene, "first", 1),
        Hand::new(&mut scene, "second", 2),
    ];
    for (host, hand) in (1..).zip(&mut hands) {
        hand.registers(&mut scene, "102", 1, &format!("<sip:102@10.0.2.{host}>"));
    }
    scene.curtain();
    scene.call(caller, "102");
    scene.run(10);
    scene.curtain();
    let invited = hands.map(|mut hand| {
        let invite = hand.hears(&mut scene).pop().expect("an INVITE");
        (hand, invite)
    });
    (scene, caller, invited)
}

#[test]
fn ringing_then_early_media_then_ringing() {
    let (mut scene, caller, [(mut hand, invite), _]) = rung();
    let body = sdp(hand.at, 4000, "");
    for (code, body) in [
        (180, ""),
        (183, ""),
        (183, body.as_str()),
        (180, ""),
        (183, body.as_str()),
    ] {
        hand.responds(&mut scene, &invite, code, body);
        scene.run(10);
    }
    scene.cancel(caller);
    scene.run(100);
    scene.sees(expect![[r#"
        20        first -> server   180 Ringing (INVITE)
        21       server -> acme/101 180 Ringing (INVITE)
        30        first -> server   183 Session Progress (INVITE)
        40        first -> server   183 Session Progress (INVITE) {10.0.2.1:4000 0,8}
        41       server -> acme/101 183 Session Progress (INVITE) {10.0.0.1:10000 0,8}
        50        first -> server   180 Ringing (INVITE)
        60        first -> server   183 Session Progress (INVITE) {10.0.2.1:4000 0,8}
        70     acme/101 -> server   CANCEL 102
        71       server -> acme/101 200 OK (CANCEL)
        71       server -> first    CANCEL 102
        71       server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        72     acme/101 -> server   ACK 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn early_media_first_and_ringing_after() {
    let (mut scene, caller, [(mut hand, invite), _]) = rung();
    let body = sdp(hand.at, 4000, "");
    for (code, body) in [(183, body.as_str()), (180, ""), (182, "")] {
        hand.responds(&mut scene, &invite, code, body);
        scene.run(10);
    }
    scene.cancel(caller);
    scene.run(100);
    scene.sees(expect![[r#"
        20        first -> server   183 Session Progress (INVITE) {10.0.2.1:4000 0,8}
        21       server -> acme/101 183 Session Progress (INVITE) {10.0.0.1:10000 0,8}
        30        first -> server   180 Ringing (INVITE)
        40        first -> server   182 Queued (INVITE)
        50     acme/101 -> server   CANCEL 102
        51       server -> acme/101 200 OK (CANCEL)
        51       server -> first    CANCEL 102
        51       server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        52     acme/101 -> server   ACK 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn the_first_early_media_is_heard_and_then_the_one_that_answers() {
    let (mut scene, caller, [(mut first, one), (mut second, two)]) = rung();
    let (a, b) = (sdp(first.at, 4000, ""), sdp(second.at, 4000, ""));
    first.responds(&mut scene, &one, 183, &a);
    scene.run(10);
    second.responds(&mut scene, &two, 183, &b);
    scene.run(10);
    second.responds(&mut scene, &two, 200, &b);
    scene.run(10);
    let cancel = first.hears(&mut scene).pop().expect("a CANCEL");
    first.responds(&mut scene, &cancel, 200, "");
    first.responds(&mut scene, &one, 487, "");
    scene.run(10);
    scene.hang_up(caller);
    let bye = second.hears(&mut scene).pop().expect("a BYE");
    second.responds(&mut scene, &bye, 200, "");
    scene.ends(expect![[r#"
        20        first -> server   183 Session Progress (INVITE) {10.0.2.1:4000 0,8}
        21       server -> acme/101 183 Session Progress (INVITE) {10.0.0.1:10000 0,8}
        30       second -> server   183 Session Progress (INVITE) {10.0.2.2:4000 0,8}
        40       second -> server   200 OK (INVITE) {10.0.2.2:4000 0,8}
        41       server -> second   ACK hand
        41       server -> first    CANCEL 102 [SIP;cause=200;text="Call completed elsewhere"]
        41       server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        42     acme/101 -> server   ACK 1
        60        first -> server   200 OK (CANCEL)
        60        first -> server   487 Request Terminated (INVITE)
        61       server -> first    ACK 102
        70     acme/101 -> server   BYE 1
        71       server -> second   BYE hand
        71       server -> acme/101 200 OK (BYE)
        80       second -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 30 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn an_answer_that_was_given_early_and_is_not_repeated() {
    let (mut scene, caller, [(mut hand, invite), (mut other, idle)]) = rung();
    let body = sdp(hand.at, 4000, "");
    other.responds(&mut scene, &idle, 180, "");
    hand.responds(&mut scene, &invite, 183, &body);
    scene.run(10);
    hand.responds(&mut scene, &invite, 200, "");
    scene.run(10);
    let cancel = other.hears(&mut scene).pop().expect("a CANCEL");
    other.responds(&mut scene, &cancel, 200, "");
    other.responds(&mut scene, &idle, 487, "");
    scene.run(10);
    scene.hang_up(caller);
    let bye = hand.hears(&mut scene).pop().expect("a BYE");
    hand.responds(&mut scene, &bye, 200, "");
    scene.ends(expect![[r#"
        20       second -> server   180 Ringing (INVITE)
        20        first -> server   183 Session Progress (INVITE) {10.0.2.1:4000 0,8}
        21       server -> acme/101 180 Ringing (INVITE)
        21       server -> acme/101 183 Session Progress (INVITE) {10.0.0.1:10000 0,8}
        30        first -> server   200 OK (INVITE)
        31       server -> first    ACK hand
        31       server -> second   CANCEL 102 [SIP;cause=200;text="Call completed elsewhere"]
        31       server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        32     acme/101 -> server   ACK 1
        50       second -> server   200 OK (CANCEL)
        50       second -> server   487 Request Terminated (INVITE)
        51       server -> second   ACK 102
        60     acme/101 -> server   BYE 1
        61       server -> first    BYE hand
        61       server -> acme/101 200 OK (BYE)
        70        first -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 30 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn the_old_hold_and_comfort_noise() {
    let (mut scene, caller, [(mut hand, invite), (mut other, idle)]) = rung();
    scene.act(caller, |phone, _| phone.codecs = vec![0, 13]);
    other.responds(&mut scene, &idle, 486, "");
    hand.responds(&mut scene, &invite, 200, &sdp(hand.at, 4000, ""));
    scene.run(10);
    scene.curtain();
    scene.reinvite(caller, "sendrecv");
    scene.run(10);
    let offer = hand.hears(&mut scene).pop().expect("a re-INVITE");
    let held = sdp(hand.at, 4000, "").replace("IP4 10.0.2.1\r\nt=", "IP4 0.0.0.0\r\nt=");
    hand.responds(&mut scene, &offer, 200, &held.replace("AVP 0 8", "AVP 0 13"));
    scene.run(10);
    scene.hang_up(caller);
    let bye = hand.hears(&mut scene).pop().expect("a BYE");
    hand.responds(&mut scene, &bye, 200, "");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,13}
        1        server -> first    INVITE hand {10.0.0.1:10002 0,13,8}
        1        server -> acme/101 100 Trying (INVITE)
        20        first -> server   200 OK (INVITE) {nowhere 0,13}
        21       server -> first    ACK hand
        21       server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,13 sendonly}
        22     acme/101 -> server   ACK 1
        30     acme/101 -> server   BYE 1
        31       server -> first    BYE hand
        31       server -> acme/101 200 OK (BYE)
        40        first -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, talked 40 ms (ring 102, answered), packets 0 and 0
    "#]]);
}
