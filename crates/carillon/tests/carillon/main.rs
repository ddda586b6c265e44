//! The binary from outside: what an operator types, against a real server on ports that the kernel chose.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests drive the binary with processes and sockets, and fail by panicking"
)]

mod commands;
mod configuration;
mod live;
mod outside;
mod phone;
mod restart;
mod server;
mod sounds;
mod trunks;
mod trunks_tls;
