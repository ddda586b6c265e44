//! A whole node on loopback sockets: what a phone, a stranger and an operator see.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests are about sockets and time"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod border;
mod calls;
mod caps;
mod fanout;
mod house;
mod journals;
mod keys;
mod large;
mod observed;
mod phone;
mod ping;
mod shutdown;
mod sign_in;
mod start;
mod streams;
mod stun;
mod tls;
mod torture;
mod web;
mod websocket;
