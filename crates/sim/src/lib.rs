//! A world in one thread: tenants, phones, a bad network and a clock, all from one seed.
//!
//! Owns: the phones' behaviour, the network, the ladder that a run prints and the checks after each step. Does not
//! own: any code that runs in production; the cores under test are the ones that `node` drives.
#![forbid(unsafe_code)]

pub mod carrier;
pub mod check;
pub mod company;
pub mod dns;
pub mod hostile;
pub mod ladder;
pub mod net;
pub mod phone;
pub mod random;
pub mod rng;
pub mod server;
mod sounds;
pub mod world;
