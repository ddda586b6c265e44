//! Several early dialogs, stray numbers, and UPDATE before the answer, by hand (RFC 3262 §3 and §4, RFC 3311 §5).

use super::by_hand::{code, field, request, sdp, to_tag};
use super::reliable::pair;
use super::{Hand, Scene};
use expect_test::expect;
use sim::phone::Answer;

/// A callee by hand, rung by a phone that doesn't know reliable responses: the INVITE that it got.
fn rung() -> (Scene, usize, Hand, String) {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.mute(&[caller]);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(&mut scene, "102", 1, "<sip:102@10.0.2.1>");
    scene.curtain();
    scene.call(caller, "102");
    scene.run(10);
    let invite = hand.hears(&mut scene).pop().expect("an INVITE");
    (scene, caller, hand, invite)
}

/// Sends a response under this To tag, with an RSeq unless that is zero.
fn responds(hand: &mut Hand, scene: &mut Scene, invite: &str, code: u16, tag: &str, rseq: u32, body: &str) {
    let response = String::from_utf8(hand.response(invite, code, body)).expect("text");
    let mut response = response.replace("tag=hand-10.0.2.1", &format!("tag={tag}"));
    if rseq > 0 {
        let lines = format!("Require: 100rel\r\nRSeq: {rseq}\r\nContact:");
        response = response.replacen("Contact:", &lines, 1);
    }
    hand.send_bytes(scene, response.into_bytes());
    scene.run(10);
}

#[test]
fn numbers_out_of_order_and_copies_say_nothing() {
    let (mut scene, caller, mut hand, invite) = rung();
    for rseq in [7, 7, 9, 8, 6, 9] {
        responds(&mut hand, &mut scene, &invite, 183, "a", rseq, "");
        for prack in hand.hears(&mut scene).iter().filter(|m| m.starts_with("PRACK")) {
            hand.responds(&mut scene, prack, 200, "");
        }
    }
    responds(&mut hand, &mut scene, &invite, 486, "a", 0, "");
    assert_eq!(
        scene.world.phones[caller].heard.last(),
        Some(&("INVITE".to_owned(), 486))
    );
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> hand     INVITE 102 {10.0.0.1:10002 0,8}
        20         hand -> server   183 Session Progress (INVITE) Require 100rel
        21       server -> hand     PRACK hand RAck 7 1 INVITE
        21       server -> acme/101 183 Session Progress (INVITE)
        40         hand -> server   200 OK (PRACK)
        40         hand -> server   183 Session Progress (INVITE) Require 100rel
        60         hand -> server   183 Session Progress (INVITE) Require 100rel
        80         hand -> server   183 Session Progress (INVITE) Require 100rel
        81       server -> hand     PRACK hand RAck 8 1 INVITE
        100        hand -> server   200 OK (PRACK)
        100        hand -> server   183 Session Progress (INVITE) Require 100rel
        120        hand -> server   183 Session Progress (INVITE) Require 100rel
        121      server -> hand     PRACK hand RAck 9 1 INVITE
        140        hand -> server   200 OK (PRACK)
        140        hand -> server   486 Busy Here (INVITE)
        141      server -> hand     ACK 102
        141      server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        142    acme/101 -> server   ACK 102
        record 101 -> 102: 486/17 by Callee, rang (ring 102, busy)
    "#]]);
}

