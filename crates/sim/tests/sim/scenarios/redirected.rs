//! 3xx of called phones (RFC 3261 §8.1.3.4): followed within the tenant, in the order of q, not in circles.

use super::by_hand::field;
use super::{Hand, Scene};
use expect_test::expect;
use model::Policy;
use sim::phone::Answer;

/// 101 calls; 102 sends the call on to these Contacts; 103 and 104 pick up.
fn scene(policy: Policy, contacts: &[&str]) -> (Scene, usize) {
    let mut scene = Scene::with(policy);
    let caller = scene.phone("101", Answer::Ring);
    let callee = scene.phone("102", Answer::Refuse(302, 100));
    let others = [
        scene.phone("103", Answer::PickUp(500)),
        scene.phone("104", Answer::Refuse(486, 100)),
    ];
    scene.mute(&[caller, others[0], others[1]]);
    let contacts: Vec<String> = contacts.iter().map(|c| (*c).to_owned()).collect();
    scene.act(callee, |phone, _| phone.forwards_to = contacts);
    scene.curtain();
    (scene, caller)
}

#[test]
fn a_call_is_sent_on() {
    let (mut scene, caller) = scene(Policy::default(), &["<sip:103@acme.example>"]);
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
        104    acme/102 -> server   302 Moved Temporarily (INVITE)
        105      server -> acme/102 ACK 102
        105      server -> acme/103 INVITE 103 {10.0.0.1:10002 0,8}
        105      server -> acme/101 181 Call Is Being Forwarded (INVITE)
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
        record 101 -> 103: 200/16 by Caller, rang, talked 1394 ms (ring 102, sent on by 102 to 103, answered), packets 0 and 0
    "#]]);
}

#[test]
fn the_order_of_q_is_kept_and_the_next_is_tried() {
    let (mut scene, caller) = scene(
        Policy::default(),
        &[
            "<sip:103@acme.example>;q=0.1",
            "<sip:999@acme.example>;q=0.5, <sip:104@acme.example>;q=0.9",
        ],
    );
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
        104    acme/102 -> server   302 Moved Temporarily (INVITE)
        105      server -> acme/102 ACK 102
        105      server -> acme/104 INVITE 104 {10.0.0.1:10002 0,8}
        105      server -> acme/101 181 Call Is Being Forwarded (INVITE)
        106    acme/104 -> server   180 Ringing (INVITE)
        107      server -> acme/101 180 Ringing (INVITE)
        206    acme/104 -> server   486 Busy Here (INVITE)
        207      server -> acme/104 ACK 104
        207      server -> acme/103 INVITE 103 {10.0.0.1:10002 0,8}
        207      server -> acme/101 181 Call Is Being Forwarded (INVITE)
        208    acme/103 -> server   180 Ringing (INVITE)
        209      server -> acme/101 180 Ringing (INVITE)
        708    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        709      server -> acme/103 ACK 103
        709      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        710    acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/103 BYE 103
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/103 -> server   200 OK (BYE)
        record 101 -> 103: 200/16 by Caller, rang, talked 1292 ms (ring 102, sent on by 102 to 104, sent on by 102 to 103, answered), packets 0 and 0
    "#]]);
}

#[test]
fn elsewhere_and_nowhere_are_refusals() {
    let targets = [
        "<sip:101@beta.example>",
        "<sip:103@10.0.9.9>",
        "<tel:+15551234>",
        "<sip:999@acme.example>",
        "<sip:102@acme.example>",
        "<sip:101@acme.example>",
        "*",
    ];
    for target in targets {
        let (mut scene, caller) = scene(Policy::default(), &[target]);
        scene.call(caller, "102");
        scene.run(2000);
        assert_eq!(
            scene.world.phones[caller].heard.last().map(|h| h.1),
            Some(480),
            "{target}"
        );
        assert_eq!(scene.world.server.cdrs.len(), 1, "{target}");
    }
}

#[test]
fn a_policy_that_follows_nobody() {
    let policy = Policy {
        follow_redirects: false,
        ..Policy::default()
    };
    let (mut scene, caller) = scene(policy, &["<sip:103@acme.example>"]);
    scene.call(caller, "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        104    acme/102 -> server   302 Moved Temporarily (INVITE)
        105      server -> acme/102 ACK 102
        105      server -> acme/101 480 Temporarily Unavailable (INVITE) [Q.850;cause=20]
        106    acme/101 -> server   ACK 102
        record 101 -> 102: 480/20 by System, rang (ring 102, unreachable)
    "#]]);
}

#[test]
fn two_phones_that_send_calls_to_each_other() {
    let (mut scene, caller) = scene(Policy::default(), &["<sip:103@acme.example>"]);
    scene.answers(2, Answer::Refuse(302, 10));
    scene.act(2, |phone, _| {
        phone.forwards_to = vec!["<sip:102@acme.example>".to_owned()]
    });
    scene.call(caller, "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        104    acme/102 -> server   302 Moved Temporarily (INVITE)
        105      server -> acme/102 ACK 102
        105      server -> acme/103 INVITE 103 {10.0.0.1:10002 0,8}
        105      server -> acme/101 181 Call Is Being Forwarded (INVITE)
        106    acme/103 -> server   180 Ringing (INVITE)
        107      server -> acme/101 180 Ringing (INVITE)
        116    acme/103 -> server   302 Moved Temporarily (INVITE)
        117      server -> acme/103 ACK 103
        117      server -> acme/101 480 Temporarily Unavailable (INVITE) [Q.850;cause=20]
        118    acme/101 -> server   ACK 102
        record 101 -> 102: 480/20 by System, rang (ring 102, sent on by 102 to 103, unreachable)
    "#]]);
}

#[test]
fn the_caller_gives_up_while_the_call_is_sent_on() {
    let (mut scene, caller) = scene(Policy::default(), &["<sip:103@acme.example>"]);
    scene.call(caller, "102");
    scene.run(300);
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
        104    acme/102 -> server   302 Moved Temporarily (INVITE)
        105      server -> acme/102 ACK 102
        105      server -> acme/103 INVITE 103 {10.0.0.1:10002 0,8}
        105      server -> acme/101 181 Call Is Being Forwarded (INVITE)
        106    acme/103 -> server   180 Ringing (INVITE)
        107      server -> acme/101 180 Ringing (INVITE)
        300    acme/101 -> server   CANCEL 102
        301      server -> acme/101 200 OK (CANCEL)
        301      server -> acme/103 CANCEL 103
        301      server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        302    acme/103 -> server   200 OK (CANCEL)
        302    acme/103 -> server   487 Request Terminated (INVITE)
        302    acme/101 -> server   ACK 102
        303      server -> acme/103 ACK 103
        record 101 -> 102: 487/16 by Caller, rang (ring 102, sent on by 102 to 103)
    "#]]);
}

#[test]
fn who_sent_the_call_on_is_told() {
    let (mut scene, caller) = scene(Policy::default(), &["<sip:104@acme.example>"]);
    let mut hand = Hand::new(&mut scene, "hand", 9);
    hand.registers(&mut scene, "104", 1, "<sip:104@10.0.2.9>");
    scene.call(caller, "102");
    scene.run(200);
    let invite = hand
        .hears(&mut scene)
        .into_iter()
        .find(|m| m.starts_with("INVITE"));
    let invite = invite.expect("an INVITE");
    assert_eq!(
        field(&invite, "Diversion"),
        "Diversion: <sip:102@acme.example>;reason=deflection"
    );
}
