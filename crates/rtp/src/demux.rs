//! Which protocol a datagram on a media port belongs to: RFC 7983 §7 by its first octet, RFC 5761 §4 by its second.
//!
//! Does not own: whether the datagram is well formed.

/// What a datagram claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// RFC 3550 §5.
    Rtp,
    /// RFC 3550 §6.
    Rtcp,
    /// RFC 8489.
    Stun,
    /// RFC 9147.
    Dtls,
    /// Anything else, also the empty datagram.
    Unknown,
}

/// Tells the protocol from the first two octets.
#[must_use]
pub fn protocol(datagram: &[u8]) -> Protocol {
    match (datagram.first(), datagram.get(1)) {
        (Some(0..=3), _) => Protocol::Stun,
        (Some(20..=63), _) => Protocol::Dtls,
        (Some(128..=191), Some(192..=223)) => Protocol::Rtcp,
        (Some(128..=191), Some(_)) => Protocol::Rtp,
        _ => Protocol::Unknown,
    }
}
