//! WebSocket as a transport for SIP (RFC 6455, RFC 7118): the opening handshake and frames, without a socket.
//!
//! Owns: what a request must say to become a connection for SIP, where one message ends, and the limits on both.
//! Does not own: the connection, its timers, and who may sign in. No extension is negotiated: signalling is small, and a
//! shared compression window would hold memory for each idle browser.
//!
//! One SIP message is one WebSocket message, so Content-Length is not needed to find its end (RFC 7118 §5.2.1).

pub mod client;
pub mod frame;
pub mod handshake;

pub use frame::{Close, Decoder, Event, Opcode, encode, encode_close, encode_masked, encode_message};
pub use handshake::{Handshake, MAX_HANDSHAKE, Opening, Refusal, read_handshake};

/// A message that keeps the connection open and says nothing (RFC 5626 §3.5.1 over RFC 7118 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// To be answered with [`crate::stream::PONG`].
    Ping,
    /// Nothing to do.
    Pong,
}

/// What a message is if it is no SIP.
#[must_use]
pub fn keep_alive(message: &[u8]) -> Option<KeepAlive> {
    match message {
        b"\r\n\r\n" => Some(KeepAlive::Ping),
        b"\r\n" | b"" => Some(KeepAlive::Pong),
        _ => None,
    }
}