#[test]
fn a_proxy_that_forks_makes_several_early_dialogs() {
    let (mut scene, caller, mut hand, invite) = rung();
    let first = sdp(hand.at, 4000, "");
    let second = sdp(hand.at, 4002, "").replace("RTP/AVP 0 8", "RTP/AVP 8");
    for (code, tag, rseq, body) in [
        (180, "a", 1, ""),
        (183, "b", 100, second.as_str()),
        (199, "a", 2, ""),
        (183, "c", 5, first.as_str()),
        (200, "c", 0, ""),
        (200, "b", 0, second.as_str()),
    ] {
        responds(&mut hand, &mut scene, &invite, code, tag, rseq, body);
        let heard = hand.hears(&mut scene);
        for ask in heard
            .iter()
            .filter(|m| m.starts_with("PRACK") || m.starts_with("BYE"))
        {
            hand.responds(&mut scene, ask, 200, "");
        }
    }
    scene.hang_up(caller);
    let bye = hand.hears(&mut scene).pop().expect("a BYE");
    assert!(
        field(&bye, "CSeq").ends_with("3 BYE"),
        "PRACK took a number: {bye}"
    );
    hand.responds(&mut scene, &bye, 200, "");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> hand     INVITE 102 {10.0.0.1:10002 0,8}
        20         hand -> server   180 Ringing (INVITE) Require 100rel
        21       server -> hand     PRACK hand RAck 1 1 INVITE
        21       server -> acme/101 180 Ringing (INVITE)
        40         hand -> server   200 OK (PRACK)
        40         hand -> server   183 Session Progress (INVITE) Require 100rel {10.0.2.1:4002 8}
        41       server -> hand     PRACK hand RAck 100 1 INVITE
        41       server -> acme/101 183 Session Progress (INVITE) {10.0.0.1:10000 8}
        60         hand -> server   200 OK (PRACK)
        60         hand -> server   199 Early Dialog Terminated (INVITE) Require 100rel
        61       server -> hand     PRACK hand RAck 2 1 INVITE
        80         hand -> server   200 OK (PRACK)
        80         hand -> server   183 Session Progress (INVITE) Require 100rel {10.0.2.1:4000 0,8}
        81       server -> hand     PRACK hand RAck 5 1 INVITE
        100        hand -> server   200 OK (PRACK)
        100        hand -> server   200 OK (INVITE)
        101      server -> hand     ACK hand
        101      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        102    acme/101 -> server   ACK 1
        120        hand -> server   200 OK (INVITE) {10.0.2.1:4002 8}
        121      server -> hand     ACK hand
        121      server -> hand     BYE hand [SIP;cause=200;text="Call completed elsewhere"]
        140        hand -> server   200 OK (BYE)
        140    acme/101 -> server   BYE 1
        141      server -> hand     BYE hand
        141      server -> acme/101 200 OK (BYE)
        150        hand -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 40 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn pracks_that_acknowledge_nothing() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::Ring);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    scene.curtain();
    let invite = request("INVITE", "101@acme.example", "102@acme.example", "rel", 1);
    let invite = format!("{invite}\nRequire: 100rel");
    let ringing = hand.insists(&mut scene, "101", &invite, &sdp(hand.at, 4000, ""));
    assert_eq!(code(&ringing), 180, "{ringing}");
    let rseq: u32 = field(&ringing, "RSeq")
        .trim_start_matches("RSeq: ")
        .parse()
        .expect("a number");
    let tag = to_tag(&ringing).to_owned();
    let prack = |cseq: u32, rack: &str| {
        let head = request("PRACK", "101@acme.example", "102@acme.example", "rel", cseq);
        let head = head.replace(
            "To: <sip:102@acme.example>",
            &format!("To: <sip:102@acme.example>;tag={tag}"),
        );
        format!("{head}\nRAck: {rack}")
    };
    let cases = [
        (prack(3, "x"), 400),
        (prack(4, &format!("{} 1 INVITE", rseq + 1)), 481),
        (prack(5, &format!("{rseq} 2 INVITE")), 481),
        (prack(6, &format!("{rseq} 1 INVITE")), 200),
        (prack(7, &format!("{rseq} 1 INVITE")), 481),
    ];
    for (head, expected) in cases {
        let answer = hand.asks(&mut scene, &head);
        assert_eq!(code(&answer), expected, "{head}");
    }
    let cancel = invite.replace("INVITE", "CANCEL");
    hand.asks(&mut scene, &cancel);
    scene.run(1000);
}

