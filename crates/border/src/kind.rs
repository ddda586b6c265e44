//! What kind of message a datagram or frame is, from its first line alone.

use number::{Country, Service};

/// Kinds that are treated differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An answer, or a request that only makes sense in a dialog: ACK, BYE, CANCEL, PRACK, UPDATE, INFO, NOTIFY.
    FollowUp,
    /// INVITE: the beginning of a call, or a change in one.
    Invite,
    /// Everything else: nobody listens while it waits.
    Other,
}

/// Longest Request-URI that is looked at for an emergency number, octets.
const URI: usize = 256;
/// Longest emergency number with an outside prefix, octets as written.
const NUMBER: usize = 12;
/// Digits by which many companies get an outside line.
pub(crate) const OUTSIDE: [Option<&str>; 3] = [None, Some("0"), Some("9")];

impl Kind {
    /// Of a message.
    #[must_use]
    pub fn of(packet: &[u8]) -> Kind {
        const FOLLOW_UPS: [&[u8]; 8] = [
            b"SIP/2.0 ",
            b"ACK ",
            b"BYE ",
            b"CANCEL ",
            b"PRACK ",
            b"UPDATE ",
            b"INFO ",
            b"NOTIFY ",
        ];
        if packet.starts_with(b"INVITE ") {
            Kind::Invite
        } else if FOLLOW_UPS.iter().any(|word| packet.starts_with(word)) {
            Kind::FollowUp
        } else {
            Kind::Other
        }
    }
}

/// True for an INVITE to a service URN for help (RFC 5031) or to an emergency number of one of the countries, with or without the
/// digit for an outside line.
#[must_use]
pub fn is_emergency(packet: &[u8], countries: &[Country]) -> bool {
    let Some(rest) = packet.strip_prefix(b"INVITE ") else {
        return false;
    };
    let end = rest.iter().take(URI).position(|b| *b == b' ');
    let uri = end
        .and_then(|end| rest.get(..end))
        .and_then(|uri| str::from_utf8(uri).ok());
    let Some((scheme, what)) = uri.and_then(|uri| uri.split_once(':')) else {
        return false;
    };
    if scheme.eq_ignore_ascii_case("urn") {
        return Service::of_urn(what).is_some();
    }
    let telephone = scheme.eq_ignore_ascii_case("tel");
    let user = match what.split_once('@') {
        Some((user, _)) => user,
        None if telephone => what,
        None => return false,
    };
    let user = user.split([';', ':']).next().unwrap_or(user);
    let is_number = !user.is_empty() && user.len() <= NUMBER;
    is_number
        && OUTSIDE
            .iter()
            .any(|outside| number::emergency(user, countries, *outside).is_some())
}
