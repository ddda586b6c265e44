//! SRTP and SRTCP: RFC 3711, AES-GCM of RFC 7714, the suites of RFC 4568 that both need.
//!
//! Owns: session keys, roll-over counters, replay windows, encryption in a caller's buffer. Does not own: how keys are
//! agreed on (`sdp`, SIP), addresses, and what packets say.
//!
//! - A [`Sender`] and a [`Receiver`] are one direction of one leg each, under one master key.
//! - A packet's index is used once. A sender refuses to protect a second packet with the sequence number of an earlier
//!   one: whoever we relay for could otherwise have us give away the key stream (RFC 3711 §9.1, RFC 7714 §8.4).
//! - What does not authenticate changes no state. The octets of a refused packet are undefined: with GCM they may have been
//!   overwritten.
//! - There are at most [`MAX_SOURCES`] SSRCs in a context, each known only after its first packet has authenticated. None is
//!   forgotten: its old packets would be new again.
//! - Master and session keys are wiped when dropped, except the copy inside `ring`'s GCM key, which offers no way to; none
//!   of them can be printed.
//!
//! Not built: key derivation rates other than zero, MKI, null encryption, more than one master key.

mod cipher;
mod context;
mod source;
mod suite;

pub use context::{Receiver, Sender};
pub use source::MAX_SOURCES;
pub use suite::Suite;

use std::fmt;

/// Why a packet was not protected or not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Not an RTP or RTCP packet, or shorter than its tag.
    Malformed,
    /// The tag is wrong: damaged, forged, or another key.
    Authentication,
    /// Its index was seen before, or is older than the window tells.
    Replay,
    /// One SSRC more than [`MAX_SOURCES`].
    Sources,
    /// The key has protected as many packets as it may (RFC 3711 §9.2).
    Exhausted,
    /// The buffer has no room for the tag.
    Room,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Malformed => "not a packet",
            Refused::Authentication => "authentication failed",
            Refused::Replay => "packet index used before",
            Refused::Sources => "too many sources",
            Refused::Exhausted => "key used up",
            Refused::Room => "no room for the tag",
        })
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests;
