//! The opening handshake, the server's side (RFC 6455 §4.2, RFC 7118 §4).
//!
//! It reads one HTTP/1.1 request head and answers it: 101, or an error that says what is wrong. It owns no routes beyond
//! [`PATHS`], no bodies, no second request: whatever is refused is closed. Who may sign in is decided by its caller, from
//! the token that the request carries.

use memchr::memmem;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// Octets of a request head; browsers send less than 2,000, cookies of the same host included.
pub const MAX_HANDSHAKE: usize = 8_192;
/// Where SIP is served.
pub const PATHS: [&str; 3] = ["/", "/sip", "/ws"];
/// The subprotocol (RFC 7118 §4).
const SUBPROTOCOL: &str = "sip";
/// What the key is hashed with (RFC 6455 §1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Parameters of the address that may carry a token.
const TOKEN_NAMES: [&str; 2] = ["token", "access_token"];

/// How far the request has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Handshake<'a> {
    /// More octets are needed.
    Wait,
    /// A good request of so many octets; what follows them is frames already.
    Open(Opening<'a>, usize),
    /// Answer and close.
    Refused(Refusal),
}

/// A good request.
#[derive(Debug, PartialEq, Eq)]
pub struct Opening<'a> {
    /// The token in the address, if there is one.
    pub token: Option<&'a str>,
    key: &'a str,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not HTTP, or something that must be there is missing.
    Bad(&'static str),
    /// Not from a page that may.
    Origin,
    /// A token that is forged or has ended.
    Token,
    /// Not a path of ours.
    Path,
    /// Not GET.
    Method,
    /// HTTP, but not WebSocket, or another version of it.
    Upgrade,
    /// Larger than [`MAX_HANDSHAKE`].
    TooLarge,
    /// Another version of HTTP.
    Version,
}

impl Opening<'_> {
    /// The answer: 101 (RFC 6455 §4.2.2).
    #[must_use]
    pub fn accept(&self) -> Vec<u8> {
        let accept = accept_value(self.key);
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
        )
        .into_bytes()
    }
}

impl Refusal {
    fn status(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Refusal::Bad(why) => ("400 Bad Request", "", why),
            Refusal::Origin => ("403 Forbidden", "", "pages of this origin may not connect"),
            Refusal::Token => ("403 Forbidden", "", "the token is not valid or has ended"),
            Refusal::Path => ("404 Not Found", "", "SIP is at /, /sip and /ws"),
            Refusal::Method => (
                "405 Method Not Allowed",
                "Allow: GET\r\n",
                "only GET opens a WebSocket",
            ),
            Refusal::Upgrade => (
                "426 Upgrade Required",
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
                "this is a WebSocket for SIP (RFC 7118), version 13",
            ),
            Refusal::TooLarge => (
                "431 Request Header Fields Too Large",
                "",
                "the request is too large",
            ),
            Refusal::Version => ("505 HTTP Version Not Supported", "", "HTTP/1.1 is spoken here"),
        }
    }

    /// The answer. The connection is closed after it.
    #[must_use]
    pub fn response(self) -> Vec<u8> {
        let (status, extra, why) = self.status();
        // RFC 9110 §7.8: what upgrades names it in Connection.
        let connection = if self == Refusal::Upgrade {
            "Upgrade, close"
        } else {
            "close"
        };
        let length = why.len().saturating_add(1);
        format!(
            "HTTP/1.1 {status}\r\n{extra}Connection: {connection}\r\nContent-Type: text/plain\r\n\
             Content-Length: {length}\r\n\r\n{why}\n"
        )
        .into_bytes()
    }
}

/// Reads the request at the start of `octets`. `origins` are the pages that may connect, as a browser names them
/// (`https://phone.example.com`); empty lets every page. A request without `Origin` is no browser's, and who is no browser
/// can write any: it passes.
#[must_use]
pub fn read_handshake<'a>(octets: &'a [u8], origins: &[String]) -> Handshake<'a> {
    let Some(length) = end_of_head(octets) else {
        return match octets.len() < MAX_HANDSHAKE {
            true if could_be_get(octets) => Handshake::Wait,
            true => Handshake::Refused(Refusal::Bad("this is not an HTTP request")),
            false => Handshake::Refused(Refusal::TooLarge),
        };
    };
    let head = octets
        .get(..length)
        .and_then(|head| std::str::from_utf8(head).ok());
    match head
        .ok_or(Refusal::Bad("the request is not text"))
        .and_then(|head| request(head, origins))
    {
        Ok(opening) => Handshake::Open(opening, length),
        Err(refusal) => Handshake::Refused(refusal),
    }
}

/// Past the blank line.
fn end_of_head(octets: &[u8]) -> Option<usize> {
    let head = octets.get(..octets.len().min(MAX_HANDSHAKE))?;
    memmem::find(head, b"\r\n\r\n").map(|at| at.saturating_add(4))
}

/// Tells what is certainly not HTTP (TLS, SIP) before a blank line comes: its first word is not a method.
fn could_be_get(octets: &[u8]) -> bool {
    let word = octets.split(|b| *b == b' ').next().unwrap_or_default();
    word.len() <= 16 && word.iter().all(u8::is_ascii_uppercase)
}

