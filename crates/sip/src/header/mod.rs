//! Typed header values (RFC 3261 §20): views over borrowed text, parsed when asked for.
//!
//! Owns: the grammar of single values. Does not own: finding them in a message, or what to answer when one
//! is malformed ([`crate::validate`]).

mod contact;
mod cseq;
mod misc;
mod name_addr;
mod params;
mod rack;
mod reason;
mod replaces;
mod session_expires;
mod via;

pub use contact::{Contact, Contacts, List};
pub use cseq::CSeq;
pub use misc::{MediaType, accepts, call_id, max_forwards, seconds};
pub use name_addr::NameAddr;
pub use params::{Params, unquote};
pub use rack::{RAck, rseq};
pub use reason::Reason;
pub use replaces::Replaces;
pub use session_expires::{Refresher, SessionExpires};
pub(crate) use via::COOKIE;
pub use via::Via;

use crate::message::Name;
use std::fmt;

/// A header that is missing or against the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderError {
    /// Which header.
    pub name: Name,
    /// What is wrong with it, in a few words.
    pub what: &'static str,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.what)
    }
}

impl std::error::Error for HeaderError {}
