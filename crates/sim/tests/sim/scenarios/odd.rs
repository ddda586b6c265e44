//! Phones as they are: behind NAT, behind routers that rewrite, with telephone numbers for addresses.

use super::by_hand::{code, field, register, request, sdp};
use super::registrar::bound;
use super::{Hand, Scene};
use expect_test::expect;
use sim::phone::Answer;

#[test]
fn a_contact_on_a_private_network_is_reached_where_its_register_came_from() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let mut phone = Hand::new(&mut scene, "phone", 1);
    let head = register("102", "nat", 1, "<sip:102@192.168.1.7:5062>").replace("{at};", "192.168.1.7:5062;");
    let answer = phone.insists(&mut scene, "102", &head, "");
    // What it sent it gets back, or it would not know its own Contact; where it really is stands in the Via.
    assert!(
        field(&answer, "Contact").contains("<sip:102@192.168.1.7:5062>"),
        "{answer}"
    );
    assert!(
        field(&answer, "Via").contains(";received=10.0.2.1;rport=5060"),
        "{answer}"
    );
    scene.curtain();
    scene.call(caller, "102");
    let invite = phone.hears(&mut scene).pop().expect("an INVITE");
    assert!(invite.starts_with("INVITE sip:102@192.168.1.7:5062 "), "{invite}");
    phone.responds(&mut scene, &invite, 486, "");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> phone    INVITE 102 {10.0.0.1:10002 0,8}
        10        phone -> server   486 Busy Here (INVITE)
        11       server -> phone    ACK 102
        11       server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        12     acme/101 -> server   ACK 102
        record 101 -> 102: 486/17 by Callee (ring 102, busy)
    "#]]);
}

#[test]
fn headers_as_a_router_left_them() {
    let mut scene = Scene::new();
    let mut phone = Hand::new(&mut scene, "phone", 1);
    let odd = "REGISTER sip:acme.example SIP/2.0\r
v : SIP / 2.0 / udp  192.168.1.7 ; rport ; branch = z9hG4bKodd\r
MAX-FORWARDS:70\r
f:\"101\"<sip:101@acme.example>;TAG=a\r
t : <sip:101@ACME.example>\r
i:odd\r
cseq:  0001   REGISTER\r
m:\"x\" <sip:101@192.168.1.7>\r
 ;Expires=600\r
l : 0\r
\r
";
    phone.send_bytes(&mut scene, odd.as_bytes().to_vec());
    let challenge = phone.hears(&mut scene).pop().expect("an answer");
    assert_eq!(code(&challenge), 401, "{challenge}");
    assert!(
        field(&challenge, "Via").contains("received=10.0.2.1;rport=5060"),
        "{challenge}"
    );
    // Octets behind the body of a datagram don't count; what is missing is missed, and a body needs a type.
    for (length, expected) in [("0", 401), ("3", 400), ("9999", 400), ("x", 400)] {
        let text = odd
            .replace("l : 0", &format!("l : {length}"))
            .replace("z9hG4bKodd", &format!("z9hG4bKodd{length}"))
            + "abc";
        phone.send_bytes(&mut scene, text.into_bytes());
        let answer = phone.hears(&mut scene).pop().unwrap_or_default();
        assert_eq!(code(&answer), expected, "{length}: {answer}");
    }
}

#[test]
fn telephone_numbers_are_dialled_like_any_number() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::Refuse(486, 10));
    let mut caller = Hand::new(&mut scene, "caller", 1);
    let mut text = String::new();
    for (n, uri) in [
        "tel:102",
        "tel:1-0.2",
        "tel:102;phone-context=acme.example",
        "sip:102;phone-context=x@acme.example;user=phone",
        "sip:%31%30%32@acme.example",
        "tel:+49-30-1234",
        "sip:+49301234@acme.example;user=phone",
        "sip:*21%23@acme.example",
        "sip:*21#@acme.example",
        "sip:*21*%2B4930%23@acme.example",
        "tel:*21#",
        "tel:",
        "tel:1 0 2",
        "sips:102@acme.example",
        "mailto:102@acme.example",
    ]
    .into_iter()
    .enumerate()
    {
        let head = request("INVITE", "101@acme.example", "x", &format!("dial-{n}"), 1);
        let head = head
            .replacen("sip:x", uri, 1)
            .replace("<sip:x>", "<sip:102@acme.example>");
        let body = sdp(caller.at, 4000, "");
        caller.insists(&mut scene, "101", &head, &body);
        scene.run(100);
        let mail = &scene.world.mail;
        let last = mail.last().map(|(_, m)| String::from_utf8_lossy(m).into_owned());
        text.push_str(&format!("{uri} -> {}\n", code(&last.unwrap_or_default())));
        scene.run(40_000);
    }
    expect![[r#"
        tel:102 -> 486
        tel:1-0.2 -> 486
        tel:102;phone-context=acme.example -> 486
        sip:102;phone-context=x@acme.example;user=phone -> 486
        sip:%31%30%32@acme.example -> 486
        tel:+49-30-1234 -> 404
        sip:+49301234@acme.example;user=phone -> 404
        sip:*21%23@acme.example -> 404
        sip:*21#@acme.example -> 404
        sip:*21*%2B4930%23@acme.example -> 404
        tel:*21# -> 404
        tel: -> 400
        tel:1 0 2 -> 400
        sips:102@acme.example -> 416
        mailto:102@acme.example -> 416
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_telephone_number_is_nobodys_address_of_record() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::Ring);
    let mut thief = Hand::new(&mut scene, "thief", 1);
    let mut text = String::new();
    for (n, to) in [
        "tel:102",
        "tel:+102",
        "sip:102@beta.example",
        "sip:1%302@acme.example",
        "sips:102@acme.example",
    ]
    .into_iter()
    .enumerate()
    {
        let head = register("101", &format!("theft-{n}"), 1, "<sip:102@10.0.2.1>");
        let head = head.replace("To: <sip:101@acme.example>", &format!("To: <{to}>"));
        let answer = thief.insists(&mut scene, "101", &head, "");
        text.push_str(&format!("{to} -> {}\n", code(&answer)));
    }
    text.push_str(&bound(&scene));
    expect![[r#"
        tel:102 -> 400
        tel:+102 -> 400
        sip:102@beta.example -> 403
        sip:1%302@acme.example -> 403
        sips:102@acme.example -> 403
        sip:102@acme.example at sip:102@10.0.1.2:5060 q 1000 for 3599 s from 10.0.1.2:5060
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_caller_with_a_telephone_number_for_a_name_is_known_by_his_password() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::Refuse(486, 10));
    let mut caller = Hand::new(&mut scene, "caller", 1);
    scene.curtain();
    let head = request("INVITE", "101@acme.example", "102@acme.example", "tel", 1)
        .replace("From: <sip:101@acme.example>", "From: <tel:+4930999>");
    let body = sdp(caller.at, 4000, "");
    caller.insists(&mut scene, "101", &head, &body);
    scene.run(100);
    let record = scene.world.server.cdrs.last().expect("a record");
    assert_eq!((&*record.caller.number, &*record.callee.number), ("101", "102"));
}
