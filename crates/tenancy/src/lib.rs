//! Who a message belongs to.
//!
//! Owns: the check of domain syntax, the [`Directory`] from domain to tenant, and [`Scope`], the proof that
//! a tenant was found there. Does not own: where the rows come from (`store`) and what a tenant is allowed
//! to do with itself (`pbx`). Nothing here reads a clock, a socket or the environment.
#![forbid(unsafe_code)]

pub mod directory;
pub mod domain;
mod names;
pub mod scope;

pub use directory::{Directory, DirectoryError};
pub use domain::{Domain, DomainError};
pub use scope::{Operator, Scope};
