//! What was said in a call: its SIP messages, kept for a while and shown to who has to find out what went wrong.
//!
//! Owns: which messages belong to which call ([`Capture`]), what of them nobody is to see ([`redact`]), and the forms in which
//! they leave: a ladder ([`ladder`]), a capture file ([`pcap`]), HEP for a collector ([`hep`]). Does not own: where messages
//! come from, files and sockets (`node`, `carillon`), audio.
//!
//! # Rules
//! - A message is copied once, as it came or as it left. It is read again only when somebody asks.
//! - What is kept is bounded in octets and in time; the oldest goes first, and what goes before its time is counted.
//! - A message belongs to the dialog of its Call-ID, a dialog to the calls that had a leg in it
//!   ([`model::CallLeg`]). Requests that no call came of are found by their Call-ID.

#![forbid(unsafe_code)]

mod capture;
pub mod hep;
mod kept;
pub mod ladder;
mod message;
mod octets;
pub mod pcap;
pub mod redact;
mod scan;

pub use capture::Capture;
pub use kept::Room;
pub use message::{Captured, Summary, Trace};
