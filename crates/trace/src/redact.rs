//! What nobody is to see who reads a trace: stars take the place of each secret octet, so that lengths still hold.
//!
//! Covered are credentials (`Authorization`, `Proxy-Authorization`, `Authentication-Info`), tokens in URIs and of push services,
//! keys of SRTP (`a=crypto`, `k=`, `a=key-mgmt`), passwords of ICE, texts (MESSAGE), and digits that were typed (INFO, KPML).
//! Names and numbers of who speaks to whom stay: without them a trace tells nothing.

/// Headers with secrets in their parameters.
const CREDENTIALS: [&[u8]; 3] = [b"authorization", b"proxy-authorization", b"authentication-info"];
/// Parameters that stay, and those of which the name stays. Of what is neither, nothing does: it may be a token.
const PUBLIC: [&[u8]; 6] = [b"username", b"realm", b"algorithm", b"qop", b"nc", b"uri"];
const SECRET: [&[u8]; 6] = [
    b"response",
    b"nonce",
    b"cnonce",
    b"opaque",
    b"rspauth",
    b"nextnonce",
];

/// Parameters of URIs that prove who somebody is, wherever they stand.
const TOKENS: [&[u8]; 4] = [b"pn-prid=", b"token=", b"access_token=", b"pn-purr="];

/// Beginnings of lines of a description behind which everything is secret.
const KEYS: [&[u8]; 4] = [b"a=crypto:", b"a=ice-pwd:", b"a=key-mgmt:", b"k="];

/// Content-Types whose bodies are digits.
const DIGITS: [&[u8]; 3] = [b"dtmf", b"kpml", b"vnd.nortelnetworks.digits"];

const STAR: u8 = b'*';

/// Hides what is secret in one SIP message.
pub fn redact(message: &mut [u8]) {
    let body = head_end(message);
    let method = method(message);
    let mut is_digits = false;
    let mut is_secret = false;
    let mut at = 0;
    while let Some(end) = line_end(message, at) {
        let in_head = at < body;
        let Some(line) = message.get_mut(at..end) else {
            return;
        };
        let goes_on = matches!(line.first(), Some(b' ' | b'\t'));
        is_secret = (goes_on && is_secret) || CREDENTIALS.iter().any(|name| is_header(line, name));
        if is_secret {
            hide_parameters(line, goes_on);
        }
        if in_head && (is_header(line, b"content-type") || is_header(line, b"c")) {
            let kind = line.to_ascii_lowercase();
            is_digits |= DIGITS.iter().any(|word| contains(&kind, word));
        }
        hide_keys(line);
        TOKENS.iter().for_each(|name| hide_token(line, name));
        at = end;
    }
    let all = method == Method::Message || is_digits;
    if let (true, Some(body)) = (all, message.get_mut(body..)) {
        hide(body);
    }
}

#[derive(PartialEq, Eq)]
enum Method {
    Message,
    Other,
}

fn method(message: &[u8]) -> Method {
    match message.starts_with(b"MESSAGE ") {
        true => Method::Message,
        false => Method::Other,
    }
}

/// Where the body begins; the end where there is none.
fn head_end(message: &[u8]) -> usize {
    let mut at = 0;
    while let Some(end) = line_end(message, at) {
        let line = message.get(at..end).unwrap_or_default();
        if line.trim_ascii().is_empty() && at > 0 {
            return end;
        }
        at = end;
    }
    message.len()
}

/// The first octet behind a line, its end included.
fn line_end(message: &[u8], at: usize) -> Option<usize> {
    let rest = message.get(at..).filter(|rest| !rest.is_empty())?;
    let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end.saturating_add(1));
    at.checked_add(length)
}

