//! Which answer a request gets, beyond the messages of RFC 4475.

use crate::corpus::INVITE;
use crate::torture::SUPPORT;
use sip::{Message, Support, Verdict, validate};

fn verdict_with(text: &str, support: &Support<'_>) -> Verdict {
    let octets = text.replace('\n', "\r\n").into_bytes();
    validate(&mut Message::parse(&octets).unwrap(), support)
}

/// The code and phrase for the INVITE with one text replaced by another.
fn answer(from: &str, to: &str) -> (u16, &'static str) {
    assert!(INVITE.contains(from));
    match verdict_with(&INVITE.replacen(from, to, 1), &SUPPORT) {
        Verdict::Accept => (200, ""),
        Verdict::Reject { code, reason, .. } => (code, reason),
        Verdict::Drop(why) => (0, why),
    }
}

#[test]
fn a_good_request_passes() {
    assert_eq!(answer("Alice", "Alicia"), (200, ""));
}

#[test]
fn the_first_line_decides_first() {
    assert_eq!(answer("SIP/2.0\n", "SIP/3.0\n"), (505, "Version Not Supported"));
    assert_eq!(answer("SIP/2.0\n", "sip/2.0\n"), (200, ""));
    assert_eq!(answer("SIP/2.0\n", "HTTP/1.1\n"), (400, "Malformed request line"));
    assert_eq!(answer("SIP/2.0\n", "SIP/2.x\n"), (400, "Malformed request line"));
    assert_eq!(answer("sip:bob@", "sip:bob@x@"), (400, "Malformed Request-URI"));
    assert_eq!(
        answer("INVITE sip:bob@", "INVITE tel:1;x="),
        (416, "Unsupported URI Scheme")
    );
}

#[test]
fn one_of_each_and_all_well_formed() {
    for (from, to, reason) in [
        (
            "Call-ID: a84b4c76e66710@pc33.example.com\n",
            "",
            "Call-ID missing",
        ),
        ("CSeq:", "X-CSeq:", "CSeq missing"),
        (
            "Max-Forwards: 70\n",
            "Max-Forwards: 70\nMax-Forwards: 70\n",
            "Several Max-Forwards",
        ),
        ("Max-Forwards: 70\n", "t: <sip:x@y>\n", "Several Tos"),
        ("Max-Forwards: 70", "Max-Forwards: 70x", "Malformed Max-Forwards"),
        ("Max-Forwards: 70", "Max-Forwards: 256", "Malformed Max-Forwards"),
        ("Call-ID: a", "Call-ID: a b", "Malformed Call-ID"),
        (":5060;rport", ":5060;;rport", "Malformed Via"),
        ("SIP/2.0/TLS a", "SIP/2.0/TLS", "Malformed Via"),
        ("<sip:alice@192.0.2.4:5060;transport=udp>", "sip:a@b, ", "200"),
        (
            "<sip:alice@192.0.2.4:5060;transport=udp>",
            "*, <sip:a@b>",
            "Malformed Contact",
        ),
        ("Supported:", "Route: sip:a b\nSupported:", "Malformed Route"),
        (
            "Supported:",
            "no colon\nSupported:",
            "header line without a name and a colon",
        ),
        (
            "Supported: timer",
            "Supported: ti\rmer",
            "carriage return without line feed",
        ),
        (
            "Content-Length: 10",
            "Content-Length: 11",
            "body shorter than Content-Length",
        ),
        ("Content-Type: application/sdp\n", "", "Body without Content-Type"),
        (
            "Content-Type: application/sdp\n",
            "Content-Type: sdp\n",
            "Malformed Content-Type",
        ),
    ] {
        let expected = if reason == "200" { (200, "") } else { (400, reason) };
        assert_eq!(answer(from, to), expected, "{to:?}");
    }
}

#[test]
fn hops_run_out_only_for_what_would_go_on() {
    assert_eq!(
        answer("Max-Forwards: 70", "Max-Forwards: 0"),
        (483, "Too Many Hops")
    );
    let inside = INVITE.replace(
        "To: <sip:bob@pbx.example.com>",
        "To: <sip:bob@pbx.example.com>;tag=1",
    );
    assert_eq!(
        verdict_with(&inside.replace("Max-Forwards: 70", "Max-Forwards: 0"), &SUPPORT),
        Verdict::Accept
    );
    let cancel = INVITE
        .replace("INVITE", "CANCEL")
        .replace("Max-Forwards: 70", "Max-Forwards: 0");
    assert_eq!(verdict_with(&cancel, &SUPPORT), Verdict::Accept);
}

