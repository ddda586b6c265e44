//! Who a message belongs to, and what its tenant may spend.
//!
//! Owns: the check of domain syntax, the [`Directory`] from domain to tenant, and [`Scope`], the proof that
//! a tenant was found there; price lists ([`RateTable`]) and the limits on calls to the outside ([`Meter`]). Does not own: where
//! the rows come from (`store`) and what else a tenant is allowed to do with itself (`pbx`). Nothing here reads a clock, a socket
//! or the environment.
#![forbid(unsafe_code)]

mod calendar;
pub mod directory;
pub mod domain;
mod names;
pub mod peers;
mod prefixes;
pub mod rate;
pub mod scope;
pub mod toll;

pub use directory::{Directory, DirectoryError};
pub use domain::{Domain, DomainError};
pub use peers::{Peers, Reachable};
pub use rate::{Rate, RateError, RateFile, RateFileError, RateTable};
pub use scope::{Operator, Scope};
pub use toll::{CurrencyMismatch, Ending, Meter, Origin, Reason, Request, Verdict};
