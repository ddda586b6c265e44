//! Small values: Call-ID, Max-Forwards, delta-seconds, media types.

use super::{HeaderError, Params};
use crate::message::Name;
use crate::split::{commas, cut, is_token, number, trim};

/// Checks a Call-ID: one word without white space and control characters (RFC 3261 §20.8).
///
/// # Errors
/// Empty, or such a character inside.
pub fn call_id(value: &str) -> Result<&str, HeaderError> {
    if value.is_empty() || value.bytes().any(|b| b <= b' ' || b == 0x7f) {
        return Err(HeaderError {
            name: Name::CallId,
            what: "not one word",
        });
    }
    Ok(value)
}

/// Reads Max-Forwards: 0 to 255 (RFC 3261 §20.22).
///
/// # Errors
/// Not a number, or beyond 255.
pub fn max_forwards(value: &str) -> Result<u8, HeaderError> {
    let error = HeaderError {
        name: Name::MaxForwards,
        what: "not a number from 0 to 255",
    };
    number(value).and_then(|n| u8::try_from(n).ok()).ok_or(error)
}

/// Reads delta-seconds (RFC 3261 §25.1); `None` unless it is a number below 2^32.
#[must_use]
pub fn seconds(value: &str) -> Option<u32> {
    number(value)
}

/// A media type such as `application/sdp;charset=x` (RFC 3261 §20.15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaType<'a> {
    /// Before the slash.
    pub kind: &'a str,
    /// After the slash.
    pub subtype: &'a str,
    /// What follows.
    pub params: Params<'a>,
}

impl<'a> MediaType<'a> {
    /// Reads `type/subtype;params`; `None` if it is not that.
    #[must_use]
    pub fn parse(value: &'a str) -> Option<MediaType<'a>> {
        let (essence, params) = match value.bytes().position(|b| b == b';') {
            Some(at) => cut(value, at),
            None => (value, ""),
        };
        let (kind, subtype) = essence.split_once('/')?;
        let (kind, subtype) = (trim(kind), trim(subtype));
        (is_token(kind) && is_token(subtype)).then_some(MediaType {
            kind,
            subtype,
            params: Params::new(params),
        })
    }

    /// True for the type written as `application/sdp`, whatever the case and the parameters.
    #[must_use]
    pub fn is(&self, essence: &str) -> bool {
        let same = |(kind, subtype): (&str, &str)| {
            kind.eq_ignore_ascii_case(self.kind) && subtype.eq_ignore_ascii_case(self.subtype)
        };
        essence.split_once('/').is_some_and(same)
    }
}

/// True if an Accept value (one line, a list) takes the type written as `application/sdp`.
#[must_use]
pub fn accepts(value: &str, essence: &str) -> bool {
    let kind = essence.split_once('/').map_or(essence, |(kind, _)| kind);
    commas(value).filter_map(MediaType::parse).any(|range| {
        range.is(essence)
            || (range.subtype == "*" && (range.kind == "*" || range.kind.eq_ignore_ascii_case(kind)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_out_of_range_are_none() {
        assert_eq!(seconds("0068"), Some(68));
        assert_eq!(seconds("4294967295"), Some(u32::MAX));
        for bad in [
            "",
            "4294967296",
            "1000000000000000000000",
            "-1",
            "+1",
            "1.5",
            "1 2",
        ] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
        assert_eq!(max_forwards("0068"), Ok(68));
        assert!(max_forwards("300").is_err());
    }

    #[test]
    fn ranges_take_types() {
        assert!(accepts("text/plain, application/SDP;q=0.5", "application/sdp"));
        assert!(accepts("application/*", "application/sdp"));
        assert!(accepts("*/*", "application/sdp"));
        assert!(!accepts("text/nobodyKnowsThis", "application/sdp"));
        assert!(!accepts("", "application/sdp"));
    }

    #[test]
    fn call_ids_are_one_word() {
        assert!(call_id("intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{").is_ok());
        for bad in ["", "a b", "a\0b", "a\r\n b"] {
            assert!(call_id(bad).is_err(), "{bad:?}");
        }
    }
}
