//! What holds strangers off before anything of a tenant is touched: who may send, who is banned, and what is refused when a worker
//! can't keep up.
//!
//! Owns: the decision about a message or a connection from what is known of its source; scores, bans, locks, lists. Does not own:
//! sockets, clocks, threads (`node`), or whether a password is right (`pbx`), which it is told.
//!
//! - **Who has shown a good password lately is known**: nothing but a proven scan, or the operator, keeps it out, and then its own flows
//!   go on all the same.
//! - **One wrong password locks one credential at one source**; only many different ones, or failures with nothing good behind
//!   them, ban the source. So an office behind one address keeps its phones when one of them has a wrong password.
//! - **A datagram's source can be forged.** What rests on datagrams alone bans datagrams alone, and never a source that is known.
//! - **Calls for help pass all of it**, within a budget of their own for each prefix, so that they are no way around it.
//! - **What a worker can't read is sifted by the kernel**: where a socket overflows, those who are known pass first ([`Sieve`]).
//! - **Every table is bounded**; who is banned or known is not pushed out by who is neither.
#![forbid(unsafe_code)]

mod address;
mod blame;
mod bucket;
mod countries;
mod guard;
mod kind;
mod lists;
mod meter;
mod nets;
mod overload;
mod pressure;
mod rules;
mod score;
mod sieve;
mod signature;
mod table;

pub use address::{Site, Source};
pub use bucket::{Bucket, Rate};
pub use countries::{CountryError, CountryRules, blocked};
pub use guard::{BanNews, BanView, Banned, Guard, Standing, Verdict, Why};
pub use kind::{Kind, is_emergency};
pub use lists::Lists;
pub use meter::Meter;
pub use nets::{Nets, NetsError};
pub use overload::Overload;
pub use pressure::{Pressure, Share};
pub use rules::Rules;
pub use score::{Offence, Report};
pub use sieve::{Family, Instruction, Sieve};
pub use signature::is_scanner;
