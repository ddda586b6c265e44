//! One byte stream: cut into frames in one piece, octet by octet, and in slices that the input chooses. Shared by
//! the fuzz target and the tests of `sip`.
//!
//! What must hold: the frames don't depend on the slices; no message is larger than the cap; after an error there is
//! nothing.

use sip::{Frame, Framer};

const MAX_BYTES: usize = 4_096;

/// One input.
pub(crate) fn run(data: &[u8]) {
    let whole = frames(data, usize::MAX);
    let step = 1 + data.first().map_or(0, |b| usize::from(*b % 37));
    assert_eq!(whole, frames(data, step));
    assert_eq!(whole, frames(data, 1));
}

fn frames(data: &[u8], step: usize) -> Vec<String> {
    let mut framer = Framer::new(MAX_BYTES);
    let mut seen = Vec::new();
    for piece in data.chunks(step.min(data.len()).max(1)) {
        framer.push(piece);
        while let Some(frame) = framer.next() {
            seen.push(describe(&frame));
        }
    }
    seen
}

fn describe(frame: &Frame<'_>) -> String {
    match frame {
        Frame::Message(octets) => {
            assert!(octets.len() <= MAX_BYTES);
            format!("message of {}: {}", octets.len(), octets.escape_ascii())
        }
        Frame::KeepAlivePing => "ping".into(),
        // How a run of line ends is divided into pings and pongs may depend on the slices.
        Frame::KeepAlivePong => "pong".into(),
        // How much of the head had come when the error was seen depends on the slices.
        Frame::Error { what, code, .. } => format!("error {code}: {what}"),
    }
}
