//! Addresses of one phone (RFC 5627).

use super::by_hand::{code, field, register, request, sdp};
use super::{Hand, Scene};
use expect_test::expect;
use sim::phone::Answer;

/// Two phones of 101 with an instance each, and the Contact lines of the first one's 200.
fn phones() -> (Scene, Hand, Hand, Vec<String>) {
    let mut scene = Scene::new();
    let (mut desk, mut sofa) = (Hand::new(&mut scene, "desk", 1), Hand::new(&mut scene, "sofa", 2));
    registers(&mut scene, &mut sofa, "sofa", 1);
    let answer = registers(&mut scene, &mut desk, "desk", 1);
    scene.curtain();
    let lines = answer.lines().filter(|line| line.starts_with("Contact:"));
    let lines = lines.map(str::to_owned).collect();
    (scene, desk, sofa, lines)
}

fn registers(scene: &mut Scene, hand: &mut Hand, urn: &str, cseq: u32) -> String {
    let contact = format!("<sip:101@{}>;+sip.instance=\"<urn:uuid:{urn}>\"", hand.at);
    let head = register("101", &format!("reg-{urn}"), cseq, &contact);
    hand.insists(scene, "101", &format!("{head}\nSupported: gruu"), "")
}

/// The value of a Contact parameter in quotes.
fn parameter(line: &str, name: &str) -> String {
    let value = line
        .split_once(&format!("{name}=\""))
        .map_or("", |(_, rest)| rest);
    value.split('"').next().unwrap_or("").to_owned()
}

fn line_of<'a>(lines: &'a [String], urn: &str) -> &'a str {
    lines
        .iter()
        .find(|line| line.contains(urn))
        .map_or("", |line| line)
}

/// Calls this URI from 102 and gives the status, after both phones have had the chance to refuse.
fn call(scene: &mut Scene, caller: &mut Hand, uri: &str, id: &str) -> u16 {
    let head = request("INVITE", "102@acme.example", "x", id, 1).replace("sip:x", uri);
    let body = sdp(caller.at, 4000, "");
    code(&caller.insists(scene, "102", &head, &body))
}

#[test]
fn a_public_one_names_address_and_instance_and_rings_that_phone_only() {
    let (mut scene, mut desk, mut sofa, lines) = phones();
    let gruu = parameter(line_of(&lines, "uuid:desk"), "pub-gruu");
    assert_eq!(gruu, "sip:101@acme.example;gr=urn:uuid:desk");
    let caller = scene.phone("102", Answer::Ring);
    scene.call(caller, "101@acme.example;gr=urn:uuid:desk");
    scene.run(100);
    let invite = desk.hears(&mut scene).pop().expect("an INVITE");
    assert!(sofa.hears(&mut scene).is_empty());
    assert_eq!(field(&invite, "Contact"), "Contact: <sip:1@10.0.0.1:5060>");
    desk.responds(&mut scene, &invite, 486, "");
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 101 {10.0.1.2:6060 0,8}
        1        server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102 -> server   ACK 101
        2      acme/102 -> server   INVITE 101 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/102 100 Trying (INVITE)
        3        server -> desk     INVITE 101 {10.0.0.1:10002 0,8}
        120        desk -> server   486 Busy Here (INVITE)
        121      server -> desk     ACK 101
        121      server -> acme/102 486 Busy Here (INVITE) [Q.850;cause=17]
        122    acme/102 -> server   ACK 101
        record 102 -> 101: 486/17 by Callee (ring 101, busy)
    "#]]);
}

#[test]
fn a_temporary_one_hides_both_and_rings_that_phone_only() {
    let (mut scene, mut desk, mut sofa, lines) = phones();
    let gruu = parameter(line_of(&lines, "uuid:desk"), "temp-gruu");
    assert!(
        gruu.starts_with("sip:tgruu.") && gruu.ends_with("@acme.example;gr"),
        "{gruu}"
    );
    assert!(!gruu.contains("101") || !gruu.contains("desk"), "{gruu}");
    let again = registers(&mut scene, &mut desk, "desk", 3);
    let lines: Vec<String> = again.lines().map(str::to_owned).collect();
    let newer = parameter(line_of(&lines, "uuid:desk"), "temp-gruu");
    assert_ne!(newer, gruu);
    let mut caller = Hand::new(&mut scene, "caller", 3);
    for (id, gruu) in [("a", gruu), ("b", newer)] {
        call(&mut scene, &mut caller, &gruu, id);
        let invite = desk
            .hears(&mut scene)
            .pop()
            .or_else(|| desk.hears(&mut scene).pop());
        let invite = invite.expect("an INVITE");
        assert!(
            field(&invite, "To").contains("<sip:101@acme.example>"),
            "{invite}"
        );
        assert!(sofa.hears(&mut scene).is_empty());
        desk.responds(&mut scene, &invite, 486, "");
        scene.run(100);
    }
}

#[test]
fn one_that_leads_nowhere_any_more() {
    let (mut scene, mut desk, _, lines) = phones();
    let temporary = parameter(line_of(&lines, "uuid:desk"), "temp-gruu");
    let mut caller = Hand::new(&mut scene, "caller", 3);
    let nobody = "sip:101@acme.example;gr=urn:uuid:nobody";
    assert_eq!(call(&mut scene, &mut caller, nobody, "a"), 480);
    // A phone that starts anew has another Call-ID, and nobody is to know that it is the same.
    let contact = format!("<sip:101@{}>;+sip.instance=\"<urn:uuid:desk>\"", desk.at);
    desk.insists(&mut scene, "101", &register("101", "rebooted", 1, &contact), "");
    assert_eq!(call(&mut scene, &mut caller, &temporary, "b"), 404);
    let foreign = temporary.replace("acme.example", "beta.example");
    assert_eq!(call(&mut scene, &mut caller, &foreign, "c"), 403);
    scene.world.restart_server();
    assert_eq!(call(&mut scene, &mut caller, &temporary, "d"), 404);
}

#[test]
fn only_those_who_ask_are_told_and_only_of_an_instance_that_a_uri_can_name() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let cases = [
        ("<sip:101@10.0.2.1>;+sip.instance=\"<urn:uuid:a>\"", "outbound", 0),
        (
            "<sip:101@10.0.2.1>;+sip.instance=\"<urn:uuid:a>\"",
            "GRUU, path",
            1,
        ),
        ("<sip:101@10.0.2.1>;+sip.instance=\"<urn:x;y>\"", "gruu", 0),
        ("<sip:101@10.0.2.1>", "gruu", 0),
    ];
    for (cseq, (contact, supported, gruus)) in (1..).zip(cases) {
        let head = register("101", "asks", cseq * 10, contact);
        let answer = hand.insists(&mut scene, "101", &format!("{head}\nSupported: {supported}"), "");
        assert_eq!(answer.matches("temp-gruu").count(), gruus, "{answer}");
        assert_eq!(answer.matches("pub-gruu").count(), gruus, "{answer}");
    }
}
