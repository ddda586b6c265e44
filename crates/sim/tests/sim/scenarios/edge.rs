//! The edge: what is answered without a tenant's help, and how little of it (SECURITY rows 10, 11 and 12).

use super::by_hand::{code, field, register, request, sdp, to_tag};
use super::scene::ACME;
use super::{Hand, Scene};
use expect_test::expect;
use sim::phone::Answer;

#[test]
fn a_ping_of_the_server_needs_no_credentials() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let ping = request("OPTIONS", "x@anywhere.example", "10.0.0.1", "ping", 1);
    let pong = hand.asks(&mut scene, &ping);
    assert_eq!(code(&pong), 200);
    let plain = "Allow: INVITE, ACK, BYE, CANCEL, REGISTER, OPTIONS";
    assert!(field(&pong, "Allow").starts_with(plain));
    assert_eq!(field(&pong, "Accept"), "Accept: application/sdp");
}

/// The least that is a request: what a flooder sends who wants others to get much for it.
fn least(method: &str, to: &str) -> String {
    format!(
        "{method} sip:{to} SIP/2.0
Via: SIP/2.0/UDP h;branch={{branch}};rport
From: <sip:1@acme.example>;tag=1
To: <sip:{to}>
Call-ID: {method}
CSeq: 1 {method}"
    )
}

#[test]
fn a_datagram_that_was_made_short_brings_little_or_nothing() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    for method in ["REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE", "MESSAGE", "REFER"] {
        let whole = least(method, "1@acme.example");
        let answer = hand.asks(&mut scene, &whole);
        assert!(
            answer.len() <= 2 * (whole.len() + 64) && answer.matches("Digest").count() < 2,
            "{answer}"
        );
    }
    // Somewhat longer it gets one, whole it gets both.
    let longer = least("REGISTER", "1@acme.example") + "\nContact: <sip:1@192.0.2.1:5060>";
    let answer = hand.asks(&mut scene, &longer);
    assert!(
        code(&answer) == 401 && answer.matches("Digest").count() == 1,
        "{answer}"
    );
    assert!(answer.contains("algorithm=MD5"), "{answer}");
    let whole = register("101", "auth", 1, "<sip:101@10.0.2.1:5060>");
    let answer = hand.asks(&mut scene, &whole);
    assert_eq!(answer.matches("Digest").count(), 2, "{answer}");
    // What is refused without a challenge leaves out what is not needed.
    let answer = hand.asks(&mut scene, &least("FROB", "1@acme.example"));
    assert_eq!(
        (code(&answer), field(&answer, "Allow"), field(&answer, "Server")),
        (501, "", "")
    );
}

#[test]
fn a_domain_that_nobody_owns_is_not_found() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    for method in ["INVITE", "OPTIONS", "BYE", "CANCEL", "REGISTER"] {
        hand.send(
            &mut scene,
            &request(method, "1@nobody.example", "2@nobody.example", method, 1),
        );
        scene.run(10);
    }
    scene.ends(expect![[r#"
        0          hand -> server   INVITE 2
        1        server -> hand     404 Not Found (INVITE)
        10         hand -> server   OPTIONS 2
        11       server -> hand     404 Not Found (OPTIONS)
        20         hand -> server   BYE 2
        21       server -> hand     404 Not Found (BYE)
        30         hand -> server   CANCEL 2
        31       server -> hand     404 Not Found (CANCEL)
        40         hand -> server   REGISTER 2 <sip:hand@10.0.2.1:5060>
        41       server -> hand     404 Not Found (REGISTER)
    "#]]);
}

#[test]
fn a_retransmission_gets_the_same_tag_and_another_request_another() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let head = request("INVITE", "1@nobody.example", "2@nobody.example", "same", 1)
        .replace("{branch}", "z9hG4bK-same");
    let first = hand.asks(&mut scene, &head);
    let second = hand.asks(&mut scene, &head);
    assert_eq!(to_tag(&first), to_tag(&second));
    let third = hand.asks(&mut scene, &head.replace("z9hG4bK-same", "z9hG4bK-other"));
    assert_ne!(to_tag(&first), to_tag(&third));
    let acme =
        request("INVITE", "1@acme.example", "2@acme.example", "same", 1).replace("{branch}", "z9hG4bK-same");
    let first = hand.asks(&mut scene, &acme);
    let second = hand.asks(&mut scene, &acme);
    assert_eq!((code(&first), to_tag(&first)), (407, to_tag(&second)));
}

#[test]
fn a_message_that_is_too_large_is_513() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let head = request("OPTIONS", "101@acme.example", "102@acme.example", "large", 1);
    let answer = hand.asks(&mut scene, &format!("{head}\nSubject: {}", "x".repeat(40_000)));
    assert_eq!(code(&answer), 513);
    assert_eq!(scene.world.server.counts.oversized, 1);
}

