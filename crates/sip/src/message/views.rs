//! Typed views over the headers of a message. Each is computed when asked for, from the first field of its name.

use super::{Message, Name};
use crate::header::{self, CSeq, Contacts, HeaderError, NameAddr, SessionExpires, Via};
use crate::split::{cut, find, trim};
use crate::uri::Uri;

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
        if let Some(known) = &self.known {
            return Ok(known.via);
        }
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
        if let Some(known) = &self.known {
            return Ok(known.from.name_addr);
        }
        NameAddr::parse(Name::From, self.required(Name::From)?)
    }

    /// To (RFC 3261 §20.39).
    ///
    /// # Errors
    /// Missing or malformed.
    pub fn to(&self) -> Result<NameAddr<'a>, HeaderError> {
        if let Some(known) = &self.known {
            return Ok(known.to.name_addr);
        }
        NameAddr::parse(Name::To, self.required(Name::To)?)
    }

    /// The tag of From; `None` too if From can't be read.
    #[must_use]
    pub fn from_tag(&self) -> Option<&'a str> {
        match &self.known {
            Some(known) => known.from.tag,
            None => self.from().ok()?.tag(),
        }
    }

    /// The tag of To, which a request inside a dialog has; `None` too if To can't be read.
    #[must_use]
    pub fn to_tag(&self) -> Option<&'a str> {
        match &self.known {
            Some(known) => known.to.tag,
            None => self.to().ok()?.tag(),
        }
    }

    /// The URI of From, if it can be read.
    #[must_use]
    pub fn from_uri(&self) -> Option<Uri<'a>> {
        match &self.known {
            Some(known) => Some(known.from.uri),
            None => self.from().ok()?.uri().ok(),
        }
    }

    /// The URI of To, if it can be read.
    #[must_use]
    pub fn to_uri(&self) -> Option<Uri<'a>> {
        match &self.known {
            Some(known) => Some(known.to.uri),
            None => self.to().ok()?.uri().ok(),
        }
    }

    /// The Request-URI of a request, if it can be read.
    #[must_use]
    pub fn target(&self) -> Option<Uri<'a>> {
        match &self.known {
            Some(known) => known.target,
            None => Uri::parse(self.request_line()?.uri).ok(),
        }
    }

    /// Call-ID (RFC 3261 §20.8): compared octet by octet.
    ///
    /// # Errors
    /// Missing, empty, or with white space or control characters inside.
    pub fn call_id(&self) -> Result<&'a str, HeaderError> {
        if let Some(known) = &self.known {
            return Ok(known.call_id);
        }
        header::call_id(self.required(Name::CallId)?)
    }

    /// CSeq (RFC 3261 §20.16).
    ///
    /// # Errors
    /// Missing, malformed, or a number of 2^31 or more.
    pub fn cseq(&self) -> Result<CSeq<'a>, HeaderError> {
        if let Some(known) = &self.known {
            return Ok(known.cseq);
        }
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

    /// Session-Expires (RFC 4028 §4); a malformed value counts as absent.
    #[must_use]
    pub fn session_expires(&self) -> Option<SessionExpires> {
        self.header(Name::SessionExpires).and_then(SessionExpires::parse)
    }

    /// Min-SE in seconds (RFC 4028 §5); a malformed value counts as absent.
    #[must_use]
    pub fn min_se(&self) -> Option<u32> {
        let value = self.header(Name::MinSe)?;
        header::seconds(trim(value.split(';').next().unwrap_or(value)))
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
