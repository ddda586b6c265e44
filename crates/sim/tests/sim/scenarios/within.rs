//! What a phone written by hand says inside a call: odd re-INVITEs, requests of all kinds, and claims of strangers.

use super::by_hand::{field, request, sdp};
use super::{Hand, Scene};
use expect_test::expect;
use sim::phone::Answer;
use sim::world::Trace;

/// 101 by hand in a call with phone 102; gives the dialog's INVITE to follow up on.
pub(super) fn by_hand(scene: &mut Scene) -> (Hand, usize, String) {
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
    hand.send(scene, &within("ACK", 1));
    scene.run(100);
    scene.curtain();
    (hand, callee, within("METHOD", 99))
}

pub(super) fn next(head: &str, method: &str, cseq: u32) -> String {
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
        0          hand -> server   INVITE 102 {nowhere 0,8}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> hand     100 Trying (INVITE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 recvonly}
        3        server -> acme/102 ACK 102
        3        server -> hand     200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
        100        hand -> server   ACK 102
        1100       hand -> server   BYE 102
        1101     server -> acme/102 BYE 102
        1101     server -> hand     200 OK (BYE)
        1102   acme/102 -> server   200 OK (BYE)
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
        0          hand -> server   INVITE 102 {10.0.2.1:4000 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> hand     100 Trying (INVITE)
        100        hand -> server   CANCEL 102
        101      server -> hand     200 OK (CANCEL)
        101      server -> hand     487 Request Terminated (INVITE)
        200        hand -> server   ACK 102
        501      server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        502    acme/102 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 recvonly}
        503      server -> acme/102 ACK 102
        503      server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        505      server -> acme/102 ACK 102
        1200       hand -> server   BYE 102
        1201     server -> acme/102 BYE 102
        1201     server -> hand     200 OK (BYE)
        1202   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1308 ms (ring 102, answered), packets 0 and 3
    "#]]);
}

/// What the callee agreed to was taken back, and it answers 491 to the re-INVITE that says so, again and again, with no
/// re-INVITE of its own: it is asked ten times, and the call goes on.
#[test]
fn a_phone_that_always_has_something_pending_is_not_asked_for_ever() {
    let mut scene = Scene::new();
    let (mut hand, callee, head) = by_hand(&mut scene);
    scene.answers(callee, Answer::Dead);
    let invite = next(&head, "INVITE", 3).replace("{branch}", "z9hG4bK-taken-back");
    let body = sdp(hand.at, 4000, "a=sendonly\r\n");
    hand.send_with(&mut scene, &invite, &body);
    scene.run(100);
    for (method, wait) in [("CANCEL", 100), ("ACK", 0)] {
        let text = next(&head, method, 3).replace("{branch}", "z9hG4bK-taken-back");
        hand.send(&mut scene, &text);
        scene.run(wait);
    }
    scene.answers(callee, Answer::PickUp(0));
    scene.run(302);
    scene.act(callee, |phone, _| phone.refuses_reinvite = Some(491));
    scene.run(120_000);
    let text = scene.text();
    assert_eq!(
        text.matches("-> server   491 Request Pending").count(),
        10,
        "{text}"
    );
    scene.curtain();
    hand.send(&mut scene, &next(&head, "BYE", 4));
    scene.rests();
}

