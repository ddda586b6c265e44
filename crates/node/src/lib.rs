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

mod authorities;
mod border_desk;
pub mod certificates;
mod clock;
mod conn;
mod deadline;
mod dtls;
mod errands;
mod fork;
mod hep;
mod http;
mod inbox;
mod keeper;
mod listen;
mod live;
mod media_worker;
#[cfg(test)]
mod media_worker_tests;
mod metrics;
mod node;
mod pace;
#[cfg(test)]
mod panic_tests;
mod records;
pub mod resolve;
mod seam;
mod settings;
mod shared;
mod sounds;
pub mod speech;
mod spool;
mod sys;
pub mod tls;
mod trust;
mod udp;
mod vouching;
mod worker;

pub use live::{Live, Status};
pub use node::Node;
pub use settings::{Border, Dns, Hep, Listen, Settings, Stir, StirKey, TlsFiles, Traces, WakeHook};
pub use sip::locate::Families;
