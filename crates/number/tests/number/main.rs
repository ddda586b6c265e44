//! Numbers as they are dialled, written and classed, in every country.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod classes;
mod emergencies;
mod examples;
mod formats;
mod fuzz_corpus;
mod international;
mod plans;
mod property;

use number::{Country, E164, Plan};

pub(crate) fn country(code: &str) -> Country {
    Country::parse(code).unwrap_or_else(|| panic!("{code}"))
}

/// A plan of a country alone.
pub(crate) fn plan(code: &str) -> Plan {
    Plan::new(country(code), None, None).unwrap()
}

pub(crate) fn e164(text: &str) -> E164 {
    E164::parse(text).unwrap_or_else(|| panic!("{text}"))
}

/// What a plan reads, as text; `-` for nothing.
pub(crate) fn read(plan: &Plan, dialled: &str) -> String {
    plan.read(dialled)
        .map_or("-".to_owned(), |number| number.to_string())
}
