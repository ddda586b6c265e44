//! How numbers, dates, times and the like are said in each language, as prompts one after the other.
//!
//! Owns: the grammar. Does not own: which is said when. Everything is bounded: what is too large, or no date, is refused.

mod calendar;
mod number;
mod phone;

pub use calendar::{Date, Time, date, duration, time};
pub use number::{MAX_NUMBER, number, ordinal, others};
pub use phone::{MAX_DIGITS, digits, phone};

use crate::{Language, Name};
use std::fmt;

/// Something to be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A prompt.
    Prompt(Name),
    /// Silence of so many milliseconds.
    Pause(u16),
}

/// What can't be said: out of range, no such day or time, or a sign that is not on a telephone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsayable;

impl fmt::Display for Unsayable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of the range of what can be said")
    }
}

impl std::error::Error for Unsayable {}

/// A number of something is said with the noun that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gender {
    /// Nothing follows.
    None,
    Masculine,
    Feminine,
}

/// Collects what is said.
struct Words {
    language: Language,
    parts: Vec<Part>,
    is_complete: bool,
}

impl Words {
    fn new(language: Language) -> Words {
        Words {
            language,
            parts: Vec::new(),
            is_complete: true,
        }
    }

    /// Says a prompt; one that the catalogue lacks makes the whole unsayable.
    fn say(&mut self, name: &str) {
        match Name::parse(name) {
            Some(name) => self.parts.push(Part::Prompt(name)),
            None => self.is_complete = false,
        }
    }

    fn pause(&mut self, ms: u16) {
        self.parts.push(Part::Pause(ms));
    }

    fn done(self) -> Result<Vec<Part>, Unsayable> {
        if self.is_complete {
            Ok(self.parts)
        } else {
            Err(Unsayable)
        }
    }
}
