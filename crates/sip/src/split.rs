//! Splitting values at separators without being fooled by quoted strings and angle brackets
//! (RFC 3261 §7.3.1 lists, §25.1 `quoted-string`). Owns the character classes of the grammar too.
//! Nothing here fails: an unterminated quote or bracket simply reaches to the end of the text.

use memchr::{memchr2, memchr3};

/// The octets of `token` (RFC 3261 §25.1).
#[allow(
    clippy::indexing_slicing,
    reason = "runs in the compiler, where a bad index fails the build"
)]
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let extra = b"-.!%*_+`'~";
    let mut i = 0;
    while i < 256 {
        table[i] = (i as u8).is_ascii_alphanumeric();
        i += 1;
    }
    let mut i = 0;
    while i < extra.len() {
        table[extra[i] as usize] = true;
        i += 1;
    }
    table
};

/// True for an octet of the `token` rule.
#[must_use]
pub fn is_token_byte(byte: u8) -> bool {
    TOKEN.get(usize::from(byte)).copied().unwrap_or(false)
}

/// True for a non-empty `token`.
#[must_use]
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// True for the octets of linear white space, folding included.
#[must_use]
pub fn is_lws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Trims linear white space, folding included, from both ends.
#[must_use]
pub fn trim(text: &str) -> &str {
    let blank = |octet: &u8| matches!(octet, b' ' | b'\t' | b'\r' | b'\n');
    let octets = text.as_bytes();
    let start = octets.iter().position(|o| !blank(o)).unwrap_or(octets.len());
    let end = octets
        .iter()
        .rposition(|o| !blank(o))
        .map_or(start, |last| last.saturating_add(1));
    text.get(start..end).unwrap_or("")
}

/// Splits in two at the first `octet`, an ASCII one. For the short texts of headers this is several times as fast as
/// the search of the standard library, which prepares for long ones.
pub(crate) fn once(text: &str, octet: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|o| o == octet)?;
    Some(cut(text, at))
}

/// Splits in two at an octet position; the octet itself (one byte wide) is left out.
pub(crate) fn cut(text: &str, at: usize) -> (&str, &str) {
    (
        text.get(..at).unwrap_or(text),
        text.get(at.saturating_add(1)..).unwrap_or(""),
    )
}

/// Position just after the quoted string that starts at `open` (which holds `"`), or `None` if it never ends.
pub(crate) fn quoted_end(text: &[u8], open: usize) -> Option<usize> {
    let mut at = open.checked_add(1)?;
    loop {
        let found = at.checked_add(memchr2(b'"', b'\\', text.get(at..)?)?)?;
        if text.get(found) == Some(&b'"') {
            return found.checked_add(1);
        }
        at = found.checked_add(2)?;
    }
}

/// First `separator` outside quoted strings and, if `angles`, outside `<…>`.
#[must_use]
pub fn find(text: &str, separator: u8, angles: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0usize;
    loop {
        let rest = bytes.get(at..)?;
        let found = if angles {
            memchr3(separator, b'"', b'<', rest)
        } else {
            memchr2(separator, b'"', rest)
        };
        let found = at.checked_add(found?)?;
        match bytes.get(found)? {
            b'"' if separator != b'"' => at = quoted_end(bytes, found)?,
            b'<' if angles && separator != b'<' => {
                at = found.checked_add(memchr::memchr(b'>', bytes.get(found..)?)?)?
            }
            _ => return Some(found),
        }
    }
}

/// Elements between unquoted separators, trimmed, empty ones included. See [`commas`] and [`semicolons`].
#[derive(Clone, Debug)]
pub struct Split<'a> {
    rest: Option<&'a str>,
    separator: u8,
    angles: bool,
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest?;
        let element = match find(text, self.separator, self.angles) {
            Some(at) => {
                let (element, rest) = cut(text, at);
                self.rest = Some(rest);
                element
            }
            None => {
                self.rest = None;
                text
            }
        };
        Some(trim(element))
    }
}

/// The elements of a comma-separated list; commas in quoted strings and in `<…>` do not count.
#[must_use]
pub fn commas(value: &str) -> Split<'_> {
    Split {
        rest: Some(value),
        separator: b',',
        angles: true,
    }
}

/// The pieces of a parameter list; semicolons in quoted strings do not count.
#[must_use]
pub fn semicolons(value: &str) -> Split<'_> {
    Split {
        rest: Some(value),
        separator: b';',
        angles: false,
    }
}

/// Digits only: no sign, no gap, leading zeros allowed.
pub(crate) fn number(value: &str) -> Option<u32> {
    let value = trim(value);
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    value.parse().ok()
}

/// Digits only, 1 to 65,535.
pub(crate) fn port_number(text: &str) -> Option<u16> {
    number(text)
        .and_then(|n| u16::try_from(n).ok())
        .filter(|n| *n != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(value: &str) -> Vec<&str> {
        commas(value).collect()
    }

    #[test]
    fn commas_in_quotes_and_brackets_stay() {
        assert_eq!(
            list(r#""Bell, A" <sip:a,b@c>;x="1,2", <sip:d>"#),
            [r#""Bell, A" <sip:a,b@c>;x="1,2""#, "<sip:d>"]
        );
        assert_eq!(list(r#""a\",b", c"#), [r#""a\",b""#, "c"]);
        assert_eq!(list(r#"<sip:a"b>, c"#), [r#"<sip:a"b>"#, "c"]);
    }

    #[test]
    fn empty_elements_are_shown() {
        assert_eq!(list(""), [""]);
        assert_eq!(list("a,,b ,\r\n\t"), ["a", "", "b", ""]);
    }

    #[test]
    fn what_never_closes_reaches_the_end() {
        assert_eq!(list(r#"a, "b, c"#), ["a", r#""b, c"#]);
        assert_eq!(list("a, <b, c"), ["a", "<b, c"]);
        assert_eq!(list(r#"a, "b\"#), ["a", r#""b\"#]);
    }

    #[test]
    fn semicolons_look_into_brackets() {
        let pieces: Vec<_> = semicolons(r#"a ; b="x;y" ;c"#).collect();
        assert_eq!(pieces, ["a", r#"b="x;y""#, "c"]);
    }

    #[test]
    fn tokens() {
        assert!(is_token("-.!%*_+`'~aZ0"));
        for not in ["", " ", "a b", "a:b", "a;", "\u{e9}", "a\0"] {
            assert!(!is_token(not), "{not:?}");
        }
    }
}
