//! What leaves: built from parts, one line per field, whatever the values hold.

use crate::corpus::INVITE;
use sip::build::{quote_display, response_target};
use sip::{Message, Method, Name, Verdict, Via, Writer, reason_phrase, validate};
use std::net::SocketAddr;

fn source(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap().replace("\r\n", "\n")
}

fn reply(request: &str, code: u16, tag: Option<&str>, from: &str) -> String {
    let octets = request.replace('\n', "\r\n").into_bytes();
    let request = Message::parse(&octets).unwrap();
    text(&Writer::reply(&request, code, "", tag, source(from)).finish())
}

#[test]
fn a_request_from_its_parts() {
    let bytes = Writer::request(Method::Invite, "sip:bob@192.0.2.9;x=y")
        .via("UDP", source("192.0.2.1:5060"), "z9hG4bK1-2", true)
        .via("TLS", source("[2001:db8::1]:5061"), "z9hG4bK3", false)
        .header(Name::MaxForwards, "70")
        .fmt(Name::CSeq, format_args!("{} {}", 7, Method::Invite))
        .named("X-Thing", "ä")
        .body("application/sdp", b"v=0\r\n");
    expect_test::expect![[r#"
        INVITE sip:bob@192.0.2.9;x=y SIP/2.0
        Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1-2
        Via: SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bK3
        Max-Forwards: 70
        CSeq: 7 INVITE
        X-Thing: ä
        Content-Type: application/sdp
        Content-Length: 5

        v=0
    "#]]
    .assert_eq(&text(&bytes));
}

#[test]
fn a_reply_has_all_vias_and_the_source_in_the_top_one() {
    expect_test::expect![[r#"
        SIP/2.0 404 Not Found
        Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bK776asdhds;received=198.51.100.7;rport=40000
        Via: SIP/2.0/TCP [2001:db8::9]:5062;branch=z9hG4bKnext,SIP/2.0/TLS a.example.com;branch=z9hG4bKlast
        From: "Alice \"A\" Doe" <sip:alice@pbx.example.com>;tag=1928301774
        To: <sip:bob@pbx.example.com>;tag=2a-77
        Call-ID: a84b4c76e66710@pc33.example.com
        CSeq: 314159 INVITE
        Content-Length: 0

    "#]]
    .assert_eq(&reply(INVITE, 404, Some("2a-77"), "198.51.100.7:40000"));
}

#[test]
fn received_is_ours_to_say() {
    let request = |via: &str| format!("OPTIONS sip:x SIP/2.0\nVia: {via}\nTimestamp: 54\n\n");
    let top = |via: &str, from: &str| {
        reply(&request(via), 200, None, from)
            .lines()
            .nth(1)
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        top("SIP/2.0/UDP 192.0.2.4;branch=b", "192.0.2.4:9"),
        "Via: SIP/2.0/UDP 192.0.2.4;branch=b"
    );
    assert_eq!(
        top(
            "SIP/2.0/UDP 192.0.2.4;received=203.0.113.1;rport=1;branch=b",
            "192.0.2.4:9"
        ),
        "Via: SIP/2.0/UDP 192.0.2.4;branch=b;received=192.0.2.4;rport=9"
    );
    assert_eq!(
        top("SIP/2.0/TCP host", "[::ffff:192.0.2.4]:9"),
        "Via: SIP/2.0/TCP host;received=192.0.2.4"
    );
    assert_eq!(
        top("SIP / 2.0/TCP [2001:DB8:0::1]", "[2001:db8::1]:9"),
        "Via: SIP/2.0/TCP [2001:DB8:0::1]"
    );
    let trying = reply(&request("SIP/2.0/UDP x"), 100, None, "192.0.2.4:9");
    assert!(trying.contains("\nTimestamp: 54\n"));
    assert!(!reply(&request("SIP/2.0/UDP x"), 200, None, "192.0.2.4:9").contains("Timestamp"));
}

#[test]
fn a_tag_that_is_there_stays() {
    let tagged = INVITE.replace(
        "To: <sip:bob@pbx.example.com>",
        "To: sip:bob@pbx.example.com;x=y;tag=old",
    );
    let out = reply(&tagged, 200, Some("new"), "192.0.2.4:5060");
    assert!(out.contains("\nTo: sip:bob@pbx.example.com;x=y;tag=old\n"));
    let inner = INVITE.replace(
        "To: <sip:bob@pbx.example.com>",
        "To: <sip:bob@pbx.example.com;tag=inner>",
    );
    assert!(reply(&inner, 200, Some("new"), "192.0.2.4:5060").contains("tag=inner>;tag=new\n"));
}

const HOSTILE: [&str; 8] = [
    "a\r\nVia: SIP/2.0/UDP evil",
    "a\nTo: evil",
    "a\rRoute: <sip:evil>",
    "a\0b",
    "\r\n\r\nv=0",
    "a\u{85}b\u{1b}[31m",
    "a\r\n\tfolded",
    "\u{7f}\u{1}\u{2028}",
];

#[test]
fn no_value_leaves_its_line() {
    for hostile in HOSTILE {
        let bytes = Writer::request(Method::Other(hostile), hostile)
            .header(Name::Subject, hostile)
            .named(hostile, hostile)
            .fmt(Name::Reason, format_args!("{hostile}{}", hostile.len()))
            .via(hostile, source("192.0.2.1:5060"), hostile, false)
            .body(hostile, b"x");
        let message = Message::parse(&bytes).unwrap();
        let names: Vec<&str> = message.fields().map(|(_, name, _)| name).collect();
        assert_eq!(names.len(), 6, "{hostile:?}: {names:?}");
        assert_eq!(
            (names[0], names[2], names[5]),
            ("Subject", "Reason", "Content-Length")
        );
        assert_eq!((message.defect(), message.body()), (None, b"x".as_slice()));
        let head = text(bytes.strip_suffix(b"x").unwrap());
        assert!(
            head.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()),
            "{head:?}"
        );
        assert!(message.request_line().unwrap().uri.is_ascii());
        let reply = Writer::response(200, hostile).finish();
        assert_eq!(Message::parse(&reply).unwrap().fields().count(), 1);
    }
}

#[test]
fn folded_and_hostile_values_of_a_request_come_back_on_one_line() {
    let request = "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=b\r\n ;y=\"\0\u{1b}\"\r\nFrom: \"\\\u{7f}\"\r\n\t<sip:a>\r\nTo: \"a\\\0\" <sip:b>\r\nCall-ID: i\r\nCSeq: 1 OPTIONS\r\n\r\n";
    let request = Message::parse(request.as_bytes()).unwrap();
    let bytes = Writer::reply(&request, 200, "", Some("t"), source("192.0.2.1:5060")).finish();
    let names: Vec<Name> = Message::parse(&bytes)
        .unwrap()
        .fields()
        .map(|(name, _, _)| name)
        .collect();
    assert_eq!(
        names,
        [
            Name::Via,
            Name::From,
            Name::To,
            Name::CallId,
            Name::CSeq,
            Name::ContentLength
        ]
    );
    // The quoted string is still closed: nothing behind the backslash went away.
    let again = Message::parse(&bytes).unwrap();
    assert_eq!(
        (again.from().unwrap().uri, again.to().unwrap().tag()),
        ("sip:a", Some("t"))
    );
}

#[test]
fn display_names_survive_quoting() {
    for name in [
        "Bob",
        "",
        "a \"quoted\" \\ name",
        "\\",
        "\"",
        "Ünï",
        "<sip:evil>;tag=1,",
    ] {
        let value = format!("{} <sip:a@b>;tag=1", quote_display(name));
        let read = sip::NameAddr::parse(Name::From, &value).unwrap();
        assert_eq!((read.display_unquoted().as_ref(), read.tag()), (name, Some("1")));
    }
    assert_eq!(quote_display("a\r\nb\u{0}"), "\"a  b \"");
}

#[test]
fn an_answer_off_its_flow_goes_to_the_source() {
    let to = |via: &str| response_target(&Via::parse(via).unwrap(), source("198.51.100.7:40000")).to_string();
    assert_eq!(to("SIP/2.0/UDP 192.0.2.1:5070;rport"), "198.51.100.7:40000");
    assert_eq!(
        to("SIP/2.0/UDP 192.0.2.1:5070;maddr=203.0.113.9"),
        "198.51.100.7:5070"
    );
    assert_eq!(to("SIP/2.0/UDP 192.0.2.1"), "198.51.100.7:5060");
    assert_eq!(to("SIP/2.0/TLS 192.0.2.1"), "198.51.100.7:5061");
}

#[test]
fn our_own_replies_are_acceptable() {
    let octets = INVITE
        .replace('\n', "\r\n")
        .replacen("Via: SIP/2.0/TCP", "X-Via: ", 1)
        .into_bytes();
    let request = Message::parse(&octets).unwrap();
    for code in [100, 180, 200, 302, 404, 503, 603] {
        let bytes = Writer::reply(&request, code, "", Some("t"), source("192.0.2.4:5060")).finish();
        let mut response = Message::parse(&bytes).unwrap();
        assert_eq!(response.status_line().unwrap().reason, reason_phrase(code));
        assert_eq!(
            validate(&mut response, &crate::torture::SUPPORT),
            Verdict::Accept,
            "{code}"
        );
    }
}

/// Whoever writes many short elements into one line must not get a line for each.
#[test]
fn a_via_of_many_elements_does_not_amplify() {
    let many = ",a".repeat(400);
    let request = format!(
        "OPTIONS sip:b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx{many}\r\nContent-Length: 0\r\n\r\n"
    );
    let message = Message::parse(request.as_bytes()).unwrap();
    let reply = Writer::reply(&message, 400, "Bad Request", Some("t"), source("192.0.2.1:5060")).finish();
    let grown = reply.len().saturating_sub(request.len());
    assert!(grown < 60, "{grown} octets more than the request");
    let reply = Message::parse(&reply).unwrap();
    assert_eq!(reply.list(Name::Via).count(), 401);
    assert_eq!(reply.headers(Name::Via).count(), 1);
}
