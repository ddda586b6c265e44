//! What is told about the caller and the call: identity and privacy (RFC 3323, RFC 3325), intercom (RFC 5373),
//! user-to-user information (RFC 7433), Session-ID (RFC 7989), Reason (RFC 3326), INFO (RFC 6086), OPTIONS.

use super::by_hand::{code, field, request, sdp, to_tag};
use super::scene::ACME;
use super::{Hand, Scene};
use expect_test::{Expect, expect};
use model::{MediaPolicy, Policy};
use sim::phone::Answer;

/// A call by hand from 101 to 102 at another hand: what the latter got.
struct Call {
    scene: Scene,
    caller: Hand,
    callee: Hand,
    invite: String,
    ringing: String,
}

fn call(policy: Policy, extra: &str) -> Call {
    let mut scene = Scene::with(policy);
    let mut callee = Hand::new(&mut scene, "callee", 2);
    callee.registers(&mut scene, "102", 1, "<sip:102@10.0.2.2>");
    let mut caller = Hand::new(&mut scene, "caller", 1);
    let head = request("INVITE", "101@acme.example", "102@acme.example", "head", 1);
    let body = sdp(caller.at, 4000, "");
    let ringing = caller.insists(&mut scene, "101", format!("{head}\n{extra}").trim(), &body);
    let invite = callee
        .hears(&mut scene)
        .into_iter()
        .rfind(|m| m.starts_with("INVITE"));
    Call {
        scene,
        caller,
        callee,
        invite: invite.unwrap_or_default(),
        ringing,
    }
}

/// What the callee's INVITE says in these fields.
fn told(policy: Policy, extra: &str, names: &[&str], expected: &Expect) {
    let call = call(policy, extra);
    let mut text = String::new();
    for name in names {
        let line = field(&call.invite, name);
        let line = line.split(";tag=").next().unwrap_or("");
        if !line.is_empty() {
            text.push_str(line);
            text.push('\n');
        }
    }
    expected.assert_eq(&text);
}

const IDENTITY: &[&str] = &["From", "P-Asserted-Identity", "P-Preferred-Identity", "Privacy"];

fn trusting() -> Policy {
    Policy {
        trust_phones: true,
        ..Policy::default()
    }
}

