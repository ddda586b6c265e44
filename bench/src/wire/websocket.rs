//! WebSocket as a page on a bench speaks it (RFC 6455, RFC 7118): the handshake, a masked frame per message, and the frames
//! of the server.
//!
//! Owns: what has to wait for the end of the handshake, and the bytes of a frame that has not arrived whole. The server's
//! frames are read apart from the `sip` crate on purpose, as in [`super::stream`]; ours are encoded with it.

use sip::websocket::{Opcode, encode_masked};

/// The request of every link; its key is the example of RFC 6455 §1.3.
pub(super) const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: bench.local\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n";
/// What the server has to answer to that key.
const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

/// What comes next.
enum Next {
    /// More bytes are needed.
    Wait,
    /// The server answered the handshake.
    Opened,
    /// A frame: its first octet, its head, its end.
    Frame(u8, usize, usize),
    /// It is over, or not as the RFC has it.
    Over,
}

/// One WebSocket.
#[derive(Default)]
pub(super) struct Socket {
    open: bool,
    held: Vec<u8>,
    /// Frames that wait until the server has opened the connection.
    waiting: Vec<u8>,
    frames: u32,
}

impl Socket {
    /// Bytes from the server.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// Gives a message in its frame to `sink`, now or after the handshake.
    pub(super) fn wrap(&mut self, message: &[u8], sink: impl FnOnce(&[u8])) {
        let frame = encode_masked(Opcode::Text, message, self.mask());
        match self.open {
            true => sink(&frame),
            false => self.waiting.extend_from_slice(&frame),
        }
    }

    /// Gives whole messages to `deliver` and what must be sent to `sink`; false once the connection is over.
    pub(super) fn cut(&mut self, mut deliver: impl FnMut(&[u8]), mut sink: impl FnMut(&[u8])) -> bool {
        let mut at = 0;
        let open = loop {
            match self.next(&mut at) {
                Next::Wait => break true,
                Next::Opened => {
                    self.open = true;
                    sink(&std::mem::take(&mut self.waiting));
                }
                Next::Frame(first, from, to) => {
                    let mask = self.mask();
                    let payload = self.held.get(from..to).unwrap_or_default();
                    match first {
                        // Answers to keep-alives say nothing.
                        0x81 | 0x82 if payload == b"\r\n" => {}
                        0x81 | 0x82 => deliver(payload),
                        0x89 => sink(&encode_masked(Opcode::Pong, payload, mask)),
                        0x8a => {}
                        _ => break false,
                    }
                }
                Next::Over => break false,
            }
        };
        self.held.drain(..at.min(self.held.len()));
        open
    }

    /// Looks behind `at` and moves it.
    fn next(&self, at: &mut usize) -> Next {
        let rest = self.held.get(*at..).unwrap_or_default();
        if !self.open {
            let Some(end) = rest.windows(4).position(|w| w == b"\r\n\r\n") else {
                return Next::Wait;
            };
            let head = String::from_utf8_lossy(rest.get(..end + 4).unwrap_or_default());
            *at += end + 4;
            return match head.starts_with("HTTP/1.1 101 ") && head.contains(ACCEPT) {
                true => Next::Opened,
                false => Next::Over,
            };
        }
        let [first, second, more @ ..] = rest else {
            return Next::Wait;
        };
        let (head, length) = match (second, more) {
            (0..126, _) => (2, usize::from(*second)),
            (126, [a, b, ..]) => (4, usize::from(u16::from_be_bytes([*a, *b]))),
            (127, [a, b, c, d, e, f, g, h, ..]) => {
                (10, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]) as usize)
            }
            (126 | 127, _) => return Next::Wait,
            // A server does not mask.
            _ => return Next::Over,
        };
        if rest.len().saturating_sub(head) < length {
            return Next::Wait;
        }
        let from = *at + head;
        *at = from + length;
        Next::Frame(*first, from, *at)
    }

    /// A mask per frame, so that unmasking is the work that it is with any other page.
    fn mask(&mut self) -> [u8; 4] {
        self.frames = self.frames.wrapping_add(0x9e37_79b9);
        self.frames.to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip::websocket::{Decoder, Event, encode, encode_message};

    fn accepted() -> Vec<u8> {
        format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n{ACCEPT}\r\n").into_bytes()
    }

    #[test]
    fn messages_come_octet_by_octet_and_in_one_piece_and_pings_are_answered() {
        let long = vec![b'x'; 70_000];
        let said = [b"SIP/2.0 200 OK\r\n\r\n".as_slice(), b"\r\n", &[b'y'; 300], &long];
        let mut stream = accepted();
        said.iter().for_each(|m| stream.extend(encode_message(m)));
        stream.extend(encode(Opcode::Ping, b"there?"));
        for step in [1, 1_000, stream.len()] {
            let (mut socket, mut seen, mut sent) = (Socket::default(), Vec::new(), Vec::new());
            socket.wrap(b"early", |_| panic!("before the handshake"));
            for piece in stream.chunks(step) {
                socket.push(piece);
                assert!(socket.cut(|m| seen.push(m.to_vec()), |o| sent.extend_from_slice(o)));
            }
            assert_eq!(seen, [said[0], said[2], said[3]]);
            let mut decoder = Decoder::new(1_000);
            decoder.push(&sent);
            assert_eq!(decoder.next(), Some(Event::Message(b"early")));
            assert_eq!(decoder.next(), Some(Event::Pong));
        }
    }

    #[test]
    fn a_refusal_and_a_goodbye_end_it() {
        let mut refused = Socket::default();
        refused.push(b"HTTP/1.1 404 Not Found\r\n\r\n");
        assert!(!refused.cut(|_| {}, |_| {}));
        let mut closed = Socket::default();
        closed.push(&accepted());
        closed.push(&[0x88, 2, 3, 233]);
        assert!(!closed.cut(|_| panic!("no message"), |_| {}));
    }
}
