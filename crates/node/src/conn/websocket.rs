//! How the octets of a connection become messages: by Content-Length, or by WebSocket frames after a handshake.
//!
//! Owns: the octets of a handshake until it is whole. Does not own: protocols (`sip::stream`, `sip::websocket`).

use model::{Limits, Transport};
use sip::stream::Framer;
use sip::websocket::{Decoder, Handshake, MAX_HANDSHAKE, read_handshake};

/// The way that messages are cut out.
pub(crate) enum Framing {
    /// TCP and TLS.
    Stream(Framer),
    /// WebSocket, plain or over TLS.
    WebSocket(WebSocket),
}

/// A WebSocket on its way.
pub(crate) enum WebSocket {
    /// The request so far.
    Opening(Vec<u8>),
    /// Frames.
    Open(Decoder),
}

impl Framing {
    pub(crate) fn new(transport: Transport, limits: &Limits) -> Framing {
        match transport.is_websocket() {
            true => Framing::WebSocket(WebSocket::Opening(Vec::new())),
            false => Framing::Stream(Framer::new(limits.message_bytes)),
        }
    }

    /// Octets that wait for the rest of their message.
    pub(crate) fn waiting(&self) -> usize {
        match self {
            Framing::Stream(framer) => framer.waiting(),
            Framing::WebSocket(WebSocket::Opening(head)) => head.len(),
            Framing::WebSocket(WebSocket::Open(decoder)) => decoder.waiting(),
        }
    }

    /// True after the handshake.
    pub(crate) fn is_open_websocket(&self) -> bool {
        matches!(self, Framing::WebSocket(WebSocket::Open(_)))
    }
}

impl WebSocket {
    /// Takes octets of the request, and whatever follows it: nobody sends more before the answer, so more than one head
    /// together is cut off.
    pub(crate) fn collect(&mut self, octets: &[u8]) {
        if let WebSocket::Opening(head) = self {
            let room = (2 * MAX_HANDSHAKE).saturating_sub(head.len());
            head.extend_from_slice(octets.get(..octets.len().min(room)).unwrap_or_default());
        }
    }

    /// The request as far as it has come.
    pub(crate) fn handshake(&self, origins: &[String]) -> Handshake<'_> {
        match self {
            WebSocket::Opening(head) => read_handshake(head, origins),
            WebSocket::Open(_) => Handshake::Wait,
        }
    }

    /// The request of `length` octets is accepted: what follows it is frames.
    pub(crate) fn open(&mut self, length: usize, limits: &Limits) {
        let mut decoder = Decoder::new(limits.message_bytes);
        if let WebSocket::Opening(head) = self {
            decoder.push(head.get(length..).unwrap_or_default());
        }
        *self = WebSocket::Open(decoder);
    }
}
