//! A SIP message as borrowed octets with an index over its header lines (RFC 3261 §7).
//!
//! Owns: representation. `parse` rejects only what can't be represented; whether a message is acceptable
//! is decided by [`crate::validate`], which needs the headers in order to answer. Does not own: meaning of
//! values, see [`crate::header`].

mod index;
mod known;
mod name;
mod views;

pub use name::Name;

use crate::method::Method;
use crate::split::{commas, trim};
use index::{Fields, Head};
pub(crate) use known::{Address, Known};
use std::fmt;

/// Header lines of one message; beyond it the message is not represented.
pub const MAX_HEADERS: usize = 256;

/// Octets of one head, start line and blank line included.
pub const MAX_HEAD: usize = 65_535;

/// Why octets are not a SIP message at all. There is nothing to answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Nothing but line ends: a keep-alive.
    Empty,
    /// The first line is neither a request line nor a status line.
    StartLine,
    /// A status line whose code is not three digits from 100 to 699.
    StatusCode,
    /// The head is not UTF-8 (RFC 3261 §25.1).
    Utf8,
    /// More than [`MAX_HEADERS`] header lines.
    TooManyHeaders,
    /// A head of more than [`MAX_HEAD`] octets.
    TooLarge,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ParseError::Empty => "empty message",
            ParseError::StartLine => "first line is neither a request nor a status line",
            ParseError::StatusCode => "status code is not 100 to 699",
            ParseError::Utf8 => "head is not UTF-8",
            ParseError::TooManyHeaders => "more than 256 header lines",
            ParseError::TooLarge => "head is larger than 65,535 octets",
        })
    }
}

impl std::error::Error for ParseError {}

/// The first line of a request. `uri` is exactly what stood between the first and the last space, so a
/// malformed line shows as white space in `uri` or an odd `version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLine<'a> {
    /// The method.
    pub method: Method<'a>,
    /// The Request-URI, unparsed.
    pub uri: &'a str,
    /// `SIP/2.0`, as written.
    pub version: &'a str,
}

/// The first line of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusLine<'a> {
    /// 100 to 699.
    pub code: u16,
    /// The reason phrase; may be empty, may hold any UTF-8.
    pub reason: &'a str,
    /// `SIP/2.0`, as written.
    pub version: &'a str,
}

#[derive(Clone, Copy, Debug)]
enum StartLine<'a> {
    Request(RequestLine<'a>),
    Response(StatusLine<'a>),
}

/// What the Content-Length lines of a message say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentLength {
    /// No such line: a datagram's body reaches to its end; a stream can't go on.
    Absent,
    /// Octets of the body.
    Octets(usize),
    /// Not a number, negative, or beyond what can be counted.
    Invalid,
    /// Two lines that differ: somebody is being fooled about where the message ends.
    Conflicting,
}

/// One SIP message over the octets it was read from. Nothing is copied; up to 40 header lines need no heap.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    head: &'a str,
    start: StartLine<'a>,
    fields: Fields,
    body: &'a [u8],
    length: ContentLength,
    available: usize,
    complete: bool,
    defect: Option<&'static str>,
    /// What validation has read, so that nobody reads it again.
    known: Option<Known<'a>>,
}

impl<'a> Message<'a> {
    /// Reads one datagram, or one message that [`crate::Framer`] cut out of a stream. Line ends before the
    /// start line are skipped; octets beyond Content-Length are left out of `body` and `bytes`.
    ///
    /// # Errors
    /// Only for what can't be represented: see [`ParseError`].
    pub fn parse(datagram: &'a [u8]) -> Result<Message<'a>, ParseError> {
        let skip = datagram
            .iter()
            .position(|b| !matches!(b, b'\r' | b'\n'))
            .ok_or(ParseError::Empty)?;
        let bytes = datagram.get(skip..).ok_or(ParseError::Empty)?;
        let found = index::walk(bytes)?;
        let (head, rest) = bytes.split_at_checked(found.len).ok_or(ParseError::StartLine)?;
        let head = std::str::from_utf8(head).map_err(|_| ParseError::Utf8)?;
        let start = start_line(head.get(..found.start_line_end).unwrap_or(head))?;
        Ok(Message::assemble(bytes, head, start, found, rest))
    }

    fn assemble(
        bytes: &'a [u8],
        head: &'a str,
        start: StartLine<'a>,
        found: Head,
        rest: &'a [u8],
    ) -> Message<'a> {
        let length = content_length(head, &found.fields);
        let body = match length {
            ContentLength::Octets(octets) => rest.get(..octets).unwrap_or(rest),
            _ => rest,
        };
        Message {
            bytes: bytes.get(..found.len.saturating_add(body.len())).unwrap_or(bytes),
            head,
            start,
            fields: found.fields,
            body,
            length,
            available: rest.len(),
            complete: found.complete,
            defect: found.defect,
            known: None,
        }
    }

    /// True for a request.
    #[must_use]
    pub fn is_request(&self) -> bool {
        matches!(self.start, StartLine::Request(_))
    }

