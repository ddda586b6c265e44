//! Header parameters `;name=value;flag` (RFC 3261 §25.1 `generic-param`) and quoted strings.

use crate::split::{Split, cut, is_lws, is_token, quoted_end, semicolons, trim};
use std::borrow::Cow;

/// The parameters of one header value: the text after the first `;`. Names match without regard to case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Params<'a>(pub(crate) &'a str);

impl<'a> Params<'a> {
    /// Parameters from text such as `tag=1;lr`; a leading `;` is allowed.
    #[must_use]
    pub fn new(text: &'a str) -> Params<'a> {
        let text = trim(text);
        Params(text.strip_prefix(';').unwrap_or(text))
    }

    /// The text itself, without the first `;`.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.0
    }

    /// Name and value of each parameter in order; a flag has no value, a quoted value keeps its quotes.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone + use<'a> {
        pieces(self.0).filter(|piece| !piece.is_empty()).map(pair)
    }

    /// `None`: absent. `Some(None)`: a flag. `Some(Some(v))`: the value, quotes kept.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Option<&'a str>> {
        self.iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The value of a parameter that has one.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.get(name).flatten()
    }

    /// What is wrong with the first parameter that is against the grammar, empty ones included.
    ///
    /// # Errors
    /// An empty parameter, a name that is no token, a value that is empty, torn or has a gap.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.0.is_empty() {
            return Ok(());
        }
        pieces(self.0).try_for_each(check_piece)
    }
}

fn pieces(text: &str) -> Split<'_> {
    semicolons(text)
}

fn pair(piece: &str) -> (&str, Option<&str>) {
    match piece.bytes().position(|b| b == b'=') {
        None => (piece, None),
        Some(at) => {
            let (name, value) = cut(piece, at);
            (trim(name), Some(trim(value)))
        }
    }
}

pub(super) fn check_piece(piece: &str) -> Result<(), &'static str> {
    let (name, value) = pair(piece);
    if !is_token(name) {
        return Err(if piece.is_empty() {
            "empty parameter"
        } else {
            "malformed parameter name"
        });
    }
    match value {
        None => Ok(()),
        Some("") => Err("parameter without its value"),
        Some(value) if value.starts_with('"') => match quoted_end(value.as_bytes(), 0) {
            Some(end) if end == value.len() => Ok(()),
            Some(_) => Err("text after a quoted parameter value"),
            None => Err("unterminated quoted string"),
        },
        Some(value)
            if value
                .bytes()
                .any(|b| is_lws(b) || matches!(b, b'"' | b'<' | b'>' | b',')) =>
        {
            Err("malformed parameter value")
        }
        Some(_) => Ok(()),
    }
}

/// A quoted string without its quotes and backslashes; other text as it is.
#[must_use]
pub fn unquote(text: &str) -> Cow<'_, str> {
    let text = trim(text);
    let inner = text.strip_prefix('"').map(|t| t.strip_suffix('"').unwrap_or(t));
    match inner {
        None => Cow::Borrowed(text),
        Some(inner) if !inner.contains('\\') => Cow::Borrowed(inner),
        Some(inner) => Cow::Owned(unescape(inner)),
    }
}

fn unescape(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_flags_and_white_space() {
        let params = Params::new("; tag = 98asjd8 ;lr; x=\"a;b\"");
        assert_eq!(params.value("TAG"), Some("98asjd8"));
        assert_eq!(params.get("lr"), Some(None));
        assert_eq!(params.value("x"), Some("\"a;b\""));
        assert_eq!(params.get("none"), None);
        assert_eq!(params.check(), Ok(()));
    }

    #[test]
    fn stray_separators_are_told_but_can_be_read_past() {
        for text in [
            ";;", "a;;b", "a;", "=1", "a=", "a=\"x", "a=\"x\"y", "a=b c", "a b",
        ] {
            assert!(Params::new(text).check().is_err(), "{text}");
        }
        assert_eq!(Params::new(";a;;b=1").value("b"), Some("1"));
    }

    #[test]
    fn quotes_come_off_once() {
        assert_eq!(unquote(r#""J Rosenberg \\\"""#), r#"J Rosenberg \""#);
        assert_eq!(unquote("plain"), "plain");
        assert_eq!(unquote("\""), "");
        assert_eq!(unquote("\"a\\"), "a");
    }
}
