//! Several flows of one phone (RFC 5626): what a REGISTER is granted, and which of them rings.

use super::by_hand::{code, field, register};
use super::scene::acme;
use super::{Hand, Scene};
use expect_test::expect;
use model::{Policy, Transport};
use sim::phone::Answer;
use std::fmt::Write;

const FLOW: &str = "<sip:101@10.0.2.1;ob>;+sip.instance=\"<urn:uuid:a>\";reg-id=";

/// A hand on a connection.
fn hand(scene: &mut Scene, name: &str, host: u8) -> Hand {
    let mut hand = Hand::new(scene, name, host);
    hand.transport = Transport::Tcp;
    hand.connection = scene.world.connect_stranger();
    hand
}

/// Registers each with these header lines, and shows the answers.
fn check(policy: Policy, transport: Transport, cases: &[&str], expected: expect_test::Expect) {
    let mut scene = Scene::with(policy);
    let mut text = String::new();
    for (host, lines) in (1..).zip(cases) {
        let mut hand = Hand::new(&mut scene, "hand", host);
        if transport != Transport::Udp {
            hand.transport = transport;
            hand.connection = scene.world.connect_stranger();
        }
        let head = register("101", &format!("case-{host}"), 1, "");
        let head = format!("{head}\n{lines}");
        let answer = hand.insists(&mut scene, "101", &head, "");
        let _ = write!(text, "{} -> {}", lines.replace('\n', " | "), code(&answer));
        for name in ["Require", "Unsupported", "Flow-Timer", "Path", "Service-Route"] {
            let line = field(&answer, name);
            if !line.is_empty() {
                let _ = write!(text, ", {line}");
            }
        }
        text.push('\n');
    }
    expected.assert_eq(&text);
}

