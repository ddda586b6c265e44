//! The catalogues, their sounds, and what is said of numbers, dates and times.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod catalogue;
mod dates;
mod fuzz_corpus;
mod numbers;
mod phone;
mod sounds;

use prompts::Language;
use prompts::say::{Part, Unsayable};

/// What is said, as a text; `|` is a pause.
pub(crate) fn read(language: Language, said: Result<Vec<Part>, Unsayable>) -> String {
    let part = |part: &Part| match part {
        Part::Prompt(name) => name.text(language).unwrap().to_owned(),
        Part::Pause(_) => "|".to_owned(),
    };
    said.unwrap().iter().map(part).collect::<Vec<_>>().join(" ")
}
