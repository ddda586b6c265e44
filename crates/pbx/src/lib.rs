//! One tenant, alive: registrar, calls and their legs.
//!
//! Owns: every decision between a SIP message coming in and the messages, media commands and records that
//! go out, for one tenant; and [`edge`], the decision which tenant a message is for. Does not own:
//! sockets, clocks, randomness or disks — [`Tenant::handle`] takes an input with the time and leaves
//! [`Effect`]s behind.
//!
//! Contract with the shell:
//! - Call [`Tenant::handle`] for every input, and with [`Input::Timeout`] once [`Tenant::poll_timeout`] has passed.
//! - Perform the effects of one call in order, except that `Cdr`, `Binding` and `Event` effects must be durable
//!   against a crash of the process before any `Transmit` of the same batch leaves.
//! - `handle` never fails: bad input is an outcome. Time may stand still but `mono` never goes back.
#![forbid(unsafe_code)]

mod auth;
mod bearer;
mod call;
mod callbacks;
mod carriers;
mod contact;
mod context;
mod costs;
mod date;
mod dialled;
mod doors;
mod doubts;
pub mod edge;
mod effect;
mod event;
mod following;
mod gruu;
mod helping;
mod keys;
mod lamps;
mod large;
mod location;
mod measured;
mod numbering;
mod outbound;
mod outgoing;
mod parting;
mod peer;
mod pidf;
mod push;
mod reach;
mod registrar;
mod rooms;
mod standing;
mod tenant;
mod trunk;
mod vouching;
mod wait;

pub use auth::claimed;
pub use bearer::{BadToken, TokenKey};
pub use effect::{Effect, Input, Setup};
pub use large::may_connect;
pub use tenant::{Held, Tenant};
