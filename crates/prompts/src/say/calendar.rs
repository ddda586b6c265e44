//! Dates, times of day and durations.

use super::{Gender, Part, Unsayable, Words};
use crate::Language;

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;
/// A longer duration is not said, days.
const MAX_DAYS: u32 = 999;

/// A day that exists, of the years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    year: u32,
    month: u32,
    day: u32,
}

impl Date {
    /// A day of the Gregorian calendar; nothing if there is no such.
    #[must_use]
    pub fn new(year: u32, month: u32, day: u32) -> Option<Date> {
        let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            2 if is_leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let exists = (1..=9999).contains(&year) && (1..=days).contains(&day);
        exists.then_some(Date { year, month, day })
    }

    /// 1 is Monday, 7 is Sunday.
    #[must_use]
    pub fn weekday(self) -> u32 {
        // A year that begins in March ends with the day that leap years add.
        let (year, month) = match self.month {
            1 | 2 => (self.year + 399, self.month + 9),
            month => (self.year + 400, month - 3),
        };
        // Days before the month, of which each five have 153.
        let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + self.day;
        // 1 March of the year 0 was a Wednesday.
        (days + 1) % 7 + 1
    }
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    hour: u32,
    minute: u32,
}

impl Time {
    /// From 0:00 to 23:59; nothing if it is none.
    #[must_use]
    pub fn new(hour: u32, minute: u32) -> Option<Time> {
        (hour < 24 && minute < 60).then_some(Time { hour, minute })
    }
}

/// A date: the day of the week, the day and the month, and the year if wanted.
///
/// # Errors
/// None for a date that exists.
pub fn date(language: Language, date: Date, with_year: bool) -> Result<Vec<Part>, Unsayable> {
    let mut words = Words::new(language);
    let month = format!("month/{}", date.month);
    let weekday = format!("weekday/{}", date.weekday());
    let ordinal = format!("ordinal/{}", date.day);
    match language {
        Language::English => [&weekday, &month, &ordinal].map(|name| words.say(name)),
        Language::Polish => [&weekday, &ordinal, &month].map(|name| words.say(name)),
        Language::German => {
            words.say(&weekday);
            words.say("date/the");
            [&ordinal, &month, ""].map(|name| words.say_any(name))
        }
        Language::French | Language::Spanish => {
            let is_french = language == Language::French;
            words.say_any(if is_french { "date/the" } else { "" });
            words.say(&weekday);
            // Only the first is an ordinal.
            match date.day {
                1 => words.say(&ordinal),
                day => words.number(day),
            }
            [if is_french { "" } else { "date/of" }, &month, ""].map(|name| words.say_any(name))
        }
    };
    if with_year {
        words.year(date.year);
    }
    words.done()
}

/// A time of day: of twelve hours in English, else of twenty-four.
///
/// # Errors
/// None for a time that exists.
pub fn time(language: Language, time: Time) -> Result<Vec<Part>, Unsayable> {
    let mut words = Words::new(language);
    let Time { hour, minute } = time;
    if language == Language::Polish {
        words.say("time/hour");
    }
    words.say(&format!("hour/{hour}"));
    match (language, minute) {
        (Language::Spanish, 0) => words.say("time/o-clock"),
        (_, 0) => {}
        (Language::Spanish, _) => {
            words.say("time/and");
            words.number(minute);
        }
        (Language::French, _) => words.below_hundred(minute, Gender::Feminine),
        (Language::English | Language::Polish, 1..=9) => {
            words.say("time/oh");
            words.number(minute);
        }
        _ => words.number(minute),
    }
    if language == Language::English {
        words.say(if hour < 12 { "time/am" } else { "time/pm" });
    }
    words.done()
}

/// How long, in seconds: the largest unit and the next. Nobody wants the seconds of an hour.
///
/// # Errors
/// More than 999 days.
pub fn duration(language: Language, seconds: u32) -> Result<Vec<Part>, Unsayable> {
    let mut words = Words::new(language);
    let counts = [
        ("duration/day", seconds / DAY),
        ("duration/hour", seconds % DAY / HOUR),
        ("duration/minute", seconds % HOUR / MINUTE),
        ("duration/second", seconds % MINUTE),
    ];
    if seconds / DAY > MAX_DAYS {
        return Err(Unsayable);
    }
    let Some(first) = counts.iter().position(|(_, count)| *count > 0) else {
        words.say("number/0");
        words.say("duration/second/many");
        return words.done();
    };
    for (unit, count) in counts.iter().skip(first).take(2) {
        words.group(*count, unit, gender(language, unit));
    }
    words.done()
}

fn gender(language: Language, unit: &str) -> Gender {
    match (language, unit) {
        (Language::Spanish, "duration/hour") => Gender::Feminine,
        (Language::Spanish, _) | (_, "duration/day") => Gender::Masculine,
        _ => Gender::Feminine,
    }
}

impl Words {
    /// Says a prompt, or nothing for an empty name.
    fn say_any(&mut self, name: &str) {
        if !name.is_empty() {
            self.say(name);
        }
    }

    fn year(&mut self, year: u32) {
        let (century, rest) = (year / 100, year % 100);
        match self.language {
            Language::Spanish => self.say("date/of"),
            Language::Polish => self.say("date/year"),
            _ => {}
        }
        match (self.language, century, rest) {
            (Language::English, 11..=19 | 21..=99, _) | (Language::English, 20, 10..) => {
                self.number(century);
                match rest {
                    0 => self.say("number/hundred"),
                    1..=9 => {
                        self.say("time/oh");
                        self.number(rest);
                    }
                    _ => self.number(rest),
                }
            }
            (Language::German, 11..=19, _) => {
                self.number(century);
                self.say("number/hundred");
                if rest > 0 {
                    self.number(rest);
                }
            }
            _ => self.number(year),
        }
    }
}
