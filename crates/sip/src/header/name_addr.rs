//! `name-addr` and `addr-spec` values: From, To, Contact, Route and their kin (RFC 3261 §20, §25.1).

use super::{HeaderError, Params, unquote};
use crate::message::Name;
use crate::split::{cut, quoted_end, trim};
use crate::uri::{Uri, UriError};
use std::borrow::Cow;

/// A display name, a URI and header parameters. `?`, `,` and `;` belong to the URI only inside `<…>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// As written, quotes kept; empty if there is none.
    pub display: &'a str,
    /// What stood between the brackets, unparsed.
    pub uri: &'a str,
    /// Parameters of the header, not of the URI.
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Reads a value such as `"Bob" <sip:bob@example.com;x=1>;tag=2`. `name` is only for the error.
    ///
    /// # Errors
    /// Unterminated quotes or brackets, text where none may be, no URI, or a URI that needs brackets.
    pub fn parse(name: Name, value: &'a str) -> Result<NameAddr<'a>, HeaderError> {
        read(trim(value)).map_err(|what| HeaderError { name, what })
    }

    /// The URI, parsed.
    ///
    /// # Errors
    /// Against the grammar of RFC 3261 §19.1.
    pub fn uri(&self) -> Result<Uri<'a>, UriError> {
        Uri::parse(self.uri)
    }

    /// The dialog tag, `None` if there is none.
    #[must_use]
    pub fn tag(&self) -> Option<&'a str> {
        self.params.value("tag").filter(|tag| !tag.is_empty())
    }

    /// The display name without quotes and backslashes; empty if there is none.
    #[must_use]
    pub fn display_unquoted(&self) -> Cow<'a, str> {
        unquote(self.display)
    }
}

fn read(value: &str) -> Result<NameAddr<'_>, &'static str> {
    let bytes = value.as_bytes();
    if bytes.first() == Some(&b'"') {
        let end = quoted_end(bytes, 0).ok_or("unterminated quoted string")?;
        let (display, rest) = value.split_at_checked(end).ok_or("malformed display name")?;
        return bracketed(display, trim(rest));
    }
    match bytes.iter().position(|b| matches!(b, b'<' | b'"' | b';')) {
        Some(at) if bytes.get(at) == Some(&b'<') => {
            let (display, rest) = value.split_at_checked(at).ok_or("malformed display name")?;
            bracketed(plain_display(trim(display))?, rest)
        }
        Some(at) if bytes.get(at) == Some(&b';') => {
            let (uri, params) = cut(value, at);
            bare(trim(uri), trim(params))
        }
        Some(_) => Err("stray quote"),
        None => bare(value, ""),
    }
}

/// RFC 3261 wants tokens here; phones send more, so only what would be read as something else is refused.
fn plain_display(display: &str) -> Result<&str, &'static str> {
    match display.bytes().any(|b| matches!(b, b',' | b'>' | b':' | b'@')) {
        true => Err("display name needs quotes"),
        false => Ok(display),
    }
}

fn bracketed<'a>(display: &'a str, rest: &'a str) -> Result<NameAddr<'a>, &'static str> {
    let inner = rest
        .strip_prefix('<')
        .ok_or("no address after the display name")?;
    let (uri, after) = crate::split::once(inner, b'>').ok_or("unterminated bracket")?;
    if uri.is_empty() {
        return Err("no address");
    }
    let after = trim(after);
    let params = match after.strip_prefix(';') {
        Some(params) => trim(params),
        None if after.is_empty() => "",
        None => return Err("text after the address"),
    };
    Ok(NameAddr {
        display,
        uri,
        params: sound(params)?,
    })
}

fn bare<'a>(uri: &'a str, params: &'a str) -> Result<NameAddr<'a>, &'static str> {
    match uri.bytes().any(|b| matches!(b, b'?' | b',' | b'>')) {
        true => Err("address needs brackets"),
        false if uri.is_empty() => Err("no address"),
        false => Ok(NameAddr {
            display: "",
            uri,
            params: sound(params)?,
        }),
    }
}

/// Only torn quotes are refused: an empty parameter harms nobody and phones do send a last `;`.
fn sound(params: &str) -> Result<Params<'_>, &'static str> {
    let mut at = 0usize;
    let bytes = params.as_bytes();
    while let Some(open) = bytes.get(at..).and_then(|rest| memchr::memchr(b'"', rest)) {
        at = quoted_end(bytes, at.saturating_add(open)).ok_or("unterminated quoted string")?;
    }
    Ok(Params(params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(value: &str) -> Result<NameAddr<'_>, HeaderError> {
        NameAddr::parse(Name::To, value)
    }

    #[test]
    fn forms_that_are_fine() {
        let a = read_one(r#""Mr. \"X\" <y>" <sip:a@b;x=1?h=2>;tag=9"#).unwrap();
        assert_eq!((a.uri, a.tag()), ("sip:a@b;x=1?h=2", Some("9")));
        assert_eq!(a.display_unquoted(), "Mr. \"X\" <y>");
        let a = read_one("caller<sip:caller@example.com>;tag=323").unwrap();
        assert_eq!((a.display, a.uri), ("caller", "sip:caller@example.com"));
        let a = read_one("sip:a@b;tag=1 ; x").unwrap();
        assert_eq!(
            (a.uri, a.tag(), a.params.get("x")),
            ("sip:a@b", Some("1"), Some(None))
        );
        let a = read_one("\r\n sip:v@c.example.com ;   tag    = 1918181833n").unwrap();
        assert_eq!((a.uri, a.tag()), ("sip:v@c.example.com", Some("1918181833n")));
        assert_eq!(read_one("J. Doe-Ü <sip:a@b>").unwrap().display, "J. Doe-Ü");
    }

    #[test]
    fn parameters_inside_the_brackets_are_not_the_headers() {
        let a = read_one("<sip:a@b;tag=inner>").unwrap();
        assert_eq!(a.tag(), None);
        let a = read_one("sip:a@b;tag=outer").unwrap();
        assert_eq!(a.tag(), Some("outer"));
    }

    #[test]
    fn malformed_is_told() {
        for bad in [
            "",
            "<>",
            "<sip:a@b",
            "\"Mr. J. User <sip:j.user@example.com>",
            "Bell, Alexander <sip:a@b>",
            "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
            "\"a\" sip:a@b",
            "<sip:a@b> junk",
            "<sip:a@b>, <sip:c@d>",
            "sip:a@b, sip:c@d",
            "a \"b\" <sip:a@b>",
            "<sip:a@b>;x=\"torn",
            ";tag=1",
        ] {
            assert!(read_one(bad).is_err(), "{bad}");
        }
    }
}
