//! The value of an `Authorization` or `Proxy-Authorization` field (RFC 7616 §3.4, RFC 3261 §25.1).
//!
//! It owns the split into parameters, total over any text. Whether they prove anything is not its matter.

use std::borrow::Cow;

/// Digest credentials as they were sent. Quoted values are without their quotes, escapes left in:
/// that is the form that is hashed (`unq`, RFC 7616 §3.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// Who claims to be asking, raw; see [`Credentials::username_unescaped`].
    pub username: &'a str,
    /// Protection space.
    pub realm: &'a str,
    /// The challenge that is answered.
    pub nonce: &'a str,
    /// The Request-URI as the client knew it.
    pub uri: &'a str,
    /// Hex digits of the proof.
    pub response: &'a str,
    /// Hash; absent means MD5.
    pub algorithm: Option<&'a str>,
    /// Client nonce.
    pub cnonce: Option<&'a str>,
    /// Quality of protection chosen.
    pub qop: Option<&'a str>,
    /// Nonce count, eight hex digits.
    pub nc: Option<&'a str>,
    /// Sent back as it was given; we give none.
    pub opaque: Option<&'a str>,
}

impl<'a> Credentials<'a> {
    /// Reads a header value. `None` for another scheme, and for a value that lacks one of username, realm, nonce,
    /// uri and response, names a parameter twice or cannot be split: no credentials then, and the answer is a challenge.
    #[must_use]
    pub fn parse(value: &'a str) -> Option<Credentials<'a>> {
        let value = value.trim();
        let gap = value.bytes().position(|b| b.is_ascii_whitespace())?;
        let (scheme, rest) = (value.get(..gap)?, value.get(gap..)?);
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let mut slots = [None; PARAMETERS.len()];
        let mut rest = rest;
        while let Some((name, value, after)) = parameter(rest)? {
            let known = PARAMETERS
                .iter()
                .position(|p| p.len() == name.len() && p.eq_ignore_ascii_case(name));
            if let Some(slot) = known.and_then(|at| slots.get_mut(at))
                && slot.replace(value).is_some()
            {
                return None;
            }
            rest = after;
        }
        let [
            username,
            realm,
            nonce,
            uri,
            response,
            algorithm,
            cnonce,
            qop,
            nc,
            opaque,
        ] = slots;
        let (username, realm, nonce) = (username?, realm?, nonce?);
        let (uri, response) = (uri?, response?);
        Some(Credentials {
            username,
            realm,
            nonce,
            uri,
            response,
            algorithm,
            cnonce,
            qop,
            nc,
            opaque,
        })
    }

    /// The username with its escapes resolved: the form to look a user up by.
    #[must_use]
    pub fn username_unescaped(&self) -> Cow<'a, str> {
        if !self.username.contains('\\') {
            return Cow::Borrowed(self.username);
        }
        let mut text = String::with_capacity(self.username.len());
        let mut chars = self.username.chars();
        while let Some(c) = chars.next() {
            text.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        Cow::Owned(text)
    }

    /// `nc` as a number; `None` unless it is eight hex digits.
    pub(super) fn nonce_count(&self) -> Option<u32> {
        self.nc.and_then(crate::token::unhex).map(u32::from_be_bytes)
    }
}

const PARAMETERS: [&str; 10] = [
    "username",
    "realm",
    "nonce",
    "uri",
    "response",
    "algorithm",
    "cnonce",
    "qop",
    "nc",
    "opaque",
];

/// One `name=value` and what follows it; `Some(None)` at the end, `None` when it cannot be split.
pub(super) fn parameter(text: &str) -> Option<Option<(&str, &str, &str)>> {
    let start = text.bytes().position(|b| b != b',' && !b.is_ascii_whitespace());
    let Some(text) = start.and_then(|start| text.get(start..)) else {
        return Some(None);
    };
    let (name, rest) = crate::split::once(text, b'=')?;
    let rest = rest.trim_ascii_start();
    let (value, after) = match rest.strip_prefix('"') {
        Some(quoted) => {
            let end = closing_quote(quoted)?;
            (quoted.get(..end)?, quoted.get(end + 1..)?)
        }
        None => {
            let end = rest.bytes().position(|b| b == b',').unwrap_or(rest.len());
            (rest.get(..end)?.trim_ascii_end(), rest.get(end..)?)
        }
    };
    let after = after.trim_ascii_start();
    if !after.is_empty() && !after.starts_with(',') {
        return None;
    }
    Some(Some((name.trim_ascii_end(), value, after)))
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut from = 0usize;
    loop {
        let at = from.checked_add(memchr::memchr2(b'"', b'\\', text.as_bytes().get(from..)?)?)?;
        if text.as_bytes().get(at) == Some(&b'"') {
            return Some(at);
        }
        from = at.checked_add(2)?;
    }
}
