//! How calls that were up end: BYE at awkward moments, what gets lost, silence, limits and shutdown.

use super::by_hand::{field, request, sdp};
use super::{Hand, Scene};
use expect_test::expect;
use model::{Policy, Transport};
use sim::phone::Answer;

#[test]
fn both_hang_up_at_once() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.hang_up(caller);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   BYE 1
        0      acme/102 -> server   BYE 1
        1        server -> acme/102 BYE 102
        1        server -> acme/101 200 OK (BYE)
        1        server -> acme/102 481 Call/Transaction Does Not Exist (BYE)
        2      acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn the_phones_fall_silent() {
    let mut scene = Scene::with(Policy {
        media_silence_s: 10,
        ..Policy::default()
    });
    let (caller, callee) = scene.talking();
    scene.mute(&[caller, callee]);
    scene.ends(expect![[r#"
        9507     server -> acme/101 BYE 101 [Q.850;cause=41;text="no media"]
        9507     server -> acme/102 BYE 102 [Q.850;cause=41;text="no media"]
        9508   acme/101 -> server   200 OK (BYE)
        9508   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/41 by System, rang, talked 10502 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn silence_on_hold_is_expected() {
    let mut scene = Scene::with(Policy {
        media_silence_s: 10,
        ..Policy::default()
    });
    let (caller, callee) = scene.talking();
    scene.reinvite(caller, "inactive");
    scene.mute(&[caller, callee]);
    scene.run(60_000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 inactive}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        3        server -> acme/102 ACK 102
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 inactive}
        4      acme/101 -> server   ACK 1
        60000  acme/101 -> server   BYE 1
        60001    server -> acme/102 BYE 102
        60001    server -> acme/101 200 OK (BYE)
        60002  acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 60996 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn the_longest_call_is_over() {
    let mut scene = Scene::with(Policy {
        max_call_s: 30,
        ..Policy::default()
    });
    scene.talking();
    scene.ends(expect![[r#"
        29005    server -> acme/101 BYE 101 [Q.850;cause=102;text="longest call"]
        29005    server -> acme/102 BYE 102 [Q.850;cause=102;text="longest call"]
        29006  acme/101 -> server   200 OK (BYE)
        29006  acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/102 by System, rang, talked 30000 ms (ring 102, answered), packets 60 and 61
    "#]]);
}

#[test]
fn the_node_goes_down() {
    let mut scene = Scene::new();
    scene.talking();
    let other = scene.phone("103", Answer::Ring);
    scene.phone("104", Answer::Ring);
    scene.call(other, "104");
    scene.run(500);
    scene.curtain();
    scene.input(pbx::Input::HangUpAll);
    scene.ends(expect![[r#"
        0        server -> acme/101 BYE 101 [Q.850;cause=41;text="shutdown"]
        0        server -> acme/102 BYE 102 [Q.850;cause=41;text="shutdown"]
        0        server -> acme/103 503 Service Unavailable (INVITE) Retry-After 5 [Q.850;cause=41]
        0        server -> acme/104 CANCEL 104
        1      acme/101 -> server   200 OK (BYE)
        1      acme/102 -> server   200 OK (BYE)
        1      acme/103 -> server   ACK 104
        1      acme/104 -> server   200 OK (CANCEL)
        1      acme/104 -> server   487 Request Terminated (INVITE)
        2        server -> acme/104 ACK 104
        record 103 -> 104: 503/41 by System, rang (ring 104)
        record 101 -> 102: 200/41 by System, rang, talked 1695 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn a_phone_that_registers_on_a_new_connection_gets_its_bye_there() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let callee = scene.phone_on("102", Transport::Tcp, Answer::PickUp(500));
    scene.call(caller, "102");
    scene.run(1000);
    scene.curtain();
    scene.world.disconnect(callee);
    scene.act(callee, |phone, now| phone.register(3600, now));
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/102 loses its connection
        0      acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5060;transport=tcp> Expires 3600
        1        server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2      acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5060;transport=tcp> Expires 3600
        3        server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5060;transport=tcp>;expires=3600
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/102 BYE 102
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1496 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

#[test]
fn a_server_that_died_knows_the_bindings_and_no_call() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.world.restart_server();
    scene.hang_up(caller);
    scene.hang_up(callee);
    scene.run(1000);
    scene.call(caller, "102");
    scene.run(2000);
    scene.act(caller, |phone, now| phone.hang_up(1, now));
    scene.ends(expect![[r#"
        0        server dies and comes back
        0      acme/101 -> server   BYE 1
        0      acme/102 -> server   BYE 1
        1        server -> acme/101 481 Call/Transaction Does Not Exist (BYE)
        1        server -> acme/102 481 Call/Transaction Does Not Exist (BYE)
        1000   acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1001     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        1002   acme/101 -> server   ACK 102
        1002   acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        1003     server -> acme/101 100 Trying (INVITE)
        1003     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        1004   acme/102 -> server   180 Ringing (INVITE)
        1005     server -> acme/101 180 Ringing (INVITE)
        2004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        2005     server -> acme/102 ACK 102
        2005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        2006   acme/101 -> server   ACK 1
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn a_proxy_that_wants_to_stay_on_the_way_is_named_in_the_answer() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::PickUp(100));
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let invite = request("INVITE", "101@acme.example", "102@acme.example", "routed", 1);
    let invite = format!("{invite}\nRecord-Route: <sip:10.9.9.9;lr>");
    let body = sdp(hand.at, 4000, "");
    hand.insists(&mut scene, "101", &invite, &body);
    scene.run(200);
    let answer = hand.hears(&mut scene).pop().expect("an answer");
    assert_eq!(field(&answer, "Record-Route"), "Record-Route: <sip:10.9.9.9;lr>");
    let ack = request("ACK", "101@acme.example", "102@acme.example", "routed", 1)
        .replace("To: <sip:102@acme.example>", field(&answer, "To"));
    hand.send(&mut scene, &ack);
    scene.run(10);
    let callee = scene.world.phones.len() - 1;
    scene.hang_up(callee);
    let bye = hand.hears(&mut scene).pop().expect("a BYE");
    assert_eq!(field(&bye, "Route"), "Route: <sip:10.9.9.9;lr>");
    hand.responds(&mut scene, &bye, 200, "");
    scene.ends(expect![[r#"
        10         hand -> server   INVITE 102 {10.0.2.1:4000 0,8}
        11       server -> hand     407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        20         hand -> server   ACK 102 {unreadable}
        30         hand -> server   INVITE 102 +credentials {10.0.2.1:4000 0,8}
        31       server -> hand     100 Trying (INVITE)
        31       server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        32     acme/102 -> server   180 Ringing (INVITE)
        33       server -> hand     180 Ringing (INVITE)
        132    acme/102 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        133      server -> acme/102 ACK 102
        133      server -> hand     200 OK (INVITE) {10.0.0.1:10000 0,8}
        250        hand -> server   ACK 102
        260    acme/102 -> server   BYE 1
        261      server -> hand     BYE hand
        261      server -> acme/102 200 OK (BYE)
        270        hand -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 128 ms (ring 102, answered), packets 0 and 1
    "#]]);
}
