//! Do-not-disturb and call forwarding by a user's settings (RFC 5359 §2.10 to §2.12).

use super::by_hand::{field, request, sdp};
use super::scene::ACME;
use super::{Hand, Scene};
use expect_test::expect;
use model::{ForwardKind, Policy, UserId, UserSettingsChange};
use sim::phone::Answer;

impl Scene {
    /// An administrator changes a user's settings.
    pub(super) fn set(&mut self, extension: &str, change: &UserSettingsChange) {
        let now = self.world.now();
        let user = user(extension);
        self.world.server.set(ACME, user, change, now);
        self.world.collect();
    }

    pub(super) fn forward(&mut self, extension: &str, kind: ForwardKind, to: &str) {
        self.set(extension, &UserSettingsChange::forward(kind, Some(to)));
    }
}

pub(super) fn user(extension: &str) -> UserId {
    UserId(extension.parse::<u64>().expect("a number") - 100)
}

/// 101 calls, and these answer like this.
fn scene(phones: &[(&str, Answer)]) -> (Scene, usize) {
    scene_with(Policy::default(), phones)
}

fn scene_with(policy: Policy, phones: &[(&str, Answer)]) -> (Scene, usize) {
    let mut scene = Scene::with(policy);
    let caller = scene.phone("101", Answer::Ring);
    scene.mute(&[caller]);
    for (extension, answer) in phones {
        let phone = scene.phone(extension, *answer);
        scene.mute(&[phone]);
    }
    scene.curtain();
    (scene, caller)
}

/// What the caller was told last.
fn last_word(scene: &Scene, caller: usize) -> Option<u16> {
    scene.world.phones[caller].heard.last().map(|heard| heard.1)
}

fn path(scene: &Scene) -> String {
    scene.world.server.cdrs.last().expect("a record").path.join(", ")
}

