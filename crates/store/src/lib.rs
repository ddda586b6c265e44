//! Configuration and records on disk.
//!
//! Owns: the SQLite database of tenants, users, devices, trunks, numbers, price lists and call
//! records; the key file that seals passwords;
//! the append-only journals that carry bindings and call records over a kill. Does not own: when to read or
//! drain them (`node`), and who may ask (`tenancy`: every operation on a tenant starts from a `Scope`).
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "a shell: waits for the opening lock by the clock; maps are still only looked up"
)]

mod cdr;
mod check;
mod counted;
mod device;
pub mod error;
mod import;
pub mod journal;
mod number;
mod open;
mod rates;
mod recording;
pub mod secret;
mod snapshot;
mod sound;
mod tenant;
mod trunk;
mod user;

pub use cdr::CdrFilter;
pub use device::DeviceRow;
pub use error::StoreError;
pub use import::ImportRow;
pub use journal::{
    BindingAppender, BindingJournal, CallAppender, CallJournal, CdrSink, CdrSpool, CdrWriter, Drained,
    EventAppender, EventJournal, Journal, JournalError, Kept, LiveAppender, LiveJournal, SpoolLimits,
};
pub use open::{Options, Store};
pub use rates::RatesRow;
pub use secret::Password;
pub use sound::{NewSound, SoundKind, SoundRow};
pub use tenant::TenantRow;
pub use trunk::TrunkRow;
pub use user::UserChange;
