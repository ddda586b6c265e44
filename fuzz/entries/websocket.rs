//! One byte stream as a WebSocket: the handshake, then what follows as frames, in one piece and in slices that the input
//! chooses; and the input as a message that we frame ourselves. Shared by the fuzz target and the tests of `sip`.
//!
//! What must hold: the events don't depend on the slices; no message is larger than the cap; after a fault there is
//! nothing; what was framed comes out again.

use sip::websocket::{Decoder, Event, Handshake, Opcode, encode_masked, read_handshake};

const MAX_BYTES: usize = 4_096;

/// One input.
pub(crate) fn run(data: &[u8]) {
    let frames = match read_handshake(data, &["https://phone.example".to_owned()]) {
        Handshake::Open(opening, length) => {
            assert!(opening.accept().starts_with(b"HTTP/1.1 101 "));
            &data[length..]
        }
        Handshake::Refused(refusal) => {
            assert!(refusal.response().ends_with(b"\n"));
            data
        }
        Handshake::Wait => data,
    };
    let whole = events(frames, usize::MAX);
    let step = 1 + frames.first().map_or(0, |b| usize::from(*b % 37));
    assert_eq!(whole, events(frames, step));
    assert_eq!(whole, events(frames, 1));
    let payload = &data[..data.len().min(MAX_BYTES)];
    let framed = encode_masked(Opcode::Binary, payload, [1, 2, 3, 4]);
    assert_eq!(
        events(&framed, step),
        [format!("message: {}", payload.escape_ascii())]
    );
}

fn events(data: &[u8], step: usize) -> Vec<String> {
    let mut decoder = Decoder::new(MAX_BYTES);
    let mut seen = Vec::new();
    for piece in data.chunks(step.min(data.len()).max(1)) {
        decoder.push(piece);
        while let Some(event) = decoder.next() {
            seen.push(describe(&event));
        }
    }
    seen
}

fn describe(event: &Event<'_>) -> String {
    match event {
        Event::Message(octets) => {
            assert!(octets.len() <= MAX_BYTES);
            format!("message: {}", octets.escape_ascii())
        }
        Event::Ping(payload) => format!("ping {}", payload.escape_ascii()),
        Event::Pong => "pong".into(),
        Event::Closed => "closed".into(),
        Event::Fault(close) => format!("fault {}", close.code()),
    }
}