/// RFC 5359 §2.10.
#[test]
fn unconditional() {
    let (mut scene, caller) = scene(&[("102", Answer::PickUp(0)), ("103", Answer::PickUp(500))]);
    scene.forward("102", ForwardKind::Always, "103");
    scene.call(caller, "102");
    scene.run(2000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 181 Call Is Being Forwarded (INVITE)
        3        server -> acme/103 INVITE 103 {10.0.0.1:10002 0,8}
        4      acme/103 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        504    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        505      server -> acme/103 ACK 103
        505      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        506    acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/103 BYE 103
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/103 -> server   200 OK (BYE)
        record 101 -> 103: 200/16 by Caller, rang, talked 1496 ms (forward always 102 to 103, ring 103, answered), packets 0 and 0
    "#]]);
}

/// RFC 5359 §2.11.
#[test]
fn busy() {
    let (mut scene, caller) = scene(&[("102", Answer::Refuse(486, 100)), ("103", Answer::PickUp(500))]);
    scene.forward("102", ForwardKind::Busy, "103");
    scene.call(caller, "102");
    scene.run(2000);
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
        104    acme/102 -> server   486 Busy Here (INVITE)
        105      server -> acme/102 ACK 102
        105      server -> acme/101 181 Call Is Being Forwarded (INVITE)
        105      server -> acme/103 INVITE 103 {10.0.0.1:10002 0,8}
        106    acme/103 -> server   180 Ringing (INVITE)
        107      server -> acme/101 180 Ringing (INVITE)
        606    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        607      server -> acme/103 ACK 103
        607      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        608    acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/103 BYE 103
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/103 -> server   200 OK (BYE)
        record 101 -> 103: 200/16 by Caller, rang, talked 1394 ms (ring 102, forward busy 102 to 103, ring 103, answered), packets 0 and 0
    "#]]);
}

/// RFC 5359 §2.12.
#[test]
fn no_answer() {
    let (mut scene, caller) = scene(&[("102", Answer::Ring), ("103", Answer::PickUp(500))]);
    let change = UserSettingsChange {
        no_answer_s: Some(5),
        ..UserSettingsChange::forward(ForwardKind::NoAnswer, Some("103"))
    };
    scene.set("102", &change);
    scene.call(caller, "102");
    scene.run(7000);
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
        5003     server -> acme/102 CANCEL 102 [Q.850;cause=19;text="no answer"]
        5003     server -> acme/101 181 Call Is Being Forwarded (INVITE)
        5003     server -> acme/103 INVITE 103 {10.0.0.1:10002 0,8}
        5004   acme/102 -> server   200 OK (CANCEL)
        5004   acme/102 -> server   487 Request Terminated (INVITE)
        5004   acme/103 -> server   180 Ringing (INVITE)
        5005     server -> acme/102 ACK 102
        5005     server -> acme/101 180 Ringing (INVITE)
        5504   acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        5505     server -> acme/103 ACK 103
        5505     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        5506   acme/101 -> server   ACK 1
        7000   acme/101 -> server   BYE 1
        7001     server -> acme/103 BYE 103
        7001     server -> acme/101 200 OK (BYE)
        7002   acme/103 -> server   200 OK (BYE)
        record 101 -> 103: 200/16 by Caller, rang, talked 1496 ms (ring 102, forward no answer 102 to 103, ring 103, answered), packets 0 and 0
    "#]]);
}

#[test]
fn nobody_is_registered() {
    let (mut scene, caller) = scene(&[("103", Answer::PickUp(500))]);
    scene.forward("102", ForwardKind::NoAnswer, "103");
    scene.call(caller, "102");
    scene.run(2000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 181 Call Is Being Forwarded (INVITE)
        3        server -> acme/103 INVITE 103 {10.0.0.1:10002 0,8}
        4      acme/103 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        504    acme/103 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        505      server -> acme/103 ACK 103
        505      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        506    acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/103 BYE 103
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/103 -> server   200 OK (BYE)
        record 101 -> 103: 200/16 by Caller, rang, talked 1496 ms (ring 102, forward unreachable 102 to 103, ring 103, answered), packets 0 and 0
    "#]]);
}

#[test]
fn do_not_disturb() {
    let (mut scene, caller) = scene(&[("102", Answer::PickUp(0)), ("103", Answer::PickUp(0))]);
    scene.set("102", &UserSettingsChange::dnd(true));
    scene.call(caller, "102");
    scene.run(1000);
    scene.sees(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        4      acme/101 -> server   ACK 102
        record 101 -> 102: 486/17 by Callee (do not disturb)
    "#]]);
    // Who takes calls for a busy colleague takes these, too.
    scene.forward("102", ForwardKind::Busy, "103");
    let call = scene.call(caller, "102");
    scene.run(1000);
    scene.act(caller, |p, now| p.hang_up(call, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 181 Call Is Being Forwarded (INVITE)
        3        server -> acme/103 INVITE 103 {10.0.0.1:10002 0,8}
        4      acme/103 -> server   180 Ringing (INVITE)
        4      acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        5        server -> acme/101 180 Ringing (INVITE)
        5        server -> acme/103 ACK 103
        5        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        6      acme/101 -> server   ACK 1
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/103 BYE 103
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/103 -> server   200 OK (BYE)
        record 101 -> 103: 200/16 by Caller, rang, talked 996 ms (forward do not disturb 102 to 103, ring 103, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_user_whose_phones_are_busy_and_silent() {
    // One of two phones refuses, the other one rings: that is no answer, not busy.
    let (mut scene, caller) = scene(&[
        ("102", Answer::Refuse(486, 100)),
        ("102", Answer::Ring),
        ("103", Answer::PickUp(500)),
        ("104", Answer::PickUp(500)),
    ]);
    scene.forward("102", ForwardKind::Busy, "103");
    scene.forward("102", ForwardKind::NoAnswer, "104");
    scene.call(caller, "102");
    scene.run(25_000);
    scene.hang_up(caller);
    scene.run(70_000);
    assert_eq!(
        path(&scene),
        "ring 102, forward no answer 102 to 104, ring 104, answered"
    );
}

#[test]
fn declined_is_declined() {
    let (mut scene, caller) = scene(&[("102", Answer::Refuse(603, 100)), ("103", Answer::PickUp(500))]);
    scene.forward("102", ForwardKind::Busy, "103");
    scene.forward("102", ForwardKind::NoAnswer, "103");
    scene.call(caller, "102");
    scene.run(2000);
    assert_eq!(last_word(&scene, caller), Some(603));
}

#[test]
fn circles() {
    // To each other; to oneself; back to the caller.
    for (to, back) in [("103", "102"), ("102", ""), ("101", "")] {
        let (mut scene, caller) = scene(&[("102", Answer::PickUp(0)), ("103", Answer::PickUp(0))]);
        scene.forward("102", ForwardKind::Always, to);
        if !back.is_empty() {
            scene.forward(to, ForwardKind::Always, back);
        }
        scene.call(caller, "102");
        scene.run(1000);
        assert_eq!(last_word(&scene, caller), Some(482), "{to}");
        assert!(
            path(&scene).ends_with("forwarded in a circle"),
            "{}",
            path(&scene)
        );
        let cdr = scene.world.server.cdrs.last().expect("a record");
        assert_eq!((cdr.cause.sip, cdr.cause.q850), (482, 25));
    }
}

#[test]
fn nowhere() {
    // A number that nobody has; a user who is not there.
    for (to, code) in [("999", 404), ("104", 480)] {
        let (mut scene, caller) = scene(&[("102", Answer::PickUp(0))]);
        scene.forward("102", ForwardKind::Always, to);
        scene.call(caller, "102");
        scene.run(1000);
        assert_eq!(last_word(&scene, caller), Some(code), "{to}");
    }
}

#[test]
fn a_chain_of_different_reasons_is_told() {
    let (mut scene, caller) = scene(&[("102", Answer::Refuse(486, 100))]);
    let mut hand = Hand::new(&mut scene, "hand", 9);
    hand.registers(&mut scene, "104", 1, "<sip:104@10.0.2.9>");
    scene.forward("102", ForwardKind::Busy, "103");
    scene.forward("103", ForwardKind::Always, "104");
    scene.call(caller, "102");
    scene.run(200);
    let invite = hand
        .hears(&mut scene)
        .into_iter()
        .find(|m| m.starts_with("INVITE"));
    let invite = invite.expect("an INVITE");
    let told: Vec<&str> = invite
        .lines()
        .filter(|line| line.starts_with("Diversion") || line.starts_with("History"))
        .collect();
    assert_eq!(
        told,
        [
            "Diversion: <sip:103@acme.example>;reason=unconditional",
            "Diversion: <sip:102@acme.example>;reason=user-busy",
            "History-Info: <sip:102@acme.example?Reason=SIP%3Bcause%3D486>;index=1",
            "History-Info: <sip:103@acme.example;cause=486>;index=1.1;mp=1",
            "History-Info: <sip:104@acme.example;cause=302>;index=1.2;mp=1.1",
        ]
    );
    assert_eq!(field(&invite, "To"), "To: <sip:102@acme.example>");
    assert!(field(&invite, "From").starts_with("From: \"User 101\" <sip:101@acme.example>;tag="));
}

#[test]
fn a_phone_that_sends_the_call_to_somebody_who_forwards() {
    let (mut scene, caller) = scene(&[
        ("102", Answer::Refuse(302, 100)),
        ("103", Answer::PickUp(0)),
        ("104", Answer::PickUp(500)),
    ]);
    scene.act(1, |phone, _| {
        phone.forwards_to = vec!["<sip:103@acme.example>".to_owned()]
    });
    scene.forward("103", ForwardKind::Always, "104");
    scene.call(caller, "102");
    scene.run(2000);
    assert_eq!(last_word(&scene, caller), Some(200));
    scene.hang_up(caller);
    scene.run(70_000);
    assert_eq!(path(&scene), "ring 102, sent on by 102 to 103, answered");
    assert_eq!(scene.world.server.cdrs[0].callee.number, "104");
}

#[test]
fn who_waits_is_not_rung_twice_and_gives_up() {
    let (mut scene, caller) = scene(&[("102", Answer::Ring), ("103", Answer::Ring)]);
    let change = UserSettingsChange {
        no_answer_s: Some(5),
        ..UserSettingsChange::forward(ForwardKind::NoAnswer, Some("103"))
    };
    scene.set("102", &change);
    scene.call(caller, "102");
    scene.run(6000);
    scene.cancel(caller);
    scene.run(1000);
    assert_eq!(path(&scene), "ring 102, forward no answer 102 to 103, ring 103");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        5003     server -> acme/102 CANCEL 102 [Q.850;cause=19;text="no answer"]
        5003     server -> acme/101 181 Call Is Being Forwarded (INVITE)
        5003     server -> acme/103 INVITE 103 {10.0.0.1:10002 0,8}
        5004   acme/102 -> server   200 OK (CANCEL)
        5004   acme/102 -> server   487 Request Terminated (INVITE)
        5004   acme/103 -> server   180 Ringing (INVITE)
        5005     server -> acme/102 ACK 102
        5005     server -> acme/101 180 Ringing (INVITE)
        6000   acme/101 -> server   CANCEL 102
        6001     server -> acme/101 200 OK (CANCEL)
        6001     server -> acme/103 CANCEL 103
        6001     server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        6002   acme/103 -> server   200 OK (CANCEL)
        6002   acme/103 -> server   487 Request Terminated (INVITE)
        6002   acme/101 -> server   ACK 102
        6003     server -> acme/103 ACK 103
        record 101 -> 102: 487/16 by Caller, rang (ring 102, forward no answer 102 to 103, ring 103)
    "#]]);
}

#[test]
fn the_lamp_of_the_phone_that_rings() {
    let (mut scene, caller) = scene(&[("102", Answer::Ring), ("103", Answer::Ring)]);
    let watcher = scene.phone("104", Answer::Ring);
    for user in ["102", "103"] {
        scene.act(watcher, |p, now| p.watch("dialog", user, 600, now));
    }
    scene.forward("102", ForwardKind::Always, "103");
    scene.run(500);
    scene.call(caller, "102");
    scene.run(1000);
    let watches = scene.world.phones[watcher].watches();
    assert!(!watches[0].body.contains("<dialog "), "{}", watches[0].body);
    assert!(
        watches[1].body.contains("<state>early</state>"),
        "{}",
        watches[1].body
    );
}

#[test]
fn a_transfer_to_somebody_who_forwards_and_the_way_back() {
    let (mut scene, caller) = scene(&[
        ("102", Answer::PickUp(100)),
        ("103", Answer::Ring),
        ("104", Answer::PickUp(500)),
    ]);
    scene.forward("103", ForwardKind::Always, "104");
    scene.call(caller, "102");
    scene.run(1000);
    scene.act(1, |p, now| p.refer(0, "103", now));
    scene.run(3000);
    scene.hang_up(caller);
    scene.run(70_000);
    let paths: Vec<String> = scene
        .world
        .server
        .cdrs
        .iter()
        .map(|c| c.path.join(", "))
        .collect();
    assert!(
        paths
            .iter()
            .any(|p| p.contains("forward always 103 to 104, ring 104, answered")),
        "{paths:?}"
    );
}

#[test]
fn a_transferrer_is_called_back_whatever_he_has_set() {
    let (mut scene, caller) = scene(&[("102", Answer::PickUp(100)), ("103", Answer::Refuse(486, 300))]);
    scene.answers(caller, Answer::PickUp(100));
    scene.set("101", &UserSettingsChange::dnd(true));
    scene.forward("101", ForwardKind::Always, "104");
    scene.call(caller, "102");
    scene.run(1000);
    scene.act(caller, |p, now| p.refer(0, "103", now));
    scene.run(20);
    scene.hang_up(caller);
    scene.run(2000);
    scene.hang_up(1);
    scene.run(70_000);
    assert_eq!(
        path(&scene),
        "ring 103, busy, back to the transferrer, ring 101, answered"
    );
}

/// An INVITE by hand from 101 to 102, who forwards to 104: the answer, and what 104 got.
fn by_hand(policy: Policy, headers: &str, change: &UserSettingsChange) -> (String, Option<String>) {
    let mut scene = Scene::with(policy);
    let mut target = Hand::new(&mut scene, "target", 9);
    target.registers(&mut scene, "104", 1, "<sip:104@10.0.2.9>");
    let mut phone = Hand::new(&mut scene, "phone", 8);
    phone.registers(&mut scene, "102", 1, "<sip:102@10.0.2.8>");
    scene.set("102", change);
    let mut caller = Hand::new(&mut scene, "caller", 1);
    let head = request("INVITE", "101@acme.example", "102@acme.example", "head", 1);
    let body = sdp(caller.at, 4000, "");
    let answer = caller.insists(&mut scene, "101", format!("{head}\n{headers}").trim(), &body);
    let mut heard = target.hears(&mut scene);
    heard.extend(phone.hears(&mut scene));
    (answer, heard.into_iter().find(|m| m.starts_with("INVITE")))
}

#[test]
fn a_caller_without_a_name_stays_so_and_may_hide_the_way() {
    let always = UserSettingsChange::forward(ForwardKind::Always, Some("104"));
    for (privacy, history) in [("id", true), ("id;history", false), ("header", false)] {
        let (answer, invite) = by_hand(Policy::default(), &format!("Privacy: {privacy}"), &always);
        assert!(answer.starts_with("SIP/2.0 181 "), "{answer}");
        let invite = invite.expect("an INVITE");
        assert!(!invite.contains("sip:101@"), "{invite}");
        assert_eq!(invite.contains("History-Info:"), history, "{privacy}: {invite}");
        assert_eq!(
            field(&invite, "Diversion"),
            "Diversion: <sip:102@acme.example>;reason=unconditional"
        );
    }
}

#[test]
fn an_intercom_does_not_disturb_either() {
    let policy = Policy {
        auto_answer: true,
        ..Policy::default()
    };
    let (answer, invite) = by_hand(policy, "Answer-Mode: Auto", &UserSettingsChange::dnd(true));
    assert!(answer.starts_with("SIP/2.0 486 "), "{answer}");
    assert_eq!(invite, None);
}