#[test]
fn outbound_is_granted_to_an_instance_with_reg_id_that_knows_it() {
    let flow = |supported: &str, contact: &str| format!("Contact: {contact}\nSupported: {supported}");
    let cases = [
        flow("path, outbound", &format!("{FLOW}1")),
        flow("path", &format!("{FLOW}1")),
        flow("outbound", "<sip:101@10.0.2.1>;reg-id=1"),
        flow("outbound", "<sip:101@10.0.2.1>;+sip.instance=\"<urn:uuid:a>\""),
        flow("outbound", &format!("{FLOW}1, <sip:101@10.0.2.1:5070>")),
        flow("outbound", &format!("{FLOW}1, {FLOW}2;expires=0")),
        "Contact: <sip:101@10.0.2.1>\nRequire: outbound, gruu".to_owned(),
        "Contact: <sip:101@10.0.2.1>\nRequire: path".to_owned(),
        "Contact: <sip:101@10.0.2.1>\nRequire: teleport".to_owned(),
    ];
    let cases = cases.each_ref().map(String::as_str);
    check(
        Policy::default(),
        Transport::Tcp,
        &cases,
        expect![[r#"
        Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Supported: path, outbound -> 200, Require: outbound, Flow-Timer: 120
        Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Supported: path -> 200
        Contact: <sip:101@10.0.2.1>;reg-id=1 | Supported: outbound -> 200
        Contact: <sip:101@10.0.2.1>;+sip.instance="<urn:uuid:a>" | Supported: outbound -> 200
        Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1, <sip:101@10.0.2.1:5070> | Supported: outbound -> 400
        Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1, <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=2;expires=0 | Supported: outbound -> 200, Require: outbound, Flow-Timer: 120
        Contact: <sip:101@10.0.2.1> | Require: outbound, gruu -> 200
        Contact: <sip:101@10.0.2.1> | Require: path -> 420, Unsupported: path
        Contact: <sip:101@10.0.2.1> | Require: teleport -> 420, Unsupported: teleport
    "#]],
    );
}

#[test]
fn over_datagrams_no_flow_timer_is_asked_for_and_policy_may_ask_for_none() {
    let case = format!("Contact: {FLOW}1\nSupported: outbound");
    check(
        Policy::default(),
        Transport::Udp,
        &[&case],
        expect![[r#"
        Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Supported: outbound -> 200, Require: outbound
    "#]],
    );
    let policy = Policy {
        flow_timer_s: 0,
        ..Policy::default()
    };
    check(
        policy,
        Transport::Tcp,
        &[&case],
        expect![[r#"
        Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Supported: outbound -> 200, Require: outbound
    "#]],
    );
}

/// A phone with two flows, and somebody who calls it.
fn two_flows() -> (Scene, usize, Hand, Hand) {
    let mut scene = Scene::new();
    let caller = scene.phone("102", Answer::Ring);
    let mut first = hand(&mut scene, "flow 1", 1);
    let mut second = hand(&mut scene, "flow 2", 2);
    for (reg_id, flow) in [(1, &mut first), (2, &mut second)] {
        let head = register("101", &format!("flow-{reg_id}"), 1, &format!("{FLOW}{reg_id}"));
        flow.insists(&mut scene, "101", &format!("{head}\nSupported: outbound"), "");
    }
    scene.curtain();
    (scene, caller, first, second)
}

#[test]
fn one_flow_of_a_phone_rings_and_the_other_after_it_failed() {
    let (mut scene, caller, mut first, mut second) = two_flows();
    scene.call(caller, "101");
    let invite = second.hears(&mut scene).pop().expect("an INVITE");
    assert!(invite.starts_with("INVITE sip:101@10.0.2.1;ob "), "{invite}");
    second.responds(&mut scene, &invite, 430, "");
    let again = first.hears(&mut scene).pop().expect("an INVITE");
    first.responds(&mut scene, &again, 486, "");
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 101 {10.0.1.2:6060 0,8}
        1        server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102 -> server   ACK 101
        2      acme/102 -> server   INVITE 101 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/102 100 Trying (INVITE)
        3        server -> flow 2   INVITE 101 {10.0.0.1:10002 0,8}
        10       flow 2 -> server   430 Flow Failed (INVITE)
        11       server -> flow 2   ACK 101
        11       server -> flow 1   INVITE 101 {10.0.0.1:10002 0,8}
        20       flow 1 -> server   486 Busy Here (INVITE)
        21       server -> flow 1   ACK 101
        21       server -> acme/102 486 Busy Here (INVITE) [Q.850;cause=17]
        22     acme/102 -> server   ACK 101
        record 102 -> 101: 486/17 by Callee (ring 101, busy)
    "#]]);
}

#[test]
fn a_flow_that_breaks_while_it_rings_gives_way_to_the_next() {
    let (mut scene, caller, mut first, mut second) = two_flows();
    scene.call(caller, "101");
    let invite = second.hears(&mut scene).pop().expect("an INVITE");
    second.responds(&mut scene, &invite, 180, "");
    scene.run(500);
    let now = scene.world.now();
    scene.world.server.connection_lost(second.connection, now);
    scene.world.collect();
    let again = first.hears(&mut scene).pop().expect("an INVITE");
    let at = first.at;
    first.responds(&mut scene, &again, 200, &super::by_hand::sdp(at, 6060, ""));
    scene.run(500);
    scene.hang_up(caller);
    let bye = first.hears(&mut scene).pop().expect("a BYE");
    first.responds(&mut scene, &bye, 200, "");
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 101 {10.0.1.2:6060 0,8}
        1        server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102 -> server   ACK 101
        2      acme/102 -> server   INVITE 101 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/102 100 Trying (INVITE)
        3        server -> flow 2   INVITE 101 {10.0.0.1:10002 0,8}
        10       flow 2 -> server   180 Ringing (INVITE)
        11       server -> acme/102 180 Ringing (INVITE)
        510      server -> flow 1   INVITE 101 {10.0.0.1:10002 0,8}
        520      flow 1 -> server   200 OK (INVITE) {10.0.2.1:6060 0,8}
        521      server -> flow 1   ACK hand
        521      server -> acme/102 200 OK (INVITE) {10.0.0.1:10000 0,8}
        522    acme/102 -> server   ACK 1
        1020   acme/102 -> server   BYE 1
        1021     server -> flow 1   BYE hand
        1021     server -> acme/102 200 OK (BYE)
        1030     flow 1 -> server   200 OK (BYE)
        record 102 -> 101: 200/16 by Caller, rang, talked 500 ms (ring 101, answered), packets 1 and 0
    "#]]);
}

#[test]
fn a_call_goes_on_over_the_other_flow() {
    let (mut scene, caller, mut first, mut second) = two_flows();
    scene.call(caller, "101");
    let invite = second.hears(&mut scene).pop().expect("an INVITE");
    let at = second.at;
    second.responds(&mut scene, &invite, 200, &super::by_hand::sdp(at, 6060, ""));
    scene.run(500);
    let now = scene.world.now();
    scene.world.server.connection_lost(second.connection, now);
    scene.world.collect();
    scene.hang_up(caller);
    let bye = first.hears(&mut scene).pop().expect("a BYE");
    first.responds(&mut scene, &bye, 200, "");
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 101 {10.0.1.2:6060 0,8}
        1        server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102 -> server   ACK 101
        2      acme/102 -> server   INVITE 101 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/102 100 Trying (INVITE)
        3        server -> flow 2   INVITE 101 {10.0.0.1:10002 0,8}
        10       flow 2 -> server   200 OK (INVITE) {10.0.2.2:6060 0,8}
        11       server -> flow 2   ACK hand
        11       server -> acme/102 200 OK (INVITE) {10.0.0.1:10000 0,8}
        12     acme/102 -> server   ACK 1
        510    acme/102 -> server   BYE 1
        511      server -> flow 1   BYE hand
        511      server -> acme/102 200 OK (BYE)
        520      flow 1 -> server   200 OK (BYE)
        record 102 -> 101: 200/16 by Caller, talked 500 ms (ring 101, answered), packets 1 and 0
    "#]]);
}

#[test]
fn when_every_flow_fails_nobody_is_there() {
    let (mut scene, caller, mut first, mut second) = two_flows();
    scene.call(caller, "101");
    let invite = second.hears(&mut scene).pop().expect("an INVITE");
    second.responds(&mut scene, &invite, 430, "");
    let again = first.hears(&mut scene).pop().expect("an INVITE");
    first.responds(&mut scene, &again, 430, "");
    scene.run(100);
    scene.call(caller, "101");
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 101 {10.0.1.2:6060 0,8}
        1        server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102 -> server   ACK 101
        2      acme/102 -> server   INVITE 101 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/102 100 Trying (INVITE)
        3        server -> flow 2   INVITE 101 {10.0.0.1:10002 0,8}
        10       flow 2 -> server   430 Flow Failed (INVITE)
        11       server -> flow 2   ACK 101
        11       server -> flow 1   INVITE 101 {10.0.0.1:10002 0,8}
        20       flow 1 -> server   430 Flow Failed (INVITE)
        21       server -> flow 1   ACK 101
        21       server -> acme/102 480 Temporarily Unavailable (INVITE) [Q.850;cause=20]
        22     acme/102 -> server   ACK 101
        120    acme/102 -> server   INVITE 101 {10.0.1.2:6060 0,8}
        121      server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        122    acme/102 -> server   ACK 101
        122    acme/102 -> server   INVITE 101 +credentials {10.0.1.2:6060 0,8}
        123      server -> acme/102 100 Trying (INVITE)
        123      server -> acme/102 480 Temporarily Unavailable (INVITE) [Q.850;cause=20]
        124    acme/102 -> server   ACK 101
        record 102 -> 101: 480/20 by System (ring 101, unreachable)
        record 102 -> 101: 480/20 by System (ring 101, unreachable)
    "#]]);
}

#[test]
fn a_phone_is_not_rung_on_its_other_flow_when_it_calls_itself() {
    let (mut scene, _, mut first, mut second) = two_flows();
    let at = first.at;
    let invite = super::by_hand::request("INVITE", "101@acme.example", "101@acme.example", "self", 1);
    let answer = first.insists(&mut scene, "101", &invite, &super::by_hand::sdp(at, 6060, ""));
    assert_eq!(code(&answer), 480);
    assert!(second.hears(&mut scene).is_empty());
}

const EDGE: &str = "Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge\n";

/// A REGISTER that came through a proxy with these Path lines.
fn proxied(path: &str, supported: &str) -> String {
    format!("Supported: {supported}\nContact: {FLOW}1\n{EDGE}{path}")
        .trim_end()
        .to_owned()
}

#[test]
fn a_path_is_kept_where_policy_says_so() {
    let cases = [
        proxied("Path: <sip:edge.acme.example;lr;ob>", "path, outbound"),
        proxied(
            "Path: <sip:inner.acme.example;lr>, <sip:edge.acme.example;lr;ob>",
            "path, outbound",
        ),
        proxied(
            "Path: <sip:edge.acme.example;lr;ob>, <sip:outer.acme.example;lr>",
            "path, outbound",
        ),
        proxied("", "path, outbound"),
        proxied("Path: <sip:edge.acme.example;lr>", "path"),
        proxied("Path: <sip:edge.acme.example;lr>", ""),
        proxied("Path: <sip:edge.acme.example>", "path"),
        proxied("Path: <tel:+49301;lr>", "path"),
        proxied("Path: edge", "path"),
        proxied(&format!("Path: <sip:{}.example;lr>", "a".repeat(800)), "path"),
        proxied(&"Path: <sip:a;lr>\n".repeat(9), "path"),
    ];
    let cases = cases.each_ref().map(String::as_str);
    let policy = Policy {
        accept_path: true,
        ..Policy::default()
    };
    check(
        policy,
        Transport::Tcp,
        &cases,
        expect![[r#"
        Supported: path, outbound | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge | Path: <sip:edge.acme.example;lr;ob> -> 200, Require: outbound, Flow-Timer: 120, Path: <sip:edge.acme.example;lr;ob>, Service-Route: <sip:10.0.0.1:5060;transport=tcp;lr>
        Supported: path, outbound | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge | Path: <sip:inner.acme.example;lr>, <sip:edge.acme.example;lr;ob> -> 200, Require: outbound, Flow-Timer: 120, Path: <sip:inner.acme.example;lr>, <sip:edge.acme.example;lr;ob>, Service-Route: <sip:10.0.0.1:5060;transport=tcp;lr>
        Supported: path, outbound | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge | Path: <sip:edge.acme.example;lr;ob>, <sip:outer.acme.example;lr> -> 439
        Supported: path, outbound | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge -> 439
        Supported: path | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge | Path: <sip:edge.acme.example;lr> -> 200, Path: <sip:edge.acme.example;lr>, Service-Route: <sip:10.0.0.1:5060;transport=tcp;lr>
        Supported:  | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge | Path: <sip:edge.acme.example;lr> -> 420, Unsupported: path
        Supported: path | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge | Path: <sip:edge.acme.example> -> 400
        Supported: path | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge | Path: <tel:+49301;lr> -> 400
        Supported: path | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge | Path: edge -> 400
        Supported: path | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge | Path: <sip:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example;lr> -> 400
        Supported: path | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge | Path: <sip:a;lr> | Path: <sip:a;lr> | Path: <sip:a;lr> | Path: <sip:a;lr> | Path: <sip:a;lr> | Path: <sip:a;lr> | Path: <sip:a;lr> | Path: <sip:a;lr> | Path: <sip:a;lr> -> 400
    "#]],
    );
    check(
        Policy::default(),
        Transport::Tcp,
        &cases[..6],
        expect![[r#"
        Supported: path, outbound | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge | Path: <sip:edge.acme.example;lr;ob> -> 200
        Supported: path, outbound | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge | Path: <sip:inner.acme.example;lr>, <sip:edge.acme.example;lr;ob> -> 200
        Supported: path, outbound | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge | Path: <sip:edge.acme.example;lr;ob>, <sip:outer.acme.example;lr> -> 200
        Supported: path, outbound | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge -> 200
        Supported: path | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge | Path: <sip:edge.acme.example;lr> -> 200
        Supported:  | Contact: <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 | Via: SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKedge | Path: <sip:edge.acme.example;lr> -> 200
    "#]],
    );
}

#[test]
fn requests_go_back_along_the_path() {
    let mut scene = Scene::with(Policy {
        accept_path: true,
        ..Policy::default()
    });
    let caller = scene.phone("102", Answer::Ring);
    let mut edge = hand(&mut scene, "edge", 1);
    let head = register("101", "path", 1, &format!("{FLOW}1"));
    let path = "Path: <sip:inner.acme.example;lr>\nPath: <sip:edge.acme.example;lr;ob>";
    edge.insists(
        &mut scene,
        "101",
        &format!("{head}\nSupported: path, outbound\n{path}"),
        "",
    );
    let restored = scene.world.server.bindings();
    assert_eq!(restored[1].path().len() + restored[0].path().len(), 2);
    scene.call(caller, "101");
    let invite = edge.hears(&mut scene).pop().expect("an INVITE");
    let routes: Vec<&str> = invite.lines().filter(|line| line.starts_with("Route:")).collect();
    assert_eq!(
        routes,
        [
            "Route: <sip:inner.acme.example;lr>",
            "Route: <sip:edge.acme.example;lr;ob>"
        ]
    );
    edge.responds(&mut scene, &invite, 486, "");
    scene.ends(expect![[r#"
        10         edge -> server   REGISTER acme.example <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 Path <sip:inner.acme.example;lr>
        11       server -> edge     401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        30         edge -> server   REGISTER acme.example +credentials <sip:101@10.0.2.1;ob>;+sip.instance="<urn:uuid:a>";reg-id=1 Path <sip:inner.acme.example;lr>
        31       server -> edge     200 OK (REGISTER) <sip:101@10.0.2.1;ob>;expires=3600;+sip.instance="<urn:uuid:a>";reg-id=1 Require outbound Flow-Timer 120 Path <sip:inner.acme.example;lr> Service-Route <sip:10.0.0.1:5060;transport=tcp;lr>
        40     acme/102 -> server   INVITE 101 {10.0.1.2:6060 0,8}
        41       server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        42     acme/102 -> server   ACK 101
        42     acme/102 -> server   INVITE 101 +credentials {10.0.1.2:6060 0,8}
        43       server -> acme/102 100 Trying (INVITE)
        43       server -> edge     INVITE 101 {10.0.0.1:10002 0,8}
        50         edge -> server   486 Busy Here (INVITE)
        51       server -> edge     ACK 101
        51       server -> acme/102 486 Busy Here (INVITE) [Q.850;cause=17]
        52     acme/102 -> server   ACK 101
        record 102 -> 101: 486/17 by Callee (ring 101, busy)
    "#]]);
}

#[test]
fn a_path_is_forgotten_with_the_next_registration_that_has_none() {
    let mut scene = Scene::new();
    scene.reconfigure(&acme(Policy {
        accept_path: true,
        ..Policy::default()
    }));
    let mut edge = hand(&mut scene, "edge", 1);
    for (cseq, path) in [(1, "\nPath: <sip:edge.acme.example;lr;ob>"), (3, "")] {
        let head = register("101", "path", cseq, &format!("{FLOW}1"));
        edge.insists(
            &mut scene,
            "101",
            &format!("{head}\nSupported: path, outbound{path}"),
            "",
        );
        let hops: usize = scene.world.server.bindings().iter().map(|b| b.path().len()).sum();
        assert_eq!(hops, usize::from(!path.is_empty()));
    }
}
