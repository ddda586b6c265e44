//! SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966): borrowed parts, strict about what could be read in two ways.
//!
//! Owns: the grammar and escapes. Does not own: where a URI leads. An escape is never undone before the parts are
//! apart, so `%40` can't become a separator.

mod compare;

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;

/// The scheme of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme<'a> {
    /// `sip`
    Sip,
    /// `sips`
    Sips,
    /// `tel` (RFC 3966)
    Tel,
    /// Any other, as written.
    Other(&'a str),
}

/// Why a text is no URI of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UriError(
    /// What is wrong, in a few words.
    pub &'static str,
);

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for UriError {}

/// A URI in its parts, nothing unescaped.
///
/// For `tel` the number is `user` and `host` is empty. For an unknown scheme all parts are empty and only
/// [`Uri::as_str`] tells more.
#[derive(Clone, Copy, Debug)]
pub struct Uri<'a> {
    raw: &'a str,
    /// The scheme.
    pub scheme: Scheme<'a>,
    /// The user, escapes kept, password left out.
    pub user: Option<&'a str>,
    /// The password, as good as never used.
    pub password: Option<&'a str>,
    /// Name or address; an IPv6 address keeps its brackets.
    pub host: &'a str,
    /// The port if it is written, never zero.
    pub port: Option<u16>,
    /// URI parameters without the first `;`.
    pub params: &'a str,
    /// URI headers without the `?`.
    pub headers: &'a str,
}

const USER: u8 = 1;
const PASSWORD: u8 = 2;
const PARAM: u8 = 4;
const HEADER: u8 = 8;

/// Which parts may hold an octet unescaped (RFC 3261 §25.1). `#` in the user is against the letter of the RFC,
/// but dial codes such as `*21#` arrive so, and it can't be misread.
#[allow(
    clippy::indexing_slicing,
    reason = "runs in the compiler, where a bad index fails the build"
)]
const CLASS: [u8; 256] = {
    let mut table = [0u8; 256];
    let classes: [(&[u8], u8); 6] = [
        (
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()",
            USER | PASSWORD | PARAM | HEADER,
        ),
        (b"&=+$,", USER | PASSWORD),
        (b";?/#", USER),
        (b"[]/:&+$=;", PARAM),
        (b"[]/?:+$=&", HEADER),
        (b"%", 0),
    ];
    let mut c = 0;
    while c < classes.len() {
        let (octets, bits) = classes[c];
        let mut i = 0;
        while i < octets.len() {
            table[octets[i] as usize] |= bits;
            i += 1;
        }
        c += 1;
    }
    table
};

fn is_made_of(text: &str, class: u8) -> bool {
    let plain = |b: &u8| CLASS.get(usize::from(*b)).is_some_and(|bits| bits & class != 0);
    let mut bytes = text.as_bytes().iter();
    while let Some(byte) = bytes.next() {
        if plain(byte) {
            continue;
        }
        let escape = *byte == b'%'
            && bytes.next().is_some_and(u8::is_ascii_hexdigit)
            && bytes.next().is_some_and(u8::is_ascii_hexdigit);
        if !escape {
            return false;
        }
    }
    true
}

/// True for a host name, an IPv4 address, or an IPv6 address in brackets. `_` is let through: names with it exist.
#[must_use]
pub fn is_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok()),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        }
    }
}

