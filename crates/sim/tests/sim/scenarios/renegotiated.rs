//! Re-INVITE: hold, resume, other codecs, glare, refusal (RFC 3261 §14, RFC 3264 §8).

use super::by_hand::{field, request, sdp};
use super::{Hand, Scene};
use expect_test::expect;
use sim::phone::Answer;

#[test]
fn hold_and_resume_by_the_caller() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.reinvite(caller, "sendonly");
    scene.run(1000);
    scene.reinvite(caller, "sendrecv");
    scene.run(1000);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
             0 acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
             1   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
             1   server -> acme/101 100 Trying (INVITE)
             2 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
             3   server -> acme/102 ACK 102
             3   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
             4 acme/101 -> server   ACK 1
          1000 acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8}
          1001   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
          1001   server -> acme/101 100 Trying (INVITE)
          1002 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
          1003   server -> acme/102 ACK 102
          1003   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
          1004 acme/101 -> server   ACK 1
          2000 acme/102 -> server   BYE 1
          2001   server -> acme/101 BYE 101
          2001   server -> acme/102 200 OK (BYE)
          2002 acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 2996 ms (ring 102, answered), packets 6 and 4
    "#]]);
}

#[test]
fn hold_by_the_callee_with_inactive() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.reinvite(callee, "inactive");
    scene.run(1000);
    scene.reinvite(callee, "sendrecv");
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
             0 acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 inactive}
             1   server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8 inactive}
             1   server -> acme/102 100 Trying (INVITE)
             2 acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 inactive}
             3   server -> acme/101 ACK 101
             3   server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 0,8 inactive}
             4 acme/102 -> server   ACK 1
          1000 acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8}
          1001   server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8}
          1001   server -> acme/102 100 Trying (INVITE)
          1002 acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
          1003   server -> acme/101 ACK 101
          1003   server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 0,8}
          1004 acme/102 -> server   ACK 1
          2000 acme/101 -> server   BYE 1
          2001   server -> acme/102 BYE 102
          2001   server -> acme/101 200 OK (BYE)
          2002 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn other_codecs() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.act(caller, |phone, _| phone.codecs = vec![8]);
    scene.reinvite(caller, "sendrecv");
    scene.run(1000);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
             0 acme/101 -> server   INVITE 1 {10.0.1.2:6060 8}
             1   server -> acme/102 INVITE 102 {10.0.0.1:10002 8}
             1   server -> acme/101 100 Trying (INVITE)
             2 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 8}
             3   server -> acme/102 ACK 102
             3   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 8}
             4 acme/101 -> server   ACK 1
          1000 acme/102 -> server   BYE 1
          1001   server -> acme/101 BYE 101
          1001   server -> acme/102 200 OK (BYE)
          1002 acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn glare_that_the_caller_wins() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.reinvite(caller, "sendonly");
    scene.reinvite(callee, "sendonly");
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
             0 acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
             0 acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 sendonly}
             1   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
             1   server -> acme/101 100 Trying (INVITE)
             1   server -> acme/102 491 Request Pending (INVITE)
             2 acme/102 -> server   491 Request Pending (INVITE)
             2 acme/102 -> server   ACK 1
             3   server -> acme/102 ACK 102
             3   server -> acme/101 491 Request Pending (INVITE)
             4 acme/101 -> server   ACK 1
          1000 acme/101 -> server   BYE 1
          1001   server -> acme/102 BYE 102
          1001   server -> acme/101 200 OK (BYE)
          1002 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn glare_that_the_callee_wins() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.reinvite(callee, "sendonly");
    scene.reinvite(caller, "sendonly");
    scene.run(1000);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
             0 acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 sendonly}
             0 acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
             1   server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8 sendonly}
             1   server -> acme/102 100 Trying (INVITE)
             1   server -> acme/101 491 Request Pending (INVITE)
             2 acme/101 -> server   491 Request Pending (INVITE)
             2 acme/101 -> server   ACK 1
             3   server -> acme/101 ACK 101
             3   server -> acme/102 491 Request Pending (INVITE)
             4 acme/102 -> server   ACK 1
          1000 acme/102 -> server   BYE 1
          1001   server -> acme/101 BYE 101
          1001   server -> acme/102 200 OK (BYE)
          1002 acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn a_refusal_leaves_the_call_as_it_was() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.act(callee, |phone, _| phone.refuses_reinvite = Some(488));
    scene.reinvite(caller, "sendonly");
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
             0 acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
             1   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
             1   server -> acme/101 100 Trying (INVITE)
             2 acme/102 -> server   488 Not Acceptable Here (INVITE)
             3   server -> acme/102 ACK 102
             3   server -> acme/101 488 Not Acceptable Here (INVITE)
             4 acme/101 -> server   ACK 1
          1000 acme/101 -> server   BYE 1
          1001   server -> acme/102 BYE 102
          1001   server -> acme/101 200 OK (BYE)
          1002 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn a_phone_that_forgot_the_call_ends_it() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.act(callee, |phone, _| phone.refuses_reinvite = Some(481));
    scene.reinvite(caller, "sendonly");
    scene.ends(expect![[r#"
             0 acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
             1   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
             1   server -> acme/101 100 Trying (INVITE)
             2 acme/102 -> server   481 Call/Transaction Does Not Exist (INVITE)
             3   server -> acme/102 ACK 102
             3   server -> acme/101 480 Temporarily Unavailable (INVITE)
             3   server -> acme/101 BYE 101 [Q.850;cause=41;text="dialog lost"]
             3   server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
             4 acme/101 -> server   ACK 1
             4 acme/101 -> server   200 OK (BYE)
             4 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/41 by Callee, rang, talked 998 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn a_phone_that_is_silent_ends_the_call() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.answers(callee, Answer::Dead);
    scene.reinvite(caller, "sendonly");
    scene.run(40_000);
    scene.act(callee, |phone, _| phone.reboot());
    scene.ends(expect![[r#"
             0 acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
             1   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
             1   server -> acme/101 100 Trying (INVITE)
           501   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
          1501   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
          3501   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
          7501   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
         15501   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
         31501   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
         32001   server -> acme/101 480 Temporarily Unavailable (INVITE)
         32001   server -> acme/101 BYE 101 [Q.850;cause=41;text="dialog lost"]
         32001   server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
         32002 acme/101 -> server   ACK 1
         32002 acme/101 -> server   200 OK (BYE)
         32501   server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
         33501   server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
         35501   server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
         39501   server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
         43501   server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
         47501   server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
         51501   server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
         55501   server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
         59501   server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
         63501   server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        record 101 -> 102: 200/41 by Callee, rang, talked 32996 ms (ring 102, answered), packets 66 and 2
    "#]]);
}

#[test]
fn the_caller_hangs_up_while_the_other_side_is_asked() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.answers(callee, Answer::Dead);
    scene.reinvite(caller, "sendonly");
    scene.run(300);
    scene.answers(callee, Answer::Ring);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
             0 acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
             1   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
             1   server -> acme/101 100 Trying (INVITE)
           300 acme/101 -> server   BYE 1
           301   server -> acme/101 487 Request Terminated (INVITE)
           301   server -> acme/102 BYE 102
           301   server -> acme/101 200 OK (BYE)
           302 acme/101 -> server   ACK 1
           302 acme/102 -> server   200 OK (BYE)
           501   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
           502 acme/102 -> server   481 Call/Transaction Does Not Exist (INVITE)
           503   server -> acme/102 ACK 102
        record 101 -> 102: 200/16 by Caller, rang, talked 1296 ms (ring 102, answered), packets 3 and 2
    "#]]);
}

#[test]
fn the_2xx_and_the_acks_are_lost() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.lose_to_server("SIP/2.0 200", 1);
    scene.lose_to(callee, "ACK", 1);
    scene.lose_to_server("ACK", 1);
    scene.reinvite(caller, "sendonly");
    scene.run(5000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
             0 acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
             1   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
             1   server -> acme/101 100 Trying (INVITE)
             2 acme/102 -x server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
           501   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
           502 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
           502 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
           503   server -x acme/102 ACK 102
           503   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
           503   server -> acme/102 ACK 102
           504 acme/101 -x server   ACK 1
          1003   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
          1004 acme/101 -> server   ACK 1
          5000 acme/101 -> server   BYE 1
          5001   server -> acme/102 BYE 102
          5001   server -> acme/101 200 OK (BYE)
          5002 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 5996 ms (ring 102, answered), packets 12 and 2
    "#]]);
}

/// 101 by hand in a call with phone 102; gives the dialog's INVITE to follow up on.
fn by_hand(scene: &mut Scene) -> (Hand, usize, String) {
    let callee = scene.phone("102", Answer::PickUp(0));
    let mut hand = Hand::new(scene, "hand", 1);
    let body = sdp(hand.at, 4000, "");
    let invite = request("INVITE", "101@acme.example", "102@acme.example", "by-hand", 1);
    let answer = hand.insists(scene, "101", &invite, &body);
    let to = field(&answer, "To").to_owned();
    let within = |method: &str, cseq: u32| {
        request(method, "101@acme.example", "102@acme.example", "by-hand", cseq)
            .replace("To: <sip:102@acme.example>", &to)
    };
    hand.send(scene, &within("ACK", 2));
    scene.run(100);
    scene.curtain();
    (hand, callee, within("METHOD", 99))
}

fn next(head: &str, method: &str, cseq: u32) -> String {
    head.replace("METHOD", method).replace("99", &cseq.to_string())
}

#[test]
fn hold_in_the_old_way_with_no_address() {
    let mut scene = Scene::new();
    let (mut hand, _, head) = by_hand(&mut scene);
    let nowhere = "0.0.0.0:4000".parse().unwrap();
    hand.send_with(&mut scene, &next(&head, "INVITE", 3), &sdp(nowhere, 4000, ""));
    scene.run(100);
    hand.send(&mut scene, &next(&head, "ACK", 3));
    scene.run(1000);
    hand.send(&mut scene, &next(&head, "BYE", 4));
    scene.ends(expect![[r#"
             0     hand -> server   INVITE 102 {nowhere 0,8}
             1   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
             1   server -> hand     100 Trying (INVITE)
             2 acme/102 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 recvonly}
             3   server -> acme/102 ACK 102
             3   server -> hand     200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
           100     hand -> server   ACK 102
          1100     hand -> server   BYE 102
          1101   server -> acme/102 BYE 102
          1101   server -> hand     200 OK (BYE)
          1102 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1208 ms (ring 102, answered), packets 0 and 1
    "#]]);
}

#[test]
fn a_reinvite_is_taken_back() {
    let mut scene = Scene::new();
    let (mut hand, callee, head) = by_hand(&mut scene);
    scene.answers(callee, Answer::Dead);
    let hold = sdp(hand.at, 4000, "a=sendonly\r\n");
    let invite = next(&head, "INVITE", 3).replace("{branch}", "z9hG4bK-taken-back");
    hand.send_with(&mut scene, &invite, &hold);
    scene.run(100);
    let cancel = next(&head, "CANCEL", 3).replace("{branch}", "z9hG4bK-taken-back");
    hand.send(&mut scene, &cancel);
    scene.run(100);
    let ack = next(&head, "ACK", 3).replace("{branch}", "z9hG4bK-taken-back");
    hand.send(&mut scene, &ack);
    scene.answers(callee, Answer::PickUp(0));
    scene.run(1000);
    hand.send(&mut scene, &next(&head, "BYE", 4));
    scene.ends(expect![[r#"
             0     hand -> server   INVITE 102 {10.0.2.1:4000 0,8 sendonly}
             1   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
             1   server -> hand     100 Trying (INVITE)
           100     hand -> server   CANCEL 102
           101   server -> hand     200 OK (CANCEL)
           101   server -> hand     487 Request Terminated (INVITE)
           200     hand -> server   ACK 102
           501   server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
           502 acme/102 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 recvonly}
           503   server -> acme/102 ACK 102
          1200     hand -> server   BYE 102
          1201   server -> acme/102 BYE 102
          1201   server -> hand     200 OK (BYE)
          1202 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1308 ms (ring 102, answered), packets 0 and 2
    "#]]);
}

#[test]
fn without_an_offer_or_with_a_broken_one() {
    let mut scene = Scene::new();
    let (mut hand, _, head) = by_hand(&mut scene);
    for (cseq, body) in [
        (3, ""),
        (4, "v=0\r\nnonsense\r\n"),
        (5, "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\n"),
    ] {
        let invite = next(&head, "INVITE", cseq).replace("{branch}", &format!("z9hG4bK-broken-{cseq}"));
        hand.send_with(&mut scene, &invite, body);
        scene.run(10);
        let ack = next(&head, "ACK", cseq).replace("{branch}", &format!("z9hG4bK-broken-{cseq}"));
        hand.send(&mut scene, &ack);
        scene.run(10);
    }
    hand.send(&mut scene, &next(&head, "BYE", 6));
    scene.ends(expect![[r#"
             0     hand -> server   INVITE 102
             1   server -> hand     488 Not Acceptable Here (INVITE)
            10     hand -> server   ACK 102
            20     hand -> server   INVITE 102 {unreadable}
            21   server -> hand     400 Bad Request (INVITE)
            30     hand -> server   ACK 102
            40     hand -> server   INVITE 102 {no audio}
            41   server -> hand     488 Not Acceptable Here (INVITE)
            50     hand -> server   ACK 102
            60     hand -> server   BYE 102
            61   server -> acme/102 BYE 102
            61   server -> hand     200 OK (BYE)
            62 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 168 ms (ring 102, answered), packets 0 and 1
    "#]]);
}

#[test]
fn requests_of_all_kinds_inside_the_call() {
    let mut scene = Scene::new();
    let (mut hand, _, head) = by_hand(&mut scene);
    for (cseq, method) in (3..).zip(["OPTIONS", "REGISTER", "INFO", "UPDATE", "REFER"]) {
        hand.send(&mut scene, &next(&head, method, cseq));
        scene.run(10);
    }
    let old = next(&head, "OPTIONS", 2);
    hand.send(&mut scene, &old);
    scene.run(10);
    hand.send(&mut scene, &next(&head, "BYE", 20));
    scene.ends(expect![[r#"
             0     hand -> server   OPTIONS 102
             1   server -> hand     200 OK (OPTIONS)
            10     hand -> server   REGISTER 102 <sip:hand@10.0.2.1:5060>
            11   server -> hand     405 Method Not Allowed (REGISTER)
            20     hand -> server   INFO 102
            21   server -> hand     405 Method Not Allowed (INFO)
            30     hand -> server   UPDATE 102
            31   server -> hand     405 Method Not Allowed (UPDATE)
            40     hand -> server   REFER 102
            41   server -> hand     405 Method Not Allowed (REFER)
            50     hand -> server   OPTIONS 102
            51   server -> hand     500 Server Internal Error (OPTIONS)
            60     hand -> server   BYE 102
            61   server -> acme/102 BYE 102
            61   server -> hand     200 OK (BYE)
            62 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 168 ms (ring 102, answered), packets 0 and 1
    "#]]);
}

#[test]
fn from_a_strange_address_the_phone_must_prove_itself() {
    let mut scene = Scene::new();
    let (_hand, _, head) = by_hand(&mut scene);
    let mut moved = Hand::new(&mut scene, "moved", 77);
    moved.send(&mut scene, &next(&head, "BYE", 3));
    scene.run(100);
    let theirs = next(&head, "BYE", 4);
    moved.insists(&mut scene, "103", &theirs, "");
    scene.run(100);
    let ours = next(&head, "BYE", 5);
    moved.insists(&mut scene, "101", &ours, "");
    scene.ends(expect![[r#"
             0    moved -> server   BYE 102
             1   server -> moved    407 Proxy Authentication Required (BYE) ?SHA-256 ?MD5
           110    moved -> server   BYE 102
           111   server -> moved    407 Proxy Authentication Required (BYE) ?SHA-256 ?MD5
           130    moved -> server   BYE 102 +credentials
           131   server -> moved    403 Forbidden (BYE)
           250    moved -> server   BYE 102
           251   server -> moved    407 Proxy Authentication Required (BYE) ?SHA-256 ?MD5
           270    moved -> server   BYE 102 +credentials
           271   server -> acme/102 BYE 102
           271   server -> moved    200 OK (BYE)
           272 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 378 ms (ring 102, answered), packets 0 and 1
    "#]]);
}

#[test]
fn guessed_tags_reach_no_dialog() {
    let mut scene = Scene::new();
    let (mut hand, _, head) = by_hand(&mut scene);
    let to = field(&head, "To").to_owned();
    let (_, tag) = to.split_once(";tag=").expect("a tag");
    for guess in ["1-0000000000000000", "2-0000000000000000", "99-1", "whatever"] {
        hand.send(&mut scene, &next(&head, "BYE", 3).replace(tag, guess));
        scene.run(10);
    }
    hand.send(
        &mut scene,
        &next(&head, "BYE", 3).replace("tag=f-by-hand", "tag=f-other"),
    );
    scene.run(10);
    hand.send(
        &mut scene,
        &next(&head, "BYE", 3).replace("Call-ID: by-hand", "Call-ID: other"),
    );
    scene.run(10);
    hand.send(&mut scene, &next(&head, "BYE", 3));
    scene.ends(expect![[r#"
             0     hand -> server   BYE 102
             1   server -> hand     481 Call/Transaction Does Not Exist (BYE)
            10     hand -> server   BYE 102
            11   server -> hand     481 Call/Transaction Does Not Exist (BYE)
            20     hand -> server   BYE 102
            21   server -> hand     481 Call/Transaction Does Not Exist (BYE)
            30     hand -> server   BYE 102
            31   server -> hand     481 Call/Transaction Does Not Exist (BYE)
            40     hand -> server   BYE 102
            41   server -> hand     481 Call/Transaction Does Not Exist (BYE)
            50     hand -> server   BYE 102
            51   server -> hand     481 Call/Transaction Does Not Exist (BYE)
            60     hand -> server   BYE 102
            61   server -> acme/102 BYE 102
            61   server -> hand     200 OK (BYE)
            62 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 168 ms (ring 102, answered), packets 0 and 1
    "#]]);
}