#[test]
fn with_a_broken_offer() {
    let mut scene = Scene::new();
    let (mut hand, _, head) = by_hand(&mut scene);
    for (cseq, body) in [
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
        0          hand -> server   INVITE 102 {unreadable}
        1        server -> hand     400 Bad Request (INVITE)
        10         hand -> server   ACK 102
        20         hand -> server   INVITE 102 {no audio}
        21       server -> hand     488 Not Acceptable Here (INVITE)
        30         hand -> server   ACK 102
        40         hand -> server   BYE 102
        41       server -> acme/102 BYE 102
        41       server -> hand     200 OK (BYE)
        42     acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 148 ms (ring 102, answered), packets 0 and 1
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
        0          hand -> server   OPTIONS 102
        1        server -> hand     200 OK (OPTIONS)
        10         hand -> server   REGISTER 102 <sip:hand@10.0.2.1:5060>
        11       server -> hand     405 Method Not Allowed (REGISTER)
        20         hand -> server   INFO 102
        21       server -> hand     200 OK (INFO)
        30         hand -> server   UPDATE 102
        31       server -> hand     200 OK (UPDATE)
        40         hand -> server   REFER 102
        41       server -> hand     400 Bad Request (REFER)
        50         hand -> server   OPTIONS 102
        51       server -> hand     500 Server Internal Error (OPTIONS)
        60         hand -> server   BYE 102
        61       server -> acme/102 BYE 102
        61       server -> hand     200 OK (BYE)
        62     acme/102 -> server   200 OK (BYE)
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
        0         moved -> server   BYE 102
        1        server -> moved    407 Proxy Authentication Required (BYE) ?SHA-256 ?MD5
        110       moved -> server   BYE 102
        111      server -> moved    407 Proxy Authentication Required (BYE) ?SHA-256 ?MD5
        130       moved -> server   BYE 102 +credentials
        131      server -> moved    403 Forbidden (BYE)
        250       moved -> server   BYE 102
        251      server -> moved    407 Proxy Authentication Required (BYE) ?SHA-256 ?MD5
        270       moved -> server   BYE 102 +credentials
        271      server -> acme/102 BYE 102
        271      server -> moved    200 OK (BYE)
        272    acme/102 -> server   200 OK (BYE)
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
        0          hand -> server   BYE 102
        1        server -> hand     481 Call/Transaction Does Not Exist (BYE)
        10         hand -> server   BYE 102
        11       server -> hand     481 Call/Transaction Does Not Exist (BYE)
        20         hand -> server   BYE 102
        21       server -> hand     481 Call/Transaction Does Not Exist (BYE)
        30         hand -> server   BYE 102
        31       server -> hand     481 Call/Transaction Does Not Exist (BYE)
        40         hand -> server   BYE 102
        41       server -> hand     481 Call/Transaction Does Not Exist (BYE)
        50         hand -> server   BYE 102
        51       server -> hand     481 Call/Transaction Does Not Exist (BYE)
        60         hand -> server   BYE 102
        61       server -> acme/102 BYE 102
        61       server -> hand     200 OK (BYE)
        62     acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 168 ms (ring 102, answered), packets 0 and 1
    "#]]);
}

#[test]
fn a_late_copy_of_an_ack_acknowledges_nothing_new() {
    let mut scene = Scene::new();
    let (mut hand, _, head) = by_hand(&mut scene);
    let body = sdp(hand.at, 4000, "a=sendonly\r\n");
    hand.send_with(&mut scene, &next(&head, "INVITE", 3), &body);
    scene.run(100);
    hand.send(&mut scene, &next(&head, "ACK", 1));
    scene.run(1000);
    hand.send(&mut scene, &next(&head, "ACK", 3));
    scene.run(1000);
    hand.send(&mut scene, &next(&head, "BYE", 4));
    scene.ends(expect![[r#"
        0          hand -> server   INVITE 102 {10.0.2.1:4000 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> hand     100 Trying (INVITE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 recvonly}
        3        server -> acme/102 ACK 102
        3        server -> hand     200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
        100        hand -> server   ACK 102
        503      server -> hand     200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
        1100       hand -> server   ACK 102
        2100       hand -> server   BYE 102
        2101     server -> acme/102 BYE 102
        2101     server -> hand     200 OK (BYE)
        2102   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2208 ms (ring 102, answered), packets 0 and 1
    "#]]);
}

/// The callee's 2xx with every tag right, from another address: its ACK would go to the phone, which asked for
/// none. From the phone's own address it may be the late answer to an INVITE that was given up.
#[test]
fn an_answer_from_a_strange_address_belongs_to_no_call() {
    let mut scene = Scene::new();
    scene.world.tracing = true;
    let (mut hand, _, head) = by_hand(&mut scene);
    let answer = scene.world.trace.iter().rev().find_map(|trace| match trace {
        Trace::In(_, bytes) if bytes.starts_with(b"SIP/2.0 200") => Some(bytes.clone()),
        _ => None,
    });
    // The transaction is known to the phone alone.
    let answer = String::from_utf8(answer.expect("the callee's 200")).expect("text");
    let branch = answer
        .split("branch=")
        .nth(1)
        .and_then(|b| b.split([';', '\r']).next());
    let answer = answer.replace(branch.expect("a branch"), "z9hG4bK1-0123456789abcdef");
    let mut stranger = Hand::new(&mut scene, "stranger", 77);
    stranger.send_bytes(&mut scene, answer.into_bytes());
    scene.run(100);
    hand.send(&mut scene, &next(&head, "BYE", 3));
    scene.ends(expect![[r#"
        0      stranger -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        100        hand -> server   BYE 102
        101      server -> acme/102 BYE 102
        101      server -> hand     200 OK (BYE)
        102    acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 208 ms (ring 102, answered), packets 0 and 1
    "#]]);
}