/// `host:port` apart; brackets of an IPv6 address are seen. `None` if text follows the bracket.
pub(crate) fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if text.starts_with('[') {
        let (address, rest) = text.split_at_checked(text.find(']')?.checked_add(1)?)?;
        let rest = crate::split::trim(rest);
        return match rest.strip_prefix(':') {
            Some(port) => Some((address, Some(port))),
            None if rest.is_empty() => Some((address, None)),
            None => None,
        };
    }
    Some(match crate::split::once(text, b':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    })
}

impl<'a> Uri<'a> {
    /// Reads a URI without brackets and white space.
    ///
    /// # Errors
    /// Against the grammar of its scheme. Unknown schemes are not looked into.
    pub fn parse(text: &'a str) -> Result<Uri<'a>, UriError> {
        let (word, rest) = crate::split::once(text, b':').ok_or(UriError("no scheme"))?;
        let scheme = scheme(word)?;
        let mut uri = Uri {
            raw: text,
            scheme,
            user: None,
            password: None,
            host: "",
            port: None,
            params: "",
            headers: "",
        };
        match scheme {
            Scheme::Sip | Scheme::Sips => uri.sip(rest)?,
            Scheme::Tel => uri.tel(rest)?,
            Scheme::Other(_)
                if rest
                    .bytes()
                    .any(|b| b <= b' ' || matches!(b, 0x7f | b'<' | b'>' | b'"')) =>
            {
                return Err(UriError("white space or brackets inside"));
            }
            Scheme::Other(_) => {}
        }
        Ok(uri)
    }

    fn sip(&mut self, rest: &'a str) -> Result<(), UriError> {
        // An unescaped @ is allowed nowhere but before the host, so a second one means two readings.
        let host_part = match crate::split::once(rest, b'@') {
            Some((user, host_part)) => {
                self.user_part(user)?;
                host_part
            }
            None => rest,
        };
        let (host_part, headers) = crate::split::once(host_part, b'?').unwrap_or((host_part, ""));
        let (host_port, params) = crate::split::once(host_part, b';').unwrap_or((host_part, ""));
        let (host, port) = split_port(host_port).ok_or(UriError("malformed host"))?;
        if !is_host(host) {
            return Err(UriError("malformed host"));
        }
        if let Some(port) = port {
            self.port = Some(crate::split::port_number(port).ok_or(UriError("malformed port"))?);
        }
        if !is_made_of(params, PARAM) || !is_made_of(headers, HEADER) {
            return Err(UriError("malformed parameters or headers"));
        }
        (self.host, self.params, self.headers) = (host, params, headers);
        Ok(())
    }

    fn user_part(&mut self, text: &'a str) -> Result<(), UriError> {
        let (user, password) = match crate::split::once(text, b':') {
            Some((user, password)) => (user, Some(password)),
            None => (text, None),
        };
        if user.is_empty() || !is_made_of(user, USER) || !is_made_of(password.unwrap_or(""), PASSWORD | USER)
        {
            return Err(UriError("malformed user"));
        }
        (self.user, self.password) = (Some(user), password);
        Ok(())
    }

    fn tel(&mut self, rest: &'a str) -> Result<(), UriError> {
        let (number, params) = crate::split::once(rest, b';').unwrap_or((rest, ""));
        let allowed =
            |b: u8| b.is_ascii_hexdigit() || matches!(b, b'+' | b'*' | b'#' | b'-' | b'.' | b'(' | b')');
        if number.is_empty() || !number.bytes().all(allowed) || !is_made_of(params, PARAM) {
            return Err(UriError("malformed telephone number"));
        }
        (self.user, self.params) = (Some(number), params);
        Ok(())
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.raw
    }

    /// True for `sip` and `sips`.
    #[must_use]
    pub fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    /// A URI parameter, name and escapes compared as §19.1.4 says. `None`: absent; `Some(None)`: no value.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Option<&'a str>> {
        compare::pairs(self.params, ';')
            .find(|(n, _)| compare::same(n, name, true))
            .map(|(_, value)| value)
    }

    /// The value of a URI header, its escapes undone; `None` if it is absent or not UTF-8. Names are compared without
    /// regard to case, as those of header fields are.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let (_, value) = self
            .headers
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        String::from_utf8(compare::units(value).map(|unit| unit.octet).collect()).ok()
    }

    /// The user with its escapes undone; as written if they don't make UTF-8.
    #[must_use]
    pub fn user_decoded(&self) -> Cow<'a, str> {
        let user = self.user.unwrap_or("");
        if !user.contains('%') {
            return Cow::Borrowed(user);
        }
        let octets: Vec<u8> = compare::units(user).map(|unit| unit.octet).collect();
        String::from_utf8(octets).map_or(Cow::Borrowed(user), Cow::Owned)
    }

    /// The user as a key: escapes that mean nothing undone, others in capitals, so that two users are equal by
    /// §19.1.4 exactly if these are. `""` if there is no user.
    #[must_use]
    pub fn user_key(&self) -> Cow<'a, str> {
        compare::normal(self.user.unwrap_or(""))
    }

    /// Equality of RFC 3261 §19.1.4. Not transitive: a parameter only one side has is ignored.
    #[must_use]
    pub fn equivalent(&self, other: &Uri<'_>) -> bool {
        compare::equivalent(self, other)
    }

    /// The key of an address of record (RFC 3261 §10.3 step 5): scheme, user, host in small letters and port if
    /// written; parameters, headers and password left out.
    #[must_use]
    pub fn canonical(&self) -> String {
        compare::canonical(self)
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw)
    }
}

fn scheme(word: &str) -> Result<Scheme<'_>, UriError> {
    if word.eq_ignore_ascii_case("sip") {
        return Ok(Scheme::Sip);
    }
    if word.eq_ignore_ascii_case("sips") {
        return Ok(Scheme::Sips);
    }
    if word.eq_ignore_ascii_case("tel") {
        return Ok(Scheme::Tel);
    }
    let starts = word.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    if !starts
        || !word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    {
        return Err(UriError("malformed scheme"));
    }
    Ok(Scheme::Other(word))
}
