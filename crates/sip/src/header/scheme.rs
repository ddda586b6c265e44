//! `Scheme name=value, name="value"`: the shape of Authorization, WWW-Authenticate and their kin
//! (RFC 3261 §25.1, RFC 7235 §2.1). Owns the shape only; what the values prove is for `digest`.

use super::unquote;
use crate::split::{commas, is_lws, is_token, trim};
use std::borrow::Cow;

/// A scheme word and its comma-separated parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthValue<'a> {
    /// Such as `Digest`; compare without regard to case.
    pub scheme: &'a str,
    rest: &'a str,
}

impl<'a> AuthValue<'a> {
    /// Reads one header value; `None` if it doesn't start with a scheme word.
    #[must_use]
    pub fn parse(value: &'a str) -> Option<AuthValue<'a>> {
        let value = trim(value);
        let end = value.bytes().position(is_lws).unwrap_or(value.len());
        let (scheme, rest) = value.split_at_checked(end)?;
        is_token(scheme).then_some(AuthValue { scheme, rest })
    }

    /// Name and value as written (quotes kept) of each parameter; what is no pair is left out.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, &'a str)> + Clone + use<'a> {
        commas(self.rest)
            .filter_map(|piece| piece.split_once('='))
            .map(|(name, value)| (trim(name), trim(value)))
    }

    /// The first parameter of that name (any case), without quotes.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.params()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| unquote(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_with_and_without_quotes() {
        let value =
            AuthValue::parse("Digest username=\"a, \\\"b\", realm=x,\r\n qop = auth , nc=00000001").unwrap();
        assert_eq!(value.scheme, "Digest");
        assert_eq!(value.get("USERNAME").as_deref(), Some("a, \"b"));
        assert_eq!(value.get("qop").as_deref(), Some("auth"));
        assert_eq!(value.get("none"), None);
    }

    #[test]
    fn odd_values_are_read_as_far_as_they_go() {
        assert_eq!(AuthValue::parse(""), None);
        assert_eq!(
            AuthValue::parse("NoOneKnowsThisScheme opaque-data=here")
                .unwrap()
                .scheme,
            "NoOneKnowsThisScheme"
        );
        assert_eq!(AuthValue::parse("Digest").unwrap().params().count(), 0);
        assert_eq!(AuthValue::parse("Digest =,,a,b=\"").unwrap().params().count(), 2);
    }
}
