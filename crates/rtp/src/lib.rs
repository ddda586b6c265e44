//! RTP and RTCP as they lie on the wire (RFC 3550), what their headers tell about the way they came, SRTP, and STUN.
//!
//! Owns: the RTP header, the walk over compound RTCP, telling protocols apart that share a port, reception
//! statistics, the jitter buffer, telephone events, SRTP contexts, STUN messages. Does not own: addresses, sockets, clocks,
//! payloads, where keys come from.
//!
//! Everything is total: octets in, an outcome out; nothing but a STUN answer, a jitter buffer's store and the first packet
//! of an SRTP source allocates.
#![forbid(unsafe_code)]

mod clock;
mod demux;
pub mod event;
mod header;
pub mod jitter;
mod losses;
mod reception;
pub mod rtcp;
mod spread;
pub mod srtp;
pub mod stun;

pub use clock::{Clock, static_clock};
pub use demux::{Protocol, protocol};
pub use header::{Header, Malformed};
pub use losses::BurstGap;
pub use reception::Reception;
