//! Figures as prompts.
//!
//! Owns: which prompts say a string of digits, a small number, a day. Does not own: the prompts.

use model::{Item, Sound};

/// A prompt of the library.
pub(crate) fn prompt(language: &str, name: &str) -> Item {
    Item::Sound(Sound::Prompt {
        language: language.into(),
        name: name.into(),
    })
}

/// One digit after the other.
pub(crate) fn digits(language: &str, text: &str) -> Vec<Item> {
    let name = |key: char| match key {
        '*' => Some("key/star".to_owned()),
        '#' => Some("key/pound".to_owned()),
        '+' => Some("key/plus".to_owned()),
        '0'..='9' => Some(format!("digit/{key}")),
        _ => None,
    };
    text.chars()
        .filter_map(name)
        .map(|name| prompt(language, &name))
        .collect()
}

/// A number: below a hundred in one word, else its digits.
pub(crate) fn number(language: &str, number: u32) -> Vec<Item> {
    match number {
        0..=99 => vec![prompt(language, &format!("number/{number}"))],
        _ => digits(language, &number.to_string()),
    }
}

/// So many others are in the conference.
pub(crate) fn others(language: &str, others: u32) -> Vec<Item> {
    match others {
        0 => vec![prompt(language, "conference/alone")],
        1 => vec![prompt(language, "conference/others/one")],
        _ => {
            let mut items = vec![prompt(language, "conference/others/before")];
            items.extend(number(language, others));
            items.push(prompt(language, "conference/others/many"));
            items
        }
    }
}

/// A day, `2026-12-31`: its month and its day.
pub(crate) fn date(language: &str, text: &str) -> Vec<Item> {
    let Some((month, day)) = day(text) else {
        return Vec::new();
    };
    vec![
        prompt(language, &format!("month/{month}")),
        prompt(language, &format!("ordinal/{day}")),
    ]
}

/// Month and day of `2026-12-31`, where that can be a day.
pub(crate) fn day(text: &str) -> Option<(u8, u8)> {
    let mut parts = text.split('-');
    let mut part = |digits: usize| {
        let text = parts.next().filter(|text| text.len() == digits)?;
        text.parse::<u16>().ok()
    };
    let (_, month, day) = (part(4)?, part(2)?, part(2)?);
    let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
    ((1..=12).contains(&month) && (1..=31).contains(&day) && parts.next().is_none()).then_some((month, day))
}
