//! What is kept of calls, and how it leaves.
#![allow(clippy::panic, reason = "tests say what is wrong by it")]

mod captures;
mod forms;
mod secrets;
