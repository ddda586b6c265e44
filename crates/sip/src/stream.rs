//! Messages out of a byte stream (RFC 3261 §18.3, §7.5; keep-alives RFC 5626 §3.5.1).
//!
//! Owns: where one message ends and the next starts, and the caps on both. Does not own: the connection. The head is
//! read by the same walk as `Message::parse`, so framing and parsing can't disagree. Each octet is looked at a bounded
//! number of times, however thin the slices are in which it comes.

use crate::message::{ContentLength, MAX_HEAD, Message, ParseError};
use memchr::memchr;

/// What the stream holds next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// One whole message.
    Message(&'a [u8]),
    /// CRLF CRLF before a message: answer with [`PONG`].
    KeepAlivePing,
    /// A single CRLF before a message.
    KeepAlivePong,
    /// The stream can't be followed any further: answer if there is something to answer to, then close.
    Error {
        /// What is wrong, in a few words.
        what: &'static str,
        /// The message as far as it is there: the head, or what there was of it.
        head: &'a [u8],
        /// The answer to a request: 400 or 513.
        code: u16,
    },
}

/// The answer to a ping.
pub const PONG: &[u8] = b"\r\n";

/// Octets that an idle connection may keep allocated.
const KEPT_CAPACITY: usize = 8_192;

/// Cuts a byte stream into messages.
#[derive(Clone, Debug)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Octets at the front that were handed out already.
    start: usize,
    /// No line end of the head lies before this place.
    scanned: usize,
    /// The end of the message whose head is known, counted from `start`.
    total: Option<usize>,
    max_bytes: usize,
    dead: bool,
}

/// What stands at the front of the buffer.
enum Found {
    Wait,
    Ping,
    Pong,
    Message(usize),
    Error(&'static str, u16, usize),
}

impl Framer {
    /// A framer for messages of up to `max_bytes`, head and body together.
    #[must_use]
    pub fn new(max_bytes: usize) -> Framer {
        Framer {
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            total: None,
            max_bytes,
            dead: false,
        }
    }

    /// Takes octets from the connection. After an error they are thrown away.
    pub fn push(&mut self, octets: &[u8]) {
        if self.dead {
            return;
        }
        self.make_room();
        self.buffer.extend_from_slice(octets);
    }

    /// The next frame, `None` until there are more octets. Call it until `None` after each push.
    #[allow(
        clippy::should_implement_trait,
        reason = "a frame borrows the framer, which no Iterator can say"
    )]
    pub fn next(&mut self) -> Option<Frame<'_>> {
        if self.dead {
            return None;
        }
        let from = self.start;
        match self.find() {
            Found::Wait => None,
            Found::Ping => self.keep_alive(4, Frame::KeepAlivePing),
            Found::Pong => self.keep_alive(2, Frame::KeepAlivePong),
            Found::Message(len) => {
                self.advance(len);
                self.buffer
                    .get(from..from.saturating_add(len))
                    .map(Frame::Message)
            }
            Found::Error(what, code, len) => {
                self.dead = true;
                let head = self
                    .buffer
                    .get(from..from.saturating_add(len))
                    .unwrap_or_default();
                Some(Frame::Error { what, head, code })
            }
        }
    }

    /// True while a message has begun and is not complete: the connection owes us octets.
    #[must_use]
    pub fn is_mid_message(&self) -> bool {
        !self.dead && self.rest().iter().any(|b| !matches!(b, b'\r' | b'\n'))
    }

    /// Octets that wait for the rest of their message.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.rest().len()
    }

    /// True after an error: the connection must be closed.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// Drops what was handed out. The rest is moved down only when at least as much is free, so that all moving
    /// together is linear; a buffer that one big message blew up is given back once it is empty.
    fn make_room(&mut self) {
        let waiting = self.rest().len();
        if waiting == 0 && self.buffer.capacity() > KEPT_CAPACITY {
            self.buffer = Vec::new();
        } else if self.start >= waiting {
            self.buffer.drain(..self.start.min(self.buffer.len()));
        } else {
            return;
        }
        self.scanned = self.scanned.saturating_sub(self.start);
        self.start = 0;
    }

    fn keep_alive(&mut self, len: usize, frame: Frame<'static>) -> Option<Frame<'_>> {
        self.advance(len);
        Some(frame)
    }

    fn advance(&mut self, len: usize) {
        self.start = self.start.saturating_add(len);
        self.scanned = self.start;
        self.total = None;
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    fn find(&mut self) -> Found {
        if let Some(total) = self.total {
            return if self.rest().len() >= total {
                Found::Message(total)
            } else {
                Found::Wait
            };
        }
        match self.rest() {
            [] | b"\r" | b"\r\n" | b"\r\n\r" => return Found::Wait,
            [b'\r', b'\n', b'\r', b'\n', ..] => return Found::Ping,
            [b'\r', b'\n', ..] => return Found::Pong,
            [b'\r' | b'\n', ..] => return Found::Error("stray line end", 400, 0),
            _ => {}
        }
        match self.head_end() {
            Some(len) if len <= self.head_cap() => self.size(len),
            None if self.rest().len() <= self.head_cap() => Found::Wait,
            _ => Found::Error("head too large", 513, self.head_cap().min(self.rest().len())),
        }
    }

    fn head_cap(&self) -> usize {
        self.max_bytes.min(MAX_HEAD)
    }

    /// Length of the head with its blank line; goes on where it stopped last time.
    fn head_end(&mut self) -> Option<usize> {
        loop {
            let at = self
                .scanned
                .checked_add(memchr(b'\n', self.buffer.get(self.scanned..)?)?);
            let line_feed = at?;
            self.scanned = line_feed.saturating_add(1);
            let before = self.buffer.get(self.start..line_feed).unwrap_or_default();
            if before.ends_with(b"\n") || before.ends_with(b"\n\r") {
                return Some(before.len().saturating_add(1));
            }
        }
    }

    /// The head is there: how long is the message?
    fn size(&mut self, head_len: usize) -> Found {
        let head = self.rest().get(..head_len).unwrap_or_default();
        let length = match Message::parse(head) {
            Ok(message) => message.content_length(),
            Err(error) => return Found::Error(reason(error), 400, head_len),
        };
        let total = match length {
            ContentLength::Octets(octets) => head_len.saturating_add(octets),
            ContentLength::Absent => return Found::Error("Content-Length missing", 400, head_len),
            ContentLength::Invalid => return Found::Error("Content-Length invalid", 400, head_len),
            ContentLength::Conflicting => return Found::Error("Content-Length values differ", 400, head_len),
        };
        if total > self.max_bytes {
            return Found::Error("message too large", 513, head_len);
        }
        self.total = Some(total);
        if self.rest().len() >= total {
            Found::Message(total)
        } else {
            Found::Wait
        }
    }
}

fn reason(error: ParseError) -> &'static str {
    match error {
        ParseError::TooManyHeaders => "too many header lines",
        ParseError::TooLarge => "head too large",
        ParseError::Utf8 => "head is not UTF-8",
        ParseError::Empty | ParseError::StartLine | ParseError::StatusCode => "not a SIP message",
    }
}
