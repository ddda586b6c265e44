//! Session descriptions (RFC 8866) and the offer/answer model (RFC 3264) as a back-to-back user agent needs them.
//!
//! Owns: reading a description, choosing its audio stream, and building the offer or answer that goes to
//! the *other* leg. Does not own: SIP, sockets, ports, DNS, and what packets carry.
//!
//! The contract:
//!
//! - [`Description::parse`] is liberal about order and unknown lines, strict about what can't be
//!   represented, bounded, and total: it never panics.
//! - Nothing received is copied through. [`offer`] and [`answer`] build a new text from the parts this crate
//!   knows: codecs with their payload types, packet times, direction, address. Candidates, keys, fingerprints
//!   and every unknown attribute stay behind. Each value is checked for control characters when it is read.
//! - Each leg has keys of its own (`a=crypto`, RFC 4568). They are read only where [`Description::parse_with`] is told that
//!   the way they came is secret, and written only to a [`Side`] that was given a [`Keyring`]. An answer to an offer of
//!   ours is read by [`Description::parse_answer`], which knows what was offered.
//! - A browser's leg speaks ICE and DTLS-SRTP (RFC 8829): its description counts where [`Admit::dtls`] says so, and a [`Side`] that was
//!   told [`Side::speak_web`] offers the like. Ours has one candidate, the anchor.
//! - Beside its audio a call may have pictures and a fax (T.38): the first of each is passed on, each by a port of its own of the [`Anchor`],
//!   where that has one. A fax may stand alone on a leg that knows the session.
//! - There is one [`Side`] per leg. It makes `o=` stable, lets its version rise only when the content changes,
//!   and keeps the number of `m=` lines from shrinking (RFC 3264 §8).
//! - `allowed` lists codec names in lower case, `telephone-event` and `cn` among them; empty allows all.
//! - A phone's formats come first and are passed on as they are. Behind an [`Anchor`] that transcodes an offer ends with those that we can
//!   speak for it; an answer that begins with one of them is told to the phone as one in its own best format. So nothing is
//!   transcoded where there is another way. [`Side::shared`] tells what both directions of a leg are written in.
//! - With an [`Anchor`] the text names our relay, and `rtcp-mux` is negotiated with browsers alone: RTCP has the port above.
//!   Without one, media is direct and the peer's own addresses are written.
#![forbid(unsafe_code)]

mod codec;
mod crypto;
mod description;
mod fax;
mod guard;
mod keep;
mod negotiate;
mod own;
mod parse;
mod picture;
mod side;
mod spoken;
mod text;
mod web;
mod word;

pub use codec::{Codec, Format};
pub use crypto::{Crypto, Key, Keyring, Suite};
pub use description::{Description, Direction, Media, Origin};
pub use guard::{Protection, Srtp};
pub use negotiate::{Refusal, acceptable, answer, can_talk, offer, refuse};
pub use own::{propose, servable, serve, voice};
pub use parse::{Admit, SdpError};
pub use side::{Anchor, Shared, Side, WebPath};
pub use web::{
    Candidate, Credentials, Digest, FRAGMENT_TYPE, Fingerprint, Fragment, MAX_CANDIDATES, Setup, Web,
};

/// The media type of a session description.
pub const CONTENT_TYPE: &str = "application/sdp";
