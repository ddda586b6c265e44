//! The second stage: is a message that could be represented one that may be acted upon, and if not, what is answered?
//! (RFC 3261 §8.2, §16.3, §18.3, §21.4; cases of RFC 4475.)
//!
//! Owns: the choice of 400, 406, 413, 415, 416, 420, 483, 501, 505, 513. Does not own: who may call whom, dialogs
//! (481), credentials (401, 407), or whether a user exists (404).

mod checks;
mod request;

use crate::message::{Message, Name};
use crate::method::Method;
use crate::uri::Scheme;

/// Vias of a request that is answered. An answer copies each on a line of its own, so thousands of them, a comma
/// apart, would make it several times as long as the request; and no way through proxies is as long as this
/// (Max-Forwards starts at 70, RFC 3261 §8.1.1.6).
pub const MAX_VIAS: usize = 100;

/// What the user agent behind this stack can do.
#[derive(Clone, Copy, Debug)]
pub struct Support<'a> {
    /// Methods that are not answered 501.
    pub methods: &'a [Method<'a>],
    /// Option tags that may stand in Require and Proxy-Require.
    pub extensions: &'a [&'a str],
    /// Body types such as `application/sdp`; `application/*` and `*/*` stand for many.
    pub bodies: &'a [&'a str],
    /// Schemes that may stand in a Request-URI.
    pub schemes: &'a [Scheme<'a>],
    /// Octets of a whole message.
    pub max_bytes: usize,
    /// Octets of a body.
    pub max_body_bytes: usize,
}

/// What to do with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Accept,
    /// Answer the request so.
    Reject {
        /// The status code.
        code: u16,
        /// The reason phrase, which names the fault.
        reason: &'static str,
        /// A header that the answer must carry, such as Unsupported.
        extra: Option<(Name, String)>,
        /// A stream can't go on after this: its framing is in doubt.
        close: bool,
    },
    /// Say nothing: a response, an ACK, or nothing to send an answer by. The text is for the log.
    Drop(&'static str),
}

/// Judges a message. Requests are accepted or answered, except that an ACK is never answered (RFC 3261 §17.1.1.3)
/// and that without a Via there is no way to answer; responses are accepted or dropped. What was read of an accepted
/// message stays with it, so that its views need not read again.
#[must_use]
pub fn validate(message: &mut Message<'_>, support: &Support<'_>) -> Verdict {
    let Some(line) = message.request_line() else {
        return match checks::response(message) {
            Ok(known) => {
                message.learn(known);
                Verdict::Accept
            }
            Err(why) => Verdict::Drop(why),
        };
    };
    match checks::via_count(message, MAX_VIAS) {
        0 => return Verdict::Drop("request without Via"),
        vias if vias > MAX_VIAS => return Verdict::Drop("request with more Vias than there can be hops"),
        _ => {}
    }
    match request::check(message, &line, support) {
        Ok(known) => {
            message.learn(known);
            Verdict::Accept
        }
        Err(fault) if line.method == Method::Ack => Verdict::Drop(fault.reason),
        Err(fault) => Verdict::Reject {
            code: fault.code,
            reason: fault.reason,
            extra: fault.extra,
            close: fault.close,
        },
    }
}
