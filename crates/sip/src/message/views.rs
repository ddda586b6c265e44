//! Typed views over the headers of a message. Each is computed when asked for, from the first field of its name.

use super::{Message, Name};
use crate::header::{self, CSeq, Contacts, HeaderError, NameAddr, Via};
use crate::split::{cut, find, trim};

impl<'a> Message<'a> {
    fn required(&self, name: Name) -> Result<&'a str, HeaderError> {
        self.header(name).ok_or(HeaderError {
            name,
            what: "missing",
        })
    }

    /// The topmost Via (RFC 3261 §20.42): of a request the previous hop, of a response ourselves.
    ///
    /// # Errors
    /// Missing or malformed.
    pub fn top_via(&self) -> Result<Via<'a>, HeaderError> {
        let value = self.required(Name::Via)?;
        let first = match find(value, b',', true) {
            Some(at) => trim(cut(value, at).0),
            None => value,
        };
        Via::parse(first)
    }

    /// From (RFC 3261 §20.20).
    ///
    /// # Errors
    /// Missing or malformed.
    pub fn from(&self) -> Result<NameAddr<'a>, HeaderError> {
        NameAddr::parse(Name::From, self.required(Name::From)?)
    }

    /// To (RFC 3261 §20.39).
    ///
    /// # Errors
    /// Missing or malformed.
    pub fn to(&self) -> Result<NameAddr<'a>, HeaderError> {
        NameAddr::parse(Name::To, self.required(Name::To)?)
    }

    /// Call-ID (RFC 3261 §20.8): compared octet by octet.
    ///
    /// # Errors
    /// Missing, empty, or with white space or control characters inside.
    pub fn call_id(&self) -> Result<&'a str, HeaderError> {
        header::call_id(self.required(Name::CallId)?)
    }

    /// CSeq (RFC 3261 §20.16).
    ///
    /// # Errors
    /// Missing, malformed, or a number of 2^31 or more.
    pub fn cseq(&self) -> Result<CSeq<'a>, HeaderError> {
        CSeq::parse(self.required(Name::CSeq)?)
    }

    /// Max-Forwards (RFC 3261 §20.22), `None` if absent.
    #[must_use]
    pub fn max_forwards(&self) -> Option<Result<u8, HeaderError>> {
        let value = self.header(Name::MaxForwards)?;
        Some(header::max_forwards(value))
    }

    /// Expires in seconds (RFC 3261 §20.19); a malformed value counts as absent (RFC 4475 §3.1.2.4).
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        self.header(Name::Expires).and_then(header::seconds)
    }

    /// The Contact values over all lines (RFC 3261 §20.10).
    #[must_use]
    pub fn contacts(&self) -> Contacts<'_, 'a> {
        Contacts::of(self)
    }

    /// The option tags of Require, Supported and the like, in order; compare them without regard to case.
    pub fn options(&self, name: Name) -> impl Iterator<Item = &'a str> + Clone + use<'a, '_> {
        self.list(name)
    }

    /// True if an option tag stands in any line of that name, such as `Supported: path`.
    #[must_use]
    pub fn has_option(&self, name: Name, tag: &str) -> bool {
        self.list(name).any(|option| option.eq_ignore_ascii_case(tag))
    }
}
