//! Messages out of streams, in slices of any size.

use crate::corpus::INVITE;
use sip::{Frame, Framer};

/// A frame with its octets copied, so that frames of two runs can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Message(Vec<u8>),
    Ping,
    Pong,
    Error(&'static str, u16, Vec<u8>),
}

fn drain(framer: &mut Framer, seen: &mut Vec<Seen>) {
    while let Some(frame) = framer.next() {
        seen.push(match frame {
            Frame::Message(octets) => Seen::Message(octets.to_vec()),
            Frame::KeepAlivePing => Seen::Ping,
            Frame::KeepAlivePong => Seen::Pong,
            Frame::Error { what, head, code } => Seen::Error(what, code, head.to_vec()),
        });
    }
}

/// The frames of `octets` when they come in slices of `size`.
pub(crate) fn frames(octets: &[u8], size: usize, max_bytes: usize) -> Vec<Seen> {
    let mut framer = Framer::new(max_bytes);
    let mut seen = Vec::new();
    for slice in octets.chunks(size) {
        framer.push(slice);
        drain(&mut framer, &mut seen);
    }
    seen
}

fn invite() -> Vec<u8> {
    INVITE.replace('\n', "\r\n").into_bytes()
}

fn options(length_lines: &str, body: &str) -> Vec<u8> {
    format!("OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP x\r\n{length_lines}\r\n{body}").into_bytes()
}

#[test]
fn several_messages_and_keep_alives_in_one_write() {
    let mut stream = b"\r\n\r\n".to_vec();
    stream.extend(invite());
    stream.extend(options("l: 3\r\n", "abc"));
    stream.extend(b"\r\n");
    stream.extend(options("CONTENT-LENGTH :\r\n 0\r\n", ""));
    stream.extend(b"\r\n\r\n\r\n\r\n");
    let expected = vec![
        Seen::Ping,
        Seen::Message(invite()),
        Seen::Message(options("l: 3\r\n", "abc")),
        Seen::Pong,
        Seen::Message(options("CONTENT-LENGTH :\r\n 0\r\n", "")),
        Seen::Ping,
        Seen::Ping,
    ];
    for size in [1, 2, 3, 7, 64, stream.len()] {
        assert_eq!(frames(&stream, size, 65_535), expected, "slices of {size}");
    }
}

fn only_error(octets: &[u8]) -> (&'static str, u16) {
    let seen = frames(octets, octets.len(), 2_000);
    assert_eq!(frames(octets, 1, 2_000), seen);
    match seen.as_slice() {
        [Seen::Error(what, code, _)] => (what, *code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_length_in_doubt_ends_the_stream() {
    for (lines, what) in [
        ("", "Content-Length missing"),
        ("Content-Length: -1\r\n", "Content-Length invalid"),
        ("Content-Length: +1\r\n", "Content-Length invalid"),
        ("Content-Length:\r\n", "Content-Length invalid"),
        ("Content-Length: 1, 1\r\n", "Content-Length invalid"),
        ("Content-Length: 0x1\r\n", "Content-Length invalid"),
        (
            "Content-Length: 99999999999999999999999\r\n",
            "Content-Length invalid",
        ),
        ("Content-Length: 1\r\nl: 2\r\n", "Content-Length values differ"),
        ("l: 1\r\nl: x\r\n", "Content-Length values differ"),
    ] {
        let mut stream = options(lines, "a");
        stream.extend(options("l: 0\r\n", ""));
        assert_eq!(only_error(&stream), (what, 400), "{lines:?}");
    }
}

#[test]
fn the_same_length_twice_is_one_length() {
    let stream = options("l: 1\r\nContent-Length: 01\r\n", "a");
    assert_eq!(frames(&stream, 1, 2_000), [Seen::Message(stream.clone())]);
}

#[test]
fn caps_hold_for_head_and_body_before_the_octets_come() {
    assert_eq!(
        only_error(&options("l: 5000\r\n", "")),
        ("message too large", 513)
    );
    assert_eq!(
        only_error(&options(&format!("l: {}\r\n", usize::MAX), "")),
        ("message too large", 513)
    );
    let endless = vec![b'a'; 3_000];
    assert_eq!(only_error(&endless), ("head too large", 513));
    let mut lines = "X: y\r\n".repeat(260);
    lines.push_str("l: 0\r\n");
    assert_eq!(only_error(&options(&lines, "")), ("too many header lines", 400));
}

#[test]
fn what_is_not_sip_ends_the_stream() {
    assert_eq!(
        only_error(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("Content-Length missing", 400)
    );
    assert_eq!(only_error(b"hello\r\n\r\n"), ("not a SIP message", 400));
    assert_eq!(
        only_error(b"OPTIONS sip:\xff SIP/2.0\r\nl: 0\r\n\r\n"),
        ("head is not UTF-8", 400)
    );
    assert_eq!(only_error(b"\rOPTIONS"), ("stray line end", 400));
}

#[test]
fn after_an_error_nothing_more_is_said() {
    let mut framer = Framer::new(2_000);
    framer.push(b"x\r\n\r\n");
    assert!(matches!(
        framer.next(),
        Some(Frame::Error {
            head: b"x\r\n\r\n",
            ..
        })
    ));
    framer.push(&options("l: 0\r\n", ""));
    assert_eq!(framer.next(), None);
    assert!(framer.is_dead() && !framer.is_mid_message());
}

#[test]
fn a_message_under_way_can_be_told_from_silence() {
    let mut framer = Framer::new(2_000);
    assert!(!framer.is_mid_message());
    framer.push(b"\r\n");
    assert_eq!(framer.next(), None);
    assert!(!framer.is_mid_message());
    framer.push(b"O");
    assert_eq!(framer.next(), Some(Frame::KeepAlivePong));
    assert!(framer.is_mid_message());
}

#[test]
fn line_feeds_alone_end_lines_in_both_stages() {
    let stream = b"OPTIONS sip:x SIP/2.0\nl: 1\n\nab".to_vec();
    let seen = frames(&stream, 1, 2_000);
    assert_eq!(seen, [Seen::Message(stream[..stream.len() - 1].to_vec())]);
    assert_eq!(sip::Message::parse(&stream).unwrap().body(), b"a");
}

#[test]
fn thin_slices_cost_as_little_as_thick_ones() {
    // A quadratic framer would look at 10^10 octets here and never end.
    let mut lines = String::new();
    for _ in 0..50 {
        lines.push_str("X: ");
        lines.push_str(&"y".repeat(1_000));
        lines.push_str("\r\n");
    }
    let one = options(&format!("{lines}l: 10000\r\n"), &"b".repeat(10_000));
    let stream: Vec<u8> = one.iter().copied().cycle().take(one.len() * 4).collect();
    assert_eq!(frames(&stream, 1, 65_535).len(), 4);
    assert_eq!(
        frames(&b"\r\n\r\n".repeat(100_000), usize::MAX, 65_535).len(),
        100_000
    );
}
