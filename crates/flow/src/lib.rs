//! Call flows: where a dialled number leads, and what to do next as a call proceeds.
//!
//! Owns: the typed graph, the dial plan that compiles to it, and the one function that runs it. Does not
//! own: legs, media or SIP; actions come out as data and results go in as events, so the same function
//! runs a live call, a dry run and an explanation.
#![forbid(unsafe_code)]

mod action;
mod check;
mod code;
mod compile;
mod explain;
mod graph;
mod plan;
mod run;
mod say;
mod served;
mod state;

pub use action::{Action, Enter, Event, RoomAct, Service, Shut, Tried};
pub use check::{Fault, missing, says};
pub use code::{code, is_reserved};
pub use compile::compile;
pub use explain::explain;
pub use graph::{Flow, Forward, Gather, Node, NodeId, Otherwise, Outside, Record, Refusal, Screen, Why};
pub use plan::{Whose, numbered, pickup, recall, route};
pub use run::step;
pub use state::Run;
