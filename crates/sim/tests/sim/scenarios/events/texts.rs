//! Texts from phone to phone (RFC 3428), and what a server tells a phone unasked.

use super::super::by_hand::{authorized, challenges, request};
use super::{Hand, Scene};
use expect_test::expect;
use model::{DeviceId, EventCommand, Policy, Transport};
use pbx::Input;
use sim::phone::Answer;

fn texts(scene: &mut Scene, phone: usize) -> Vec<String> {
    scene.act(phone, |p, _| {
        p.texts.iter().map(|(_, text)| text.clone()).collect()
    })
}

#[test]
fn a_text_reaches_every_phone() {
    let mut scene = Scene::new();
    let (from, first) = scene.pair();
    let second = scene.phone_on("102", Transport::Tcp, Answer::Ring);
    scene.act(from, |p, now| p.text("102", "Lunch?\r\n\u{7}", now));
    scene.run(1000);
    assert_eq!(texts(&mut scene, first), ["Lunch?\r\n"]);
    assert_eq!(texts(&mut scene, second), ["Lunch?\r\n"]);
    scene.ends(expect![[r#"
        0      acme/101 -> server   MESSAGE 102 {Lunch? }
        1        server -> acme/101 407 Proxy Authentication Required (MESSAGE) ?SHA-256 ?MD5
        2      acme/101 -> server   MESSAGE 102 +credentials {Lunch? }
        3        server -> acme/102 MESSAGE 102 {Lunch?}
        3        server -> acme/102' MESSAGE 102 {Lunch?}
        4      acme/102 -> server   200 OK (MESSAGE)
        4      acme/102' -> server   200 OK (MESSAGE)
        5        server -> acme/101 200 OK (MESSAGE)
    "#]]);
}

#[test]
fn texts_wait_for_a_phone_in_order_and_over_a_restart() {
    let mut scene = Scene::new();
    let from = scene.phone("101", Answer::Ring);
    for text in ["one", "two"] {
        scene.act(from, |p, now| p.text("102", text, now));
        scene.run(100);
    }
    scene.world.restart_server();
    scene.act(from, |p, now| p.text("102", "three", now));
    scene.run(100);
    scene.sees(expect![[r#"
        0      acme/101 -> server   MESSAGE 102 {one}
        1        server -> acme/101 407 Proxy Authentication Required (MESSAGE) ?SHA-256 ?MD5
        2      acme/101 -> server   MESSAGE 102 +credentials {one}
        3        server -> acme/101 202 Accepted (MESSAGE)
        100    acme/101 -> server   MESSAGE 102 {two}
        101      server -> acme/101 407 Proxy Authentication Required (MESSAGE) ?SHA-256 ?MD5
        102    acme/101 -> server   MESSAGE 102 +credentials {two}
        103      server -> acme/101 202 Accepted (MESSAGE)
        200      server dies and comes back
        200    acme/101 -> server   MESSAGE 102 {three}
        201      server -> acme/101 407 Proxy Authentication Required (MESSAGE) ?SHA-256 ?MD5
        202    acme/101 -> server   MESSAGE 102 +credentials {three}
        203      server -> acme/101 202 Accepted (MESSAGE)
    "#]]);
    let phone = scene.phone("102", Answer::Ring);
    scene.act(from, |p, now| p.text("102", "four", now));
    scene.run(1000);
    scene.act(phone, |p, now| p.register(600, now));
    scene.run(1000);
    assert_eq!(texts(&mut scene, phone), ["one", "two", "three", "four"]);
    scene.ends(expect![[r#"
        0      acme/101 -> server   MESSAGE 102 {four}
        1        server -> acme/101 407 Proxy Authentication Required (MESSAGE) ?SHA-256 ?MD5
        2      acme/101 -> server   MESSAGE 102 +credentials {four}
        3        server -> acme/102 MESSAGE 102 {four}
        4      acme/102 -> server   200 OK (MESSAGE)
        5        server -> acme/101 200 OK (MESSAGE)
        1000   acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5060> Expires 600
        1001     server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        1002   acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5060> Expires 600
        1003     server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5060>;expires=600
    "#]]);
}

/// The Call-ID tells a phone which text is a copy, so none may come twice for different ones.
#[test]
fn a_restart_does_not_let_a_new_text_look_like_an_old_one() {
    let mut scene = Scene::new();
    let (from, _) = scene.pair();
    let mut phone = Hand::new(&mut scene, "hand", 7);
    phone.registers(&mut scene, "103", 1, "<sip:103@10.0.2.7>");
    let mut ids = Vec::new();
    for text in ["one", "two"] {
        scene.act(from, |p, now| p.text("103", text, now));
        scene.run(100);
        let message = phone
            .hears(&mut scene)
            .into_iter()
            .rfind(|m| m.starts_with("MESSAGE"))
            .expect("a text");
        ids.push(super::super::by_hand::field(&message, "Call-ID").to_owned());
        scene.world.restart_server();
    }
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_phone_that_does_not_answer_gets_it_when_it_is_back() {
    let mut scene = Scene::new();
    let (from, phone) = scene.pair();
    scene.answers(phone, Answer::Dead);
    scene.act(from, |p, now| p.text("102", "Are you there?", now));
    scene.run(40_000);
    scene.answers(phone, Answer::Ring);
    scene.act(phone, |p, now| p.register(600, now));
    scene.run(1000);
    assert_eq!(texts(&mut scene, phone), ["Are you there?"]);
    scene.ends(expect![[r#"
        0      acme/101 -> server   MESSAGE 102 {Are you there?}
        1        server -> acme/101 407 Proxy Authentication Required (MESSAGE) ?SHA-256 ?MD5
        2      acme/101 -> server   MESSAGE 102 +credentials {Are you there?}
        3        server -> acme/102 MESSAGE 102 {Are you there?}
        502    acme/101 -> server   MESSAGE 102 +credentials {Are you there?}
        503      server -> acme/102 MESSAGE 102 {Are you there?}
        1502   acme/101 -> server   MESSAGE 102 +credentials {Are you there?}
        1503     server -> acme/102 MESSAGE 102 {Are you there?}
        3502   acme/101 -> server   MESSAGE 102 +credentials {Are you there?}
        3503     server -> acme/102 MESSAGE 102 {Are you there?}
        5003     server -> acme/101 202 Accepted (MESSAGE)
        7503     server -> acme/102 MESSAGE 102 {Are you there?}
        11503    server -> acme/102 MESSAGE 102 {Are you there?}
        15503    server -> acme/102 MESSAGE 102 {Are you there?}
        19503    server -> acme/102 MESSAGE 102 {Are you there?}
        23503    server -> acme/102 MESSAGE 102 {Are you there?}
        27503    server -> acme/102 MESSAGE 102 {Are you there?}
        31503    server -> acme/102 MESSAGE 102 {Are you there?}
        40000  acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5060> Expires 600
        40001    server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        40002  acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5060> Expires 600
        40003    server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5060>;expires=600
        40003    server -> acme/102 MESSAGE 102 {Are you there?}
        40004  acme/102 -> server   200 OK (MESSAGE)
    "#]]);
}

#[test]
fn only_so_many_wait_and_only_so_long() {
    let mut scene = Scene::with(Policy {
        max_kept_messages: 2,
        kept_message_s: 60,
        ..Policy::default()
    });
    let from = scene.phone("101", Answer::Ring);
    for text in ["one", "two", "three"] {
        scene.act(from, |p, now| p.text("102", text, now));
        scene.run(100);
    }
    let heard = scene.act(from, |p, _| p.heard.clone());
    let codes: Vec<u16> = heard
        .iter()
        .filter(|(m, _)| m == "MESSAGE")
        .map(|(_, c)| *c)
        .collect();
    assert_eq!(codes, [202, 202, 480]);
    scene.run(61_000);
    let phone = scene.phone("102", Answer::Ring);
    scene.run(1000);
    assert_eq!(texts(&mut scene, phone), Vec::<String>::new());
    scene.ends(expect![[""]]);
}

#[test]
fn a_phone_that_takes_no_texts() {
    let mut scene = Scene::new();
    let (from, phone) = scene.pair();
    scene.act(phone, |p, _| p.refuses_text = Some(405));
    scene.act(from, |p, now| p.text("102", "Hello", now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   MESSAGE 102 {Hello}
        1        server -> acme/101 407 Proxy Authentication Required (MESSAGE) ?SHA-256 ?MD5
        2      acme/101 -> server   MESSAGE 102 +credentials {Hello}
        3        server -> acme/102 MESSAGE 102 {Hello}
        4      acme/102 -> server   405 Method Not Allowed (MESSAGE)
        5        server -> acme/101 405 Method Not Allowed (MESSAGE)
    "#]]);
}

#[test]
fn refusals() {
    let mut scene = Scene::new();
    let _callee = scene.phone("102", Answer::Ring);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let long = "x".repeat(5000);
    for (number, (target, kind, body)) in [
        ("999@acme.example", "text/plain", "nobody"),
        ("102@beta.example", "text/plain", "elsewhere"),
        ("102@acme.example", "text/html", "<script>"),
        ("102@acme.example", "text/plain", ""),
        ("102@acme.example", "text/plain", &*long),
    ]
    .into_iter()
    .enumerate()
    {
        let head = request(
            "MESSAGE",
            "101@acme.example",
            target,
            &format!("text-{number}"),
            1,
        );
        let send = |hand: &mut Hand, scene: &mut Scene, head: &str| {
            let text = format!("{head}\nContent-Type: {kind}");
            let bytes = format!(
                "{}\r\nContent-Length: {}\r\n\r\n{body}",
                text.replace('\n', "\r\n"),
                body.len()
            );
            let branch = format!("z9hG4bK-{number}-{}", head.len());
            let bytes = bytes
                .replace("{branch}", &branch)
                .replace("{at}", &hand.at.to_string());
            hand.send_bytes(scene, bytes.into_bytes());
            hand.hears(scene).pop().unwrap_or_default()
        };
        let challenged = send(&mut hand, &mut scene, &head);
        if let Some(challenge) = challenges(&challenged).pop() {
            send(
                &mut hand,
                &mut scene,
                &authorized(&head, &challenge, "101", "pw101", 1),
            );
        }
    }
    scene.ends(expect![[r#"
        0          hand -> server   MESSAGE 999 {nobody}
        1        server -> hand     407 Proxy Authentication Required (MESSAGE) ?SHA-256 ?MD5
        10         hand -> server   MESSAGE 999 +credentials {nobody}
        11       server -> hand     404 Not Found (MESSAGE)
        20         hand -> server   MESSAGE 102 {elsewhere}
        21       server -> hand     407 Proxy Authentication Required (MESSAGE) ?SHA-256 ?MD5
        30         hand -> server   MESSAGE 102 +credentials {elsewhere}
        31       server -> hand     404 Not Found (MESSAGE)
        40         hand -> server   MESSAGE 102 {<script>}
        41       server -> hand     415 Unsupported Media Type (MESSAGE)
        50         hand -> server   MESSAGE 102 {}
        51       server -> hand     407 Proxy Authentication Required (MESSAGE) ?SHA-256 ?MD5
        60         hand -> server   MESSAGE 102 +credentials {}
        61       server -> hand     400 Bad Request (MESSAGE)
        70         hand -> server   MESSAGE 102 {xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}
        71       server -> hand     407 Proxy Authentication Required (MESSAGE) ?SHA-256 ?MD5
        80         hand -> server   MESSAGE 102 +credentials {xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}
        81       server -> hand     413 Request Entity Too Large (MESSAGE)
    "#]]);
}

#[test]
fn a_phone_is_told_to_fetch_its_configuration() {
    let mut scene = Scene::new();
    let phone = scene.phone_on("102", Transport::Tls, Answer::Ring);
    let _other = scene.phone("101", Answer::Ring);
    scene.input(Input::Event(EventCommand::CheckSync {
        device: DeviceId(2),
        reboot: false,
    }));
    scene.run(100);
    assert_eq!(scene.act(phone, |p, _| p.told.len()), 1);
    scene.ends(expect![[r#"
        0        server -> acme/102 NOTIFY 102 Event check-sync;reboot=false Subscription-State terminated;reason=timeout
        1      acme/102 -> server   200 OK (NOTIFY)
    "#]]);
}