#[test]
fn bodies_are_of_a_kind_and_size_we_take() {
    assert_eq!(
        answer("application/sdp", "APPLICATION/SDP ; charset=x"),
        (200, "")
    );
    assert_eq!(
        answer("application/sdp", "text/html"),
        (415, "Unsupported Media Type")
    );
    let optional = "text/html\nContent-Disposition: render;handling=optional";
    assert_eq!(answer("application/sdp", optional), (200, ""));
    assert_eq!(
        answer("Supported:", "e: gzip\nSupported:"),
        (415, "Unsupported Media Type")
    );
    assert_eq!(answer("Supported:", "e: identity\nSupported:"), (200, ""));
    assert_eq!(
        answer("Supported:", "Accept:\nSupported:"),
        (406, "Not Acceptable")
    );
    assert_eq!(
        answer("Supported:", "Accept: text/html\nAccept: */*;q=0.1\nSupported:"),
        (200, "")
    );
    let code = |support: &Support<'_>| match verdict_with(INVITE, support) {
        Verdict::Reject { code, .. } => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        code(&Support {
            max_bytes: 100,
            ..SUPPORT
        }),
        513
    );
    assert_eq!(
        code(&Support {
            max_body_bytes: 9,
            ..SUPPORT
        }),
        413
    );
}

#[test]
fn options_we_know_may_be_required_in_any_case() {
    assert_eq!(answer("Supported:", "Require: PATH\nSupported:"), (200, ""));
    assert_eq!(
        answer("Supported:", "Require: path, 100rel\nSupported:"),
        (420, "Bad Extension")
    );
}

#[test]
fn what_cannot_be_answered_is_dropped() {
    assert_eq!(
        verdict_with("OPTIONS sip:x SIP/2.0\nFrom: x\n\n", &SUPPORT),
        Verdict::Drop("request without Via")
    );
    assert_eq!(
        verdict_with("OPTIONS sip:x SIP/2.0\nVia: , ,\n\n", &SUPPORT),
        Verdict::Drop("request without Via")
    );
    let ack = INVITE
        .replace("INVITE sip", "ACK sip")
        .replace("314159 INVITE", "314159 ACK");
    assert_eq!(verdict_with(&ack, &SUPPORT), Verdict::Accept);
    let bad = ack.replace("Call-ID: a", "Call-ID: a b");
    assert_eq!(verdict_with(&bad, &SUPPORT), Verdict::Drop("Malformed Call-ID"));
    let response = INVITE.replace(
        "INVITE sip:bob@pbx.example.com;user=phone SIP/2.0",
        "SIP/2.0 200 OK",
    );
    assert_eq!(
        verdict_with(&response, &SUPPORT),
        Verdict::Drop("response with more than our Via")
    );
}

#[test]
fn more_headers_than_fit_inline_are_all_there() {
    let many: String = (0..200).map(|n| format!("X-{n}: {n}\n")).collect();
    let octets = INVITE
        .replace("Supported:", &format!("{many}Supported:"))
        .replace('\n', "\r\n")
        .into_bytes();
    let mut message = Message::parse(&octets).unwrap();
    assert_eq!(message.fields().count(), 212);
    assert_eq!(message.header_named("x-199"), Some("199"));
    assert_eq!(message.header(sip::Name::ContentLength), Some("10"));
    assert_eq!(validate(&mut message, &SUPPORT), Verdict::Accept);
}

/// Answering would copy each element on a line of its own: an answer several times as long as the request.
#[test]
fn a_request_with_thousands_of_vias_is_not_answered() {
    let vias = |count: usize| {
        INVITE.replacen(
            "Via: ",
            &format!("Via: {}", "SIP/2.0/UDP h;branch=z9hG4bKx,".repeat(count)),
            1,
        )
    };
    assert_eq!(verdict_with(&vias(97), &SUPPORT), Verdict::Accept);
    assert_eq!(
        verdict_with(&vias(98), &SUPPORT),
        Verdict::Drop("request with more Vias than there can be hops")
    );
}