#[test]
fn an_asserted_identity_is_only_ever_ours() {
    let lies = "P-Asserted-Identity: <sip:root@acme.example>\nP-Preferred-Identity: <sip:root@acme.example>";
    told(
        Policy::default(),
        lies,
        IDENTITY,
        &expect![[r#"
        From: "User 101" <sip:101@acme.example>
    "#]],
    );
    told(
        trusting(),
        lies,
        IDENTITY,
        &expect![[r#"
        From: "User 101" <sip:101@acme.example>
        P-Asserted-Identity: "User 101" <sip:101@acme.example>
    "#]],
    );
}

#[test]
fn a_caller_who_asks_for_privacy_is_anonymous() {
    told(
        Policy::default(),
        "Privacy: id",
        IDENTITY,
        &expect![[r#"
        From: "Anonymous" <sip:anonymous@anonymous.invalid>
    "#]],
    );
    told(
        trusting(),
        "Privacy: user;id",
        IDENTITY,
        &expect![[r#"
        From: "Anonymous" <sip:anonymous@anonymous.invalid>
        P-Asserted-Identity: "User 101" <sip:101@acme.example>
        Privacy: id
    "#]],
    );
    told(
        Policy::default(),
        "Privacy: none",
        IDENTITY,
        &expect![[r#"
        From: "User 101" <sip:101@acme.example>
    "#]],
    );
}

#[test]
fn an_anonymous_call_works_like_any_other() {
    let mut scene = Scene::new();
    let callee = scene.phone("102", Answer::PickUp(0));
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let head = request("INVITE", "101@acme.example", "102@acme.example", "anon", 1);
    let answer = hand.insists(
        &mut scene,
        "101",
        &format!("{head}\nPrivacy: id"),
        &sdp(hand.at, 4000, ""),
    );
    let to = format!("To: <sip:102@acme.example>;tag={}", to_tag(&answer));
    let ack = request("ACK", "101@acme.example", "102@acme.example", "anon", 1);
    hand.send(&mut scene, &ack.replace("To: <sip:102@acme.example>", &to));
    scene.run(100);
    scene.curtain();
    scene.hang_up(callee);
    let bye = hand.hears(&mut scene).pop().expect("a BYE");
    hand.responds(&mut scene, &bye, 200, "");
    scene.ends(expect![[r#"
        0      acme/102 -> server   BYE 1
        1        server -> hand     BYE hand
        1        server -> acme/102 200 OK (BYE)
        10         hand -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 108 ms (ring 102, answered), packets 0 and 1
    "#]]);
}

#[test]
fn privacy_that_we_cannot_give() {
    let direct = Policy {
        media: MediaPolicy::Direct,
        ..Policy::default()
    };
    for (policy, line, expected) in [
        (Policy::default(), "Privacy: session;critical", 180),
        (direct.clone(), "Privacy: session;critical", 500),
        (direct, "Privacy: session", 180),
        (Policy::default(), "Privacy: callid;critical", 500),
        (Policy::default(), "Privacy: history;critical", 180),
        (trusting(), "Privacy: id;critical", 500),
    ] {
        let mut call = call(policy, line);
        if !call.invite.is_empty() {
            call.callee.responds(&mut call.scene, &call.invite, 180, "");
            call.ringing = call.caller.hears(&mut call.scene).pop().unwrap_or_default();
        }
        assert_eq!(code(&call.ringing), expected, "{line}");
    }
}

#[test]
fn a_preferred_identity_of_another_is_counted() {
    for (line, count) in [
        ("P-Preferred-Identity: \"Me\" <sip:101@ACME.example>", 0),
        ("P-Preferred-Identity: <sip:102@acme.example>", 1),
        ("P-Preferred-Identity: <sip:101@beta.example>", 1),
        ("P-Preferred-Identity: nonsense", 1),
    ] {
        let call = call(Policy::default(), line);
        let counts = call.scene.world.server.tenant(ACME).expect("acme").counts();
        assert_eq!(counts.identity_refused, count, "{line}");
    }
}

const INTERCOM: &[&str] = &["Call-Info", "Alert-Info", "Answer-Mode"];

#[test]
fn intercom_is_granted_by_policy_alone() {
    let policy = Policy {
        auto_answer: true,
        ..Policy::default()
    };
    let asked = "Alert-Info: <http://evil.example>;info=alert-autoanswer";
    told(Policy::default(), asked, INTERCOM, &expect![[""]]);
    told(policy.clone(), "Alert-Info: <http://x>", INTERCOM, &expect![[""]]);
    told(
        policy,
        asked,
        INTERCOM,
        &expect![[r#"
        Call-Info: <sip:acme.example>;answer-after=0
        Alert-Info: <http://acme.example>;info=alert-autoanswer;delay=0
        Answer-Mode: Auto
    "#]],
    );
}

#[test]
fn user_to_user_information_goes_both_ways_within_its_limit() {
    let uui = &["User-to-User"];
    let secret = "User-to-User: 56a3;encoding=hex;purpose=isdn-uui;secret=1";
    told(
        Policy::default(),
        secret,
        uui,
        &expect![[r#"
        User-to-User: 56a3;encoding=hex;purpose=isdn-uui
    "#]],
    );
    let long = format!("User-to-User: {}", "ab".repeat(129));
    told(Policy::default(), &long, uui, &expect![[""]]);
    let mut call = call(Policy::default(), "");
    let answer = call
        .callee
        .response(&call.invite, 200, &sdp(call.callee.at, 4000, ""));
    let answer = String::from_utf8(answer).expect("text");
    let answer = answer.replacen("Contact:", "User-to-User: 1234\r\nContact:", 1);
    call.callee.send_bytes(&mut call.scene, answer.into_bytes());
    let answer = call.caller.hears(&mut call.scene).pop().expect("an answer");
    assert_eq!(field(&answer, "User-to-User"), "User-to-User: 1234;encoding=hex");
}

#[test]
fn session_ids_cross_the_server() {
    let (a, b) = ("a".repeat(32), "b".repeat(32));
    let nil = "0".repeat(32);
    let mut call = call(Policy::default(), &format!("Session-ID: {a};remote={nil}"));
    assert_eq!(
        field(&call.invite, "Session-ID"),
        format!("Session-ID: {a};remote={nil}")
    );
    let answer = call
        .callee
        .response(&call.invite, 200, &sdp(call.callee.at, 4000, ""));
    let answer = String::from_utf8(answer).expect("text");
    let answer = answer.replacen("Contact:", &format!("Session-ID: {b};remote={a}\r\nContact:"), 1);
    call.callee.send_bytes(&mut call.scene, answer.into_bytes());
    let answer = call.caller.hears(&mut call.scene).pop().expect("an answer");
    assert_eq!(
        field(&answer, "Session-ID"),
        format!("Session-ID: {b};remote={a}")
    );
    let to = format!("To: <sip:102@acme.example>;tag={}", to_tag(&answer));
    let bye = request("BYE", "101@acme.example", "102@acme.example", "head", 9);
    let bye = bye.replace("To: <sip:102@acme.example>", &to);
    call.caller.send(&mut call.scene, &bye);
    let bye = call.callee.hears(&mut call.scene).pop().expect("a BYE");
    assert_eq!(field(&bye, "Session-ID"), format!("Session-ID: {a};remote={b}"));
}

#[test]
fn a_call_without_session_ids_has_none() {
    let call = call(Policy::default(), "Session-ID: not-one");
    assert_eq!(field(&call.invite, "Session-ID"), "");
}

/// A call by hand that is up: the head of its requests by `{method}` and `{cseq}`.
fn up() -> (Scene, Hand, usize, String) {
    let mut scene = Scene::new();
    let callee = scene.phone("102", Answer::PickUp(0));
    scene.mute(&[callee]);
    scene.act(callee, |phone, _| phone.abilities.info = true);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let head = request("INVITE", "101@acme.example", "102@acme.example", "up", 1);
    let answer = hand.insists(&mut scene, "101", &head, &sdp(hand.at, 4000, ""));
    let to = format!("To: <sip:102@acme.example>;tag={}", to_tag(&answer));
    let head = request("{method}", "101@acme.example", "102@acme.example", "up", 1);
    let head = head.replace("To: <sip:102@acme.example>", &to);
    let head = head.replace("CSeq: 1", "CSeq: {cseq}");
    hand.send(
        &mut scene,
        &head.replace("{method}", "ACK").replace("{cseq}", "1"),
    );
    scene.run(100);
    scene.curtain();
    (scene, hand, callee, head)
}

#[test]
fn a_reason_is_carried_in_our_words() {
    let (mut scene, mut hand, _, head) = up();
    let bye = head.replace("{method}", "BYE").replace("{cseq}", "5");
    let reason = "Reason: SIP;cause=200;text=\"<b>evil</b>\", Q.850;cause=16;text=\"also\"";
    hand.send(&mut scene, &format!("{bye}\n{reason}"));
    scene.ends(expect![[r#"
        0          hand -> server   BYE 102 [SIP;cause=200;text="<b>evil</b>", Q.850;cause=16;text="also"]
        1        server -> acme/102 BYE 102 [SIP;cause=200;text="Call completed elsewhere"]
        1        server -> hand     200 OK (BYE)
        2      acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 108 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_cancel_carries_its_reason() {
    let mut call = call(Policy::default(), "");
    call.callee.responds(&mut call.scene, &call.invite, 180, "");
    call.scene.run(10);
    let invite = request("CANCEL", "101@acme.example", "102@acme.example", "head", 1);
    let cancel = invite.replace("{branch}", "z9hG4bK-10.0.2.1-3");
    let cancel = format!("{cancel}\nReason: SIP;cause=200;text=\"x\"");
    call.caller.send(&mut call.scene, &cancel);
    let heard = call.callee.hears(&mut call.scene).pop().expect("a CANCEL");
    assert!(heard.starts_with("CANCEL"), "{heard}");
    assert_eq!(
        field(&heard, "Reason"),
        "Reason: SIP;cause=200;text=\"Call completed elsewhere\""
    );
}

#[test]
fn digits_by_info_are_read_and_told_anew() {
    let (mut scene, mut hand, callee, head) = up();
    let bodies = [
        ("application/dtmf-relay", "Signal=5\r\nDuration=250\r\nX=evil\r\n"),
        ("application/dtmf", "#"),
        ("application/dtmf-relay", "Signal=evil\r\n"),
        ("text/plain", "hello"),
        ("", ""),
    ];
    for (cseq, (kind, body)) in (5..).zip(bodies) {
        let info = head
            .replace("{method}", "INFO")
            .replace("{cseq}", &cseq.to_string());
        let branch = format!("z9hG4bK-info-{cseq}");
        let info = info
            .replace("{branch}", &branch)
            .replace("{at}", &hand.at.to_string());
        let kind = if kind.is_empty() {
            String::new()
        } else {
            format!("Content-Type: {kind}\r\n")
        };
        let text = format!(
            "{}\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            info.replace('\n', "\r\n"),
            body.len()
        );
        hand.send_bytes(&mut scene, text.into_bytes());
        scene.run(10);
    }
    let package = head.replace("{method}", "INFO").replace("{cseq}", "20");
    hand.send(&mut scene, &format!("{package}\nInfo-Package: foo"));
    scene.run(10);
    let counts = scene.world.server.tenant(ACME).expect("acme").counts();
    assert_eq!((counts.digits, counts.info_refused), (2, 1));
    assert_eq!(scene.world.phones[callee].digits, "5#");
    hand.send(
        &mut scene,
        &head.replace("{method}", "BYE").replace("{cseq}", "30"),
    );
    scene.ends(expect![[r#"
        0          hand -> server   INFO 102 {Signal=5 Duration=250 X=evil}
        1        server -> hand     200 OK (INFO)
        1        server -> acme/102 INFO 102 {Signal=5 Duration=250}
        2      acme/102 -> server   200 OK (INFO)
        10         hand -> server   INFO 102 {#}
        11       server -> hand     200 OK (INFO)
        11       server -> acme/102 INFO 102 {Signal=# Duration=160}
        12     acme/102 -> server   200 OK (INFO)
        20         hand -> server   INFO 102 {Signal=evil}
        21       server -> hand     400 Bad Request (INFO)
        30         hand -> server   INFO 102 {hello}
        31       server -> hand     415 Unsupported Media Type (INFO)
        40         hand -> server   INFO 102
        41       server -> hand     200 OK (INFO)
        50         hand -> server   INFO 102
        51       server -> hand     469 Bad Info Package (INFO)
        60         hand -> server   BYE 102
        61       server -> acme/102 BYE 102
        61       server -> hand     200 OK (BYE)
        62     acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 168 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

/// Phones that write no Allow into their 200 may know INFO all the same: JsSIP is one (RFC 3261 §20.5).
#[test]
fn digits_are_told_to_a_phone_that_does_not_say_what_it_allows() {
    let told = |info: bool, update: bool, reticent: bool| {
        let mut scene = Scene::new();
        let (caller, callee) = scene.pair();
        scene.mute(&[caller, callee]);
        scene.act(callee, |phone, _| {
            phone.abilities.info = info;
            phone.abilities.update = update;
            phone.abilities.reticent = reticent;
        });
        scene.call(caller, "102");
        scene.run(2000);
        scene.curtain();
        scene.act(caller, |phone, now| phone.dial(0, '5', now));
        scene.run(100);
        (scene, caller, callee)
    };
    let (scene, _, callee) = told(true, false, true);
    assert_eq!(scene.world.phones[callee].digits, "5");
    // Who says what it allows, and not INFO, is not bothered.
    let (mut scene, caller, _) = told(false, true, false);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INFO 1 {5}
        1        server -> acme/101 200 OK (INFO)
        100    acme/101 -> server   BYE 1
        101      server -> acme/102 BYE 102
        101      server -> acme/101 200 OK (BYE)
        102    acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1096 ms (ring 102, answered), packets 0 and 0
    "#]]);
    // A guess that was wrong costs nothing.
    let (mut scene, caller, _) = told(false, false, true);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INFO 1 {5}
        1        server -> acme/101 200 OK (INFO)
        1        server -> acme/102 INFO 102 {Signal=5 Duration=160}
        2      acme/102 -> server   405 Method Not Allowed (INFO)
        100    acme/101 -> server   BYE 1
        101      server -> acme/102 BYE 102
        101      server -> acme/101 200 OK (BYE)
        102    acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1096 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn options_tell_what_we_can_do() {
    let (mut scene, mut hand, _, head) = up();
    let inside = hand.asks(
        &mut scene,
        &head.replace("{method}", "OPTIONS").replace("{cseq}", "5"),
    );
    let mut ask = |to: &str, scene: &mut Scene| {
        let options = request("OPTIONS", "101@acme.example", to, to, 1);
        hand.insists(scene, "101", &options, "")
    };
    let outside = ask("102@acme.example", &mut scene);
    for answer in [inside, outside] {
        assert_eq!(code(&answer), 200);
        assert!(field(&answer, "Allow").contains("PRACK, UPDATE, INFO"));
        assert_eq!(field(&answer, "Accept"), "Accept: application/sdp");
        assert!(field(&answer, "Supported").contains("100rel"));
    }
    assert_eq!(code(&ask("999@acme.example", &mut scene)), 404);
    assert_eq!(code(&ask("102@beta.example", &mut scene)), 404);
}

/// The lamp of the called user says no more than his phone does (RFC 3323), to his own phones as to others.
#[test]
fn a_lamp_does_not_name_a_caller_who_asks_for_privacy() {
    for (privacy, names) in [("Privacy: id", false), ("Privacy: none", true)] {
        let mut scene = Scene::with(Policy {
            lamps_show_party: true,
            ..Policy::default()
        });
        let lamp = scene.phone("103", Answer::Ring);
        scene.act(lamp, |p, now| p.watch("dialog", "102", 600, now));
        scene.phone("102", Answer::Ring);
        scene.run(300);
        let mut hand = Hand::new(&mut scene, "hand", 1);
        let head = request("INVITE", "101@acme.example", "102@acme.example", "anon", 1);
        let body = sdp(hand.at, 4000, "");
        hand.insists(&mut scene, "101", &format!("{head}\n{privacy}"), &body);
        scene.run(500);
        let seen = scene.text();
        let documents: Vec<_> = seen
            .lines()
            .filter(|line| line.contains("acme/103 NOTIFY"))
            .collect();
        assert!(
            documents.iter().any(|line| line.contains("<state>early</state>")),
            "{documents:#?}"
        );
        assert_eq!(
            documents.iter().any(|line| line.contains("101")),
            names,
            "{documents:#?}"
        );
    }
}