/// The headers that matter; each may stand once, or it says two things.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a str>,
    origin: Option<&'a str>,
    key: Option<&'a str>,
    version: Option<&'a str>,
    upgrade: bool,
    connection: bool,
    sip: bool,
    body: bool,
}

fn request<'a>(head: &'a str, origins: &[String]) -> Result<Opening<'a>, Refusal> {
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Refusal::Bad("the request line has three words"));
    };
    match version {
        "HTTP/1.1" => {}
        other if other.starts_with("HTTP/") => return Err(Refusal::Version),
        _ => return Err(Refusal::Bad("this is not an HTTP request")),
    }
    if method != "GET" {
        return Err(Refusal::Method);
    }
    let target = origin_form(target);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if !PATHS.contains(&path) {
        return Err(Refusal::Path);
    }
    let fields = fields(lines)?;
    if !fields.upgrade || !fields.connection || fields.version != Some("13") {
        return Err(Refusal::Upgrade);
    }
    if fields.host.is_none() || fields.body {
        return Err(Refusal::Bad("the request needs a Host and has no body"));
    }
    if !fields.sip {
        return Err(Refusal::Bad("Sec-WebSocket-Protocol must name sip"));
    }
    let key = fields.key.filter(|key| is_key(key));
    let key = key.ok_or(Refusal::Bad("Sec-WebSocket-Key must be 16 octets in base64"))?;
    let welcome = |origin| origins.is_empty() || origins.iter().any(|o| o.eq_ignore_ascii_case(origin));
    if !fields.origin.is_none_or(welcome) {
        return Err(Refusal::Origin);
    }
    Ok(Opening {
        token: token(query)?,
        key,
    })
}

/// A proxy may name the host in the request line as well (RFC 9112 §3.2.2); what follows it is what we serve.
fn origin_form(target: &str) -> &str {
    match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => {
            let at = rest.find(['/', '?']).unwrap_or(rest.len());
            rest.get(at..).filter(|path| path.starts_with('/')).unwrap_or("/")
        }
        _ => target,
    }
}

fn fields<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Fields<'a>, Refusal> {
    let mut fields = Fields::default();
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line
            .split_once(':')
            .ok_or(Refusal::Bad("a header line has no colon"))?;
        // A folded line or a name with a space is read differently by different servers: neither is read here.
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
        if !is_name || value.bytes().any(|b| b.is_ascii_control() && b != b'\t') {
            return Err(Refusal::Bad("a header line is malformed"));
        }
        let value = value.trim_matches([' ', '\t']);
        match name.to_ascii_lowercase().as_str() {
            "host" => once(&mut fields.host, value)?,
            "origin" => once(&mut fields.origin, value)?,
            "sec-websocket-key" => once(&mut fields.key, value)?,
            "sec-websocket-version" => once(&mut fields.version, value)?,
            "upgrade" => fields.upgrade |= list(value, |word| word.eq_ignore_ascii_case("websocket")),
            "connection" => fields.connection |= list(value, |word| word.eq_ignore_ascii_case("upgrade")),
            "sec-websocket-protocol" => fields.sip |= list(value, |word| word == SUBPROTOCOL),
            "content-length" => fields.body |= value != "0",
            "transfer-encoding" => fields.body = true,
            _ => {}
        }
    }
    Ok(fields)
}

fn once<'a>(place: &mut Option<&'a str>, value: &'a str) -> Result<(), Refusal> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Refusal::Bad("a header stands twice")),
    }
}

fn list(value: &str, wanted: impl Fn(&str) -> bool) -> bool {
    value
        .split(',')
        .any(|word| wanted(word.trim_matches([' ', '\t'])))
}

/// The base64 of 16 octets: 22 digits, of which the last carries four bits of nothing, and the padding.
fn is_key(text: &str) -> bool {
    let digit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    text.strip_suffix("==")
        .is_some_and(|digits| digits.len() == 22 && digits.bytes().all(digit))
}

/// Our tokens need no escapes, so one with an escape is not ours. Two are one too many.
fn token(query: &str) -> Result<Option<&str>, Refusal> {
    let values = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut tokens = values
        .filter(|(name, _)| TOKEN_NAMES.contains(name))
        .map(|(_, value)| value);
    match (tokens.next(), tokens.next()) {
        (token, None) => Ok(token),
        _ => Err(Refusal::Bad("the address names two tokens")),
    }
}

/// The value of Sec-WebSocket-Accept for a key (§4.2.2).
pub(super) fn accept_value(key: &str) -> String {
    let text = [key, GUID].concat();
    // RFC 6455 asks for SHA-1 to show that the server speaks WebSocket; nothing secret hangs on it.
    base64(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()).as_ref())
}

pub(super) fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(octets.len().div_ceil(3).saturating_mul(4));
    for group in octets.chunks(3) {
        let octet = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
        for place in 0..4_usize {
            let shift = 18_usize.saturating_sub(place.saturating_mul(6));
            let digit = usize::try_from(bits >> shift & 63).unwrap_or(0);
            let digit = DIGITS.get(digit).copied().map_or('=', char::from);
            text.push(if place <= group.len() { digit } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6455 §1.3.
    #[test]
    fn the_accept_value_is_that_of_the_rfc() {
        assert_eq!(
            accept_value("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        let plain = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ];
        for (text, encoded) in plain {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }
}
