//! Phones that break off, keep silent or speak out of turn: every call ends, and nothing stays behind.

use super::Scene;
use super::by_hand::{Hand, field, request, sdp};
use super::scene::{ACME, with_users};
use super::within::{by_hand, next};
use expect_test::expect;
use model::{Policy, Transport};
use sim::phone::Answer;

#[test]
fn a_caller_who_is_answered_after_its_connection_broke_and_stays_away() {
    let mut scene = Scene::new();
    let caller = scene.phone_on("101", Transport::Tcp, Answer::PickUp(0));
    scene.phone("102", Answer::PickUp(3000));
    scene.call(caller, "102");
    scene.run(1000);
    scene.curtain();
    scene.world.disconnect(caller);
    scene.ends(expect![[r#"
        0      acme/101 loses its connection
        2004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        2005     server -> acme/102 ACK 102
        2005     server -x acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        2505     server -x acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        3505     server -x acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        5505     server -x acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        9505     server -x acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        10000    server -> acme/102 BYE 102 [Q.850;cause=102;text="caller did not come back"]
        10001  acme/102 -> server   200 OK (BYE)
        13505    server -x acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        17505    server -x acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        21505    server -x acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        25505    server -x acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        29505    server -x acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        33505    server -x acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        34005    server -x acme/101 BYE 101 [Q.850;cause=102;text="caller did not come back"]
        record 101 -> 102: 200/102 by System, rang, talked 7995 ms (ring 102, answered), packets 0 and 16, Caller: nothing comes from it
    "#]]);
}

#[test]
fn a_reinvite_whose_connection_breaks_is_called_off() {
    let mut scene = Scene::new();
    let caller = scene.phone_on("101", Transport::Tcp, Answer::PickUp(0));
    let callee = scene.phone("102", Answer::PickUp(0));
    scene.call(caller, "102");
    scene.run(1000);
    scene.curtain();
    scene.lose_to(callee, "INVITE", 2);
    scene.reinvite(caller, "sendonly");
    scene.run(100);
    scene.world.disconnect(caller);
    scene.act(caller, |phone, now| phone.register(3600, now));
    scene.run(3000);
    scene.reinvite(callee, "sendonly");
    scene.run(1000);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -x acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        100    acme/101 loses its connection
        100    acme/101 -> server   REGISTER acme.example <sip:101@10.0.1.2:5060;transport=tcp> Expires 3600
        101      server -> acme/101 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        102    acme/101 -> server   REGISTER acme.example +credentials <sip:101@10.0.1.2:5060;transport=tcp> Expires 3600
        103      server -> acme/101 200 OK (REGISTER) <sip:101@10.0.1.2:5060;transport=tcp>;expires=3600
        501      server -x acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1501     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1502   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        1503     server -> acme/102 ACK 102
        1503     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        1504   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1505     server -> acme/102 ACK 102
        3100   acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 sendonly}
        3101     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8 sendonly}
        3101     server -> acme/102 100 Trying (INVITE)
        3102   acme/101 -> server   491 Request Pending (INVITE)
        3103     server -> acme/101 ACK 101
        3103     server -> acme/102 491 Request Pending (INVITE)
        3104   acme/102 -> server   ACK 1
        4100   acme/102 -> server   BYE 1
        4101     server -> acme/101 BYE 101
        4101     server -> acme/102 200 OK (BYE)
        4102   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 5096 ms (ring 102, answered), packets 11 and 11
    "#]]);
}

#[test]
fn a_refused_reinvite_whose_ack_never_comes_does_not_end_the_call() {
    let mut scene = Scene::new();
    let (mut hand, _, head) = by_hand(&mut scene);
    let video =
        "v=0\r\no=- 7 7 IN IP4 10.0.2.1\r\ns=-\r\nc=IN IP4 10.0.2.1\r\nt=0 0\r\nm=video 4 RTP/AVP 96\r\n";
    hand.send_with(&mut scene, &next(&head, "INVITE", 3), video);
    scene.run(40_000);
    assert!(hand.hears(&mut scene)[0].starts_with("SIP/2.0 488"));
    assert_eq!(scene.world.server.tenant(ACME).unwrap().calls().len(), 1);
}

#[test]
fn a_late_copy_of_an_old_ack_does_not_stop_a_new_2xx() {
    let mut scene = Scene::new();
    let (mut hand, _, head) = by_hand(&mut scene);
    let hold = sdp(hand.at, 4000, "a=sendonly\r\n");
    hand.send_with(&mut scene, &next(&head, "INVITE", 3), &hold);
    scene.run(100);
    hand.send(&mut scene, &next(&head, "ACK", 2));
    scene.run(1000);
    let heard = hand.hears(&mut scene);
    let answers = heard
        .iter()
        .filter(|m| m.starts_with("SIP/2.0 200") && m.contains("CSeq: 3 INVITE"));
    assert_eq!(answers.count(), 2, "{heard:#?}");
}

#[test]
fn a_late_cancel_does_not_take_back_a_newer_reinvite() {
    let mut scene = Scene::new();
    let (mut hand, callee, head) = by_hand(&mut scene);
    let hold = sdp(hand.at, 4000, "a=sendonly\r\n");
    let old = |method: &str| next(&head, method, 3).replace("{branch}", "z9hG4bK-old");
    hand.send_with(&mut scene, &old("INVITE"), &hold);
    scene.run(100);
    hand.send(&mut scene, &next(&head, "ACK", 3));
    scene.answers(callee, Answer::Dead);
    hand.send_with(&mut scene, &next(&head, "INVITE", 4), &sdp(hand.at, 4000, ""));
    scene.run(100);
    hand.send(&mut scene, &old("CANCEL"));
    let heard = hand.hears(&mut scene);
    assert!(heard.iter().any(|m| m.contains("CSeq: 3 CANCEL")), "{heard:#?}");
    assert!(!heard.iter().any(|m| m.starts_with("SIP/2.0 487")), "{heard:#?}");
}

#[test]
fn a_stranger_who_saw_the_branch_can_not_cancel() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::Ring);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let invite = request("INVITE", "101@acme.example", "102@acme.example", "seen", 1);
    let body = sdp(hand.at, 4000, "");
    let invite = invite
        .replace("{branch}", "z9hG4bK-{branch}")
        .replace("{at}", &hand.at.to_string());
    let ringing = hand.insists(&mut scene, "101", &invite, &body);
    assert!(ringing.starts_with("SIP/2.0 180"), "{ringing}");
    let cancel = request("CANCEL", "101@acme.example", "102@acme.example", "seen", 1);
    let via = field(&ringing, "Via")
        .split_once(";received")
        .unwrap()
        .0
        .to_owned();
    let cancel = cancel.replace("Via: SIP/2.0/UDP {at};branch={branch};rport", &via);
    let mut stranger = Hand::new(&mut scene, "stranger", 66);
    let told = stranger.asks(&mut scene, &cancel);
    assert!(told.starts_with("SIP/2.0 481"), "{told}");
    let told = hand.asks(&mut scene, &cancel);
    assert!(told.starts_with("SIP/2.0 487"), "{told}");
}