#[test]
fn an_update_before_the_answer() {
    let (mut scene, caller, _) = pair(true, false, Answer::EarlyMedia(1000));
    scene.act(caller, |phone, _| phone.abilities.update = true);
    scene.call(caller, "102");
    scene.run(500);
    scene.act(caller, |phone, now| phone.update(0, "sendonly", now));
    scene.run(100);
    scene.act(caller, |phone, now| phone.update(0, "", now));
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   183 Session Progress (INVITE) {10.0.1.3:6060 0,8}
        5        server -> acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0,8}
        6      acme/101 -> server   PRACK 1 RAck 835815916 2 INVITE
        7        server -> acme/101 200 OK (PRACK)
        500    acme/101 -> server   UPDATE 1 {10.0.1.2:6060 0,8 sendonly}
        501      server -> acme/101 200 OK (UPDATE) {10.0.0.1:10000 0,8 recvonly}
        600    acme/101 -> server   UPDATE 1
        601      server -> acme/101 200 OK (UPDATE)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE)
        1006   acme/101 -> server   ACK 1
        1007     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1008   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        1009     server -> acme/102 ACK 102
        1600   acme/101 -> server   BYE 1
        1601     server -> acme/102 BYE 102
        1601     server -> acme/101 200 OK (BYE)
        1602   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 596 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn an_offer_in_an_update_before_the_first_one_has_its_answer() {
    let (mut scene, caller, _) = pair(true, false, Answer::PickUp(1000));
    scene.act(caller, |phone, _| phone.abilities.update = true);
    scene.call(caller, "102");
    scene.run(500);
    scene.act(caller, |phone, now| phone.update(0, "sendonly", now));
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
        5        server -> acme/101 180 Ringing (INVITE) Require 100rel
        6      acme/101 -> server   PRACK 1 RAck 835815916 2 INVITE
        7        server -> acme/101 200 OK (PRACK)
        500    acme/101 -> server   UPDATE 1 {10.0.1.2:6060 0,8 sendonly}
        501      server -> acme/101 500 Server Internal Error (UPDATE) Retry-After 6
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1006   acme/101 -> server   ACK 1
        1500   acme/101 -> server   BYE 1
        1501     server -> acme/102 BYE 102
        1501     server -> acme/101 200 OK (BYE)
        1502   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 496 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_callee_that_updates_before_it_answers() {
    let (mut scene, _, mut hand, invite) = rung();
    let body = sdp(hand.at, 4000, "");
    let ask = |method: &str, cseq: u32, to: &str| {
        format!(
            "{method} sip:1@10.0.0.1:5060 SIP/2.0
Via: SIP/2.0/UDP {{at}};branch={{branch}};rport
Max-Forwards: 70
From: <sip:102@acme.example>;tag={to}
{}
{}
CSeq: {cseq} {method}
Contact: <sip:hand@{{at}}>",
            field(&invite, "From").replacen("From", "To", 1),
            field(&invite, "Call-ID"),
        )
    };
    responds(&mut hand, &mut scene, &invite, 180, "a", 1, "");
    let prack = hand.hears(&mut scene).pop().expect("a PRACK");
    hand.responds(&mut scene, &prack, 200, "");
    let refused = hand.asks_with(&mut scene, &ask("UPDATE", 1, "a"), &body);
    assert_eq!(code(&refused), 500);
    responds(&mut hand, &mut scene, &invite, 183, "a", 2, &body);
    let prack = hand.hears(&mut scene).pop().expect("a PRACK");
    hand.responds(&mut scene, &prack, 200, "");
    let held = sdp(hand.at, 4000, "a=sendonly\r\n");
    for (head, body, expected) in [
        (ask("UPDATE", 2, "a"), held.as_str(), 200),
        (ask("UPDATE", 2, "a"), "", 500),
        (ask("UPDATE", 3, "a"), "", 200),
        (ask("UPDATE", 3, "b"), "", 481),
        (ask("INFO", 4, "a"), "", 405),
    ] {
        let answer = hand.asks_with(&mut scene, &head, body);
        assert_eq!(code(&answer), expected, "{head}");
    }
    responds(&mut hand, &mut scene, &invite, 486, "a", 0, "");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> hand     INVITE 102 {10.0.0.1:10002 0,8}
        20         hand -> server   180 Ringing (INVITE) Require 100rel
        21       server -> hand     PRACK hand RAck 1 1 INVITE
        21       server -> acme/101 180 Ringing (INVITE)
        40         hand -> server   200 OK (PRACK)
        50         hand -> server   UPDATE 1 {10.0.2.1:4000 0,8}
        51       server -> hand     500 Server Internal Error (UPDATE) Retry-After 6
        60         hand -> server   183 Session Progress (INVITE) Require 100rel {10.0.2.1:4000 0,8}
        61       server -> hand     PRACK hand RAck 2 1 INVITE
        61       server -> acme/101 183 Session Progress (INVITE) {10.0.0.1:10000 0,8}
        80         hand -> server   200 OK (PRACK)
        90         hand -> server   UPDATE 1 {10.0.2.1:4000 0,8 sendonly}
        91       server -> hand     200 OK (UPDATE) {10.0.0.1:10002 0,8 recvonly}
        110        hand -> server   UPDATE 1
        111      server -> hand     500 Server Internal Error (UPDATE) Retry-After 7
        130        hand -> server   UPDATE 1
        131      server -> hand     200 OK (UPDATE)
        150        hand -> server   UPDATE 1
        151      server -> hand     481 Call/Transaction Does Not Exist (UPDATE)
        170        hand -> server   INFO 1
        171      server -> hand     405 Method Not Allowed (INFO)
        180        hand -> server   486 Busy Here (INVITE)
        181      server -> hand     ACK 102
        181      server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        182    acme/101 -> server   ACK 102
        record 101 -> 102: 486/17 by Callee, rang (ring 102, busy)
    "#]]);
}
