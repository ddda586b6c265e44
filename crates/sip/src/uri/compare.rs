//! When two URIs are the same (RFC 3261 §19.1.4), without undoing an escape that means something.

use super::{Scheme, Uri};
use std::borrow::Cow;
use std::fmt::Write as _;

/// One character of a URI part.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) octet: u8,
    /// An escape of a reserved or foreign octet: not the same as the octet itself.
    kept: bool,
}

/// `unreserved` of RFC 3261 §25.1: an escape of one of these equals the character.
fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&octet)
}

pub(super) fn units(text: &str) -> impl Iterator<Item = Unit> + '_ {
    let mut bytes = text.bytes();
    std::iter::from_fn(move || {
        let byte = bytes.next()?;
        if byte == b'%' {
            let mut ahead = bytes.clone();
            if let (Some(high), Some(low)) = (ahead.next().and_then(hex), ahead.next().and_then(hex)) {
                bytes = ahead;
                let octet = high * 16 + low;
                return Some(Unit {
                    octet,
                    kept: !is_unreserved(octet),
                });
            }
        }
        Some(Unit {
            octet: byte,
            kept: false,
        })
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

pub(super) fn same(a: &str, b: &str, fold: bool) -> bool {
    let octet = |unit: Unit| {
        if fold {
            Unit {
                octet: unit.octet.to_ascii_lowercase(),
                ..unit
            }
        } else {
            unit
        }
    };
    a == b || units(a).map(octet).eq(units(b).map(octet))
}

fn same_option(a: Option<&str>, b: Option<&str>, fold: bool) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b, fold),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// Name and value of each piece of `a=1;b` or `a=1&b`.
pub(super) fn pairs(text: &str, separator: char) -> impl Iterator<Item = (&str, Option<&str>)> + Clone {
    text.split(separator)
        .filter(|piece| !piece.is_empty())
        .map(|piece| match crate::split::once(piece, b'=') {
            Some((name, value)) => (name, Some(value)),
            None => (piece, None),
        })
}

pub(super) fn equivalent(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    // A parameter that comes twice (§19.1.1 forbids it) has no order to compare by; the same text is the same URI.
    if a.raw == b.raw {
        return true;
    }
    match (a.scheme, b.scheme) {
        (Scheme::Sip, Scheme::Sip) | (Scheme::Sips, Scheme::Sips) => {
            same_option(a.user, b.user, false)
                && same_option(a.password, b.password, false)
                && a.host.eq_ignore_ascii_case(b.host)
                && a.port == b.port
                && params_agree(a, b)
                && params_agree(b, a)
                && headers_within(a, b)
                && headers_within(b, a)
        }
        (Scheme::Tel, Scheme::Tel) => same_number(a, b) && tel_params_within(a, b) && tel_params_within(b, a),
        (Scheme::Other(_), Scheme::Other(_)) => a.raw == b.raw,
        _ => false,
    }
}

/// These count even if only one side has them. `transport` is not in the RFC's list but in its examples.
const NEVER_IGNORED: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

fn params_agree(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    pairs(a.params, ';').all(|(name, value)| match b.param(name) {
        Some(other) => same_option(value, other, true),
        None => !NEVER_IGNORED.iter().any(|never| same(name, never, true)),
    })
}

fn headers_within(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    pairs(a.headers, '&').all(|(name, value)| {
        pairs(b.headers, '&').any(|(n, v)| same(n, name, true) && same_option(v, value, false))
    })
}

fn same_number(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    number(a.user).eq(number(b.user))
}

/// The digits without visual separators (RFC 3966 §5).
fn number(user: Option<&str>) -> impl Iterator<Item = u8> + '_ {
    let digits = user.unwrap_or("").bytes().filter(|b| !b"-.()".contains(b));
    digits.map(|b| b.to_ascii_lowercase())
}

fn tel_params_within(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    pairs(a.params, ';')
        .all(|(name, value)| b.param(name).is_some_and(|other| same_option(value, other, true)))
}

pub(super) fn normal(user: &str) -> Cow<'_, str> {
    if !user.contains('%') {
        return Cow::Borrowed(user);
    }
    let mut out = String::with_capacity(user.len());
    for unit in units(user) {
        if unit.kept {
            // Writing to a String can't fail.
            let _ = write!(out, "%{:02X}", unit.octet);
        } else {
            out.push(char::from(unit.octet));
        }
    }
    Cow::Owned(out)
}

pub(super) fn canonical(uri: &Uri<'_>) -> String {
    let scheme = match uri.scheme {
        Scheme::Sip => "sip:",
        Scheme::Sips => "sips:",
        Scheme::Tel => {
            return number(uri.user).fold(String::from("tel:"), |out, b| {
                out + char::from(b).encode_utf8(&mut [0; 4])
            });
        }
        Scheme::Other(_) => return uri.raw.to_owned(),
    };
    let mut out = String::with_capacity(uri.raw.len());
    out.push_str(scheme);
    if let Some(user) = uri.user {
        out.push_str(&normal(user));
        out.push('@');
    }
    out.extend(uri.host.chars().map(|c| c.to_ascii_lowercase()));
    if let Some(port) = uri.port {
        let _ = write!(out, ":{port}");
    }
    out
}