    /// The request line of a request.
    #[must_use]
    pub fn request_line(&self) -> Option<RequestLine<'a>> {
        match self.start {
            StartLine::Request(line) => Some(line),
            StartLine::Response(_) => None,
        }
    }

    /// The status line of a response.
    #[must_use]
    pub fn status_line(&self) -> Option<StatusLine<'a>> {
        match self.start {
            StartLine::Response(line) => Some(line),
            StartLine::Request(_) => None,
        }
    }

    /// The method of a request; for a response that of its CSeq, `None` if that is malformed.
    #[must_use]
    pub fn method(&self) -> Option<Method<'a>> {
        match self.start {
            StartLine::Request(line) => Some(line.method),
            StartLine::Response(_) => self.cseq().ok().map(|cseq| cseq.method),
        }
    }

    /// The value of the first field of that name, trimmed; folding may still be inside.
    #[must_use]
    pub fn header(&self, name: Name) -> Option<&'a str> {
        self.fields
            .first(name)
            .map(|field| slice(self.head, field.value_at, field.value_end))
    }

    /// The values of every field line of that name, in order.
    pub fn headers(&self, name: Name) -> impl Iterator<Item = &'a str> + Clone + use<'a, '_> {
        let head = self.head;
        self.fields
            .of(name)
            .map(move |field| slice(head, field.value_at, field.value_end))
    }

    /// The first value of a field with this name in any case; for names that [`Name`] doesn't know.
    #[must_use]
    pub fn header_named(&self, name: &str) -> Option<&'a str> {
        self.fields()
            .find(|(_, written, _)| written.eq_ignore_ascii_case(name))
            .map(|(_, _, value)| value)
    }

    /// The comma-separated elements over all lines of that name, trimmed, empty ones left out.
    pub fn list(&self, name: Name) -> impl Iterator<Item = &'a str> + Clone + use<'a, '_> {
        self.headers(name)
            .flat_map(commas)
            .filter(|element| !element.is_empty())
    }

    /// Every field in order: name, name as written, value.
    pub fn fields(&self) -> impl Iterator<Item = (Name, &'a str, &'a str)> + Clone + use<'a, '_> {
        let head = self.head;
        self.fields.iter().map(move |field| {
            let written = slice(head, field.name_at, field.name_end);
            (field.name, written, slice(head, field.value_at, field.value_end))
        })
    }

    /// Keeps what validation has read.
    pub(crate) fn learn(&mut self, known: Known<'a>) {
        self.known = Some(known);
    }

    /// The names in order, for checks that need no values.
    pub(crate) fn names(&self) -> impl Iterator<Item = Name> + use<'a, '_> {
        self.fields.iter().map(|field| field.name)
    }

    /// The body: as many octets as Content-Length says, or what there was.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The message itself: head and body, nothing before or after.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What the Content-Length lines say.
    #[must_use]
    pub fn content_length(&self) -> ContentLength {
        self.length
    }

    /// Octets that followed the head in the datagram, declared or not.
    #[must_use]
    pub fn body_available(&self) -> usize {
        self.available
    }

    /// False if the octets ended before the blank line that ends a head.
    #[must_use]
    pub fn is_head_complete(&self) -> bool {
        self.complete
    }

    /// The first thing in the header lines that is against the grammar yet could be represented.
    #[must_use]
    pub fn defect(&self) -> Option<&'static str> {
        self.defect
    }
}

fn slice(head: &str, from: u16, to: u16) -> &str {
    head.get(usize::from(from)..usize::from(to)).unwrap_or("")
}

fn start_line(line: &str) -> Result<StartLine<'_>, ParseError> {
    let (first, rest) = line.split_once(' ').ok_or(ParseError::StartLine)?;
    if is_version(first) {
        return status_line(first, rest);
    }
    // The version is what follows the last space, whatever stands between is the URI: a line with too many
    // spaces keeps them in `uri`, where validation finds them.
    let (uri, version) = rest.rsplit_once(' ').ok_or(ParseError::StartLine)?;
    if !crate::split::is_token(first) {
        return Err(ParseError::StartLine);
    }
    Ok(StartLine::Request(RequestLine {
        method: Method::parse(first),
        uri,
        version,
    }))
}

fn is_version(word: &str) -> bool {
    word.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("SIP/"))
}

fn status_line<'a>(version: &'a str, rest: &'a str) -> Result<StartLine<'a>, ParseError> {
    let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ParseError::StatusCode);
    }
    let code = code
        .parse()
        .ok()
        .filter(|code| (100..=699).contains(code))
        .ok_or(ParseError::StatusCode)?;
    Ok(StartLine::Response(StatusLine {
        code,
        reason,
        version,
    }))
}

fn content_length(head: &str, fields: &Fields) -> ContentLength {
    let mut seen = ContentLength::Absent;
    for field in fields.of(Name::ContentLength) {
        let this = one_length(slice(head, field.value_at, field.value_end));
        seen = match seen {
            ContentLength::Absent => this,
            same if same == this => same,
            ContentLength::Invalid => ContentLength::Invalid,
            _ => ContentLength::Conflicting,
        };
    }
    seen
}

fn one_length(value: &str) -> ContentLength {
    let value = trim(value);
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    match value.parse() {
        Ok(octets) if digits => ContentLength::Octets(octets),
        _ => ContentLength::Invalid,
    }
}
