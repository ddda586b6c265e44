//! What a WebSocket server answers to a client of ours, and the frames that follow, in one piece and in slices that the input
//! chooses; and the input as a message that a server frames. Shared by the fuzz target and the tests of `sip`.
//!
//! What must hold: nothing panics; whether the connection opens does not depend on the slices, nor do the events; what opens it for one
//! key does not for another; no message is larger than the cap; after a fault there is nothing; what was framed comes out again.

use sip::websocket::client::{Answer, MAX_ANSWER, read_answer, request};
use sip::websocket::{Decoder, Event, Opcode, encode};

const MAX_BYTES: usize = 4_096;

/// One input.
pub(crate) fn run(data: &[u8]) {
    let (_, key) = request("media.example", "/", [7; 16]);
    let frames = match opening(data, &key) {
        Some(length) => &data[length..],
        None => data,
    };
    let is_open = opening(data, &key).is_some();
    assert!(!is_open || opening(data, "another key").is_none());
    let whole = events(frames, usize::MAX);
    let step = 1 + frames.first().map_or(0, |b| usize::from(*b % 37));
    assert_eq!(whole, events(frames, step));
    assert_eq!(whole, events(frames, 1));
    let payload = &data[..data.len().min(MAX_BYTES)];
    assert_eq!(
        events(&encode(Opcode::Binary, payload), step),
        [format!("message of octets: {}", payload.escape_ascii())]
    );
}

/// Octets of the answer, if it opens the connection; it does so as soon as it is whole.
fn opening(data: &[u8], key: &str) -> Option<usize> {
    let whole = read_answer(data, key);
    let most = data.len().min(MAX_ANSWER);
    for length in (0..=most).step_by(1 + most / 64) {
        match read_answer(&data[..length], key) {
            Answer::Wait => assert!(length < MAX_ANSWER, "for ever"),
            early => {
                assert_eq!(early, whole);
                break;
            }
        }
    }
    match whole {
        Answer::Open(length) => {
            assert!(data[..length].ends_with(b"\r\n\r\n") && data.starts_with(b"HTTP/1.1 101"));
            Some(length)
        }
        Answer::Wait | Answer::Refused(_) => None,
    }
}

fn events(data: &[u8], step: usize) -> Vec<String> {
    let mut decoder = Decoder::of_server(MAX_BYTES);
    let mut seen = Vec::new();
    for piece in data.chunks(step.min(data.len()).max(1)) {
        decoder.push(piece);
        while let Some(event) = decoder.next() {
            let is_message = matches!(event, Event::Message(_));
            let what = match event {
                Event::Message(octets) => {
                    assert!(octets.len() <= MAX_BYTES);
                    format!("{}", octets.escape_ascii())
                }
                Event::Ping(payload) => format!("ping {}", payload.escape_ascii()),
                Event::Pong => "pong".into(),
                Event::Closed => "closed".into(),
                Event::Fault(close) => format!("fault {}", close.code()),
            };
            let kind = match (is_message, decoder.was_text()) {
                (true, true) => "message of text: ",
                (true, false) => "message of octets: ",
                (false, _) => "",
            };
            seen.push(format!("{kind}{what}"));
        }
    }
    seen
}
