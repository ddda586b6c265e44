//! Messages that leave are built here from known parts (RFC 3261 §7); nothing that came in is patched and sent on.
//!
//! Owns: the octets of a message, and that no value can smuggle a line. Does not own: which headers a message
//! needs. Header fields stand in the order in which they were added; Content-Length is always last.

mod clean;
mod reason;
mod reply;
mod transport;

pub use clean::{push_clean, quote_display};
pub use reason::reason_phrase;
pub use reply::response_target;
pub use transport::for_transport;

use crate::message::{Message, Name};
use crate::method::Method;
use bytes::Bytes;
use clean::{push_name, push_number, push_uri};
use std::fmt::{self, Write as _};
use std::net::SocketAddr;

/// Writes one message. Control characters in a value (CR, LF and NUL above all) become spaces, so a value stays
/// within its line whatever it holds.
#[derive(Clone, Debug)]
#[must_use = "a writer makes a message only by finish or body"]
pub struct Writer {
    out: String,
}

/// Room for an ordinary message without growing.
const CAPACITY: usize = 768;

impl Writer {
    /// Starts a request. White space and other octets that no URI holds are escaped in `uri`.
    pub fn request(method: Method<'_>, uri: &str) -> Writer {
        let mut writer = Writer {
            out: String::with_capacity(CAPACITY),
        };
        push_name(&mut writer.out, method.as_str());
        writer.out.push(' ');
        push_uri(&mut writer.out, uri);
        writer.out.push_str(" SIP/2.0\r\n");
        writer
    }

    /// Starts a response; an empty `reason` takes the usual phrase of `code`.
    pub fn response(code: u16, reason: &str) -> Writer {
        let reason = if reason.is_empty() {
            reason_phrase(code)
        } else {
            reason
        };
        let mut writer = Writer {
            out: String::with_capacity(CAPACITY),
        };
        writer.out.push_str("SIP/2.0 ");
        // Three digits, always.
        push_number(&mut writer.out, u32::from(code.clamp(100, 999)));
        writer.out.push(' ');
        push_clean(&mut writer.out, reason);
        writer.out.push_str("\r\n");
        writer
    }

    /// Starts the answer to a request: Vias (the top one with `received` and `rport` of `source`, RFC 3261
    /// §18.2.1, RFC 3581), From, To (with `to_tag` if it has no tag yet), Call-ID, CSeq; Timestamp in a 100.
    /// What the request lacks, the answer lacks.
    pub fn reply(
        request: &Message<'_>,
        code: u16,
        reason: &str,
        to_tag: Option<&str>,
        source: SocketAddr,
    ) -> Writer {
        reply::reply(request, code, reason, to_tag, source)
    }

    /// Adds a field. With [`Name::Other`] nothing is added: use [`Writer::named`].
    pub fn header(mut self, name: Name, value: &str) -> Writer {
        if name != Name::Other {
            self.line(name.canonical(), value);
        }
        self
    }

    /// Adds a field under a name of its own; octets that no name holds become `-`.
    pub fn named(mut self, name: &str, value: &str) -> Writer {
        if !name.is_empty() {
            push_name(&mut self.out, name);
            self.value(value);
        }
        self
    }

    /// Adds a formatted value, as in `.fmt(Name::CSeq, format_args!("{seq} {method}"))`.
    pub fn fmt(mut self, name: Name, value: fmt::Arguments<'_>) -> Writer {
        if name != Name::Other {
            self.out.push_str(name.canonical());
            self.out.push_str(": ");
            let _ = clean::Cleaner(&mut self.out).write_fmt(value);
            self.out.push_str("\r\n");
        }
        self
    }

    /// Adds a Via of our own; `rport` asks the next hop to fill in our port (RFC 3581).
    pub fn via(self, transport: &str, sent_by: SocketAddr, branch: &str, rport: bool) -> Writer {
        let mut writer = self.via_to(transport, sent_by);
        if rport {
            writer.out.push_str(";rport");
        }
        writer.out.push_str(";branch=");
        push_clean(&mut writer.out, branch);
        writer.out.push_str("\r\n");
        writer
    }

    /// A Via up to its parameters.
    fn via_to(mut self, transport: &str, sent_by: SocketAddr) -> Writer {
        self.out.push_str("Via: SIP/2.0/");
        push_clean(&mut self.out, transport);
        // Written from address and port: the zone of a link-local address is no one else's business. Writing to a
        // String can't fail.
        let _ = match sent_by {
            SocketAddr::V4(at) => write!(self.out, " {at}"),
            SocketAddr::V6(at) => write!(self.out, " [{}]:{}", at.ip(), at.port()),
        };
        self
    }

    /// Copies every field line of that name from `message`, such as Record-Route into a 2xx.
    pub fn copy(mut self, message: &Message<'_>, name: Name) -> Writer {
        if name != Name::Other {
            for value in message.headers(name) {
                self.line(name.canonical(), value);
            }
        }
        self
    }

    /// Ends a message without a body.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        self.out.push_str("Content-Length: 0\r\n\r\n");
        Bytes::from(self.out)
    }

    /// Ends a message with a body; an empty one is no body.
    #[must_use]
    pub fn body(self, content_type: &str, body: &[u8]) -> Bytes {
        if body.is_empty() {
            return self.finish();
        }
        let mut writer = self.header(Name::ContentType, content_type);
        // Writing to a String can't fail.
        let _ = write!(writer.out, "Content-Length: {}\r\n\r\n", body.len());
        let mut octets = writer.out.into_bytes();
        octets.extend_from_slice(body);
        Bytes::from(octets)
    }

    fn line(&mut self, name: &str, value: &str) {
        self.out.push_str(name);
        self.value(value);
    }

    fn value(&mut self, value: &str) {
        self.out.push_str(": ");
        push_clean(&mut self.out, value);
        self.out.push_str("\r\n");
    }
}
