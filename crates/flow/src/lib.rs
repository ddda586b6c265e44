//! Call flows: where a dialled number leads, and what to do next as a call proceeds.
//!
//! Owns: the typed graph, the dial plan that compiles to it, and the one function that runs it. Does not
//! own: legs, media or SIP; actions come out as data and results go in as events, so the same function
//! runs a live call, a dry run and an explanation.
#![forbid(unsafe_code)]

mod code;
mod plan;
mod run;

pub use code::{code, is_reserved};
pub use plan::{Flow, Forward, Node, NodeId, Otherwise, Refusal, Whose, Why, pickup, recall, route};
pub use run::{Action, Event, Run, Service, step};
