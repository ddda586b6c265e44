//! Hours of the week.
//!
//! Owns: [`Band`], days and a time of day, and whether a moment is in it. The zone is given as minutes from UTC by whoever asks:
//! no table of time zones is needed here, and summer time is a change of configuration.

use crate::Wall;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY_MIN: u16 = 24 * 60;
const ALL_DAYS: u8 = 0b111_1111;
/// Octets of a text that is looked at: seven days and a time.
const LONGEST: usize = 64;

/// A time of day on some days of the week, such as `mon-fri 20:00-07:00` or `sat,sun`. Where it ends before it begins it ends the
/// day after; the days are those on which it begins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Band {
    /// A bit for each day, Monday the lowest.
    days: u8,
    /// Minutes from midnight.
    from_min: u16,
    /// Minutes from midnight, not in the band itself. As `from_min` for a band of 24 hours.
    until_min: u16,
}

/// A text is no band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BandError;

impl fmt::Display for BandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "hours are days and a time, such as `mon-fri 20:00-07:00`, `sat,sun` or `daily 18:00-24:00`",
        )
    }
}

impl std::error::Error for BandError {}

impl Band {
    /// True when `at` is in it, by a clock so many minutes ahead of UTC.
    #[must_use]
    pub fn covers(self, at: Wall, utc_offset_min: i16) -> bool {
        let utc = i64::try_from(at.0 / 60_000).unwrap_or(i64::MAX);
        let minute = utc.saturating_add(i64::from(utc_offset_min));
        let of_day = minute.rem_euclid(i64::from(DAY_MIN));
        // 1970-01-01 was a Thursday.
        let today = minute.div_euclid(i64::from(DAY_MIN)) + 3;
        let begins = |day: i64| self.days >> day.rem_euclid(7) & 1 == 1;
        let (from, until) = (i64::from(self.from_min), i64::from(self.until_min));
        if from < until {
            return begins(today) && (from..until).contains(&of_day);
        }
        (begins(today) && of_day >= from) || (begins(today - 1) && of_day < until)
    }
}

impl FromStr for Band {
    type Err = BandError;

    fn from_str(text: &str) -> Result<Band, BandError> {
        if text.len() > LONGEST {
            return Err(BandError);
        }
        let text = text.trim().to_ascii_lowercase();
        let (days, hours) = match text.split_once(' ') {
            Some((days, hours)) => (days, Some(hours.trim())),
            None if text.contains(':') => ("daily", Some(text.as_str())),
            None => (text.as_str(), None),
        };
        let days = days
            .split(',')
            .try_fold(0, |sum, part| Some(sum | days_of(part)?));
        let (from_min, until_min) = match hours {
            Some(hours) => hours.split_once('-').and_then(range).ok_or(BandError)?,
            None => (0, 0),
        };
        Ok(Band {
            days: days.ok_or(BandError)?,
            from_min,
            until_min,
        })
    }
}

/// Bits of `fri`, `mon-fri`, `sat-mon` or `daily`.
fn days_of(part: &str) -> Option<u8> {
    if part == "daily" {
        return Some(ALL_DAYS);
    }
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    let place = |name: &str| NAMES.iter().position(|known| *known == name);
    let (first, last) = (place(first)?, place(last)?);
    let count = (last + 7 - first) % 7;
    Some((0..=count).fold(0, |days, step| days | 1 << ((first + step) % 7)))
}

fn range((from, until): (&str, &str)) -> Option<(u16, u16)> {
    let (from, until) = (minutes(from)?, minutes(until)?);
    (from < DAY_MIN).then_some((from, until % DAY_MIN))
}

/// Minutes of `07:30`, at most `24:00`.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let sum = hours * 60 + minutes;
    (minutes < 60 && sum <= DAY_MIN).then_some(sum)
}

impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days == ALL_DAYS {
            f.write_str("daily")?;
        } else {
            let days = NAMES.iter().enumerate();
            let on = days.filter(|(day, _)| self.days >> day & 1 == 1);
            let names: Vec<&str> = on.map(|(_, name)| *name).collect();
            f.write_str(&names.join(","))?;
        }
        if self.from_min == self.until_min && self.from_min == 0 {
            return Ok(());
        }
        let until = if self.until_min == 0 {
            DAY_MIN
        } else {
            self.until_min
        };
        let (from, until) = ((self.from_min / 60, self.from_min % 60), (until / 60, until % 60));
        write!(f, " {:02}:{:02}-{:02}:{:02}", from.0, from.1, until.0, until.1)
    }
}

impl fmt::Debug for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Band({self})")
    }
}

impl From<Band> for String {
    fn from(band: Band) -> String {
        band.to_string()
    }
}

impl TryFrom<String> for Band {
    type Error = BandError;

    fn try_from(text: String) -> Result<Band, BandError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes of a week that begins on Monday, 2026-11-23, in UTC.
    fn at(day: u64, hours: u64, minutes: u64) -> Wall {
        Wall(1_795_392_000_000 + ((day * 24 + hours) * 60 + minutes) * 60_000)
    }

    #[test]
    fn a_night_ends_on_the_day_after() {
        let night: Band = "mon-fri 20:00-07:00".parse().unwrap();
        for (day, hours, minutes, inside) in [
            (0, 6, 59, false),
            (0, 19, 59, false),
            (0, 20, 0, true),
            (1, 6, 59, true),
            (1, 7, 0, false),
            (4, 23, 0, true),
            (5, 6, 59, true),
            (5, 20, 0, false),
            (6, 3, 0, false),
        ] {
            assert_eq!(
                night.covers(at(day, hours, minutes), 0),
                inside,
                "day {day} {hours}:{minutes}"
            );
        }
    }

    #[test]
    fn an_offset_moves_it_over_midnight() {
        let weekend: Band = "sat,sun".parse().unwrap();
        assert!(weekend.covers(at(4, 23, 0), 60));
        assert!(!weekend.covers(at(4, 22, 59), 60));
        assert!(weekend.covers(at(6, 23, 59), 0) && !weekend.covers(at(6, 23, 0), 60));
        assert!(weekend.covers(at(7, 4, 0), -300));
        let before = "wed 23:30-24:00".parse::<Band>().unwrap();
        assert!(before.covers(Wall(0), -1));
    }

    #[test]
    fn texts_come_back() {
        for (text, printed) in [
            ("mon-fri 20:00-07:00", "mon,tue,wed,thu,fri 20:00-07:00"),
            ("Sat,SUN", "sat,sun"),
            ("sat-mon 0:00-24:00", "mon,sat,sun"),
            ("18:00-24:00", "daily 18:00-24:00"),
            ("daily 12:00-12:00", "daily 12:00-12:00"),
        ] {
            let band: Band = text.parse().unwrap();
            assert_eq!(band.to_string(), printed);
            assert_eq!(printed.parse(), Ok(band));
        }
        for text in [
            "",
            "mon 25:00-26:00",
            "mon 7-8",
            "day",
            "mon 24:00-01:00",
            "mon 10:60-11:00",
            "mon-",
            "mon,",
            "é",
        ] {
            assert_eq!(text.parse::<Band>(), Err(BandError), "{text}");
        }
    }
}
