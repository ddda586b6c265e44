//! Figures as prompts.
//!
//! Owns: which of what a flow names is said as figures. Does not own: the grammar of each language (`prompts::say`), and the
//! prompts.

use model::Item;
use prompts::Language;
use prompts::say::{self, Date, Part, Unsayable};

/// Whose grammar is spoken: where a language has no sounds English ones are heard, and these have an order of their own.
fn heard(language: &str) -> Language {
    Language::parse(language).unwrap_or_default().heard()
}

fn items(language: Language, said: Result<Vec<Part>, Unsayable>) -> Vec<Item> {
    let item = |part: Part| match part {
        Part::Prompt(name) => Item::prompt(language.code(), name.as_str()),
        Part::Pause(ms) => Item::Silence { ms: ms.into() },
    };
    said.into_iter().flatten().map(item).collect()
}

/// One digit after the other. Keys that no telephone has any more are not said.
pub(crate) fn digits(language: &str, text: &str) -> Vec<Item> {
    let language = heard(language);
    let known: String = text.chars().filter(|key| !key.is_ascii_uppercase()).collect();
    items(language, say::digits(language, &known))
}

/// A number; one that nobody would understand in words, digit by digit.
pub(crate) fn number(language: &str, number: u32) -> Vec<Item> {
    let spoken = heard(language);
    match say::number(spoken, number) {
        Err(Unsayable) => digits(language, &number.to_string()),
        said => items(spoken, said),
    }
}

/// So many others are in the conference.
pub(crate) fn others(language: &str, others: u32) -> Vec<Item> {
    let language = heard(language);
    items(language, say::others(language, others))
}

/// A day, `2026-12-31`, without its year.
pub(crate) fn date(language: &str, text: &str) -> Vec<Item> {
    let language = heard(language);
    let said = day(text).ok_or(Unsayable);
    items(language, said.and_then(|day| say::date(language, day, false)))
}

/// What `2026-12-31` stands for, where there is such a day.
pub(crate) fn day(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let mut part = |digits: usize| {
        let text = parts.next().filter(|text| text.len() == digits)?;
        text.parse::<u32>().ok()
    };
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    Date::new(year, month, day).filter(|_| parts.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Sound;

    fn names(items: Vec<Item>) -> String {
        let name = |item: Item| match item {
            Item::Sound(Sound::Prompt { language, name }) => format!("{language}:{name}"),
            other => format!("{other:?}"),
        };
        items.into_iter().map(name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn figures_have_the_grammar_of_their_language() {
        assert_eq!(names(number("fr", 1_200)), "fr:number/thousand/one fr:number/200");
        assert_eq!(
            names(date("en", "2026-12-31")),
            "en:weekday/4 en:month/12 en:ordinal/31"
        );
        assert_eq!(
            names(date("es", "2026-12-31")),
            "es:weekday/4 es:number/31 es:date/of es:month/12"
        );
        assert_eq!(
            names(others("es", 21)),
            "es:conference/others/before es:number/f/21 es:conference/others/many"
        );
        assert_eq!(names(others("fr", 1)), "fr:conference/others/one");
        assert_eq!(names(digits("en", "+1A#")), "en:key/plus en:digit/1 en:key/pound");
    }

    #[test]
    fn what_has_no_sounds_is_said_as_it_is_heard() {
        assert_eq!(names(number("de", 21)), "en:number/21");
        assert_eq!(
            names(others("pl", 2_000)),
            "en:conference/others/before en:number/2 en:number/thousand/many en:conference/others/many"
        );
        assert_eq!(number("en", 4_000_000_000).len(), 10);
    }

    #[test]
    fn a_day_is_one_that_exists() {
        assert!(day("2028-02-29").is_some());
        for text in [
            "2026-02-29",
            "2026-13-01",
            "26-01-01",
            "2026-01-01-",
            "2026-1-01",
            "",
        ] {
            assert_eq!(day(text), None, "{text}");
            assert_eq!(date("en", text), [], "{text}");
        }
    }
}
