//! Numbers and which-in-line. Each language has a word of its own for every number up to 99 and every hundred; what differs is
//! how thousands and millions are counted.

use super::{Gender, Part, Unsayable, Words};
use crate::Language;

/// The largest number that is said.
pub const MAX_NUMBER: u32 = 999_999_999;
/// The last that has an ordinal of its own: the days of a month.
const LAST_ORDINAL: u32 = 31;

/// A number by itself, 0 to [`MAX_NUMBER`].
///
/// # Errors
/// A larger one.
pub fn number(language: Language, n: u32) -> Result<Vec<Part>, Unsayable> {
    let mut words = Words::new(language);
    words.number(n);
    words.done()
}

/// Which in line: `third`; from 32 on, `number thirty-two`.
///
/// # Errors
/// 0, and what is larger than [`MAX_NUMBER`].
pub fn ordinal(language: Language, n: u32) -> Result<Vec<Part>, Unsayable> {
    let mut words = Words::new(language);
    match n {
        0 => return Err(Unsayable),
        1..=LAST_ORDINAL => words.say(&format!("ordinal/{n}")),
        _ => {
            words.say("general/number");
            words.number(n);
        }
    }
    words.done()
}

/// So many people besides the one who hears it, as a conference counts them.
///
/// # Errors
/// More than [`MAX_NUMBER`].
pub fn others(language: Language, n: u32) -> Result<Vec<Part>, Unsayable> {
    const PEOPLE: &str = "conference/others";
    let gender = match language {
        Language::German => Gender::Masculine,
        _ => Gender::Feminine,
    };
    let mut words = Words::new(language);
    if n > 1 {
        words.say("conference/others/before");
    }
    match n {
        0 => words.say("conference/alone"),
        1..=999 => words.group(n, PEOPLE, gender),
        _ => {
            words.number(n);
            words.say(&format!("{PEOPLE}/{}", plural(language, n)));
        }
    }
    words.done()
}

impl Words {
    /// A number of nothing.
    pub(super) fn number(&mut self, n: u32) {
        let (millions, thousands, rest) = (n / 1_000_000, n / 1000 % 1000, n % 1000);
        self.is_complete &= n <= MAX_NUMBER;
        // German counts `eine Million` but `eintausend`.
        let gender = match self.language {
            Language::German => Gender::Feminine,
            _ => Gender::Masculine,
        };
        self.group(millions, "number/million", gender);
        self.group(thousands, "number/thousand", Gender::Masculine);
        if rest > 0 || n == 0 {
            self.below_thousand(rest, Gender::None);
        }
    }

    /// So many of something, which has names for one, a few and many; nothing for none.
    pub(super) fn group(&mut self, count: u32, unit: &str, gender: Gender) {
        match count {
            0 => {}
            1 => self.say(&format!("{unit}/one")),
            _ => {
                self.below_thousand(count, gender);
                self.say(&format!("{unit}/{}", plural(self.language, count)));
            }
        }
    }

    fn below_thousand(&mut self, n: u32, gender: Gender) {
        match (n / 100, n % 100) {
            (0, rest) => self.below_hundred(rest, gender),
            (hundreds, 0) => self.say(&format!("number/{}", hundreds * 100)),
            (hundreds, rest) => {
                // Spanish says `cien`, but `ciento uno`.
                match hundreds {
                    1 => self.say("number/100-and"),
                    _ => self.say(&format!("number/{}", hundreds * 100)),
                }
                self.below_hundred(rest, gender);
            }
        }
    }

    /// Only numbers that end with 1, and before feminine nouns with 2, have more than one form.
    pub(super) fn below_hundred(&mut self, n: u32, gender: Gender) {
        let has_forms = n % 10 == 1 && n != 11;
        match gender {
            Gender::Masculine if has_forms => self.say(&format!("number/m/{n}")),
            Gender::Feminine if has_forms || (n % 10 == 2 && n != 12) => self.say(&format!("number/f/{n}")),
            _ => self.say(&format!("number/{n}")),
        }
    }
}

/// What a noun is called after a number, other than 1.
fn plural(language: Language, count: u32) -> &'static str {
    let is_few = (2..=4).contains(&(count % 10)) && !(12..=14).contains(&(count % 100));
    match language {
        Language::Polish if is_few => "few",
        _ => "many",
    }
}
