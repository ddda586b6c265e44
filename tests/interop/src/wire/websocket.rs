//! WebSocket as a page speaks it (RFC 6455, RFC 7118), written apart from the server's codec: a mistake of one is not
//! repeated by the other.
//!
//! Owns: the request, frames of a client, and frames of the server, which have to be faultless. Does not own: the socket.

use anyhow::{Result, ensure};

/// The request of a browser; its key is the example of RFC 6455 §1.3.
pub const REQUEST: &str = "GET /sip HTTP/1.1\r\nHost: pbx.example\r\nOrigin: https://pbx.example\r\nUpgrade: websocket\r\n\
    Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Protocol: sip\r\n\r\n";
/// What the server has to make of that key.
const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
/// Every frame has the same: nobody stands between.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// What the server sent.
#[derive(Debug)]
pub enum Event {
    /// A message.
    Message(Vec<u8>),
    /// To be answered by a pong.
    Ping(Vec<u8>),
    /// An answer, or the CRLF that answers a keep-alive.
    Pong,
    /// The end, and why.
    Close(u16),
}

/// True for the answer that opens the connection.
#[must_use]
pub fn is_accepted(head: &str) -> bool {
    head.starts_with("HTTP/1.1 101 ")
        && head.contains(ACCEPT)
        && head.contains("\r\nSec-WebSocket-Protocol: sip\r\n")
}

/// A masked frame; `first` holds the bits of the first octet.
#[must_use]
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut octets = start(first, payload.len(), 0x80);
    octets.extend(MASK);
    octets.extend(payload.iter().zip(MASK.iter().cycle()).map(|(o, m)| o ^ m));
    octets
}

/// The beginning of a frame, with its length in the shortest form.
#[must_use]
pub fn start(first: u8, length: usize, mask_bit: u8) -> Vec<u8> {
    match length {
        0..126 => vec![first, mask_bit | length as u8],
        126..=0xffff => [&[first, mask_bit | 126], &(length as u16).to_be_bytes()[..]].concat(),
        _ => [&[first, mask_bit | 127], &(length as u64).to_be_bytes()[..]].concat(),
    }
}

/// A message in one frame: text where it is text.
#[must_use]
pub fn message(octets: &[u8]) -> Vec<u8> {
    frame(0x80 | opcode(octets), octets)
}

/// Text or binary.
#[must_use]
pub fn opcode(octets: &[u8]) -> u8 {
    if std::str::from_utf8(octets).is_ok() { 1 } else { 2 }
}

/// Takes a whole frame of the server off the front.
///
/// # Errors
/// It is not as RFC 6455 §5 has it.
pub fn cut(unread: &mut Vec<u8>) -> Result<Option<Event>> {
    let [first, second, rest @ ..] = unread.as_slice() else {
        return Ok(None);
    };
    let (first, second) = (*first, *second);
    ensure!(second < 128, "the server masks");
    let (head, length) = match (second, rest) {
        (126, [a, b, ..]) => (4, u64::from(u16::from_be_bytes([*a, *b]))),
        (127, [a, b, c, d, e, f, g, h, ..]) => (10, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h])),
        (126 | 127, _) => return Ok(None),
        (short, _) => (2, u64::from(short)),
    };
    let end = head + usize::try_from(length)?;
    if unread.len() < end {
        return Ok(None);
    }
    let mut payload: Vec<u8> = unread.drain(..end).collect();
    payload.drain(..head);
    Ok(Some(match (first, payload.as_slice()) {
        (0x81 | 0x82, [] | b"\r\n") => Event::Pong,
        (0x81, text) if std::str::from_utf8(text).is_err() => anyhow::bail!("the server's text is none"),
        (0x81 | 0x82, _) => Event::Message(payload),
        (0x88, [high, low, ..]) => Event::Close(u16::from_be_bytes([*high, *low])),
        (0x89, _) if length < 126 => Event::Ping(payload),
        (0x8a, _) if length < 126 => Event::Pong,
        _ => anyhow::bail!("the server sent a frame that begins with {first:#x} {second:#x}"),
    }))
}
