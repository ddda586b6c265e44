//! The only ways text enters a message: each keeps a value within its line.

use crate::split::is_token_byte;
use std::fmt::{self, Write};

/// Appends a value with every control character but TAB made a space, C1 controls included. The length in
/// characters stays: taking one out could uncover a quote behind a backslash.
pub fn push_clean(out: &mut String, value: &str) {
    let plain = |b: u8| (b' '..0x7f).contains(&b) || b == b'\t';
    // Without an early end the compiler looks at many octets at once.
    if value.bytes().fold(true, |all, b| all & plain(b)) {
        out.push_str(value);
        return;
    }
    out.extend(
        value
            .chars()
            .map(|c| if c.is_control() && c != '\t' { ' ' } else { c }),
    );
}

/// Appends a number in decimal digits. Answers are full of them, and a formatter takes several times as long.
pub(super) fn push_number(out: &mut String, number: u32) {
    let mut digits = [b'0'; 10];
    let (mut rest, mut first) = (number, digits.len());
    for place in digits.iter_mut().rev() {
        // A remainder of ten is one digit.
        *place = b'0' | u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        first -= 1;
        if rest == 0 {
            break;
        }
    }
    out.push_str(std::str::from_utf8(digits.get(first..).unwrap_or_default()).unwrap_or_default());
}

/// Lets formatted text in through [`push_clean`].
pub(super) struct Cleaner<'a>(pub(super) &'a mut String);

impl Write for Cleaner<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_clean(self.0, text);
        Ok(())
    }
}

/// Appends a token; other octets become `-`.
pub(super) fn push_name(out: &mut String, name: &str) {
    let token = |c: char| u8::try_from(c).is_ok_and(is_token_byte);
    if name.bytes().all(is_token_byte) {
        out.push_str(name);
    } else {
        out.extend(name.chars().map(|c| if token(c) { c } else { '-' }));
    }
}

/// Appends a URI; white space, controls, quotes, brackets and foreign octets are escaped.
pub(super) fn push_uri(out: &mut String, uri: &str) {
    let plain = |b: u8| (b'!'..0x7f).contains(&b) && !matches!(b, b'<' | b'>' | b'"');
    if uri.bytes().all(plain) {
        out.push_str(uri);
        return;
    }
    for byte in uri.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// A display name as a quoted string (RFC 3261 §25.1): quotes and backslashes escaped, controls made spaces, so it
/// can neither end early nor break the line.
#[must_use]
pub fn quote_display(name: &str) -> String {
    let mut out = String::with_capacity(name.len().saturating_add(2));
    out.push('"');
    for c in name.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
