//! INVITEs without an offer: the callee offers in its 2xx, the answer comes in the ACK (RFC 3261 §13.2.1, §14.1).

use super::by_hand::{field, request, sdp};
use super::{Hand, Scene};
use expect_test::expect;
use sim::phone::Answer;

/// A phone that calls without an offer, and one that picks up after a second.
fn pair(scene: &mut Scene) -> (usize, usize) {
    let (caller, callee) = scene.pair();
    scene.act(caller, |phone, _| phone.abilities.offerless = true);
    (caller, callee)
}

#[test]
fn the_callee_offers_and_the_caller_answers() {
    let mut scene = Scene::new();
    let (caller, callee) = pair(&mut scene);
    scene.act(callee, |phone, _| phone.codecs = vec![9, 8, 0]);
    scene.call(caller, "102");
    scene.run(3000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 9,8,0}
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 9,8,0}
        1006   acme/101 -> server   ACK 1 {10.0.1.2:6060 8,0}
        1007     server -> acme/102 ACK 102 {10.0.0.1:10002 8,0}
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 4 and 3
    "#]]);
}

#[test]
fn the_ack_with_the_answer_is_lost_once() {
    let mut scene = Scene::new();
    let (caller, _) = pair(&mut scene);
    scene.call(caller, "102");
    scene.run(500);
    scene.curtain();
    scene.lose_to_server("ACK", 1);
    scene.run(3000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        505      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        506    acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1006   acme/101 -> server   ACK 1 {10.0.1.2:6060 0,8}
        1007     server -> acme/102 ACK 102 {10.0.0.1:10002 0,8}
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2496 ms (ring 102, answered), packets 4 and 3
    "#]]);
}

#[test]
fn the_ack_with_the_answer_never_comes() {
    let mut scene = Scene::new();
    let (caller, callee) = pair(&mut scene);
    scene.mute(&[caller, callee]);
    scene.call(caller, "102");
    scene.run(500);
    scene.curtain();
    scene.lose_to_server("ACK", 100);
    scene.ends(expect![[r#"
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        505      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        506    acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1006   acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        2004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        2005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        2006   acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        4004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        4005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        4006   acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        8004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        8005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        8006   acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        12004  acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        12005    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        12006  acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        16004  acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        16005    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        16006  acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        20004  acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        20005    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        20006  acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        24004  acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        24005    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        24006  acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        28004  acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        28005    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        28006  acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        30505    server -> acme/102 ACK 102 {nowhere 0}
        30505    server -> acme/102 BYE 102 [Q.850;cause=102;text="no answer in time"]
        30506  acme/102 -> server   200 OK (BYE)
        32005    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        32006  acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        32505    server -> acme/101 BYE 101 [Q.850;cause=102;text="no answer in time"]
        32506  acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/102 by System, rang, talked 30000 ms (ring 102, answered), packets 0 and 0, Caller: has no address to send to, Callee: nothing comes from it
    "#]]);
}

#[test]
fn the_callee_hangs_up_before_the_answer() {
    let mut scene = Scene::new();
    let (caller, callee) = pair(&mut scene);
    scene.call(caller, "102");
    scene.run(500);
    scene.curtain();
    scene.lose_to_server("ACK", 2);
    scene.run(700);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        505      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        506    acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        700    acme/102 -> server   BYE 1
        701      server -> acme/102 200 OK (BYE)
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1006   acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        2005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        2006   acme/101 -> server   ACK 1 {10.0.1.2:6060 0,8}
        2007     server -> acme/101 BYE 101
        2008   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 196 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn the_caller_hangs_up_before_its_ack_arrives() {
    let mut scene = Scene::new();
    let (caller, _) = pair(&mut scene);
    scene.call(caller, "102");
    scene.run(500);
    scene.curtain();
    scene.lose_to_server("ACK", 1);
    scene.run(520);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        505      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        506    acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        520    acme/101 -> server   BYE 1
        521      server -> acme/102 ACK 102 {nowhere 0}
        521      server -> acme/102 BYE 102
        521      server -> acme/101 200 OK (BYE)
        522    acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 16 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn two_phones_offer_and_the_first_one_counts() {
    let mut scene = Scene::new();
    let (caller, _) = pair(&mut scene);
    scene.phone("102", Answer::PickUp(1001));
    scene.call(caller, "102");
    scene.run(3000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102
        3        server -> acme/102' INVITE 102
        4      acme/102 -> server   180 Ringing (INVITE)
        4      acme/102' -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/102' CANCEL 102 [SIP;cause=200;text="Call completed elsewhere"]
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1005   acme/102' -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        1006   acme/102' -> server   200 OK (CANCEL)
        1006   acme/101 -> server   ACK 1 {10.0.1.2:6060 0,8}
        1006     server -> acme/102' ACK 102 {nowhere 0}
        1006     server -> acme/102' BYE 102 [SIP;cause=200;text="Call completed elsewhere"]
        1007     server -> acme/102 ACK 102 {10.0.0.1:10002 0,8}
        1007   acme/102' -> server   200 OK (BYE)
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 4 and 3
    "#]]);
}

#[test]
fn an_answer_without_a_codec_of_the_offer() {
    let mut scene = Scene::new();
    let (caller, callee) = pair(&mut scene);
    scene.act(caller, |phone, _| phone.codecs = vec![3]);
    scene.act(callee, |phone, _| phone.codecs = vec![18]);
    scene.call(caller, "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 18}
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 18}
        1006   acme/101 -> server   ACK 1
        1007     server -> acme/102 ACK 102 {nowhere 18}
        1007     server -> acme/101 BYE 101 [Q.850;cause=88;text="no answer in the ACK"]
        1007     server -> acme/102 BYE 102 [Q.850;cause=88;text="no answer in the ACK"]
        1008   acme/101 -> server   200 OK (BYE)
        1008   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/88 by Caller, rang, talked 2 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_callee_that_does_not_offer_either() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.act(caller, |phone, _| phone.abilities.offerless = true);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(&mut scene, "102", 1, "<sip:102@10.0.2.1>");
    scene.curtain();
    scene.call(caller, "102");
    scene.run(10);
    let invite = hand.hears(&mut scene).pop().expect("an INVITE");
    hand.responds(&mut scene, &invite, 200, "");
    let bye = hand.hears(&mut scene).pop().expect("a BYE");
    hand.responds(&mut scene, &bye, 200, "");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> hand     INVITE 102
        20         hand -> server   200 OK (INVITE)
        21       server -> hand     ACK hand
        21       server -> hand     BYE hand [SIP;cause=488;text="Not Acceptable Here"]
        21       server -> acme/101 488 Not Acceptable Here (INVITE) [Q.850;cause=88]
        22     acme/101 -> server   ACK 102
        30         hand -> server   200 OK (BYE)
        record 101 -> 102: 488/88 by Callee (ring 102, media refused)
    "#]]);
}

#[test]
fn an_offer_that_comes_too_late() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.act(caller, |phone, _| phone.abilities.offerless = true);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(&mut scene, "102", 1, "<sip:102@10.0.2.1>");
    scene.curtain();
    scene.call(caller, "102");
    scene.run(10);
    let invite = hand.hears(&mut scene).pop().expect("an INVITE");
    hand.responds(&mut scene, &invite, 180, "");
    scene.run(10);
    scene.cancel(caller);
    scene.run(10);
    let body = sdp(hand.at, 4000, "");
    hand.responds(&mut scene, &invite, 200, &body);
    let bye = hand.hears(&mut scene).pop().expect("a BYE");
    hand.responds(&mut scene, &bye, 200, "");
    assert!(bye.starts_with("BYE"), "{bye}");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> hand     INVITE 102
        20         hand -> server   180 Ringing (INVITE)
        21       server -> acme/101 180 Ringing (INVITE)
        30     acme/101 -> server   CANCEL 102
        31       server -> acme/101 200 OK (CANCEL)
        31       server -> hand     CANCEL 102
        31       server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        32     acme/101 -> server   ACK 102
        40         hand -> server   200 OK (INVITE) {10.0.2.1:4000 0,8}
        41       server -> hand     ACK hand {nowhere 0}
        41       server -> hand     BYE hand
        50         hand -> server   200 OK (BYE)
        531      server -> hand     CANCEL 102
        1531     server -> hand     CANCEL 102
        3531     server -> hand     CANCEL 102
        7531     server -> hand     CANCEL 102
        11531    server -> hand     CANCEL 102
        15531    server -> hand     CANCEL 102
        19531    server -> hand     CANCEL 102
        23531    server -> hand     CANCEL 102
        27531    server -> hand     CANCEL 102
        31531    server -> hand     CANCEL 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn a_reinvite_without_an_offer() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.act(callee, |phone, _| phone.codecs = vec![8, 0, 9]);
    scene.reinvite(caller, "");
    scene.run(1000);
    scene.reinvite(callee, "");
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1
        1        server -> acme/102 INVITE 102
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 8,0,9}
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 8,0}
        4      acme/101 -> server   ACK 1 {10.0.1.2:6060 8,0}
        5        server -> acme/102 ACK 102 {10.0.0.1:10002 8,0}
        1000   acme/102 -> server   INVITE 1
        1001     server -> acme/101 INVITE 101
        1001     server -> acme/102 100 Trying (INVITE)
        1002   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1003     server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 0,8}
        1004   acme/102 -> server   ACK 1 {10.0.1.3:6060 0,8,9}
        1005     server -> acme/101 ACK 101 {10.0.0.1:10000 0,8}
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2996 ms (ring 102, answered), packets 6 and 6
    "#]]);
}

#[test]
fn the_ack_to_a_reinvite_without_an_offer_never_comes() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.mute(&[caller, callee]);
    scene.reinvite(caller, "");
    scene.lose_to_server("ACK", 100);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1
        1        server -> acme/102 INVITE 102
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        4      acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        502    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        503      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        504    acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        1502   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1503     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1504   acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        3502   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        3503     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        3504   acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        7502   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        7503     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        7504   acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        11502  acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        11503    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        11504  acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        15502  acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        15503    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        15504  acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        19502  acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        19503    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        19504  acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        23502  acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        23503    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        23504  acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        27502  acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        27503    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        27504  acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        30003    server -> acme/102 ACK 102 {nowhere 0}
        30003    server -> acme/102 BYE 102 [Q.850;cause=102;text="no answer in time"]
        30004  acme/102 -> server   200 OK (BYE)
        31503    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        31504  acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        32003    server -> acme/101 BYE 101 [Q.850;cause=102;text="no answer in time"]
        32004  acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/102 by System, rang, talked 30998 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn glare_while_the_answer_to_an_offer_is_awaited() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.reinvite(caller, "");
    scene.lose_to_server("ACK", 1);
    scene.run(100);
    scene.reinvite(caller, "sendonly");
    scene.reinvite(callee, "sendonly");
    scene.run(2000);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1
        1        server -> acme/102 INVITE 102
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        4      acme/101 -x server   ACK 1 {10.0.1.2:6060 0,8}
        100    acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        100    acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 sendonly}
        101      server -> acme/101 500 Server Internal Error (INVITE) Retry-After 0
        101      server -> acme/102 491 Request Pending (INVITE)
        102    acme/101 -> server   ACK 1
        102    acme/102 -> server   ACK 1
        502    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        503      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        504    acme/101 -> server   ACK 1 {10.0.1.2:6060 0,8}
        505      server -> acme/102 ACK 102 {10.0.0.1:10002 0,8}
        2100   acme/102 -> server   BYE 1
        2101     server -> acme/101 BYE 101
        2101     server -> acme/102 200 OK (BYE)
        2102   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 3096 ms (ring 102, answered), packets 7 and 7
    "#]]);
}

#[test]
fn a_reinvite_without_an_offer_that_is_taken_back() {
    let mut scene = Scene::new();
    let (caller, _) = scene.talking();
    scene.lose_to_server("SIP/2.0 200", 2);
    scene.reinvite(caller, "");
    scene.run(100);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1
        1        server -> acme/102 INVITE 102
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -x server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        100    acme/101 -> server   BYE 1
        101      server -> acme/101 487 Request Terminated (INVITE)
        101      server -> acme/102 BYE 102
        101      server -> acme/101 200 OK (BYE)
        102    acme/101 -> server   ACK 1
        102    acme/102 -x server   200 OK (BYE)
        501      server -> acme/102 INVITE 102
        502    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        601      server -> acme/102 BYE 102
        602    acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1096 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

#[test]
fn a_refused_reinvite_without_an_offer() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.act(callee, |phone, _| phone.refuses_reinvite = Some(488));
    scene.reinvite(caller, "");
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1
        1        server -> acme/102 INVITE 102
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   488 Not Acceptable Here (INVITE)
        3        server -> acme/102 ACK 102
        3        server -> acme/101 488 Not Acceptable Here (INVITE)
        4      acme/101 -> server   ACK 1
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/102 BYE 102
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

/// Whoever knows the tags sends the ACK with an answer of his own, from another address: the audio does not go to him, and
/// the phone's ACK is still awaited. A phone that registered from a new address meanwhile is no stranger.
#[test]
fn the_answer_counts_from_the_phone_alone() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::PickUp(0));
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(
        &mut scene,
        "101",
        1,
        "<sip:101@10.0.2.1>;+sip.instance=\"<urn:uuid:1>\";reg-id=1",
    );
    scene.curtain();
    let invite = request("INVITE", "101@acme.example", "102@acme.example", "by-hand", 1);
    let answer = hand.insists(&mut scene, "101", &invite, "");
    let ack = request("ACK", "101@acme.example", "102@acme.example", "by-hand", 1)
        .replace("To: <sip:102@acme.example>", field(&answer, "To"));
    let mut stranger = Hand::new(&mut scene, "stranger", 77);
    let mut moved = Hand::new(&mut scene, "moved", 3);
    let theirs = sdp(stranger.at, 6000, "");
    stranger.send_with(&mut scene, &ack, &theirs);
    scene.run(100);
    let own = sdp(moved.at, 4000, "");
    moved.send_with(&mut scene, &ack, &own);
    scene.run(100);
    moved.registers(
        &mut scene,
        "101",
        7,
        "<sip:101@10.0.2.3>;+sip.instance=\"<urn:uuid:1>\";reg-id=1",
    );
    moved.send_with(&mut scene, &ack, &own);
    scene.run(100);
    let bye = ack.replace("ACK", "BYE").replace("CSeq: 1", "CSeq: 4");
    moved.send(&mut scene, &bye);
    scene.ends(expect![[r#"
        10         hand -> server   INVITE 102
        11       server -> hand     407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        20         hand -> server   ACK 102
        30         hand -> server   INVITE 102 +credentials
        31       server -> hand     100 Trying (INVITE)
        31       server -> acme/102 INVITE 102
        32     acme/102 -> server   180 Ringing (INVITE)
        32     acme/102 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        33       server -> hand     180 Ringing (INVITE)
        33       server -> hand     200 OK (INVITE) {10.0.0.1:10000 0,8}
        40     stranger -> server   ACK 102 {10.0.2.77:6000 0,8}
        140       moved -> server   ACK 102 {10.0.2.3:4000 0,8}
        250       moved -> server   REGISTER acme.example <sip:101@10.0.2.3>;+sip.instance="<urn:uuid:1>";reg-id=1
        251      server -> moved    401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        270       moved -> server   REGISTER acme.example +credentials <sip:101@10.0.2.3>;+sip.instance="<urn:uuid:1>";reg-id=1
        271      server -> moved    200 OK (REGISTER) <sip:101@10.0.2.3>;expires=3600;+sip.instance="<urn:uuid:1>";reg-id=1
        271      server -> moved    200 OK (INVITE) {10.0.0.1:10000 0,8}
        280       moved -> server   ACK 102 {10.0.2.3:4000 0,8}
        281      server -> acme/102 ACK 102 {10.0.0.1:10002 0,8}
        380       moved -> server   BYE 102
        381      server -> acme/102 BYE 102
        381      server -> moved    200 OK (BYE)
        382    acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 348 ms (ring 102, answered), packets 0 and 0
    "#]]);
}