/// Phone 101 in a call with 102 by hand; gives the hand, the phone, and what a request of the hand within the call
/// looks like.
fn called_by_hand(
    scene: &mut Scene,
    answer: impl FnOnce(&mut Hand, &mut Scene, &str),
) -> (Hand, usize, String) {
    let caller = scene.phone("101", Answer::PickUp(0));
    let mut hand = Hand::new(scene, "hand", 1);
    hand.registers(scene, "102", 1, "<sip:102@10.0.2.1:5060>");
    scene.call(caller, "102");
    let invite = hand.hears(scene).pop().unwrap();
    answer(&mut hand, scene, &invite);
    let ack = hand.hears(scene).pop().unwrap();
    assert!(ack.starts_with("ACK"), "{ack}");
    let contact = field(&ack, "From").replacen("From", "To", 1);
    let from = field(&ack, "To").replacen("To", "From", 1);
    let call_id = field(&ack, "Call-ID").to_owned();
    let head = format!(
        "METHOD sip:1@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP {{at}};branch={{branch}};rport\nMax-Forwards: 70\n\
         {from}\n{contact}\n{call_id}\nCSeq: 99 METHOD"
    );
    scene.curtain();
    (hand, caller, head)
}

#[test]
fn a_phone_that_hangs_up_within_a_reinvite_leaves_no_transaction() {
    let mut scene = Scene::new();
    let (mut hand, caller, head) = called_by_hand(&mut scene, |hand, scene, invite| {
        hand.responds(scene, invite, 200, &sdp(hand.at, 4000, ""));
    });
    scene.reinvite(caller, "sendonly");
    let invite = hand.hears(&mut scene).pop().unwrap();
    hand.responds(&mut scene, &invite, 100, "");
    scene.run(10);
    hand.send(&mut scene, &next(&head, "BYE", 1));
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> hand     INVITE hand {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        10         hand -> server   100 Trying (INVITE)
        20         hand -> server   BYE 1
        21       server -> hand     CANCEL hand
        21       server -> acme/101 487 Request Terminated (INVITE)
        21       server -> acme/101 BYE 101
        21       server -> hand     200 OK (BYE)
        22     acme/101 -> server   ACK 1
        22     acme/101 -> server   200 OK (BYE)
        521      server -> hand     CANCEL hand
        1521     server -> hand     CANCEL hand
        3521     server -> hand     CANCEL hand
        7521     server -> hand     CANCEL hand
        11521    server -> hand     CANCEL hand
        15521    server -> hand     CANCEL hand
        19521    server -> hand     CANCEL hand
        23521    server -> hand     CANCEL hand
        27521    server -> hand     CANCEL hand
        31521    server -> hand     CANCEL hand
        record 101 -> 102: 200/16 by Callee, talked 30 ms (ring 102, answered), packets 1 and 0
    "#]]);
}

#[test]
fn a_copy_of_a_2xx_without_a_tag_is_acknowledged_not_hung_up() {
    let mut scene = Scene::new();
    let (mut hand, _, head) = called_by_hand(&mut scene, |hand, scene, invite| {
        let answer = String::from_utf8(hand.response(invite, 200, &sdp(hand.at, 4000, ""))).unwrap();
        let answer = answer.replace(";tag=hand-10.0.2.1", "").into_bytes();
        hand.send_bytes(scene, answer.clone());
        hand.send_bytes(scene, answer);
    });
    scene.run(1000);
    hand.send(&mut scene, &next(&head, "BYE", 1));
    scene.ends(expect![[r#"
        1000       hand -> server   BYE 1
        1001     server -> acme/101 BYE 101
        1001     server -> hand     200 OK (BYE)
        1002   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, talked 1010 ms (ring 102, answered), packets 3 and 0
    "#]]);
}

#[test]
fn a_call_that_has_ended_is_not_counted_against_the_policy() {
    let mut scene = Scene::with(Policy {
        max_calls: 1,
        ..Policy::default()
    });
    let caller = scene.phone("101", Answer::PickUp(0));
    let dead = scene.phone("102", Answer::Ring);
    scene.phone("103", Answer::Ring);
    scene.lose_to(dead, "INVITE", 99);
    scene.call(caller, "102");
    scene.run(100);
    scene.cancel(caller);
    scene.run(100);
    scene.call(caller, "103");
    scene.run(100);
    assert_eq!(scene.world.server.tenant(ACME).unwrap().calls().len(), 1);
    scene.call(caller, "102");
    scene.run(100);
    scene.sees(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -x acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        100    acme/101 -> server   CANCEL 102
        101      server -> acme/101 200 OK (CANCEL)
        101      server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        102    acme/101 -> server   ACK 102
        200    acme/101 -> server   INVITE 103 {10.0.1.2:6060 0,8}
        201      server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        202    acme/101 -> server   ACK 103
        202    acme/101 -> server   INVITE 103 +credentials {10.0.1.2:6060 0,8}
        203      server -> acme/101 100 Trying (INVITE)
        203      server -> acme/103 INVITE 103 {10.0.0.1:10006 0,8}
        204    acme/103 -> server   180 Ringing (INVITE)
        205      server -> acme/101 180 Ringing (INVITE)
        300    acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        301      server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        302    acme/101 -> server   ACK 102
        302    acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        303      server -> acme/101 503 Service Unavailable (INVITE) Retry-After 5
        304    acme/101 -> server   ACK 102
        record 101 -> 102: 487/16 by Caller (ring 102)
    "#]]);
}

#[test]
fn what_was_revoked_while_the_server_was_down_is_not_restored() {
    let mut scene = Scene::new();
    scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Ring);
    let revoked = with_users(2, |user| user.enabled = &*user.extension != "102");
    scene.world.server.configure_next(revoked);
    scene.world.restart_server();
    let now = scene.world.now();
    let kept = scene.world.server.tenant(ACME).unwrap().registrations(now);
    let kept: Vec<_> = kept.iter().map(|view| view.aor.as_str()).collect();
    assert_eq!(kept, ["sip:101@acme.example"]);
}
