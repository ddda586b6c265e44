//! SIP (RFC 3261 and friends): messages, framing, transactions, dialogs, digest.
//!
//! Owns: octets to typed views and back, and the state machines of the protocol. Does not own: sockets,
//! clocks, randomness, or any decision about users and calls.
#![forbid(unsafe_code)]

pub mod digest;
pub mod timer;
pub mod token;
