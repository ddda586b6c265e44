//! Worlds of phones: made by hand and by chance.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod crowd;
mod hostile;
mod random;
mod scenarios;
