//! One HTTP request on a connection of its own (RFC 9112), for those who ask another server for something.
//!
//! Owns: sending it, reading the answer within limits of size and time. Does not own: connections (`fork`), what is asked, and what
//! an answer means; nobody is sent anywhere else by it.

use crate::fork::{Wire, is_later, write_all};
use anyhow::{Context, Result, bail};
use std::fmt;
use std::io::ErrorKind;
use std::time::Instant;

/// Octets of status line and headers.
const LARGEST_HEAD: usize = 65_536;
/// Octets read at once.
const BLOCK: usize = 65_536;
/// The end of a head.
const END: &[u8] = b"\r\n\r\n";

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and headers.
    head: String,
    pub(crate) body: Vec<u8>,
}

/// An answer has more octets than it may have.
#[derive(Debug)]
pub(crate) struct TooLarge(usize);

impl TooLarge {
    /// More than so many.
    pub(crate) fn new(octets: usize) -> TooLarge {
        TooLarge(octets)
    }
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 >> 20 {
            0 => write!(f, "says more than {} kB", self.0 >> 10),
            mb => write!(f, "says more than {mb} MB"),
        }
    }
}

impl std::error::Error for TooLarge {}

/// Sends a request and reads what comes back, head and all, to the end of the answer or of the connection. However octets trickle,
/// nothing is waited for beyond `end`.
///
/// # Errors
/// The connection breaks, the time is over, or there is [`TooLarge`] an answer.
pub(crate) fn exchange(wire: &mut dyn Wire, request: &[u8], largest: usize, end: Instant) -> Result<Vec<u8>> {
    write_all(wire, request, end)?;
    let mut all = Vec::new();
    let mut block = vec![0; BLOCK];
    let mut framing = None;
    loop {
        let before = all.len();
        match wire.read(&mut block) {
            Ok(0) => return Ok(all),
            Ok(count) => all.extend_from_slice(block.get(..count).unwrap_or_default()),
            // Some close TLS without a word. Whether the answer is whole its length says.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(all),
            Err(error) if is_later(&error) && Instant::now() < end => continue,
            Err(error) => return Err(error.into()),
        }
        if all.len() > largest {
            return Err(TooLarge(largest).into());
        }
        // What comes octet by octet is not searched from its beginning each time.
        let news = all.get(before.saturating_sub(END.len())..).unwrap_or_default();
        if framing.is_none() && news.windows(END.len()).any(|w| w == END) {
            framing = split_head(&all).map(|(head, body)| Framing::new(head, all.len() - body.len()));
        }
        let is_whole = match &framing {
            Some(framing) => framing.is_whole(&all),
            None => all.len() > LARGEST_HEAD,
        };
        if is_whole {
            return Ok(all);
        }
    }
}

/// Where an answer ends: a server may keep the connection open although it was asked not to.
enum Framing {
    Chunked { from: usize },
    Length(usize),
    Closed,
}

impl Framing {
    /// As this head says, whose body begins there.
    fn new(head: &str, from: usize) -> Framing {
        match (header(head, "transfer-encoding"), header(head, "content-length")) {
            (Some(_), _) => Framing::Chunked { from },
            (None, Some(length)) => match length.parse::<usize>() {
                Ok(length) => Framing::Length(from.saturating_add(length)),
                Err(_) => Framing::Closed,
            },
            (None, None) => Framing::Closed,
        }
    }

    fn is_whole(&self, answer: &[u8]) -> bool {
        match self {
            Framing::Chunked { from } => {
                let body = answer.get(*from..).unwrap_or_default();
                body.ends_with(b"\r\n0\r\n\r\n") || body == b"0\r\n\r\n"
            }
            Framing::Length(end) => answer.len() >= *end,
            Framing::Closed => false,
        }
    }
}

fn split_head(answer: &[u8]) -> Option<(&str, &[u8])> {
    let beginning = answer.get(..answer.len().min(LARGEST_HEAD))?;
    let end = beginning.windows(END.len()).position(|w| w == END)?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    Some((head, answer.get(end + 4..)?))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    let found = fields.find(|(known, _)| known.trim().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim())
}

impl Answer {
    /// Reads what [`exchange`] gave.
    ///
    /// # Errors
    /// It is no HTTP, or not whole.
    pub(crate) fn read(answer: &[u8]) -> Result<Answer> {
        let (head, body) = split_head(answer).context("its head has no end")?;
        let status = head
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.split(' ').nth(1));
        let status = status
            .and_then(|status| status.parse().ok())
            .context("it has no status")?;
        Ok(Answer {
            status,
            head: head.to_owned(),
            body: read_body(head, body)?,
        })
    }

    /// The first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

fn read_body(head: &str, body: &[u8]) -> Result<Vec<u8>> {
    if let Some(coding) = header(head, "transfer-encoding") {
        if !coding.eq_ignore_ascii_case("chunked") {
            bail!("it is coded as {coding:?}");
        }
        return chunks(body);
    }
    let length = header(head, "content-length")
        .map(str::parse::<usize>)
        .transpose()?;
    let body = match length {
        Some(length) => body.get(..length).context("it ends too early")?,
        None => body,
    };
    Ok(body.to_vec())
}

/// RFC 9112 section 7.1.
fn chunks(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let end = rest
            .windows(2)
            .position(|w| w == b"\r\n")
            .context("a chunk has no length")?;
        let line = std::str::from_utf8(rest.get(..end).unwrap_or_default())?;
        let size = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16)?;
        rest = rest.get(end + 2..).unwrap_or_default();
        if size == 0 {
            return Ok(all);
        }
        all.extend_from_slice(rest.get(..size).context("it ends too early")?);
        rest = rest
            .get(size..)
            .and_then(|rest| rest.strip_prefix(b"\r\n"))
            .context("a chunk has no end")?;
    }
}
