//! The shell: sockets, TLS, clocks, randomness and threads around the pure cores.
//!
//! Owns: session workers (SIP), media workers (RTP), the keeper of configuration and records, and
//! everything that touches the machine. Does not own: any decision about SIP, calls or media; those
//! are made by `pbx` and `media` from `(input, now)`.
#![deny(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this crate is where clocks, threads and sockets belong"
)]

mod clock;
mod deadline;
mod inbox;
mod listen;
mod settings;
mod sys;
pub mod tls;
mod udp;

pub use settings::{Listen, Settings, TlsFiles};
