//! `Replaces` (RFC 3891 §6.1): the dialog whose place a new one takes.
//!
//! Owns: the grammar. Does not own: which dialog that is, and who may.

use super::{HeaderError, Params, misc};
use crate::message::Name;
use crate::split::{cut, trim};

/// A Call-ID and both tags. `to_tag` is the tag of whoever receives the INVITE with this header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaces<'a> {
    /// Call-ID of the dialog.
    pub call_id: &'a str,
    /// The receiver's own tag in it.
    pub to_tag: &'a str,
    /// The tag of the receiver's peer in it.
    pub from_tag: &'a str,
    /// Only while that dialog is early.
    pub early_only: bool,
}

impl<'a> Replaces<'a> {
    /// Reads a value such as `a1@b;to-tag=1;from-tag=2;early-only`.
    ///
    /// # Errors
    /// No Call-ID of one word, or one of the tags missing or given twice.
    pub fn parse(value: &'a str) -> Result<Replaces<'a>, HeaderError> {
        let bad = |what| HeaderError {
            name: Name::Replaces,
            what,
        };
        let at = value.bytes().position(|b| b == b';').ok_or(bad("no tags"))?;
        let (call_id, params) = cut(value, at);
        let call_id = misc::call_id(trim(call_id)).map_err(|_| bad("no Call-ID"))?;
        let params = Params::new(params);
        let tag = |name: &str| {
            let mut tags = params.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
            match (tags.next(), tags.next()) {
                (Some((_, Some(tag))), None) if !tag.is_empty() => Ok(tag),
                _ => Err(bad("not one tag of each kind")),
            }
        };
        Ok(Replaces {
            call_id,
            to_tag: tag("to-tag")?,
            from_tag: tag("from-tag")?,
            early_only: params.get("early-only").is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc() {
        let read =
            Replaces::parse("98732@sip.example.com\r\n ;from-tag=r33th4x0r\r\n ;to-tag=ff87ff").unwrap();
        assert_eq!(
            (read.call_id, read.to_tag, read.from_tag, read.early_only),
            ("98732@sip.example.com", "ff87ff", "r33th4x0r", false)
        );
        let read = Replaces::parse("87134@171.161.34.23;to-tag=24796;from-tag=0;early-only").unwrap();
        assert_eq!((read.from_tag, read.early_only), ("0", true));
    }

    #[test]
    fn a_dialog_has_three_parts_each_once() {
        for bad in [
            "",
            "a",
            ";to-tag=1;from-tag=2",
            "a;to-tag=1",
            "a;from-tag=2",
            "a;to-tag;from-tag=2",
            "a;to-tag=;from-tag=2",
            "a;to-tag=1;to-tag=3;from-tag=2",
            "a b;to-tag=1;from-tag=2",
        ] {
            assert!(Replaces::parse(bad).is_err(), "{bad}");
        }
    }
}
