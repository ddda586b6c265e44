//! Numbers, dates, times, durations and what people write as telephone numbers, said in every language. Shared by the fuzz target
//! and the tests of `prompts`.
//!
//! What must hold: nothing panics; what is in range can be said and nothing else; what is said is in the catalogue, has a text
//! where it is heard, is bounded, and begins and ends with a word.

use prompts::Language;
use prompts::say::{
    Date, MAX_DIGITS, MAX_NUMBER, Part, Time, Unsayable, date, digits, duration, number, ordinal, others,
    phone, time,
};

/// The longest of all: a telephone number of signs in groups.
const MOST_PARTS: usize = 2 * MAX_DIGITS;
/// A longer duration is not said.
const MAX_SECONDS: u32 = 1_000 * 86_400;

/// One input: four octets of a number, then text.
pub(crate) fn run(data: &[u8]) {
    let Some((head, text)) = data.split_first_chunk::<4>() else {
        return;
    };
    let n = u32::from_be_bytes(*head);
    let text = String::from_utf8_lossy(text);
    for language in Language::ALL {
        numbers(language, n);
        calendar(language, n, *head);
        signs(language, &text);
    }
    let known = Language::parse(&text);
    assert!(known.is_none_or(|language| Language::parse(language.code()) == Some(language)));
}

fn numbers(language: Language, n: u32) {
    let small = n % 2_000;
    for (n, is_sayable) in [(n, n <= MAX_NUMBER), (small, true), (n % (MAX_NUMBER + 1), true)] {
        assert_eq!(said(&number(language, n)), is_sayable, "{n}");
        assert_eq!(said(&ordinal(language, n)), is_sayable && n > 0, "{n}");
        assert_eq!(said(&others(language, n)), is_sayable, "{n}");
    }
}

fn calendar(language: Language, n: u32, [a, b, c, d]: [u8; 4]) {
    assert_eq!(said(&duration(language, n)), n < MAX_SECONDS, "{n}");
    assert!(said(&duration(language, n % MAX_SECONDS)));
    let year = u32::from(u16::from_be_bytes([a, b]));
    if let Some(day) = Date::new(year, u32::from(c % 16), u32::from(d % 40)) {
        assert!((1..=7).contains(&day.weekday()) && (1..=9_999).contains(&year));
        assert!(said(&date(language, day, false)) && said(&date(language, day, true)));
    }
    if let Some(at) = Time::new(u32::from(c % 32), u32::from(d % 64)) {
        assert!(said(&time(language, at)));
    }
}

fn signs(language: Language, text: &str) {
    let is_sign = |sign: char| sign.is_ascii_digit() || "*#+".contains(sign);
    let fits = (1..=MAX_DIGITS).contains(&text.len());
    assert_eq!(
        said(&digits(language, text)),
        fits && text.chars().all(is_sign),
        "{text}"
    );
    let parts = phone(language, text);
    if said(&parts) {
        let all: String = text.chars().filter(|sign| is_sign(*sign)).collect();
        let is_spelt =
            |part: &Part| matches!(part, Part::Prompt(name) if !name.as_str().starts_with("number/"));
        let spelt = parts.iter().flatten().filter(|part| is_spelt(part)).count();
        // Pairs of a French number are words.
        assert!(spelt == all.len() || language == Language::French, "{text}");
    }
}

/// Can it be said? Looks at what is said.
fn said(parts: &Result<Vec<Part>, Unsayable>) -> bool {
    let Ok(parts) = parts else { return false };
    assert!(!parts.is_empty() && parts.len() <= MOST_PARTS);
    for part in parts {
        match part {
            Part::Prompt(name) => {
                let heard = |language| name.text(language).is_some();
                assert!(Language::ALL.into_iter().any(heard), "{name} has no text");
            }
            Part::Pause(ms) => assert!((1..=1_000).contains(ms)),
        }
    }
    let is_word = |part: Option<&Part>| matches!(part, Some(Part::Prompt(_)));
    assert!(is_word(parts.first()) && is_word(parts.last()));
    true
}
