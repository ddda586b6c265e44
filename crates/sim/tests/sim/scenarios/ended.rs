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
             0 acme/101 -> server   BYE 1
             0 acme/102 -> server   BYE 1
             1   server -> acme/102 BYE 102
             1   server -> acme/101 200 OK (BYE)
             1   server -> acme/102 481 Call/Transaction Does Not Exist (BYE)
             2 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn the_callee_hangs_up_before_the_caller_has_heard_the_answer() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.pair();
    scene.lose_to(caller, "SIP/2.0 200", 1);
    scene.call(caller, "102");
    scene.run(1200);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
             0 acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
             1   server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
             2 acme/101 -> server   ACK 102
             2 acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
             3   server -> acme/101 100 Trying (INVITE)
             3   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
             4 acme/102 -> server   180 Ringing (INVITE)
             5   server -> acme/101 180 Ringing (INVITE)
          1004 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
          1005   server -> acme/102 ACK 102
          1005   server -x acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
          1200 acme/102 -> server   BYE 1
          1201   server -> acme/102 200 OK (BYE)
          1505   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
          1506 acme/101 -> server   ACK 1
          1507   server -> acme/101 BYE 101
          1508 acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 196 ms (ring 102, answered), packets 0 and 1
    "#]]);
}

#[test]
fn the_caller_hangs_up_although_its_ack_was_lost() {
    let mut scene = Scene::new();
    let (caller, _) = scene.pair();
    scene.call(caller, "102");
    scene.run(1000);
    scene.lose_to_server("ACK", 1);
    scene.run(100);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
             0 acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
             1   server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
             2 acme/101 -> server   ACK 102
             2 acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
             3   server -> acme/101 100 Trying (INVITE)
             3   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
             4 acme/102 -> server   180 Ringing (INVITE)
             5   server -> acme/101 180 Ringing (INVITE)
          1004 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
          1005   server -> acme/102 ACK 102
          1005   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
          1006 acme/101 -x server   ACK 1
          1100 acme/101 -> server   BYE 1
          1101   server -> acme/102 BYE 102
          1101   server -> acme/101 200 OK (BYE)
          1102 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 96 ms (ring 102, answered), packets 1 and 1
    "#]]);
}

