//! What a single word of a description may be.
//!
//! Does not own: lines.

use std::net::IpAddr;

/// An address that one host can have. Row 12 of the security rules: nothing goes to a group.
pub(crate) fn reachable(address: IpAddr) -> Option<IpAddr> {
    let group = match address {
        IpAddr::V4(v4) => v4.is_broadcast() || v4.is_multicast(),
        IpAddr::V6(v6) => v6.is_multicast(),
    };
    (!group && !address.is_unspecified()).then_some(address)
}

/// RFC 8866 §9 `token`.
pub(crate) fn is_token(word: &str) -> bool {
    !word.is_empty()
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&b))
}
