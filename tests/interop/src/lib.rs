//! What the interoperability tests stand on: the real `carillon`, baresip, SIPp, linphonec, sipsak, Kamailio, FFmpeg and a browser,
//! started on loopback, watched, and stopped.
//!
//! Owns: processes, ports, temporary directories, and measuring what was recorded. Does not own: any
//! telephony of its own; what is right or wrong is said in `cases/`.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests with real programs: they start processes, open sockets, read the clock and wait"
)]
#![allow(
    clippy::indexing_slicing,
    reason = "used on JSON values only, where a missing name reads as null"
)]

pub mod actor;
pub mod baresip;
pub mod browser;
pub mod cable;
pub mod ffmpeg;
pub mod flooder;
pub mod kamailio;
pub mod linphone;
pub mod listener;
pub mod names;
pub mod ports;
pub mod process;
pub mod recording;
pub mod script;
pub mod server;
pub mod shop;
pub mod sipp;
pub mod stage;
pub mod switch;
pub mod throttle;
pub mod tone;
pub mod wire;

pub use actor::Actor;
pub use baresip::Phone;
pub use flooder::{Flooder, Manner, Plan, Sources};
pub use kamailio::{Calls, Kamailio};
pub use listener::{Authority, Listener};
pub use names::Names;
pub use process::{Program, until};
pub use script::{Script, Words};
pub use server::{Disk, Server, Setting, Tenant};
pub use sipp::{Figures, Sipp};
pub use stage::Stage;
pub use switch::Switch;
pub use throttle::Throttle;
