//! SIP (RFC 3261 and friends): messages, framing, transactions, dialogs, digest.
//!
//! Owns: octets to typed views and back, and the state machines of the protocol. Does not own: sockets,
//! clocks, randomness, or any decision about users and calls.
#![forbid(unsafe_code)]

pub mod build;
pub mod dialog;
pub mod digest;
pub mod header;
pub mod locate;
pub mod message;
pub mod method;
pub mod multipart;
pub mod split;
pub mod stream;
pub mod timer;
pub mod token;
pub mod transaction;
pub mod uri;
pub mod validate;
pub mod websocket;

pub use build::{Writer, reason_phrase};
pub use dialog::{Dialog, OutOfOrder, ViaParts};
pub use header::{CSeq, Contact, Contacts, HeaderError, NameAddr, Params, Via};
pub use message::{ContentLength, Message, Name, ParseError, RequestLine, StatusLine};
pub use method::Method;
pub use stream::{Frame, Framer};
pub use uri::{Scheme, Uri, UriError};
pub use validate::{Support, Verdict, validate};