#[test]
fn responses_that_nobody_asked_for_are_dropped() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    for branch in [
        "z9hG4bK1-0123456789abcdef",
        "z9hG4bK2-00",
        "z9hG4bKffff-1",
        "z9hG4bKsomebody",
        "old",
    ] {
        hand.send(
            &mut scene,
            &format!(
                "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch={branch}\nFrom: <sip:a@acme.example>;tag=1\n\
                 To: <sip:b@acme.example>;tag=2\nCall-ID: stray\nCSeq: 1 INVITE"
            ),
        );
        assert!(hand.hears(&mut scene).is_empty());
    }
    let tenant = scene.world.server.tenant(ACME).expect("acme").counts().stray;
    assert_eq!(tenant + scene.world.server.counts.stray, 5);
}

#[test]
fn octets_that_are_not_sip_are_dropped() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    for bytes in [
        &b""[..],
        b"\0",
        b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x80\x00\x01",
        b"\xff\xfe SIP/2.0\r\n\r\n",
    ] {
        hand.send_bytes(&mut scene, bytes.to_vec());
        let heard = hand.hears(&mut scene);
        assert!(heard.is_empty(), "{bytes:?} got {heard:?}");
    }
}

/// An INVITE, written in ways that have fooled somebody.
fn odd(plain: &str) -> Vec<(&'static str, String)> {
    vec![
        (
            "compact",
            plain
                .replace("From:", "f:")
                .replace("To:", "t:")
                .replace("Call-ID:", "i:")
                .replace("Via:", "v:"),
        ),
        ("case", plain.replace("From:", "fROM:").replace("CSeq:", "CSEQ:")),
        (
            "space before the colon",
            plain.replace("From:", "From :").replace("To:", "To\t:"),
        ),
        (
            "folded",
            plain
                .replace("From: ", "From:\n ")
                .replace("Call-ID: ", "Call-ID:\n\t"),
        ),
        ("two Froms", format!("{plain}\nf: <sip:root@acme.example>;tag=2")),
        ("two Call-IDs", format!("{plain}\nCall-ID: other")),
        ("two lengths", format!("{plain}\nContent-Length: 5")),
        ("negative length", format!("{plain}\nl: -1")),
        ("length too long", format!("{plain}\nContent-Length: 999999")),
        ("no tag", plain.replace(";tag=f-odd", "")),
        (
            "two branches",
            plain.replace("{branch}", "{branch};branch=z9hG4bKx"),
        ),
        ("NUL in From", plain.replace("From: <", "From: \0<")),
        (
            "bare CR",
            plain.replace("From: <", "From: x\rTo: <sip:y@acme.example>\rX: <"),
        ),
        (
            "CSeq of another method",
            plain.replace("CSeq: 1 INVITE", "CSeq: 1 BYE"),
        ),
        ("CSeq too large", plain.replace("CSeq: 1 ", "CSeq: 4294967296 ")),
        ("no version", plain.replacen(" SIP/2.0", "", 1)),
        ("version 3", plain.replacen(" SIP/2.0\n", " SIP/3.0\n", 1)),
        (
            "tel",
            plain.replacen("INVITE sip:102@acme.example", "INVITE tel:102", 1),
        ),
        (
            "headers in the URI",
            plain.replacen("102@acme.example", "102@acme.example?Subject=x", 1),
        ),
        (
            "spaces in the URI",
            plain.replacen("102@acme.example", "102 @acme.example", 1),
        ),
    ]
}