fn is_header(line: &[u8], name: &[u8]) -> bool {
    let Some((written, rest)) = line.split_at_checked(name.len()) else {
        return false;
    };
    written.eq_ignore_ascii_case(name) && rest.trim_ascii_start().first() == Some(&b':')
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

fn hide(octets: &mut [u8]) {
    let shown = |octet: &&mut u8| !matches!(**octet, b'\r' | b'\n');
    octets.iter_mut().filter(shown).for_each(|octet| *octet = STAR);
}

/// Behind the scheme, all but the public parameters. A scheme without parameters (Bearer) has one secret.
fn hide_parameters(line: &mut [u8], goes_on: bool) {
    let mut at = 0;
    if !goes_on {
        let colon = memchr::memchr(b':', line).map_or(0, |colon| colon.saturating_add(1));
        let value = line.get(colon..).unwrap_or_default();
        let blanks = value.len().saturating_sub(value.trim_ascii_start().len());
        let scheme = value
            .iter()
            .skip(blanks)
            .position(|b| matches!(b, b' ' | b'\t' | b'=' | b',' | b'\r' | b'\n'));
        let scheme = scheme.unwrap_or(0);
        let behind = colon.saturating_add(blanks).saturating_add(scheme);
        // Authentication-Info has no scheme.
        at = match line.get(behind) {
            Some(b'=' | b',') => colon,
            _ => behind,
        };
    }
    while at < line.len() {
        let end = parameter_end(line, at);
        if let Some(parameter) = line.get_mut(at..end) {
            hide_parameter(parameter);
        }
        at = end.saturating_add(1);
    }
}

/// The comma behind a parameter that begins there; one in quotes is none.
fn parameter_end(line: &[u8], at: usize) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (index, octet) in line.iter().enumerate().skip(at) {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return index,
            _ => {}
        }
    }
    line.len()
}

fn hide_parameter(parameter: &mut [u8]) {
    let equals = memchr::memchr(b'=', parameter);
    let name = parameter.get(..equals.unwrap_or(0)).unwrap_or_default();
    let name = name.trim_ascii();
    let is_one = |names: &[&[u8]]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    if is_one(&PUBLIC) {
        return;
    }
    let begin = equals
        .filter(|_| is_one(&SECRET))
        .map_or(0, |equals| equals.saturating_add(1));
    let secret = |octet: &&mut u8| !matches!(**octet, b' ' | b'\t' | b'\r' | b'\n' | b'"');
    if let Some(value) = parameter.get_mut(begin..) {
        value.iter_mut().filter(secret).for_each(|octet| *octet = STAR);
    }
}

/// The suite of a key stays.
fn hide_keys(line: &mut [u8]) {
    let Some(known) = KEYS.iter().find(|key| {
        let begin = line.get(..key.len()).unwrap_or_default();
        begin.eq_ignore_ascii_case(key)
    }) else {
        return;
    };
    let mut begin = known.len();
    if *known == b"a=crypto:" {
        // `tag suite keys`: two words stay.
        let rest = line.get(begin..).unwrap_or_default();
        let mut blanks = rest
            .iter()
            .enumerate()
            .filter(|(_, b)| **b == b' ')
            .map(|(at, _)| at);
        begin = begin.saturating_add(blanks.nth(1).unwrap_or(0));
    }
    if let Some(secret) = line.get_mut(begin..) {
        secret
            .iter_mut()
            .filter(|octet| !matches!(**octet, b' ' | b'\r' | b'\n'))
            .for_each(|octet| *octet = STAR);
    }
}

fn hide_token(line: &mut [u8], name: &[u8]) {
    let mut from = 0;
    while let Some(found) = find_name(line.get(from..).unwrap_or_default(), name) {
        let begin = from.saturating_add(found).saturating_add(name.len());
        let value = line.get(begin..).unwrap_or_default();
        let ends = |b: &u8| matches!(b, b';' | b'&' | b'>' | b',' | b' ' | b'"' | b'?' | b'\r' | b'\n');
        let length = value.iter().position(ends).unwrap_or(value.len());
        let end = begin.saturating_add(length);
        if let Some(secret) = line.get_mut(begin..end) {
            hide(secret);
        }
        from = end;
    }
}

/// A parameter of this name, in whatever case.
fn find_name(text: &[u8], name: &[u8]) -> Option<usize> {
    let fits = |at: &usize| {
        let end = at.saturating_add(name.len());
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        text.get(*at..end)
            .is_some_and(|part| part.eq_ignore_ascii_case(name))
            && before.is_some_and(|b| matches!(b, b';' | b'?' | b'&'))
    };
    memchr::memchr_iter(b'=', text)
        .filter_map(|equals| equals.saturating_add(1).checked_sub(name.len()))
        .find(fits)
}