#[test]
fn an_ack_that_is_lost_is_asked_for_again() {
    let mut scene = Scene::new();
    let (caller, _) = scene.pair();
    scene.call(caller, "102");
    scene.run(1000);
    scene.lose_to_server("ACK", 1);
    scene.run(2000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
             0 acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
             1   server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
             2 acme/101 -> server   ACK 102
             2 acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
             3   server -> acme/101 100 Trying (INVITE)
             3   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
             4 acme/102 -> server   180 Ringing (INVITE)
             5   server -> acme/101 180 Ringing (INVITE)
          1004 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
          1005   server -> acme/102 ACK 102
          1005   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
          1006 acme/101 -x server   ACK 1
          1505   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
          1506 acme/101 -> server   ACK 1
          3000 acme/101 -> server   BYE 1
          3001   server -> acme/102 BYE 102
          3001   server -> acme/101 200 OK (BYE)
          3002 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn a_caller_that_never_acknowledges_is_hung_up_after_32_seconds() {
    let mut scene = Scene::new();
    let (caller, _) = scene.pair();
    scene.call(caller, "102");
    scene.run(1000);
    scene.lose_to_server("ACK", 99);
    scene.ends(expect![[r#"
             0 acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
             1   server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
             2 acme/101 -> server   ACK 102
             2 acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
             3   server -> acme/101 100 Trying (INVITE)
             3   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
             4 acme/102 -> server   180 Ringing (INVITE)
             5   server -> acme/101 180 Ringing (INVITE)
          1004 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
          1005   server -> acme/102 ACK 102
          1005   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
          1006 acme/101 -x server   ACK 1
          1505   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
          1506 acme/101 -x server   ACK 1
          2505   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
          2506 acme/101 -x server   ACK 1
          4505   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
          4506 acme/101 -x server   ACK 1
          8505   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
          8506 acme/101 -x server   ACK 1
         12505   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
         12506 acme/101 -x server   ACK 1
         16505   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
         16506 acme/101 -x server   ACK 1
         20505   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
         20506 acme/101 -x server   ACK 1
         24505   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
         24506 acme/101 -x server   ACK 1
         28505   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
         28506 acme/101 -x server   ACK 1
         32505   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
         32506 acme/101 -x server   ACK 1
         33005   server -> acme/101 BYE 101 [Q.850;cause=102;text="no ACK"]
         33005   server -> acme/102 BYE 102 [Q.850;cause=102;text="no ACK"]
         33006 acme/101 -> server   200 OK (BYE)
         33006 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/102 by System, rang, talked 32000 ms (ring 102, answered), packets 64 and 65
    "#]]);
}

#[test]
fn the_ack_to_the_callee_is_lost() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.pair();
    scene.lose_to(callee, "ACK", 2);
    scene.call(caller, "102");
    scene.run(4000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
             0 acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
             1   server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
             2 acme/101 -> server   ACK 102
             2 acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
             3   server -> acme/101 100 Trying (INVITE)
             3   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
             4 acme/102 -> server   180 Ringing (INVITE)
             5   server -> acme/101 180 Ringing (INVITE)
          1004 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
          1005   server -x acme/102 ACK 102
          1005   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
          1006 acme/101 -> server   ACK 1
          1504 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
          1505   server -x acme/102 ACK 102
          2504 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
          2505   server -> acme/102 ACK 102
          4000 acme/101 -> server   BYE 1
          4001   server -> acme/102 BYE 102
          4001   server -> acme/101 200 OK (BYE)
          4002 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2996 ms (ring 102, answered), packets 6 and 6
    "#]]);
}

#[test]
fn invite_answer_and_bye_are_each_lost_once() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.pair();
    scene.mute(&[caller, callee]);
    scene.lose_to_server("INVITE", 1);
    scene.lose_to(callee, "INVITE", 1);
    scene.lose_to_server("SIP/2.0 180", 1);
    scene.lose_to_server("SIP/2.0 200", 1);
    scene.call(caller, "102");
    scene.run(5000);
    scene.lose_to_server("BYE", 1);
    scene.lose_to(callee, "BYE", 1);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
             0 acme/101 -x server   INVITE 102 {10.0.1.2:6060 0,8}
           500 acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
           501   server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
           502 acme/101 -> server   ACK 102
           502 acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
           503   server -> acme/101 100 Trying (INVITE)
           503   server -x acme/102 INVITE 102 {10.0.0.1:10002 0,8}
          1003   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
          1004 acme/102 -x server   180 Ringing (INVITE)
          2003   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
          2004 acme/102 -> server   180 Ringing (INVITE)
          2004 acme/102 -x server   200 OK (INVITE) {10.0.1.3:6060 0,8}
          2005   server -> acme/101 180 Ringing (INVITE)
          2504 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
          2505   server -> acme/102 ACK 102
          2505   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
          2506 acme/101 -> server   ACK 1
          5000 acme/101 -x server   BYE 1
          5500 acme/101 -> server   BYE 1
          5501   server -x acme/102 BYE 102
          5501   server -> acme/101 200 OK (BYE)
          6001   server -> acme/102 BYE 102
          6002 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2996 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn the_refusal_and_its_ack_are_lost() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Refuse(486, 100));
    scene.call(caller, "102");
    scene.run(50);
    scene.lose_to_server("SIP/2.0 486", 1);
    scene.lose_to(caller, "SIP/2.0 486", 1);
    scene.lose_to_server("ACK", 1);
    scene.ends(expect![[r#"
             0 acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
             1   server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
             2 acme/101 -> server   ACK 102
             2 acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
             3   server -> acme/101 100 Trying (INVITE)
             3   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
             4 acme/102 -> server   180 Ringing (INVITE)
             5   server -> acme/101 180 Ringing (INVITE)
           104 acme/102 -x server   486 Busy Here (INVITE)
           604 acme/102 -> server   486 Busy Here (INVITE)
           605   server -> acme/102 ACK 102
           605   server -x acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
          1105   server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
          1106 acme/101 -x server   ACK 102
          2105   server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
          4105   server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
          8105   server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
         12105   server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
         16105   server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
         20105   server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
         24105   server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
         28105   server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
         32105   server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        record 101 -> 102: 486/17 by Callee, rang (ring 102, busy)
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
          9507   server -> acme/101 BYE 101 [Q.850;cause=41;text="no media"]
          9507   server -> acme/102 BYE 102 [Q.850;cause=41;text="no media"]
          9508 acme/101 -> server   200 OK (BYE)
          9508 acme/102 -> server   200 OK (BYE)
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
             0 acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 inactive}
             1   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 inactive}
             1   server -> acme/101 100 Trying (INVITE)
             2 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 inactive}
             3   server -> acme/102 ACK 102
             3   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 inactive}
             4 acme/101 -> server   ACK 1
         60000 acme/101 -> server   BYE 1
         60001   server -> acme/102 BYE 102
         60001   server -> acme/101 200 OK (BYE)
         60002 acme/102 -> server   200 OK (BYE)
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
         29005   server -> acme/101 BYE 101 [Q.850;cause=102;text="longest call"]
         29005   server -> acme/102 BYE 102 [Q.850;cause=102;text="longest call"]
         29006 acme/101 -> server   200 OK (BYE)
         29006 acme/102 -> server   200 OK (BYE)
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
             0   server -> acme/101 BYE 101 [Q.850;cause=41;text="shutdown"]
             0   server -> acme/102 BYE 102 [Q.850;cause=41;text="shutdown"]
             0   server -> acme/103 503 Service Unavailable (INVITE) Retry-After 5 [Q.850;cause=41]
             0   server -> acme/104 CANCEL 104
             1 acme/101 -> server   200 OK (BYE)
             1 acme/102 -> server   200 OK (BYE)
             1 acme/103 -> server   ACK 104
             1 acme/104 -> server   200 OK (CANCEL)
             1 acme/104 -> server   487 Request Terminated (INVITE)
             2   server -> acme/104 ACK 104
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
             0 acme/102 loses its connection
             0 acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5060;transport=tcp> Expires 3600
             1   server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
             2 acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5060;transport=tcp> Expires 3600
             3   server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5060;transport=tcp>;expires=3600
          1000 acme/101 -> server   BYE 1
          1001   server -> acme/102 BYE 102
          1001   server -> acme/101 200 OK (BYE)
          1002 acme/102 -> server   200 OK (BYE)
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
             0   server dies and comes back
             0 acme/101 -> server   BYE 1
             0 acme/102 -> server   BYE 1
             1   server -> acme/101 481 Call/Transaction Does Not Exist (BYE)
             1   server -> acme/102 481 Call/Transaction Does Not Exist (BYE)
          1000 acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
          1001   server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
          1002 acme/101 -> server   ACK 102
          1002 acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
          1003   server -> acme/101 100 Trying (INVITE)
          1003   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
          1004 acme/102 -> server   180 Ringing (INVITE)
          1005   server -> acme/101 180 Ringing (INVITE)
          2004 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
          2005   server -> acme/102 ACK 102
          2005   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
          2006 acme/101 -> server   ACK 1
          3000 acme/101 -> server   BYE 1
          3001   server -> acme/102 BYE 102
          3001   server -> acme/101 200 OK (BYE)
          3002 acme/102 -> server   200 OK (BYE)
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
    let ack = request("ACK", "101@acme.example", "102@acme.example", "routed", 2)
        .replace("To: <sip:102@acme.example>", field(&answer, "To"));
    hand.send(&mut scene, &ack);
    scene.run(10);
    let callee = scene.world.phones.len() - 1;
    scene.hang_up(callee);
    let bye = hand.hears(&mut scene).pop().expect("a BYE");
    assert_eq!(field(&bye, "Route"), "Route: <sip:10.9.9.9;lr>");
    hand.responds(&mut scene, &bye, 200, "");
    scene.ends(expect![[r#"
            10     hand -> server   INVITE 102 {10.0.2.1:4000 0,8}
            11   server -> hand     407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
            20     hand -> server   ACK 102 {unreadable}
            30     hand -> server   INVITE 102 +credentials {10.0.2.1:4000 0,8}
            31   server -> hand     100 Trying (INVITE)
            31   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
            32 acme/102 -> server   180 Ringing (INVITE)
            33   server -> hand     180 Ringing (INVITE)
           132 acme/102 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
           133   server -> acme/102 ACK 102
           133   server -> hand     200 OK (INVITE) {10.0.0.1:10000 0,8}
           250     hand -> server   ACK 102
           260 acme/102 -> server   BYE 1
           261   server -> hand     BYE hand
           261   server -> acme/102 200 OK (BYE)
           270     hand -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 128 ms (ring 102, answered), packets 0 and 1
    "#]]);
}