#[test]
fn headers_written_oddly_are_read_once_or_refused() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::Ring);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let plain = request("INVITE", "101@acme.example", "102@acme.example", "odd", 1);
    let variants = odd(&plain);
    let mut text = String::new();
    for (name, head) in variants {
        let body = sdp(hand.at, 4000, "");
        let answer = hand.asks_with(&mut scene, &head, &body);
        text.push_str(&format!(
            "{name}: {}\n",
            answer.lines().next().unwrap_or("silence")
        ));
    }
    expect![[r#"
        compact: SIP/2.0 407 Proxy Authentication Required
        case: SIP/2.0 407 Proxy Authentication Required
        space before the colon: SIP/2.0 407 Proxy Authentication Required
        folded: SIP/2.0 407 Proxy Authentication Required
        two Froms: SIP/2.0 400 Bad Request
        two Call-IDs: SIP/2.0 400 Bad Request
        two lengths: SIP/2.0 400 Bad Request
        negative length: SIP/2.0 400 Bad Request
        length too long: SIP/2.0 400 Bad Request
        no tag: SIP/2.0 407 Proxy Authentication Required
        two branches: SIP/2.0 407 Proxy Authentication Required
        NUL in From: SIP/2.0 407 Proxy Authentication Required
        bare CR: SIP/2.0 400 Bad Request
        CSeq of another method: SIP/2.0 400 Bad Request
        CSeq too large: SIP/2.0 400 Bad Request
        no version: silence
        version 3: SIP/2.0 505 Version Not Supported
        tel: SIP/2.0 407 Proxy Authentication Required
        headers in the URI: SIP/2.0 400 Bad Request
        spaces in the URI: SIP/2.0 400 Bad Request
    "#]]
    .assert_eq(&text);
}

#[test]
fn nothing_smuggled_leaves_in_a_display_name() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let head = register("101", "evil", 1, "<sip:101@10.0.2.1>");
    let head = format!("{head}\nUser-Agent: nice\u{7}phone\u{1b}[31m");
    hand.insists(&mut scene, "101", &head, "");
    let tenant = scene.world.server.tenant(ACME).expect("acme");
    let view = tenant.registrations(scene.world.now()).remove(0);
    assert_eq!(view.user_agent, "nicephone[31m");
    let config = super::scene::with_users(2, |user| {
        user.display = "Eve\"\r\nX-Evil: 1\r\n <sip:root@x>".into()
    });
    let now = scene.world.now();
    scene.world.server.configure(config, now);
    let invite = request("INVITE", "102@acme.example", "101@acme.example", "crlf", 1);
    let mut caller = Hand::new(&mut scene, "caller", 2);
    let body = sdp(caller.at, 4000, "");
    hand.hears(&mut scene);
    caller.insists(&mut scene, "102", &invite, &body);
    let forwarded = hand.hears(&mut scene).pop().expect("an INVITE");
    assert!(!forwarded.contains("\nX-Evil"), "{forwarded}");
    let from = field(&forwarded, "From").split(";tag=").next().unwrap_or("");
    expect![[r#"From: "Eve\"  X-Evil: 1   <sip:root@x>" <sip:102@acme.example>"#]].assert_eq(from);
}

#[test]
fn an_unauthenticated_answer_is_hardly_larger_than_its_request() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let (mut worst, mut growth) = ((0.0, String::new()), 0);
    for method in [
        "INVITE", "BYE", "CANCEL", "REGISTER", "OPTIONS", "MESSAGE", "JUMP",
    ] {
        for to in ["102@acme.example", "acme.example", "2@nobody.example"] {
            let head = format!(
                "{method} sip:{to} SIP/2.0\nv: SIP/2.0/UDP h;branch={{branch}};rport\nf: <sip:{to}>;tag=1\n\
                 t: <sip:{to}>\ni: 1\nCSeq: 1 {method}"
            );
            let answer = hand.asks(&mut scene, &head);
            let request = head.len() + head.lines().count() + 40;
            #[expect(clippy::cast_precision_loss, reason = "both are small")]
            let ratio = answer.len() as f64 / request as f64;
            if ratio > worst.0 {
                worst = (
                    ratio,
                    format!(
                        "{method} to {to}: {request} octets, answered with {}",
                        answer.len()
                    ),
                );
            }
            let challenge: usize = answer
                .lines()
                .filter(|line| line.contains("-Authenticate: "))
                .map(|line| line.len() + 2)
                .sum();
            growth = growth.max(answer.len().saturating_sub(request + challenge));
        }
    }
    println!("COUNT worst amplification in per cent {:.0}", worst.0 * 100.0);
    println!("worst: {}; without the challenge {growth} octets more", worst.1);
    assert!(
        growth < 200,
        "an answer grew by {growth} octets besides its challenge"
    );
    assert!(worst.0 < 4.0, "{}", worst.1);
}
