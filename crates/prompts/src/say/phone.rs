//! Digits one at a time, and telephone numbers in groups as people expect them.

use super::{Part, Unsayable, Words};
use crate::Language;

/// Signs that are said at most.
pub const MAX_DIGITS: usize = 64;
/// Between groups, ms.
const PAUSE_MS: u16 = 250;
/// What people write between digits.
const BETWEEN: [char; 6] = [' ', '-', '.', '/', '(', ')'];

/// Digits, `*`, `#` and `+`, one at a time.
///
/// # Errors
/// Another sign, none at all, or more than [`MAX_DIGITS`].
pub fn digits(language: Language, text: &str) -> Result<Vec<Part>, Unsayable> {
    if text.is_empty() || text.len() > MAX_DIGITS {
        return Err(Unsayable);
    }
    let mut words = Words::new(language);
    text.chars().for_each(|sign| words.sign(sign));
    words.done()
}

/// A telephone number, in groups with a pause between; what is written between its digits is not said. A French number of ten
/// digits is said in pairs.
///
/// # Errors
/// As for [`digits`].
pub fn phone(language: Language, text: &str) -> Result<Vec<Part>, Unsayable> {
    if text.len() > MAX_DIGITS {
        return Err(Unsayable);
    }
    let signs: Vec<char> = text.chars().filter(|c| !BETWEEN.contains(c)).collect();
    let mut words = Words::new(language);
    let mut rest = signs.as_slice();
    if let Some((plus @ '+', after)) = rest.split_first() {
        words.sign(*plus);
        rest = after;
    }
    if rest.is_empty() {
        return Err(Unsayable);
    }
    let is_national = rest.len() == signs.len();
    if let (Language::French, 10, true, Some('0')) = (language, rest.len(), is_national, rest.first()) {
        words.pairs(rest);
        return words.done();
    }
    for (index, length) in groups(language, rest, is_national).into_iter().enumerate() {
        let (group, after) = rest.split_at(length.min(rest.len()));
        if index > 0 {
            words.pause(PAUSE_MS);
        }
        group.iter().for_each(|sign| words.sign(*sign));
        rest = after;
    }
    words.done()
}

/// How many digits each group has: three, and the last two to four; extensions are one.
fn groups(language: Language, digits: &[char], is_national: bool) -> Vec<usize> {
    let length = digits.len();
    if length <= 5 {
        return vec![length];
    }
    // North America: one, area, exchange, line.
    if let (Language::English, 11, Some('1')) = (language, length, digits.first()) {
        return vec![1, 3, 3, 4];
    }
    let mut groups = vec![3; length / 3];
    match (length % 3, groups.last_mut()) {
        (1, Some(last)) => *last += 1,
        (2, Some(last)) if !is_national => *last += 2,
        (2, _) => groups.push(2),
        _ => {}
    }
    groups
}

impl Words {
    fn sign(&mut self, sign: char) {
        match sign {
            '0'..='9' => self.say(&format!("digit/{sign}")),
            '*' => self.say("key/star"),
            '#' => self.say("key/pound"),
            '+' => self.say("key/plus"),
            _ => self.is_complete = false,
        }
    }

    fn pairs(&mut self, digits: &[char]) {
        for (index, pair) in digits.chunks(2).enumerate() {
            if index > 0 {
                self.pause(PAUSE_MS);
            }
            match pair {
                ['0', _] => pair.iter().for_each(|sign| self.sign(*sign)),
                _ => match pair.iter().collect::<String>().parse() {
                    Ok(number) => self.number(number),
                    Err(_) => self.is_complete = false,
                },
            }
        }
    }
}
