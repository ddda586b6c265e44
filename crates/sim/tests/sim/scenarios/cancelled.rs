//! The caller gives up, at every moment (RFC 3261 §9).

use super::by_hand::{field, request, sdp};
use super::{Hand, Scene};
use expect_test::expect;
use sim::phone::Answer;

#[test]
fn while_it_rings() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Ring);
    scene.call(caller, "102");
    scene.run(1000);
    scene.cancel(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1000   acme/101 -> server   CANCEL 102
        1001     server -> acme/101 200 OK (CANCEL)
        1001     server -> acme/102 CANCEL 102
        1001     server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        1002   acme/102 -> server   200 OK (CANCEL)
        1002   acme/102 -> server   487 Request Terminated (INVITE)
        1002   acme/101 -> server   ACK 102
        1003     server -> acme/102 ACK 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn while_two_phones_ring_and_one_was_busy() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Ring);
    scene.phone("102", Answer::Ring);
    scene.phone("102", Answer::Refuse(486, 10));
    scene.call(caller, "102");
    scene.run(1000);
    scene.cancel(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        3        server -> acme/102' INVITE 102 {10.0.0.1:10002 0,8}
        3        server -> acme/102'' INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        4      acme/102' -> server   180 Ringing (INVITE)
        4      acme/102'' -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        14     acme/102'' -> server   486 Busy Here (INVITE)
        15       server -> acme/102'' ACK 102
        1000   acme/101 -> server   CANCEL 102
        1001     server -> acme/101 200 OK (CANCEL)
        1001     server -> acme/102 CANCEL 102
        1001     server -> acme/102' CANCEL 102
        1001     server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        1002   acme/102 -> server   200 OK (CANCEL)
        1002   acme/102 -> server   487 Request Terminated (INVITE)
        1002   acme/102' -> server   200 OK (CANCEL)
        1002   acme/102' -> server   487 Request Terminated (INVITE)
        1002   acme/101 -> server   ACK 102
        1003     server -> acme/102 ACK 102
        1003     server -> acme/102' ACK 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn before_the_server_said_trying() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Ring);
    scene.call(caller, "102");
    scene.run(2);
    scene.cancel(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/101 -> server   CANCEL 102
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 200 OK (CANCEL)
        5        server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        5        server -> acme/102 CANCEL 102
        6      acme/101 -> server   ACK 102
        6      acme/102 -> server   200 OK (CANCEL)
        6      acme/102 -> server   487 Request Terminated (INVITE)
        7        server -> acme/102 ACK 102
        record 101 -> 102: 487/16 by Caller (ring 102)
    "#]]);
}

#[test]
fn before_the_phone_said_anything() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let callee = scene.phone("102", Answer::Ring);
    scene.lose_to(callee, "INVITE", 2);
    scene.call(caller, "102");
    scene.run(400);
    scene.cancel(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -x acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        400    acme/101 -> server   CANCEL 102
        401      server -> acme/101 200 OK (CANCEL)
        401      server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        402    acme/101 -> server   ACK 102
        503      server -x acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        1503     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        1504   acme/102 -> server   180 Ringing (INVITE)
        1505     server -> acme/102 CANCEL 102
        1506   acme/102 -> server   200 OK (CANCEL)
        1506   acme/102 -> server   487 Request Terminated (INVITE)
        1507     server -> acme/102 ACK 102
        record 101 -> 102: 487/16 by Caller (ring 102)
    "#]]);
}

#[test]
fn while_a_dead_phone_is_tried() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let dead = scene.phone("102", Answer::Ring);
    scene.answers(dead, Answer::Dead);
    scene.call(caller, "102");
    scene.run(400);
    scene.cancel(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        400    acme/101 -> server   CANCEL 102
        401      server -> acme/101 200 OK (CANCEL)
        401      server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        402    acme/101 -> server   ACK 102
        503      server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        1503     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        3503     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        7503     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        15503    server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        31503    server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        record 101 -> 102: 487/16 by Caller (ring 102)
    "#]]);
}

#[test]
fn as_the_callee_picks_up_and_the_cancel_is_first() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::PickUp(1000));
    scene.call(caller, "102");
    scene.run(1003);
    scene.cancel(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1003   acme/101 -> server   CANCEL 102
        1004     server -> acme/101 200 OK (CANCEL)
        1004     server -> acme/102 CANCEL 102
        1004     server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005   acme/102 -> server   200 OK (CANCEL)
        1005   acme/101 -> server   ACK 102
        1005     server -> acme/102 ACK 102
        1005     server -> acme/102 BYE 102
        1006   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn as_the_callee_picks_up_and_the_answer_is_first() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let callee = scene.phone("102", Answer::PickUp(1000));
    scene.mute(&[caller, callee]);
    scene.call(caller, "102");
    scene.run(1005);
    scene.cancel(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1005   acme/101 -> server   CANCEL 102
        1006   acme/101 -> server   ACK 1
        1006   acme/101 -> server   BYE 1
        1006     server -> acme/101 200 OK (CANCEL)
        1007     server -> acme/102 BYE 102
        1007     server -> acme/101 200 OK (BYE)
        1008   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn the_cancel_is_lost_twice() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Ring);
    scene.call(caller, "102");
    scene.run(1000);
    scene.lose_to_server("CANCEL", 1);
    let callee = scene.world.phones.len() - 1;
    scene.lose_to(callee, "CANCEL", 1);
    scene.cancel(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1000   acme/101 -x server   CANCEL 102
        1500   acme/101 -> server   CANCEL 102
        1501     server -> acme/101 200 OK (CANCEL)
        1501     server -x acme/102 CANCEL 102
        1501     server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        1502   acme/101 -> server   ACK 102
        2001     server -> acme/102 CANCEL 102
        2002   acme/102 -> server   200 OK (CANCEL)
        2002   acme/102 -> server   487 Request Terminated (INVITE)
        2003     server -> acme/102 ACK 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn by_a_bye_before_the_answer() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::Ring);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let invite = request("INVITE", "101@acme.example", "102@acme.example", "early", 1);
    let body = sdp(hand.at, 4000, "");
    let ringing = hand.insists(&mut scene, "101", &invite, &body);
    let to = field(&ringing, "To").to_owned();
    let bye = request("BYE", "101@acme.example", "102@acme.example", "early", 3);
    let bye = bye.replace("To: <sip:102@acme.example>", &to);
    hand.send(&mut scene, &bye);
    let heard = hand.hears(&mut scene);
    let refused = heard.iter().find(|m| m.contains("487")).expect("487");
    let ack = request("ACK", "101@acme.example", "102@acme.example", "early", 1)
        .replace("To: <sip:102@acme.example>", field(refused, "To"))
        .replace(
            "Via: SIP/2.0/UDP {at};branch={branch};rport",
            field(refused, "Via"),
        );
    hand.send(&mut scene, &ack);
    scene.ends(expect![[r#"
        10         hand -> server   INVITE 102 {10.0.2.1:4000 0,8}
        11       server -> hand     407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        20         hand -> server   ACK 102
        30         hand -> server   INVITE 102 +credentials {10.0.2.1:4000 0,8}
        31       server -> hand     100 Trying (INVITE)
        31       server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        32     acme/102 -> server   180 Ringing (INVITE)
        33       server -> hand     180 Ringing (INVITE)
        40         hand -> server   BYE 102
        41       server -> hand     200 OK (BYE)
        41       server -> acme/102 CANCEL 102
        41       server -> hand     487 Request Terminated (INVITE) [Q.850;cause=16]
        42     acme/102 -> server   200 OK (CANCEL)
        42     acme/102 -> server   487 Request Terminated (INVITE)
        43       server -> acme/102 ACK 102
        50         hand -> server   ACK 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn a_cancel_for_nothing_is_481() {
    let mut scene = Scene::new();
    let (caller, _) = scene.pair();
    let mut hand = Hand::new(&mut scene, "stranger", 1);
    scene.call(caller, "102");
    scene.run(500);
    hand.send(
        &mut scene,
        &request("CANCEL", "101@acme.example", "102@acme.example", "guess", 1),
    );
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        500    stranger -> server   CANCEL 102
        501      server -> stranger 481 Call/Transaction Does Not Exist (CANCEL)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1006   acme/101 -> server   ACK 1
        1500   acme/101 -> server   BYE 1
        1501     server -> acme/102 BYE 102
        1501     server -> acme/101 200 OK (BYE)
        1502   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 496 ms (ring 102, answered), packets 1 and 1
    "#]]);
}
